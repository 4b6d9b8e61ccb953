import AdaptGraph
import AdaptTensor
import Testing

/// An op on types that it does not take.
struct ShapeError: Sendable, CustomTestStringConvertible {
  let op: Op
  let types: [TensorType]
  /// What the message must hold: both shapes where two do not go together.
  let parts: [String]

  init(_ op: Op, _ types: TensorType..., says parts: String...) {
    (self.op, self.types, self.parts) = (op, types, parts)
  }

  var testDescription: String { "\(op.kind.rawValue) \(types.map(\.dims))" }
}

/// An op on types that it takes, and what it gives.
struct ShapeResult: Sendable, CustomTestStringConvertible {
  let op: Op
  let types: [TensorType]
  let results: [TensorType]

  init(_ op: Op, _ types: TensorType..., gives results: TensorType...) {
    (self.op, self.types, self.results) = (op, types, results)
  }

  var testDescription: String { "\(op.kind.rawValue) \(types.map(\.dims))" }
}

/// Types over the two row sets of ``ShapeRuleTests``: `token` and `other`.
private func token(_ dims: Int...) -> TensorType { TensorType(rows: RowSetID(0), dims) }
private func other(_ dims: Int...) -> TensorType { TensorType(rows: RowSetID(1), dims) }
private func head(_ dims: Int...) -> TensorType { TensorType(rows: RowSetID(2), dims) }
private func once(_ dims: Int...) -> TensorType { TensorType(dims) }
private let index = TensorType(rows: RowSetID(0), [], .int32)
private let otherIndex = TensorType(rows: RowSetID(1), [], .int32)
private let wideIndex = TensorType(rows: RowSetID(0), [2], .int32)
private let places = TensorType([4], .int32)
private let plain = Op.matmul(transposeA: false, transposeB: false)

@Suite struct ShapeRuleTests {
  /// A graph of two row sets and one site over the first.
  static func graph() throws -> Graph {
    var graph = Graph()
    let rows = graph.addRows(label: "token", grouping: nil)
    _ = graph.addRows(label: "other", grouping: nil)
    let scores = try graph.add(.input("scores", TensorType(rows: rows, [2])))
    _ = try graph.addSite(
      name: "site", unit: "token", router: "TopK", selection: .top(1), scores: scores)
    _ = graph.openUnfolded(rows, label: "head", count: 4)
    _ = try graph.addSite(
      name: "keep", unit: "token", router: "TopK", selection: .above(0), scores: scores,
      hasElse: true)
    let x = try graph.add(.input("x", TensorType(rows: rows, [2])))
    _ = try graph.picked(x, .range(lower: 0, upper: 1))
    _ = try graph.joinedRows([x, x])
    return graph
  }

