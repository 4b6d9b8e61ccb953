import AdaptGraph
import AdaptTensor
import Testing

extension KernelTests {
  /// Windows by products and by vectors of channels, along axes and rows, wide and narrow.
  static let convolutionCases: [Case] = alongAxes + alongRows

  private typealias Axis = Convolution.Axis

  private static let alongAxes: [Case] = [
    (
      "image", Convolution([Axis(3, before: 1, after: 1), Axis(3, before: 1, after: 1)]), [7, 9], 5,
      8
    ),
    ("strided", Convolution([Axis(3, stride: 2, before: 1), Axis(2, stride: 3)]), [8, 7], 3, 20),
    (
      "dilated", Convolution([Axis(2, dilation: 3, before: 2), Axis(3, dilation: 2)]), [6, 9], 4, 6
    ),
    ("groups", Convolution([Axis(3), Axis(3)], groups: 2), [5, 6], 8, 10),
    ("line", Convolution([Axis(4, stride: 2, before: 3)]), [11], 6, 7),
    ("one place", Convolution([Axis(1), Axis(1)]), [4, 4], 6, 17),
    ("no window", Convolution([Axis(9)]), [3], 4, 4),
    ("apart", Convolution([Axis(3, before: 1, after: 1), Axis(3)], groups: 19), [5, 6], 19, 19),
    (
      "apart, strided",
      Convolution([Axis(2, stride: 2, before: 1), Axis(3, dilation: 2, before: 4)], groups: 16),
      [5, 4], 16, 16
    ),
    ("many tiles", Convolution([Axis(5), Axis(5)]), [20, 19], 6, 4),
  ].map { name, window, sizes, channels, outputs in
    Case("windows, \(name)") { test in
      let weight = window.axes.map(\.size) + [channels / window.groups, outputs]
      return try test.graph.add(
        .convolution(window), test.rowsInput(sizes + [channels]), test.fixedInput(weight))
    }
  }

  private static let alongRows: [Case] = [
    ("causal", Convolution([Axis(3, before: 2)], isAlongRows: true), 6, 9),
    (
      "both sides", Convolution([Axis(4, dilation: 2, before: 3, after: 3)], isAlongRows: true), 4,
      5
    ),
    ("apart", Convolution([Axis(5, before: 4)], groups: 21, isAlongRows: true), 21, 21),
    ("groups", Convolution([Axis(2, after: 1)], groups: 3, isAlongRows: true), 6, 6),
  ].map { name, window, channels, outputs in
    Case("windows of rows, \(name)") { test in
      let weight = window.axes.map(\.size) + [channels / window.groups, outputs]
      return try test.graph.add(
        .convolution(window), test.rowsInput([channels]), test.fixedInput(weight))
    }
  }
}
