import AdaptGraph
import AdaptTensor
import Testing

/// Operations of one node, by hand.
struct FlopCase: Sendable, CustomTestStringConvertible {
  let op: Op
  let types: [TensorType]
  /// At 10 rows that form 30 pairs, 20 of them not looking ahead.
  let expected: Double

  init(_ op: Op, _ types: TensorType..., costs expected: Double) {
    (self.op, self.types, self.expected) = (op, types, expected)
  }

  var testDescription: String { "\(op.kind.rawValue) \(types.map(\.dims))" }
}

private func token(_ dims: Int...) -> TensorType { TensorType(rows: RowSetID(0), dims) }
private func once(_ dims: Int...) -> TensorType { TensorType(dims) }
private let places = TensorType([4], .int32)
private let index = TensorType(rows: RowSetID(0), [], .int32)

@Suite struct FlopTests {
  static let cases: [FlopCase] =
    [
      FlopCase(.input("x", token(3)), costs: 0),
      FlopCase(.constant(1), costs: 0),
      FlopCase(.positions, token(3), costs: 0),
      FlopCase(.random(.normal, stream: "a"), token(3), costs: 0),
      FlopCase(.unary(.gelu), token(2, 3), costs: 60),
      FlopCase(.unary(.gelu), once(2, 3), costs: 6),
      FlopCase(.unary(.gelu), token(), costs: 10),
      FlopCase(.unaryGradient(.gelu), token(3), token(3), token(3), costs: 60),
      FlopCase(.binary(.add), token(3), once(3), costs: 30),
      FlopCase(.binary(.add), token(), once(3), costs: 30),
      FlopCase(.plainMatmul, token(3), once(3, 4), costs: 240),
      FlopCase(.plainMatmul, once(2, 3), once(3, 4), costs: 48),
      FlopCase(.matmul(transposeA: false, transposeB: true), token(3), once(4, 3), costs: 240),
      FlopCase(.matmul(transposeA: true, transposeB: false), token(3), token(4), costs: 240),
      FlopCase(.matmul(transposeA: true, transposeB: true), once(3, 2), once(4, 3), costs: 48),
      FlopCase(.sumRows(mean: true), token(3), costs: 30),
      FlopCase(.expandRows(mean: true), once(3), token(3), costs: 30),
      FlopCase(.sumColumns(mean: true), token(3), costs: 30),
      FlopCase(.expandColumns(count: 4, mean: false), token(1), costs: 40),
      FlopCase(.softmax, token(3), costs: 120),
      FlopCase(.softmaxGradient, token(3), token(3), costs: 120),
      FlopCase(.normalize(.layer, epsilon: 0), token(3), costs: 150),
      FlopCase(.normalizeGradient(.layer), token(3), token(3), token(1), costs: 240),
      FlopCase(.slice(start: 0, count: 2), token(3), costs: 0),
      FlopCase(.pad(start: 0, total: 4), token(3), costs: 0),
      FlopCase(.concat, token(3), token(3), costs: 0),
      FlopCase(.reshape([3, 1]), token(3), costs: 0),
      FlopCase(.gather, token(3), index, costs: 0),
      FlopCase(.scatter(.table(4)), token(3), index, token(3), index, costs: 60),
      FlopCase(.choose(SiteID(0)), token(2), costs: 20),
      FlopCase(.members(SiteID(0), path: 0, RowSetID(1)), token(2), costs: 0),
      FlopCase(.mark(.best(.count(1))), token(2), costs: 20),
      FlopCase(.groupMembers(of: RowSetID(0), RowSetID(1)), index, costs: 0),
      FlopCase(.groupOf, token(2), costs: 0),
      FlopCase(.pick(.range(lower: 0, upper: 1), RowSetID(3)), token(2), costs: 0),
      FlopCase(.joinRows(RowSetID(4)), token(2), token(2), costs: 0),
      FlopCase(.unfold(RowSetID(2)), token(4, 3), costs: 0),
      FlopCase(.fold, TensorType(rows: RowSetID(2), [3]), costs: 0),
      FlopCase(.attention(heads: 2, causal: false), token(4), token(4), token(4), costs: 480),
      FlopCase(.attention(heads: 1, causal: true), token(4), token(4), token(4), costs: 320),
      FlopCase(
        .attentionGradient(heads: 2, causal: false), token(4), token(4), token(4), token(4),
        token(4),
        token(2), costs: 1200),
      FlopCase(
        .attentionGradient(heads: 1, causal: true), token(4), token(4), token(4), token(4),
        token(4),
        token(1), costs: 800),
      FlopCase(.logLoss, token(5), index, costs: 200),
      FlopCase(.logLossGradient, token(), token(5), index, token(), costs: 150),
      FlopCase(.stopGradient, token(3), costs: 0),
      FlopCase(.select, token(3), token(3), token(3), costs: 30),
      FlopCase(.convert(.int32), token(3), costs: 0),
      FlopCase(.permute([1, 0]), token(2, 3), costs: 0),
      FlopCase(.broadcast([2, 3]), token(3), costs: 0),
      FlopCase(.reduce(.mean, axis: 1), token(2, 3), costs: 60),
      FlopCase(.extremumIndex(maximum: true, axis: 0), once(2, 3), costs: 6),
      FlopCase(.cumulativeSum(axis: 0, reversed: true), token(2, 3), costs: 60),
      FlopCase(.take(axis: 0), token(3), places, costs: 0),
      FlopCase(.put(axis: 0, size: 7), token(4), places, costs: 40),
      FlopCase(
        .batchMatmul(transposeA: false, transposeB: false), token(2, 3), token(3, 4), costs: 480),
      FlopCase(
        .batchMatmul(transposeA: true, transposeB: true), once(5, 3, 2), once(5, 4, 3), costs: 240),
    ]
    + [FlopCase(.shift(2), token(3), costs: 0)] + convolutions