  static let good: [ShapeResult] =
    [
      ShapeResult(.input("x", token(3)), gives: token(3)),
      ShapeResult(.constant(2), gives: once()),
      ShapeResult(.positions, token(3), gives: index),
      ShapeResult(.random(.gumbel, stream: "a"), token(2, 3), gives: token(2, 3)),
      ShapeResult(.random(.uniform, stream: "a"), index, gives: token()),
      ShapeResult(.unary(.exp), token(2, 3), gives: token(2, 3)),
      ShapeResult(.unaryGradient(.exp), token(3), token(3), token(3), gives: token(3)),
      ShapeResult(.binary(.add), token(3), once(3), gives: token(3)),
      ShapeResult(.binary(.add), token(), once(3), gives: token(3)),
      ShapeResult(.binary(.less), once(2, 1), once(2, 3), gives: once(2, 3)),
      ShapeResult(plain, token(3), once(3, 4), gives: token(4)),
      ShapeResult(
        .matmul(transposeA: true, transposeB: false), token(3), token(4), gives: once(3, 4)),
      ShapeResult(
        .matmul(transposeA: true, transposeB: true), once(3, 2), once(4, 3), gives: once(2, 4)),
      ShapeResult(.sumRows(mean: true), token(2, 3), gives: once(2, 3)),
      ShapeResult(.sumRows(mean: true), once(2, 3), gives: once(3)),
      ShapeResult(.expandRows(mean: false), once(3), token(3), gives: token(3)),
      ShapeResult(.expandRows(mean: false), once(3), once(2, 3), gives: once(2, 3)),
      ShapeResult(.sumColumns(mean: false), token(2, 3), gives: token(2, 1)),
      ShapeResult(.expandColumns(count: 4, mean: false), token(1), gives: token(4)),
      ShapeResult(.softmax, token(3), gives: token(3)),
      ShapeResult(.softmaxGradient, token(3), token(3), gives: token(3)),
      ShapeResult(.normalize(.rms, epsilon: 0), token(2, 3), gives: token(2, 3), token(2, 1)),
      ShapeResult(.normalizeGradient(.rms), token(3), token(3), token(1), gives: token(3)),
      ShapeResult(.slice(start: 1, count: 2), token(3), gives: token(2)),
      ShapeResult(.slice(start: 3, count: 0), token(3), gives: token(0)),
      ShapeResult(.pad(start: 1, total: 5), token(3), gives: token(5)),
      ShapeResult(.concat, token(3), token(1), gives: token(4)),
      ShapeResult(.reshape([3, 2]), token(6), gives: token(3, 2)),
      ShapeResult(.gather, other(3), index, gives: token(3)),
      ShapeResult(.gather, once(9, 3), index, gives: token(3)),
      ShapeResult(.scatter(.rows(RowSetID(1))), token(3), index, gives: other(3)),
      ShapeResult(.scatter(.table(9)), token(3), index, gives: once(9, 3)),
      ShapeResult(.choose(SiteID(0)), token(2), gives: token(2)),
      ShapeResult(.choose(SiteID(1)), token(2), gives: token(3)),
      ShapeResult(.mark(.top(1)), token(2), gives: token(2)),
      ShapeResult(.groupMembers(of: RowSetID(0), RowSetID(1)), index, gives: otherIndex),
      ShapeResult(.groupOf, token(2, 3), gives: index),
      ShapeResult(
        .pick(.range(lower: 0, upper: 1), RowSetID(3)), token(2, 3),
        gives: TensorType(rows: RowSetID(3), [], .int32)),
      ShapeResult(.joinRows(RowSetID(4)), token(2), token(3), gives: index, index),
      ShapeResult(.unfold(RowSetID(2)), token(4, 3), gives: head(3)),
      ShapeResult(.fold, head(3), gives: token(4, 3)),
      ShapeResult(.members(SiteID(0), path: 1, RowSetID(1)), token(2), gives: otherIndex),
      ShapeResult(
        .attention(heads: 2, causal: true), token(4), token(4), token(4), gives: token(4), token(2)),
      ShapeResult(
        .attentionGradient(heads: 2, causal: true), token(4), token(4), token(4), token(4),
        token(4),
        token(2), gives: token(4), token(4), token(4)),
      ShapeResult(.logLoss, token(5), index, gives: token(), token()),
      ShapeResult(.logLossGradient, token(), token(5), index, token(), gives: token(5)),
      ShapeResult(.stopGradient, token(3), gives: token(3)),
    ] + axes + scans + convolutions

