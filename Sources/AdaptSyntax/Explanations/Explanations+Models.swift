extension Explanation {
  /// A text that is long enough for a few windows.
  private static let book = String(repeating: "In the beginning. ", count: 40)

  /// Shapes and models: E03xx.
  static let models: [DiagnosticID: Explanation] = [
    .wrongShape: Explanation(
      "sizes that do not fit",
      "Sizes of tensors that do not fit together, or that a layer's signature does not allow. Both "
        + "shapes are named; the rows' name says what one row is.",
      bad: """
        model Tiny() {
          Embedding(256, 16)
          residual { Linear(32) }
          Linear(256)
        }
        print Tiny()

        """,
      good: """
        model Tiny() {
          Embedding(256, 16)
          residual { Linear(32) >> gelu >> Linear(16) }
          Linear(256)
        }
        print Tiny()

        """),
    .unknownWidth: Explanation(
      "an input of unknown width",
      "A layer needs the width of its input and nothing says it yet. Begin the model with Embedding, "
        + "or give it a signature such as : x [token, 64].",
      bad: "model Tiny() { Linear(256) }\nprint Tiny()\n",
      good: "model Tiny() { Embedding(256, 16) >> Linear(256) }\nprint Tiny()\n"),
    .pathShapes: Explanation(
      "paths that cannot be joined",
      "The paths of a site give rows of different sizes, which cannot be added up where they join.",
      bad: """
        model Tiny() {
          Embedding(256, 16)
          route each token by TopK(1) {
            big   { Linear(16) }
            small { Linear(8) }
          }
          Linear(256)
        }
        print Tiny()

        """,
      good: """
        model Tiny() {
          Embedding(256, 16)
          route each token by TopK(1) {
            big   { Linear(16) }
            small { Linear(8) >> Linear(16) }
          }
          Linear(256)
        }
        print Tiny()

        """),
    .notDifferentiable: Explanation(
      "no gradient",
      "The way from the objective to a parameter leads through an operation that has no gradient, "
        + "such as the gradient of attention. Models of scripts do not lead there; graphs that a host "
        + "builds may.",
      bad: "", good: "print 1\n", Setting("only in graphs that a host builds", .hostOnly)),
    .notFinite: Explanation(
      "a number became infinite or NaN",
      "A number became NaN or infinite in training. A smaller learning rate, a smaller clip or "
        + "another start often helps.",
      bad: """
        model Tiny() { Embedding(256, 8) >> Linear(256) }
        let book = text("book.txt").bytes().windows(8)
        let lm = Tiny()
        print train(lm, on: book.train, steps: 50, batch: 2, optimizer: SGD(1e30), clip: none).steps

        """,
      good: """
        model Tiny() { Embedding(256, 8) >> Linear(256) }
        let book = text("book.txt").bytes().windows(8)
        let lm = Tiny()
        print train(lm, on: book.train, steps: 2, batch: 2, optimizer: SGD(1e-2)).steps

        """, Setting("found when it runs", files: ["book.txt": book], .run)),
    .unknownSite: Explanation(
      "no such place in the model",
      "The model has no site, layer or parameter of that path, or the site no path of that name. "
        + "print model and model.layers() list what it has.",
      bad: """
        model Tiny() {
          Embedding(256, 8)
          route each token by TopK(1) { big { FFN(8) }  skip { pass } }
          Linear(256)
        }
        print generate(Tiny(), "a", bytes: 2, policy: always("biig"))

        """,
      good: """
        model Tiny() {
          Embedding(256, 8)
          route each token by TopK(1) { big { FFN(8) }  skip { pass } }
          Linear(256)
        }
        print generate(Tiny(), "a", bytes: 2, policy: always("big"))

        """),
  ]
}
