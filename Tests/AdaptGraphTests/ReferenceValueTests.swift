import AdaptGraph
import Foundation
import Testing

/// The value of each op against numbers known from elsewhere.
@Suite struct ReferenceValueTests {
  /// What `op` gives for inputs over rows of the given lengths; an input is (dims, values).
  private func run(
    _ op: Op, lengths: [Int] = [2], _ operands: ([Int], [Double])..., output: Int = 0
  ) throws -> [Double] {
    var bench = Bench()
    let rows = bench.addRows(lengths)
    let inputs = try operands.enumerated().map { number, operand in
      try bench.input("\(number)", rows, operand.0, operand.1)
    }
    let outputs = try bench.graph.add(op, inputs)
    return try bench.numbers(outputs[output])
  }

  // MARK: Element by element

  /// Values of Abramowitz & Stegun and of the definitions, to the digits given there.
  static let unaryValues: [(Unary, Double, Double)] = [
    (Unary.negate, 2.5, -2.5), (.exp, 1, 2.718281828459045), (.log, 2, 0.6931471805599453),
    (.sqrt, 2, 1.4142135623730951), (.reciprocal, 8, 0.125), (.tanh, 0.5, 0.46211715726000976),
    (.sigmoid, 2, 0.8807970779778824), (.sigmoid, -800, 0), (.sigmoid, 800, 1), (.relu, -3, 0),
    (.relu, 3, 3), (.gelu, 1, 0.8411919906082768), (.gelu, -1, -0.1588080093917232),
    (.gelu, 0, 0), (.silu, 1, 0.7310585786300049), (.silu, -800, 0), (.square, -3, 9),
    (.absolute, -3, 3), (.sign, -0.1, -1), (.sign, 0, 0), (.sign, 7, 1),
  ]

  @Test(arguments: unaryValues)
  func unary(_ function: Unary, _ x: Double, _ y: Double) throws {
    expectClose(try run(.unary(function), lengths: [1], ([], [x])), [y])
  }

  @Test(arguments: Unary.allCases) func unaryLetsNaNThrough(_ function: Unary) {
    #expect(function.value(.nan).isNaN)
  }

  static let binaryValues: [(Binary, [Double])] = [
    (Binary.add, [5.0, 4, 1]), (.subtract, [-1, 0, 3]), (.multiply, [6, 4, -2]),
    (.divide, [2.0 / 3, 1, -2]), (.maximum, [3, 2, 2]), (.minimum, [2, 2, -1]),
    (.power, [8, 4, 0.5]), (.less, [1, 0, 0]), (.lessOrEqual, [1, 1, 0]), (.greater, [0, 0, 1]),
    (.greaterOrEqual, [0, 1, 1]), (.equal, [0, 1, 0]), (.notEqual, [1, 0, 1]),
  ]

  @Test(arguments: binaryValues)
  func binary(_ function: Binary, _ expected: [Double]) throws {
    let found = try run(
      .binary(function), lengths: [3], ([], [2, 2, 2]), ([], [3, 2, -1]))
    expectClose(found, expected)
  }

  @Test func extremaOfNaNAreNaN() {
    for function in [Binary.maximum, .minimum] {
      #expect(function.value(.nan, 1).isNaN)
      #expect(function.value(1, .nan).isNaN)
    }
  }

  static let matrixSums: [([Int], [Double])] = [
    ([3], [11.0, 22, 33, 14, 25, 36]), ([1], [11, 12, 13, 14, 15, 16]),
    ([1, 3], [11, 22, 33, 14, 25, 36]), ([2, 1], [11, 12, 13, 24, 25, 26]),
  ]

  @Test(arguments: matrixSums)
  func matricesBroadcast(_ dims: [Int], _ expected: [Double]) throws {
    var bench = Bench()
    let a = try bench.input("a", [2, 3], [1, 2, 3, 4, 5, 6])
    let b = try bench.input("b", dims, Array([10, 20, 30].prefix(dims.reduce(1, *))))
    expectClose(try bench.numbers(bench.add(.binary(.add), a, b)), expected)
    expectClose(try bench.numbers(bench.add(.binary(.add), b, a)), expected)
  }

  @Test func rowsBroadcast() throws {
    var bench = Bench()
    let rows = bench.addRows([2])
    let x = try bench.input("x", rows, [2], [1, 2, 3, 4])
    let row = try bench.input("row", [2], [10, 20])
    let column = try bench.input("column", rows, [], [100, 200])
    let scalar = try bench.graph.constant(1000)
    expectClose(try bench.numbers(bench.add(.binary(.add), x, row)), [11, 22, 13, 24])
    expectClose(try bench.numbers(bench.add(.binary(.add), column, x)), [101, 102, 203, 204])
    expectClose(try bench.numbers(bench.add(.binary(.add), x, scalar)), [1001, 1002, 1003, 1004])
    expectClose(try bench.numbers(bench.add(.binary(.add), column, row)), [110, 120, 210, 220])
  }

  // MARK: Products and sums