  /// Ops of any rank; rows stay what they are.
  private static let axes: [ShapeResult] =
    [
      ShapeResult(.select, token(3), token(3), token(3), gives: token(3)),
      ShapeResult(.convert(.int32), token(), gives: index),
      ShapeResult(.convert(.float32), index, gives: token()),
      ShapeResult(.permute([2, 0, 1]), once(2, 3, 4), gives: once(4, 2, 3)),
      ShapeResult(.permute([1, 0]), token(2, 3), gives: token(3, 2)),
      ShapeResult(.permute([]), once(), gives: once()),
      ShapeResult(.broadcast([5, 2, 3]), once(2, 1), gives: once(5, 2, 3)),
      ShapeResult(.broadcast([2, 3]), token(), gives: token(2, 3)),
      ShapeResult(.broadcast([0, 3]), once(1, 3), gives: once(0, 3)),
      ShapeResult(.reduce(.sum, axis: 0), once(0, 3), gives: once(1, 3)),
      ShapeResult(.reduce(.maximum, axis: 1), token(2, 3), gives: token(2, 1)),
      ShapeResult(
        .extremumIndex(maximum: true, axis: 0), once(4), gives: TensorType([1], .int32)),
      ShapeResult(.cumulativeSum(axis: 0, reversed: false), token(4), gives: token(4)),
      ShapeResult(.take(axis: 1), once(2, 3), places, gives: once(2, 4)),
      ShapeResult(.put(axis: 0, size: 9), token(4, 2), places, gives: token(9, 2)),
      ShapeResult(
        .batchMatmul(transposeA: false, transposeB: true), once(5, 2, 3), once(5, 4, 3),
        gives: once(5, 2, 4)),
      ShapeResult(
        .batchMatmul(transposeA: true, transposeB: false), token(3, 2), token(3, 4),
        gives: token(2, 4)),
      ShapeResult(.logLoss, once(4, 5), places, gives: once(4), once(4)),
    ]
    + [
      (try? Tensor([2, 1], [1, 2])).map { ShapeResult(.literal(Literal($0)), gives: once(2, 1)) }
    ]
    .compactMap { $0 }