  /// Of 3 places with 4 channels to 6, in windows of 2: 2 · 10 rows · 2 windows · 6 · 2 · 4.
  private static let convolutions =
    [
      FlopCase(.convolution(Convolution([.init(2)])), token(3, 4), once(2, 4, 6), costs: 1920),
      FlopCase(
        .convolutionInput(Convolution([.init(2)]), sizes: [3]), token(2, 6), once(2, 4, 6),
        costs: 1920),
      FlopCase(
        .convolutionWeight(Convolution([.init(2)])), token(3, 4), token(2, 6), costs: 1920),
      FlopCase(
        .convolution(Convolution([.init(2, before: 1)], groups: 2, isAlongRows: true)), token(4),
        once(2, 2, 6), costs: 480),
    ]
    + [(try? ScanTests.sample()).map { FlopCase($0, token(2), once(2), costs: 40) }]
    .compactMap { $0 }
    + [(try? Tensor([2], [1, 2])).map { FlopCase(.literal(Literal($0)), costs: 0) }]
    .compactMap { $0 }

  private func flops(_ example: FlopCase, rows: Double, pairs: Double, causal: Double) throws
    -> Double
  {
    var graph = try ShapeRuleTests.graph()
    let inputs = try example.types.enumerated().map { number, type in
      try graph.add(.input("\(number)", type))
    }
    let value = try graph.add(example.op, inputs)[0]
    let counts = RowCounts(
      rows: { $0 == RowSetID(0) ? rows : 0 }, pairs: { $2 ? causal : pairs })
    return OpTable[example.op].flops(graph.node(of: value), graph, counts)
  }

  @Test(arguments: cases) func costs(_ example: FlopCase) throws {
    #expect(try flops(example, rows: 10, pairs: 30, causal: 20) == example.expected)
  }

  @Test(arguments: cases) func rowsThatAreNotThereCostNothing(_ example: FlopCase) throws {
    let hasRows = example.types.contains { $0.rows != nil }
    guard hasRows else { return }
    #expect(try flops(example, rows: 0, pairs: 0, causal: 0) == 0)
  }

  @Test(arguments: OpKind.allCases) func everyKindIsCounted(_ kind: OpKind) {
    // A parameter is read, not computed; it needs no rows to say so.
    #expect(kind == .parameter || Self.cases.contains { $0.op.kind == kind })
  }
}
