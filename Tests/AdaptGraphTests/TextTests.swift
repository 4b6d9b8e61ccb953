import AdaptGraph
import AdaptTensor
import Testing

@Suite struct TextTests {
  @Test func aRoutedGraphReadsAsItWasBuilt() throws {
    var graph = Graph()
    let rows = graph.addRows(label: "token", grouping: "sequence")
    let x = try graph.add(.input("x", TensorType(rows: rows, [2])))
    graph.scope = "router"
    let router = try graph.parameter(
      ParameterInfo(name: "router.w", shape: [2, 2], initial: .normal(1)))
    let scores = try graph.add(.softmax, graph.add(.plainMatmul, x, router))
    let site = try graph.addSite(
      name: "route", unit: "token", router: "TopK", selection: .top(1), scores: scores)
    graph.scope = "big"
    let big = try graph.enterPath(site, name: "big", [x])[0]
    let y = try graph.add(.unary(.gelu), big)
    graph.leavePath()
    graph.scope = ""
    let small = try graph.enterPath(site, name: "small", [x])[0]
    graph.leavePath()
    let joined = try #require(try graph.join(site, outputs: [y, small]))
    #expect(graph.text(outputs: [joined]) == Self.golden)
    #expect(graph.text() == graph.text())
  }

  static let golden = """
    rows token in sequence
    param router.w [2, 2]
    %0 = input[x]() : [token, 2]
    %1 = param[router.w]() : [2, 2]  // router
    %2 = matmul(%0, %1) : [token, 2]  // router
    %3 = softmax(%2) : [token, 2]  // router
    %4 = choose[route, top 1](%3) : [token, 2]  // router
      path route.big
      %5 = members[route, 0](%4) : [token/route.big] i32  // big
      %6 = gather(%0, %5) : [token/route.big, 2]  // big
      %7 = gelu(%6) : [token/route.big, 2]  // big
      path route.small
      %8 = members[route, 1](%4) : [token/route.small] i32
      %9 = gather(%0, %8) : [token/route.small, 2]
    root
    %10 = scatter[token](%7, %5, %9, %8) : [token, 2]
    return %10

    """