  @Test(arguments: [false, true], [false, true])
  func matmul(_ transposeA: Bool, _ transposeB: Bool) throws {
    var bench = Bench()
    // [[1 2 3] [4 5 6]] · [[7 8] [9 10] [11 12]], each stored as its op wants it.
    let a = try bench.input(
      "a", transposeA ? [3, 2] : [2, 3], transposeA ? [1, 4, 2, 5, 3, 6] : [1, 2, 3, 4, 5, 6])
    let b = try bench.input(
      "b", transposeB ? [2, 3] : [3, 2],
      transposeB ? [7, 9, 11, 8, 10, 12] : [7, 8, 9, 10, 11, 12])
    let product = try bench.add(.matmul(transposeA: transposeA, transposeB: transposeB), a, b)
    expectClose(try bench.numbers(product), [58, 64, 139, 154])
  }

  @Test func sums() throws {
    let x: ([Int], [Double]) = ([3], [1, 2, 3, 4, 5, 9])
    expectClose(try run(.sumRows(mean: false), x), [5, 7, 12])
    expectClose(try run(.sumRows(mean: true), x), [2.5, 3.5, 6])
    expectClose(try run(.sumColumns(mean: false), x), [6, 18])
    expectClose(try run(.sumColumns(mean: true), x), [2, 6])
    expectClose(try run(.sumRows(mean: true), lengths: [0], ([3], [])), [0, 0, 0])
    expectClose(try run(.sumColumns(mean: false), ([0], [])), [0, 0])
  }

  @Test func expansions() throws {
    var bench = Bench()
    let like = try bench.input("like", bench.addRows([2]), [2])
    let row = try bench.input("row", [2], [2, 4])
    expectClose(try bench.numbers(bench.add(.expandRows(mean: false), row, like)), [2, 4, 2, 4])
    expectClose(try bench.numbers(bench.add(.expandRows(mean: true), row, like)), [1, 2, 1, 2])
    let column: ([Int], [Double]) = ([1], [2, 4])
    expectClose(try run(.expandColumns(count: 2, mean: false), column), [2, 2, 4, 4])
    expectClose(try run(.expandColumns(count: 2, mean: true), column), [1, 1, 2, 2])
  }

  // MARK: Along the last axis

  @Test func softmaxOfLogarithmsIsTheirShare() throws {
    let found = try run(.softmax, ([3], [0, log(2), log(3), 1000, 1000, -1000]))
    expectClose(found, [1.0 / 6, 1.0 / 3, 0.5, 0.5, 0.5, 0])
    expectClose(
      try run(.softmaxGradient, lengths: [1], ([2], [1, 0]), ([2], [0.25, 0.75])),
      [3.0 / 16, -3.0 / 16])
  }

  @Test func normalization() throws {
    // 1…4 has mean 2.5 and variance 1.25; (3, 4) has a root mean square of √12.5.
    let (near, far) = (0.4472135954999579, 1.3416407864998738)
    let layer = Op.normalize(.layer, epsilon: 0)
    let x: ([Int], [Double]) = ([4], [1, 2, 3, 4])
    expectClose(try run(layer, lengths: [1], x), [-far, -near, near, far])
    expectClose(try run(layer, lengths: [1], x, output: 1), [0.8944271909999159])
    let rms = Op.normalize(.rms, epsilon: 0)
    let y = [0.848528137423857, 1.1313708498984762]
    expectClose(try run(rms, lengths: [1], ([2], [3, 4])), y)
    expectClose(try run(rms, lengths: [1], ([2], [3, 4]), output: 1), [0.282842712474619])
    // Perpendicular to (3, 4): what is left of (1, 0) is (16, −12)/25, over √12.5.
    expectClose(
      try run(
        .normalizeGradient(.rms), lengths: [1], ([2], [1, 0]), ([2], y), ([1], [0.282842712474619])),
      [0.64 * 0.282842712474619, -0.48 * 0.282842712474619])
  }

  @Test func epsilonKeepsAConstantRowAtZero() throws {
    let found = try run(.normalize(.layer, epsilon: 1e-5), lengths: [1], ([2], [3, 3]))
    expectClose(found, [0, 0])
    let zeros = try run(.normalize(.rms, epsilon: 1e-5), lengths: [1], ([2], [0, 0]))
    expectClose(zeros, [0, 0])
  }

  @Test func columnsMove() throws {
    let x: ([Int], [Double]) = ([3], [1, 2, 3, 4, 5, 6])
    expectClose(try run(.slice(start: 1, count: 2), x), [2, 3, 5, 6])
    expectClose(try run(.pad(start: 1, total: 4), ([1], [7, 8])), [0, 7, 0, 0, 0, 8, 0, 0])
    expectClose(try run(.concat, x, ([1], [7, 8])), [1, 2, 3, 7, 4, 5, 6, 8])
    expectClose(try run(.reshape([3, 1]), x), [1, 2, 3, 4, 5, 6])
  }

  // MARK: Gradient ops

  @Test func unaryGradientIsSlopeTimesGradient() throws {
    let found = try run(
      .unaryGradient(.square), ([1], [3, -1]), ([1], [2, 5]), ([1], [4, 25]))
    expectClose(found, [12, -10])
  }

  @Test func stopGradientGivesItsValue() throws {
    expectClose(try run(.stopGradient, ([1], [3, -1])), [3, -1])
  }
}
