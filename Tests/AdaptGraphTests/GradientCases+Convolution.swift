import AdaptGraph
import Testing

// Windows along axes and rows, of all kinds, and derivatives of derivatives.

extension Convolution {
  /// Windows over values of 4 channels, with the sizes of the axes that they go along.
  static let examples: [(name: String, window: Convolution, sizes: [Int])] = [
    ("one place", Convolution([Axis(1)]), [3]),
    ("three places", Convolution([Axis(3, before: 1, after: 1)]), [4]),
    ("wider than the axis", Convolution([Axis(5, before: 2, after: 2)]), [2]),
    ("no window", Convolution([Axis(5)]), [3]),
    ("a stride that leaves places over", Convolution([Axis(2, stride: 3)]), [7]),
    ("dilated", Convolution([Axis(2, dilation: 3, before: 3)]), [5]),
    ("square", Convolution([Axis(2), Axis(2)]), [3, 3]),
    (
      "all at once",
      Convolution(
        [
          Axis(3, stride: 2, before: 2, after: 1),
          Axis(2, stride: 1, dilation: 2, before: 1, after: 3),
        ], groups: 2), [4, 3]
    ),
    ("channels apart", Convolution([Axis(3, before: 1, after: 1), Axis(2)], groups: 4), [2, 3]),
    (
      "channels apart, strided",
      Convolution([Axis(2, stride: 2, before: 1), Axis(3, dilation: 2, before: 3)], groups: 4),
      [3, 5]
    ),
  ]

  /// Windows along rows.
  static let rowExamples: [(name: String, window: Convolution)] = [
    ("causal", Convolution([Axis(3, before: 2)], isAlongRows: true)),
    ("dilated", Convolution([Axis(2, dilation: 2, before: 2)], isAlongRows: true)),
    ("both sides", Convolution([Axis(4, before: 1, after: 2)], groups: 2, isAlongRows: true)),
    ("channels apart", Convolution([Axis(3, before: 2)], groups: 4, isAlongRows: true)),
  ]

  /// The sizes of a weight from 4 channels to 4.
  var weight: [Int] { axes.map(\.size) + [4 / groups, 4] }
}

extension GradientCase {
  static let convolutions: [GradientCase] =
    Convolution.examples.flatMap { name, window, sizes in
      cases(name) { bench in
        let x = try bench.input("x", bench.addRows([2]), sizes + [4])
        return try bench.add(.convolution(window), x, bench.parameter("weight", window.weight))
      }
    }
    + Convolution.rowExamples.flatMap { name, window in
      cases("rows, \(name)") { bench in
        let x = try bench.input("x", bench.addRows([3, 0, 1, 5]), [4])
        return try bench.add(.convolution(window), x, bench.parameter("weight", window.weight))
      }
    }

  /// The op, and the two of its gradient, by the gradient of a loss of squares.
  private static func cases(
    _ name: String, _ build: @escaping @Sendable (inout Bench) throws -> ValueID
  ) -> [GradientCase] {
    [
      GradientCase(.convolution, name, build),
      GradientCase(.convolutionInput, name) { try gradient(0, &$0, build) },
      GradientCase(.convolutionWeight, name) { try gradient(1, &$0, build) },
    ]
  }

  private static func gradient(
    _ number: Int, _ bench: inout Bench, _ build: (inout Bench) throws -> ValueID
  ) throws -> ValueID {
    let y = try build(&bench)
    let loss = try bench.total(bench.add(.unary(.square), y))
    let target = bench.graph.node(of: y).inputs[number]
    return try #require(try bench.graph.gradient(of: loss, withRespectTo: [target])[0])
  }
}
