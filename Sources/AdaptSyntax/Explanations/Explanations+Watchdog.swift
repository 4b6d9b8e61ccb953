extension Explanation {
  /// What a run shows of models: W03xx.
  static let watchdog: [DiagnosticID: Explanation] = [
    .deadPath: Explanation(
      "a path that nothing takes",
      "No unit took the path for 100 steps of training, or in a whole evaluation of a model that was "
        + "trained as long. What nobody takes learns nothing, so that it stays as it is: give the "
        + "balance loss more weight, add noise or a capacity, or move the threshold.",
      bad: """
        router Sure() {
          scores { Linear(paths) >> softmax }
          select above(0.9)
          weigh score
        }
        model Tiny() {
          residual { route each sample by Sure() { a { FFN(8) }  b { FFN(8) }  c { FFN(8) } } }
          Linear(2)
        }
        let points = data((1..100).map { n in ([sin(n), cos(n)], n mod 2) })
        train(Tiny(), on: points.train, steps: 120)

        """,
      good: """
        router Sure() {
          scores { Linear(paths) >> softmax }
          select above(0.2)
          weigh score
        }
        model Tiny() {
          residual { route each sample by Sure() { a { FFN(8) }  b { FFN(8) }  c { FFN(8) } } }
          Linear(2)
        }
        let points = data((1..100).map { n in ([sin(n), cos(n)], n mod 2) })
        train(Tiny(), on: points.train, steps: 120)

        """, seen),
    .collapsedRouter: Explanation(
      "a router that sends everything one way",
      "99% of the units or more took the same path of three or more for 100 steps of training, or in a "
        + "whole evaluation: what is taken gets better, and is taken all the more (Shazeer et al. 2017, "
        + "§4). Give the balance loss more weight, or add noise or a capacity.",
      bad: """
        model Tiny() {
          residual {
            route each sample by TopK(1, balance: 0) { a { FFN(8) }  b { FFN(8) }  c { FFN(8) } }
          }
          Linear(2)
        }
        let points = data((1..100).map { n in ([sin(n), 3 + cos(n)], n mod 2) })
        train(Tiny(), on: points.train, steps: 120, optimizer: AdamW(1e-2))

        """,
      good: """
        model Tiny() {
          residual {
            route each sample by TopK(1, balance: 100%) { a { FFN(8) }  b { FFN(8) }  c { FFN(8) } }
          }
          Linear(2)
        }
        let points = data((1..100).map { n in ([sin(n), 3 + cos(n)], n mod 2) })
        train(Tiny(), on: points.train, steps: 120, optimizer: AdamW(1e-2))

        """, seen),
    .neverStops: Explanation(
      "a chance to stop that nobody takes",
      "No unit halts before the last round of a loop, leaves at an exit, or has an early answer of a "
        + "cascade accepted: for 500 steps of training, or in a whole evaluation of a model that was "
        + "trained for 100. All of it is computed for all of them. Move the threshold, give rounds a "
        + "higher price, or let the halting score begin higher.",
      bad: """
        model Tiny() {
          Linear(8)
          exit each sample when confidence > 0.999 through Linear(2)
          FFN(8) >> Linear(2)
        }
        let points = data((1..1000).map { n in ([sin(n), cos(n)], n mod 2) })
        let tiny = Tiny()
        train(tiny, on: points.train, steps: 120)
        print evaluate(tiny, on: points.train).paths

        """,
      good: """
        model Tiny() {
          Linear(8)
          exit each sample when confidence > 0.6 through Linear(2)
          FFN(8) >> Linear(2)
        }
        let points = data((1..1000).map { n in ([sin(n), cos(n)], if sin(n) > 0 { 1 } else { 0 }) })
        let tiny = Tiny()
        train(tiny, on: points.train, steps: 120, optimizer: AdamW(1e-2))
        print evaluate(tiny, on: points.train).paths

        """, seen),
    .stopsAtOnce: Explanation(
      "a chance to stop that everybody takes at once",
      "Every unit halts in the first round of a loop, leaves at the first exit, or has the first answer "
        + "of a cascade accepted: for 500 steps of training, or in a whole evaluation of a model that "
        + "was trained for 100. What stands behind it is never computed. Move the threshold, give rounds "
        + "a lower price, or let the halting score begin deeper.",
      bad: """
        model Tiny() {
          Linear(8)
          exit each sample when confidence > 0.5 through Linear(2)
          FFN(8) >> Linear(2)
        }
        let points = data((1..1000).map { n in ([sin(n), cos(n)], n mod 2) })
        let tiny = Tiny()
        train(tiny, on: points.train, steps: 120)
        print evaluate(tiny, on: points.train).paths

        """,
      good: """
        model Tiny() {
          Linear(8)
          exit each sample when confidence > 0.8 through Linear(2)
          FFN(8) >> Linear(2)
        }
        let points = data((1..1000).map { n in ([sin(n), cos(n)], if sin(n) > 0 { 1 } else { 0 }) })
        let tiny = Tiny()
        train(tiny, on: points.train, steps: 120, optimizer: AdamW(1e-2))
        print evaluate(tiny, on: points.train).paths

        """, seen),
  ]

  private static let seen = Setting("when it runs", .run)
}