  static let bad: [ShapeError] = [
    ShapeError(.input("x", once(2, -1)), says: "[2, -1]"),
    ShapeError(.positions, once(3), says: "[3]"),
    ShapeError(.unary(.exp), index, says: "[token] i32"),
    ShapeError(
      .unaryGradient(.exp), token(3), token(4), token(4), says: "[token, 3]", "[token, 4]"),
    ShapeError(.binary(.add), token(3), once(4), says: "[token, 3]", "[4]"),
    ShapeError(.binary(.add), token(3), token(4), says: "[token, 3]", "[token, 4]"),
    ShapeError(.binary(.add), token(3), other(3), says: "[token, 3]", "[other, 3]", "rows"),
    ShapeError(.binary(.add), once(3), once(2), says: "[3]", "[2]"),
    ShapeError(.binary(.add), token(3), index, says: "[token] i32"),
    ShapeError(plain, token(3), once(4, 3), says: "[token, 3]", "[4, 3]"),
    ShapeError(plain, token(3), token(3), says: "[token, 3] @ [token, 3]"),
    ShapeError(plain, token(3), once(3), says: "[token, 3]", "[3]"),
    ShapeError(
      .matmul(transposeA: false, transposeB: true), token(3), other(3), says: "[other, 3]ᵀ"),
    ShapeError(
      .matmul(transposeA: true, transposeB: false), token(3), other(3), says: "[token, 3]ᵀ"),
    ShapeError(.sumRows(mean: false), once(), says: "scalar"),
    ShapeError(.sumRows(mean: false), index, says: "[token] i32"),
    ShapeError(.expandRows(mean: false), once(4), token(3), says: "[4]", "[token, 3]"),
    ShapeError(.expandRows(mean: false), once(), once(), says: "[]"),
    ShapeError(.sumColumns(mean: false), token(), says: "[token]"),
    ShapeError(.expandColumns(count: 3, mean: false), token(2), says: "[token, 2]"),
    ShapeError(.expandColumns(count: -3, mean: false), token(1), says: "[token, -3]"),
    ShapeError(.softmax, index, says: "[token] i32"),
    ShapeError(.softmaxGradient, token(3), token(4), says: "[token, 3]", "[token, 4]"),
    ShapeError(.normalize(.layer, epsilon: 0), token(), says: "[token]"),
    ShapeError(.normalize(.layer, epsilon: 0), token(0), says: "[token, 0]"),
    ShapeError(
      .normalizeGradient(.layer), token(3), token(4), token(1), says: "[token, 3]", "[token, 4]"),
    ShapeError(
      .normalizeGradient(.layer), token(3), token(3), token(3), says: "[token, 3]", "[token, 1]"),
    ShapeError(.slice(start: 2, count: 2), token(3), says: "2..<4", "[token, 3]"),
    ShapeError(.slice(start: -1, count: 2), token(3), says: "-1..<1", "[token, 3]"),
    ShapeError(.slice(start: 1, count: .max), token(3), says: "[token, 3]"),
    ShapeError(.slice(start: 2, count: -1), token(3), says: "[token, 3]"),
    ShapeError(.pad(start: 2, total: 4), token(3), says: "[token, 3]", "4 columns"),
    ShapeError(.pad(start: .max, total: 4), token(3), says: "[token, 3]"),
    ShapeError(.pad(start: 0, total: 4), wideIndex, says: "[token, 2] i32"),
    ShapeError(.concat, token(3), other(3), says: "[token, 3]", "[other, 3]"),
    ShapeError(.concat, token(2, 3), token(3), says: "[token, 2, 3]", "[token, 3]"),
    ShapeError(.concat, token(), token(), says: "[token]"),
    ShapeError(.reshape([4]), token(3), says: "[token, 3]", "[token, 4]"),
    ShapeError(.reshape([-1, -3]), token(3), says: "[token, 3]", "[token, -1, -3]"),
    ShapeError(.reshape([.max, 4]), token(4), says: "[token, 4]"),
    ShapeError(.gather, token(3), once(3), says: "[3]"),
    ShapeError(.gather, token(3), wideIndex, says: "[token, 2] i32"),
    ShapeError(.gather, once(), index, says: "scalar"),
    ShapeError(
      .scatter(.table(4)), token(3), otherIndex, says: "[token, 3]", "[other] i32"),
    ShapeError(.scatter(.table(4)), token(3), wideIndex, says: "[token, 3]", "[token, 2] i32"),
    ShapeError(.scatter(.table(4)), wideIndex, index, says: "[token, 2] i32"),
    ShapeError(.scatter(.table(-1)), token(3), index, says: "[-1, 3]"),
    ShapeError(
      .scatter(.table(4)), token(3), index, token(2), index, says: "[token, 3]", "[token, 2]"),
    ShapeError(.choose(SiteID(0)), once(2), says: "[2]"),
    ShapeError(.choose(SiteID(0)), token(2), token(3), says: "[token, 2]", "[token, 3]"),
    ShapeError(.mark(.all), once(2), says: "[2]"),
    ShapeError(.groupMembers(of: RowSetID(0), RowSetID(1)), token(2), says: "[token, 2]"),
    ShapeError(.groupOf, once(2), says: "[2]"),
    ShapeError(.pick(.range(lower: 0, upper: 1), RowSetID(3)), other(2), says: "[other, 2]"),
    ShapeError(.pick(.marked, RowSetID(3)), token(2), says: "[token, 2]"),
    ShapeError(.joinRows(RowSetID(4)), token(2), other(2), says: "[token, 2]", "[other, 2]"),
    ShapeError(.unfold(RowSetID(2)), token(3, 4), says: "[token, 3, 4]", "4"),
    ShapeError(.unfold(RowSetID(2)), other(4, 3), says: "[other, 4, 3]"),
    ShapeError(.fold, token(3), says: "[token, 3]"),
    ShapeError(.choose(SiteID(0)), token(2, 2), says: "[token, 2, 2]"),
    ShapeError(.members(SiteID(0), path: 2, RowSetID(1)), token(2), says: "[token, 2]", "2"),
    ShapeError(.members(SiteID(0), path: -1, RowSetID(1)), token(2), says: "[token, 2]", "-1"),
    ShapeError(
      .attention(heads: 1, causal: false), token(4), token(4), other(4), says: "[token, 4]",
      "[other, 4]"),
    ShapeError(
      .attention(heads: 3, causal: false), token(4), token(4), token(4), says: "4", "3 heads"),
    ShapeError(.attention(heads: 0, causal: false), token(4), token(4), token(4), says: "0 heads"),
    ShapeError(
      .attentionGradient(heads: 1, causal: false), token(4), token(4), token(3), token(4), token(4),
      token(1), says: "[token, 4]", "[token, 3]"),
    ShapeError(.logLoss, token(5), token(), says: "[token, 5]", "[token]"),
    ShapeError(.logLoss, token(5), otherIndex, says: "[token, 5]", "[other] i32"),
    ShapeError(.logLoss, once(5), index, says: "[5]"),
    ShapeError(
      .logLossGradient, token(1), token(5), index, token(), says: "[token, 1]", "[token, 5]"),
    ShapeError(.select, token(3), token(3), once(3), says: "[token, 3]", "[3]"),
    ShapeError(.permute([0, 0]), once(2, 3), says: "[0, 0]", "[2, 3]"),
    ShapeError(.permute([1]), token(3), says: "[1]", "[token, 3]"),
    ShapeError(.broadcast([2, 4]), once(2, 3), says: "[2, 3]", "[2, 4]"),
    ShapeError(.broadcast([3]), once(2, 3), says: "[2, 3]", "[3]"),
    ShapeError(.broadcast([1 << 40, 1 << 40]), once(1), says: "no tensor can be"),
    ShapeError(.reduce(.sum, axis: 1), once(3), says: "[3]", "axis 1"),
    ShapeError(.reduce(.sum, axis: -1), token(3), says: "[token, 3]", "axis -1"),
    ShapeError(.reduce(.minimum, axis: 0), once(0, 3), says: "[0, 3]", "empty"),
    ShapeError(.reduce(.sum, axis: 0), places, says: "[4] i32"),
    ShapeError(.extremumIndex(maximum: false, axis: 0), once(0), says: "[0]", "empty"),
    ShapeError(.cumulativeSum(axis: 2, reversed: true), once(3, 3), says: "[3, 3]", "axis 2"),
    ShapeError(.take(axis: 0), once(3), once(4), says: "[4]"),
    ShapeError(.take(axis: 0), token(3), index, says: "[token] i32"),
    ShapeError(.put(axis: 0, size: 9), once(3), places, says: "[3]", "[4] i32"),
    ShapeError(.put(axis: 0, size: -1), once(4), places, says: "[-1]"),
    ShapeError(
      .batchMatmul(transposeA: false, transposeB: false), once(5, 2, 3), once(4, 3, 2),
      says: "[5, 2, 3]", "[4, 3, 2]"),
    ShapeError(
      .batchMatmul(transposeA: false, transposeB: true), once(5, 2, 3), once(5, 3, 4),
      says: "[5, 2, 3] @ [5, 3, 4]ᵀ", "inner"),
    ShapeError(
      .batchMatmul(transposeA: false, transposeB: false), once(3), once(3, 2), says: "[3]"),
  ]