  /// How each op reads, over the types of ``ShapeRuleTests``.
  static let texts: [(Op, String)] =
    [
      (.input("x", TensorType([3])), "input[x]"), (.parameter(0), "param[w]"),
      (.constant(0.5), "constant[0.5]"), (.positions, "positions"), (.unary(.gelu), "gelu"),
      (.random(.gumbel, stream: "route 1"), "random[gumbel, route 1]"),
      (.unaryGradient(.gelu), "gradient[gelu]"), (.binary(.lessOrEqual), "lessOrEqual"),
      (.plainMatmul, "matmul"), (.matmul(transposeA: true, transposeB: false), "matmul[TN]"),
      (.matmul(transposeA: false, transposeB: true), "matmul[NT]"),
      (.matmul(transposeA: true, transposeB: true), "matmul[TT]"),
      (.sumRows(mean: false), "sumRows"), (.sumRows(mean: true), "sumRows[mean]"),
      (.expandRows(mean: false), "expandRows"), (.expandRows(mean: true), "expandRows[mean]"),
      (.sumColumns(mean: false), "sumColumns"), (.sumColumns(mean: true), "sumColumns[mean]"),
      (.expandColumns(count: 4, mean: false), "expandColumns[4]"),
      (.expandColumns(count: 4, mean: true), "expandColumns[4, mean]"), (.softmax, "softmax"),
      (.softmaxGradient, "softmaxGradient"),
      (.normalize(.layer, epsilon: 0.5), "normalize[layer, 0.5]"),
      (.normalizeGradient(.rms), "normalizeGradient[rms]"),
      (.slice(start: 1, count: 2), "slice[1..<3]"), (.pad(start: 1, total: 4), "pad[1, 4]"),
      (.concat, "concat"), (.reshape([2, 3]), "reshape[2, 3]"), (.gather, "gather"),
      (.scatter(.rows(RowSetID(0))), "scatter[token]"), (.scatter(.table(9)), "scatter[9]"),
      (.choose(SiteID(0)), "choose[site, top 1]"),
      (.members(SiteID(0), path: 1, RowSetID(1)), "members[site, 1]"),
      (.mark(.above(0.5)), "mark[above 0.5]"), (.mark(.given), "mark[given]"),
      (.mark(.best(.count(2))), "mark[best 2]"),
      (.mark(.best(.share(0.5))), "mark[best 0.5 of a group]"),
      (.mark(.pairs(.count(2))), "mark[best 2 pairs]"),
      (
        .mark(.amongBatch(.pairs(.share(0.5)))),
        "mark[best 0.5 of the pairs of a group among the batch]"
      ),
      (
        .mark(.capped(.top(1), Capacity(factor: 1.25, order: .score))),
        "mark[top 1, capacity 1.25 by score]"
      ),
      (.groupMembers(of: RowSetID(0), RowSetID(1)), "groupMembers[token]"),
      (.pick(.marked, RowSetID(3)), "pick[marked]"),
      (.pick(.range(lower: -2, upper: nil), RowSetID(3)), "pick[-2..]"),
      (.pick(.range(lower: 0, upper: 3), RowSetID(3)), "pick[0..3]"),
      (.joinRows(RowSetID(4)), "joinRows[token+token]"),
      (.groupOf, "groupOf"), (.unfold(RowSetID(0)), "unfold[token]"), (.fold, "fold"),
      (.attention(heads: 2, causal: false), "attention[heads 2]"),
      (.attention(heads: 2, causal: true), "attention[heads 2, causal]"),
      (.attentionGradient(heads: 2, causal: true), "attentionGradient[heads 2, causal]"),
      (.shift(-2), "shift[-2]"),
      (
        .convolution(Convolution([.init(3, before: 2)], isAlongRows: true)),
        "convolution[3, before 2, rows]"
      ),
      (
        .convolutionInput(
          Convolution([.init(3, stride: 2), .init(2, dilation: 4, after: 1)], groups: 2),
          sizes: [5, 5]),
        "convolutionInput[3×2, stride 2×1, dilation 1×4, after 0×1, groups 2]"
      ),
      (.convolutionWeight(Convolution([.init(1)])), "convolutionWeight[1]"),
      (.logLoss, "logLoss"), (.logLossGradient, "logLossGradient"),
      (.stopGradient, "stopGradient"), (.select, "select"), (.convert(.int32), "convert[i32]"),
      (.permute([1, 0]), "permute[1, 0]"), (.broadcast([2, 3]), "broadcast[2, 3]"),
      (.reduce(.mean, axis: 1), "mean[axis 1]"), (.reduce(.maximum, axis: 0), "maximum[axis 0]"),
      (.extremumIndex(maximum: true, axis: 0), "argmax[axis 0]"),
      (.extremumIndex(maximum: false, axis: 0), "argmin[axis 0]"),
      (.cumulativeSum(axis: 0, reversed: false), "cumulativeSum[axis 0]"),
      (.cumulativeSum(axis: 0, reversed: true), "cumulativeSum[axis 0, reversed]"),
      (.take(axis: 1), "take[axis 1]"), (.put(axis: 0, size: 7), "put[axis 0 of 7]"),
      (.batchMatmul(transposeA: false, transposeB: false), "batchMatmul"),
      (.batchMatmul(transposeA: false, transposeB: true), "batchMatmul[NT]"),
    ] + [(try? Tensor([2], [1, 2])).map { (.literal(Literal($0)), "literal") }].compactMap { $0 }
    + [(try? ScanTests.sample()).map { ($0, "scan[1 rows, 1 carried, 0 totals]") }]
    .compactMap { $0 }

  @Test(arguments: texts) func everyOpHasAText(_ op: Op, _ text: String) throws {
    var graph = try ShapeRuleTests.graph()
    _ = try graph.parameter(ParameterInfo(name: "w", shape: [2], initial: .constant(0)))
    let stand = try graph.add(.constant(1))
    // The text is that of the op alone: what it stands on does not matter here.
    graph.withUncheckedParts { nodes, _, _ in nodes[nodes.count - 1].op = op }
    let line = graph.text().split(separator: "\n").last.map(String.init)
    #expect(line == "%\(stand.index) = \(text)() : []")
  }

  @Test(arguments: OpKind.allCases) func everyKindIsListed(_ kind: OpKind) {
    #expect(Self.texts.contains { $0.0.kind == kind })
  }

  @Test func textsTellOpsApart() {
    #expect(Set(Self.texts.map(\.1)).count == Self.texts.count)
  }

  @Test func typesReadWithTheirRows() throws {
    let graph = try ShapeRuleTests.graph()
    let rows = RowSetID(0)
    #expect(graph.describe(TensorType(rows: rows, [128])) == "[token, 128]")
    #expect(graph.describe(TensorType([64, 64])) == "[64, 64]")
    #expect(graph.describe(TensorType(rows: rows, [], .int32)) == "[token] i32")
    #expect(graph.describe(.scalar) == "[]")
  }
}
