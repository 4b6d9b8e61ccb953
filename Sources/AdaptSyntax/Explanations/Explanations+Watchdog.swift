extension Explanation {
  /// What a run shows of models: W03xx.
  static let watchdog: [DiagnosticID: Explanation] = [
    .deadPath: Explanation(
      "a path that nothing takes",
      "No unit took the path for 100 steps of training, or in a whole evaluation of a model that was "
        + "trained as long. What nobody takes learns nothing, so that it stays as it is: give the "
        + "balance loss more weight, add noise or a capacity, or move the threshold.",
      bad: sure("0.9"), good: sure("0.2"), seen),
    .collapsedRouter: Explanation(
      "a router that sends everything one way",
      "99% of the units or more took the same path of three or more for 100 steps of training, or in a "
        + "whole evaluation: what is taken gets better, and is taken all the more (Shazeer et al. 2017, "
        + "§4). Give the balance loss more weight, or add noise or a capacity.",
      bad: balanced("0"), good: balanced("100%"), seen),
    .neverStops: Explanation(
      "a chance to stop that nobody takes",
      "No unit halts before the last round of a loop, leaves at an exit, or has an early answer of a "
        + "cascade accepted: for 500 steps of training, or in a whole evaluation of a model that was "
        + "trained for 100. All of it is computed for all of them. Move the threshold, give rounds a "
        + "higher price, or let the halting score begin higher.",
      bad: leaving("0.999", isLearned: false), good: leaving("0.6", isLearned: true), seen),
    .stopsAtOnce: Explanation(
      "a chance to stop that everybody takes at once",
      "Every unit halts in the first round of a loop, leaves at the first exit, or has the first answer "
        + "of a cascade accepted: for 500 steps of training, or in a whole evaluation of a model that "
        + "was trained for 100. What stands behind it is never computed. Move the threshold, give rounds "
        + "a lower price, or let the halting score begin deeper.",
      bad: leaving("0.5", isLearned: false), good: leaving("0.8", isLearned: true), seen),
  ]

  private static let seen = Setting("when it runs", .run)

  /// A router that takes all paths whose score is above a threshold.
  private static func sure(_ threshold: String) -> String {
    """
    router Sure() {
      scores { Linear(paths) >> softmax }
      select above(\(threshold))
      weigh score
    }
    model Tiny() {
      residual { route each sample by Sure() { a { FFN(8) }  b { FFN(8) }  c { FFN(8) } } }
      Linear(2)
    }
    let points = data((1..100).map { n in ([sin(n), cos(n)], n mod 2) })
    train(Tiny(), on: points.train, steps: 120)

    """
  }

  /// A route on points that lie to one side, so that its scores do too.
  private static func balanced(_ balance: String) -> String {
    """
    model Tiny() {
      residual {
        route each sample by TopK(1, balance: \(balance)) { a { FFN(8) }  b { FFN(8) }  c { FFN(8) } }
      }
      Linear(2)
    }
    let points = data((1..100).map { n in ([sin(n), 3 + cos(n)], n mod 2) })
    train(Tiny(), on: points.train, steps: 120, optimizer: AdamW(1e-2))

    """
  }

  /// An exit at a threshold, on points whose classes the model can learn, or not in so few steps.
  private static func leaving(_ threshold: String, isLearned: Bool) -> String {
    let (number, optimizer) =
      isLearned ? ("if sin(n) > 0 { 1 } else { 0 }", ", optimizer: AdamW(1e-2)") : ("n mod 2", "")
    return """
      model Tiny() {
        Linear(8)
        exit each sample when confidence > \(threshold) through Linear(2)
        FFN(8) >> Linear(2)
      }
      let points = data((1..1000).map { n in ([sin(n), cos(n)], \(number)) })
      let tiny = Tiny()
      train(tiny, on: points.train, steps: 120\(optimizer))
      print evaluate(tiny, on: points.train).paths

      """
  }
}