  private static let scans: [ShapeResult] =
    [
      ShapeResult(.shift(-3), token(3), gives: token(3)),
      ShapeResult(.shift(1), index, gives: index),
    ]
    + [
      (try? ScanTests.sample()).map { sample in
        ShapeResult(sample, token(2), once(2), gives: token(2), token(2))
      }
    ]
    .compactMap { $0 }

  private static let pair = Convolution([.init(3, before: 2)], isAlongRows: true)
  private static let square = Convolution(
    [.init(3, stride: 2, before: 1, after: 1), .init(2, dilation: 2)], groups: 2)

  static let convolutions: [ShapeResult] = [
    ShapeResult(.convolution(pair), token(4), once(3, 4, 6), gives: token(6)),
    ShapeResult(.convolution(square), token(5, 4, 4), once(3, 2, 2, 6), gives: token(3, 2, 6)),
    ShapeResult(.convolution(square), once(5, 1, 4), once(3, 2, 2, 6), gives: once(3, 0, 6)),
    ShapeResult(.convolutionInput(pair, sizes: []), token(6), once(3, 4, 6), gives: token(4)),
    ShapeResult(
      .convolutionInput(square, sizes: [5, 4]), token(3, 2, 6), once(3, 2, 2, 6),
      gives: token(5, 4, 4)),
    ShapeResult(
      .convolutionWeight(square), token(5, 4, 4), token(3, 2, 6), gives: once(3, 2, 2, 6)),
  ]

