import AdaptGraph
import Testing

@Suite struct PassTests {
  private func program(_ routes: RoutedModel.Routes) throws -> (Bench, GraphProgram) {
    var model = try RoutedModel(gathered: routes)
    let gradients = try model.bench.graph.gradient(
      of: model.loss, withRespectTo: model.bench.variables.map(\.value))
    let outputs = [model.loss, model.output] + gradients.compactMap { $0 }
    return (model.bench, GraphProgram(graph: model.bench.graph, outputs: outputs))
  }

  private func results(_ bench: Bench, _ program: GraphProgram) throws -> [ReferenceTensor] {
    var bench = bench
    bench.graph = program.graph
    let run = try bench.run()
    return try program.outputs.map(run.value)
  }

  @Test(arguments: RoutedModel.Routes.all)
  func everyPassKeepsTheBits(_ routes: RoutedModel.Routes) throws {
    var (bench, program) = try program(routes)
    try program.graph.verify()
    let expected = try results(bench, program)
    for pass in Pass.all {
      pass.apply(&program)
      try program.graph.verify()
      #expect(try results(bench, program) == expected, "after \(pass.name)")
    }
    bench.graph = program.graph
    let again = program.graph.nodes
    try program.optimize(verifying: true)
    #expect(program.graph.nodes == again, "a second time changes nothing")
  }

  @Test func passesHaveNamesOfTheirOwn() {
    #expect(Set(Pass.all.map(\.name)).count == Pass.all.count)
    #expect(Pass.all.allSatisfy { !$0.summary.isEmpty })
  }

  private func apply(_ name: String, to program: inout GraphProgram) throws {
    let pass = try #require(Pass.all.first { $0.name == name })
    pass.apply(&program)
    try program.graph.verify()
  }

  // MARK: Deduplicate

  @Test func deduplicateMergesWhatIsTheSameAllTheWay() throws {
    var bench = Bench()
    let x = try bench.input("x", [2], [1, 2])
    bench.graph.scope = "one"
    let a = try bench.add(.unary(.exp), x)
    let b = try bench.add(.unary(.square), a)
    bench.graph.scope = "two"
    let c = try bench.add(.unary(.exp), x)
    let d = try bench.add(.unary(.square), c)
    let different = try bench.add(.unary(.sqrt), c)
    var program = GraphProgram(graph: bench.graph, outputs: [b, d, different])
    try apply("deduplicate", to: &program)
    #expect(program.graph.nodes.count == 4)
    #expect(program.outputs == [b, b, different])
    #expect(program.graph.node(of: different).inputs == [a])
    #expect(program.graph.node(of: b).scope == "one")
  }

  @Test func deduplicateKeepsTheOrderOfOperands() throws {
    var bench = Bench()
    let x = try bench.input("x", [2])
    let y = try bench.input("y", [2])
    let a = try bench.add(.binary(.subtract), x, y)
    let b = try bench.add(.binary(.subtract), y, x)
    var program = GraphProgram(graph: bench.graph, outputs: [a, b])
    try apply("deduplicate", to: &program)
    #expect(program.outputs == [a, b])
  }

  @Test func deduplicateKeepsTheSignOfZero() throws {
    var bench = Bench()
    let inverses = try [0.0, -0.0].map { number in
      try bench.add(.unary(.reciprocal), bench.graph.constant(number))
    }
    var program = GraphProgram(graph: bench.graph, outputs: inverses)
    try apply("deduplicate", to: &program)
    #expect(try results(bench, program).map(\.values) == [[.infinity], [-.infinity]])
  }

  @Test func deduplicateKeepsPathsApart() throws {
    var bench = Bench()
    let x = try bench.input("x", bench.addRows([3]), [2])
    let site = try bench.graph.addSite(
      name: "site", unit: "token", router: "R", selection: .top(1), scores: x)
    let outputs = try ["a", "b"].map { name in
      let inside = try bench.graph.enterPath(site, name: name, [x, x])
      defer { bench.graph.leavePath() }
      return try bench.add(.binary(.add), inside[0], inside[1])
    }
    let joined = try #require(try bench.graph.join(site, outputs: outputs))
    var program = GraphProgram(graph: bench.graph, outputs: [joined])
    let before = program.graph.nodes.count
    try apply("deduplicate", to: &program)
    #expect(program.graph.nodes.count == before - 2, "one of two gathers in each path")
  }

  /// Work of a path stays the path's, even where the same work is done elsewhere: the path may have
  /// no rows and be left out.
  @Test func deduplicateKeepsWorkWithoutRowsInItsPath() throws {
    var bench = Bench()
    let x = try bench.input("x", bench.addRows([3]), [1])
    let w = try bench.parameter("w", [1])
    let site = try bench.graph.addSite(
      name: "site", unit: "token", router: "R", selection: .all, scores: x)
    let inside = try bench.graph.enterPath(site, name: "a", [x])[0]
    let first = try bench.add(.unary(.exp), w)
    let output = try bench.add(.binary(.multiply), inside, first)
    bench.graph.leavePath()
    let joined = try #require(try bench.graph.join(site, outputs: [output]))
    let second = try bench.add(.unary(.exp), w)
    var program = GraphProgram(graph: bench.graph, outputs: [joined, second])
    try apply("deduplicate", to: &program)
    #expect(program.outputs == [joined, second])
    #expect(program.graph.node(of: second).region == RegionID(0))
  }

  // MARK: Prune

  @Test func pruneDropsWhatNoOutputNeeds() throws {
    var bench = Bench()
    let x = try bench.input("x", [2])
    let unused = try bench.input("unused", [2])
    _ = try bench.add(.unary(.exp), unused)
    let y = try bench.add(.unary(.exp), x)
    var program = GraphProgram(graph: bench.graph, outputs: [y])
    try apply("prune", to: &program)
    #expect(program.graph.nodes.map(\.op.kind) == [.input, .unary])
    bench.inputs["unused"] = nil
    #expect(try results(bench, program).count == 1, "an input that is gone need not be fed")
  }

  @Test func pruneDropsAPathOfNothingAndASiteOfNoUse() throws {
    var model = try RoutedModel(gathered: RoutedModel.Routes.all[0])
    var program = GraphProgram(graph: model.bench.graph, outputs: [model.output])
    let none = model.bench.graph.sites[0].paths[2]
    try apply("prune", to: &program)
    #expect(!program.graph.nodes.contains { $0.region == none.region })
    #expect(program.graph.nodes.contains { $0.op == .choose(SiteID(0)) })
    let x = model.bench.variables[0].value
    program.outputs = [try model.bench.add(.unary(.exp), x)]
    program.graph = model.bench.graph
    try apply("prune", to: &program)
    #expect(program.graph.nodes.map(\.op.kind) == [.input, .unary])
  }

  @Test func aPrunedParameterCanComeBack() throws {
    var bench = Bench()
    let x = try bench.input("x", [2])
    _ = try bench.parameter("w", [2])
    var program = GraphProgram(graph: bench.graph, outputs: [x])
    try apply("prune", to: &program)
    bench.graph = program.graph
    let w = try bench.parameter("w", [2])
    let y = try bench.add(.binary(.add), x, w)
    try bench.graph.verify()
    #expect(bench.graph.parameters.count == 1)
    #expect(try bench.numbers(y).count == 2)
  }
}
