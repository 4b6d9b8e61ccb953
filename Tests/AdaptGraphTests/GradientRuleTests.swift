import AdaptGraph
import Testing

@Suite struct GradientRuleTests {
  /// Kinds that no gradient passes through, and why.
  static let notDifferentiable: [OpKind: String] = [
    .input: "a source", .parameter: "a source", .constant: "a source",
    .positions: "gives ints that do not depend on the values",
    .random: "gives numbers that do not depend on the values",
    .choose: "a selection is a step function; gradient flows through the weights",
    .mark: "a selection is a step function", .members: "gives ints",
    .groupMembers: "gives ints", .groupOf: "gives ints", .pick: "gives ints",
    .joinRows: "gives ints", .stopGradient: "stops it by definition",
    .literal: "a source", .extremumIndex: "gives ints",
    .attentionGradient: "second order",
  ]

  @Test(arguments: GradientCase.all) func agreesWithDifferences(_ example: GradientCase) throws {
    var bench = Bench()
    let y = try example.build(&bench)
    #expect(bench.graph.nodes.contains { $0.op.kind == example.kind })
    let loss = try bench.weighted(y)
    try expectGradients(bench, of: loss)
  }

  @Test(arguments: OpKind.allCases) func everyKindIsDecided(_ kind: OpKind) {
    let hasCase = GradientCase.all.contains { $0.kind == kind }
    let reason = Self.notDifferentiable[kind]
    #expect(hasCase != (reason != nil), "needs a finite-difference case or a reason, not both")
    switch OpTable[kind].gradient {
    case .rule, .wholeRule: #expect(hasCase, "has a rule that no case tests")
    case .zero, .missing: #expect(reason != nil, "has no rule and no reason")
    }
  }

  @Test func secondOrderNamesTheOp() throws {
    var bench = Bench()
    let x = try bench.input("x", bench.addRows([2]), [2])
    let attended = try bench.add(.attention(heads: 1, causal: false), x, x, x)
    let loss = try bench.total(bench.add(.unary(.tanh), attended))
    let first = try #require(try bench.graph.gradient(of: loss, withRespectTo: [x])[0])
    let next = try bench.total(first)
    expectError(.notDifferentiable, containing: ["attentionGradient"]) {
      _ = try bench.graph.gradient(of: next, withRespectTo: [x])
    }
  }

  /// What an op gives beside its value has no rule: an error, not a gradient that is silently short.
  @Test func gradientThroughASecondOutputIsAnError() throws {
    var bench = Bench()
    let rows = bench.addRows([2])
    let x = try bench.input("x", rows, [2])
    let targets = try bench.ints("targets", rows, [0, 1])
    let sides = [
      try bench.graph.add(.attention(heads: 1, causal: false), [x, x, x])[1],
      try bench.graph.add(.logLoss, [x, targets])[1],
    ]
    for side in sides {
      let loss = try bench.total(side)
      let name = bench.graph.node(of: side).op.kind.rawValue
      expectError(.notDifferentiable, containing: [name]) {
        _ = try bench.graph.gradient(of: loss, withRespectTo: [x])
      }
    }
  }

  // MARK: Extremes

  @Test func powersOfZeroHaveTheirLimits() throws {
    var bench = Bench()
    let a = try bench.input("a", [3], [0, 0, 2])
    let b = try bench.input("b", [3], [2, 1, 3])
    let loss = try bench.total(bench.add(.binary(.power), a, b))
    let gradients = try bench.graph.gradient(of: loss, withRespectTo: [a, b])
    expectClose(try bench.numbers(try #require(gradients[0])), [0, 1, 12])
    expectClose(try bench.numbers(try #require(gradients[1])), [0, 0, 8 * 0.6931471805599453])
  }

  @Test func aPowerOfZeroIsConstant() throws {
    var bench = Bench()
    let a = try bench.input("a", [2], [0, 3])
    let zero = try bench.graph.constant(0)
    let loss = try bench.total(bench.add(.binary(.power), a, zero))
    let gradient = try bench.graph.gradient(of: loss, withRespectTo: [a])[0]
    if let gradient { expectClose(try bench.numbers(gradient), [0, 0]) }
  }

  @Test func tiesGoToTheFirstOperand() throws {
    var bench = Bench()
    let a = try bench.input("a", [2], [1, 1])
    let b = try bench.input("b", [2], [1, 1])
    for function in [Binary.maximum, .minimum] {
      let loss = try bench.total(bench.add(.binary(function), a, b))
      let gradients = try bench.graph.gradient(of: loss, withRespectTo: [a, b])
      expectClose(try bench.numbers(try #require(gradients[0])), [1, 1])
      expectClose(try bench.numbers(try #require(gradients[1])), [0, 0])
    }
  }

  @Test(arguments: [Unary.tanh, .sigmoid, .silu, .gelu, .relu], [-1000.0, 1000.0])
  func saturatedFunctionsHaveFiniteGradients(_ function: Unary, _ x: Double) throws {
    var bench = Bench()
    let input = try bench.input("x", [1], [x])
    let loss = try bench.total(bench.add(.unary(function), input))
    let gradient = try bench.graph.gradient(of: loss, withRespectTo: [input])[0]
    let found = try bench.numbers(try #require(gradient))[0]
    let limit: Double = x > 0 && function != .tanh && function != .sigmoid ? 1 : 0
    expectClose([found], [limit])
  }
}