  static let badConvolutions: [ShapeError] = [
    ShapeError(.convolution(pair), token(4), once(2, 4, 6), says: "[2, 4, 6]", "[3]"),
    ShapeError(.convolution(pair), token(4), once(3, 3, 6), says: "[token, 4]", "[3, 3, 6]"),
    ShapeError(.convolution(pair), once(7, 4), once(3, 4, 6), says: "[7, 4]"),
    ShapeError(.convolution(square), token(5, 4), once(3, 2, 2, 6), says: "[token, 5, 4]"),
    ShapeError(.convolution(square), token(5, 4, 4), once(3, 2, 2, 5), says: "2 groups"),
    ShapeError(
      .convolution(Convolution([.init(3)], isAlongRows: true)), token(4), once(3, 4, 6),
      says: "as many windows as rows"),
    ShapeError(.convolution(Convolution([.init(0)])), token(3, 4), once(0, 4, 6), says: "from 1"),
    ShapeError(
      .convolutionInput(square, sizes: [5, 5]), token(3, 2, 6), once(3, 2, 2, 6),
      says: "[token, 3, 2, 6]", "[token, 3, 3, 6]"),
    ShapeError(
      .convolutionWeight(square), token(5, 4, 4), token(3, 3, 6), says: "[token, 3, 3, 6]"),
  ]

  private static let badScans: [ShapeError] =
    [ShapeError(.shift(1), once(3), says: "[3]")]
    + [
      (try? ScanTests.sample()).map { sample in
        [
          ShapeError(sample, token(3), once(2), says: "[token, 2]", "[token, 3]"),
          ShapeError(sample, token(2), token(2), says: "[2]", "[token, 2]"),
          ShapeError(sample, once(2), once(2), says: "[2]"),
        ]
      }
    ]
    .compactMap { $0 }.flatMap { $0 }

  private func add(_ op: Op, _ types: [TensorType]) throws -> (Graph, [ValueID]) {
    var graph = try Self.graph()
    let inputs = try types.enumerated().map { number, type in
      try graph.add(.input("operand\(number)", type))
    }
    let outputs = try graph.add(op, inputs)
    return (graph, outputs)
  }

  @Test(arguments: good) func gives(_ example: ShapeResult) throws {
    let (graph, outputs) = try add(example.op, example.types)
    #expect(outputs.map(graph.type) == example.results)
  }

  @Test(arguments: bad + badScans + badConvolutions) func refuses(_ example: ShapeError) {
    expectError(.shape, containing: example.parts) {
      _ = try add(example.op, example.types)
    }
  }

  @Test(arguments: OpKind.allCases) func everyKindHasAGoodExample(_ kind: OpKind) {
    // A parameter's type is its declaration: tested with the parameters.
    #expect(kind == .parameter || Self.good.contains { $0.op.kind == kind })
  }

  @Test(arguments: good) func refusesAnotherNumberOfInputs(_ example: ShapeResult) throws {
    let isVariadic: Set<OpKind> = [.concat, .scatter, .choose]
    guard !isVariadic.contains(example.op.kind) else { return }
    expectError(.invalid, containing: [example.op.kind.rawValue]) {
      _ = try add(example.op, example.types + [once(7)])
    }
    guard !example.types.isEmpty else { return }
    expectError(.invalid) { _ = try add(example.op, Array(example.types.dropLast())) }
  }

  @Test func parametersOfOneNameAreOneValue() throws {
    var graph = Graph()
    let info = ParameterInfo(name: "w", shape: [2, 3], initial: .normal(1))
    let value = try graph.parameter(info)
    #expect(try graph.parameter(info) == value)
    #expect(graph.type(value) == once(2, 3))
    #expect(graph.parameters.count == 1)
    expectError(.shape, containing: ["w", "[2, 3]", "[3, 2]"]) {
      _ = try graph.parameter(ParameterInfo(name: "w", shape: [3, 2], initial: .normal(1)))
    }
    expectError(.shape, containing: ["[-2]"]) {
      _ = try graph.parameter(ParameterInfo(name: "v", shape: [-2], initial: .normal(1)))
    }
    #expect(graph.parameters.count == 1, "a refused parameter leaves nothing behind")
  }
}
