import Adapt
import AdaptInterpreter
import AdaptRuntime
import Testing

/// A flow that takes and gives `[token, 8]`, with some form of the language in it.
struct ModelForm: Sendable, CustomTestStringConvertible {
  let name: String
  let lines: String

  var testDescription: String { name }

  /// A model around it, over tokens of so many classes.
  func model(classes: Int = 16) throws -> ModelGraph {
    let engine = try Engine(
      running: """
        \(Self.routers)
        model M() {
          Embedding(\(classes), 8) >> Positions(limit: 64)
          \(lines)
          Norm() >> Linear(\(classes))
        }
        let m = M()
        """)
    return try engine.interpreter.trace(engine.flow("m"), input: .tokens, mode: .inference)
  }

  private static let routers = """
    router Gate() { scores { Linear(1) >> sigmoid }  select above(0.5)  weigh score }
    router Half() { scores { Linear(1) >> sigmoid }  select best(50%)  weigh score }
    router Full() { scores { Linear(paths) >> softmax }  select top(1, capacity: 1) }
    router Act() {
      scores { Linear(1) >> sigmoid }
      select accumulate(0.9)
      weigh selected * (1 - total) + (1 - selected) * score
    }
    """

  static let attention = "residual { Norm(); Attention(2, causal: true) }"
  static let duo =
    "residual { Norm(); route each token by TopK(1) { a { FFN(16) } b { Linear(8) } c { zero } } }"

  static let plain = ModelForm(name: "attention", lines: attention)
  static let route = ModelForm(
    name: "route",
    lines: "route each token by TopK(1) { a { \(attention) } b { Linear(8) } c { zero } }")
  static let share = ModelForm(
    name: "keep a share", lines: "keep 50% of token by Half() { \(attention) }")
  static let convolution = ModelForm(
    name: "convolution", lines: "residual { Conv1D(8, kernel: 3, dilation: 2) }; Conv1D(8, 2)")
  static let siteInScan = ModelForm(
    name: "a site in a scan",
    lines: """
      scan over token carrying (h = zeros(8)) {
        { row in
          h = (row + 0.5 * h) >> route each token by TopK(1) { a { Linear(8) } b { tanh } }
          h
        }
      }
      """)
}
