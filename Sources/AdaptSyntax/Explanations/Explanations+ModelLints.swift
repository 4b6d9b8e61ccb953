extension Explanation {
  /// Models: W02xx.
  static let modelLints: [DiagnosticID: Explanation] = [
    .unbalancedRouter: Explanation(
      "a router without a balance term",
      "A learned router that takes only some of the paths reinforces whatever it takes first, and "
        + "soon sends everything there (Shazeer et al. 2017, §4). A 'loss' clause that grows with "
        + "uneven use keeps the paths alive; TopK has one.",
      bad: routed(by: "Bare", with: "k = 1", ["select top(k)", "weigh score"]),
      good: routed(by: "Even", with: "k = 1", ["select top(k)", "weigh score", balance + " / k"])),
    .seesFuture: Explanation(
      "generation from a model that looks ahead",
      "generate asks for one token after the other, so what a token attends to or is chosen by must "
        + "not lie behind it: in training the model saw an answer that does not exist yet when it is "
        + "used. Write causal: true.",
      bad: """
        model Tiny() {
          Embedding(256, 8)
          residual { Attention(2) }
          Linear(256)
        }
        print generate(Tiny(), "In", bytes: 2)

        """,
      good: """
        model Tiny() {
          Embedding(256, 8)
          residual { Attention(2, causal: true) }
          Linear(256)
        }
        print generate(Tiny(), "In", bytes: 2)

        """),
    .pathNeverJoins: Explanation(
      "a site whose result is dropped",
      "Rows are routed and computed, and nothing of it reaches the model's output: no objective "
        + "teaches the router, and the work is for nothing.",
      bad: """
        layer Duo(): x [.., d] -> [.., d] {
          let _y = x >> route each token by TopK(1) { big { FFN(32) }  small { FFN(8) } }
          x
        }
        model Tiny() { Embedding(256, 8) >> Duo() >> Linear(256) }
        print Tiny()

        """,
      good: """
        layer Duo(): x [.., d] -> [.., d] {
          let y = x >> route each token by TopK(1) { big { FFN(32) }  small { FFN(8) } }
          x + y
        }
        model Tiny() { Embedding(256, 8) >> Duo() >> Linear(256) }
        print Tiny()

        """),
    .selectionDiffers: Explanation(
      "another selection in training than in use",
      "What is selected in training is not what is selected in inference, so the paths meet units "
        + "that they were not trained on. Where it is meant so, say it: // lint: allow W0204.",
      bad: routed(
        by: "Mixed",
        ["select all in training", "select top(1) in inference", "weigh score", balance]),
      good: routed(by: "Same", ["select top(1)", "weigh score", balance])),
    .mixesSamples: Explanation(
      "an output that depends on the rest of the batch",
      "A number over all rows of the batch goes into the output, so that the answer for one sample "
        + "depends on which others happen to stand beside it. Reduce over the sequence or the last axis "
        + "instead, or carry a state. The best of the samples, or a capacity that they share, is such a "
        + "number too: a threshold is none.",
      bad: """
        layer Center(): x [.., d] -> [.., d] { x - mean(x) }
        model Tiny() { Embedding(256, 8) >> Center() >> Linear(256) }
        print Tiny()

        """,
      good: """
        layer Center(): x [.., d] -> [.., d] { x - mean(x, axis: last) }
        model Tiny() { Embedding(256, 8) >> Center() >> Linear(256) }
        print Tiny()

        """),
    .deadParameter: Explanation(
      "a parameter that is never trained",
      "No gradient reaches the parameter: the result does not depend on it, or only through what has "
        + "no gradient. It keeps the values it started with.",
      bad: """
        layer Scale(): x [.., d] -> [.., d] {
          param gain: [d] = ones
          x * stopGradient(gain)
        }
        model Tiny() { Embedding(256, 8) >> Scale() >> Linear(256) }
        print Tiny()

        """,
      good: """
        layer Scale(): x [.., d] -> [.., d] {
          param gain: [d] = ones
          x * gain
        }
        model Tiny() { Embedding(256, 8) >> Scale() >> Linear(256) }
        print Tiny()

        """),
    .blindRouter: Explanation(
      "a router that learns nothing from the result",
      "A selection has no gradient. Where the paths' results are not weighted by the scores, the "
        + "objective does not reach the router: it never learns which path helps. Add 'weigh score'.",
      bad: routed(by: "Blind", ["select top(1)", balance]),
      good: routed(by: "Seeing", ["select top(1)", "weigh score", balance])),
    .nothingToReuse: Explanation(
      "a reuse with nothing to reuse",
      "'reuse' lets what a loop computed in an earlier round stand. Outside of a loop there is no "
        + "earlier round: the body is computed each time, and the condition never asked.",
      bad: """
        model Tiny() {
          Embedding(256, 8)
          reuse each token when distance < 0.1 { FFN(16) }
          Linear(256)
        }
        print Tiny()

        """,
      good: """
        model Tiny() {
          Embedding(256, 8)
          loop 3 { reuse each token when distance < 0.1 { FFN(16) } }
          Linear(256)
        }
        print Tiny()

        """),
    .nothingToRecompute: Explanation(
      "a recomputed block inside of a scan",
      "'recompute' lets training compute what a block gave again instead of keeping it. The steps of a "
        + "scan are computed again in any case, from what each was handed: inside of one the word "
        + "changes nothing.",
      bad: """
        model Tiny() {
          Embedding(256, 8)
          scan over token carrying (h = zeros(8)) {
            recompute { FFN(8) }
            { row in
              h = tanh(row + h)
              h
            }
          }
          Linear(256)
        }
        print Tiny()

        """,
      good: """
        model Tiny() {
          Embedding(256, 8)
          recompute {
            scan over token carrying (h = zeros(8)) {
              FFN(8)
              { row in
                h = tanh(row + h)
                h
              }
            }
          }
          Linear(256)
        }
        print Tiny()

        """),
  ]

  /// A model that routes by a router of its own, of these clauses.
  private static func routed(
    by router: String, with parameters: String = "", _ clauses: [String]
  ) -> String {
    """
    router \(router)(\(parameters)) {
      scores { Linear(paths) >> softmax }
      \(clauses.joined(separator: "\n  "))
    }
    model Tiny() {
      Embedding(256, 8)
      route each token by \(router)() { big { FFN(32) }  small { FFN(8) } }
      Linear(256)
    }
    print Tiny()

    """
  }

  private static let balance = "loss 1% * paths * sum(mean(score) * mean(selected))"
}
