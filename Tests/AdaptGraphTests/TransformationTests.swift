import AdaptGraph
import Testing

/// The gradient as a change of the graph.
@Suite struct TransformationTests {
  @Test func aSharedParameterGetsTheSumOfItsUses() throws {
    var bench = Bench()
    let rows = bench.addRows([2, 1])
    let x = try bench.input("x", rows, [3])
    let w = try bench.parameter("w", [3, 3])
    let hidden = try bench.add(.unary(.tanh), bench.graph.add(.plainMatmul, x, w))
    #expect(try bench.parameter("w", [3, 3]) == w)
    let y = try bench.add(.plainMatmul, hidden, w)
    let loss = try bench.weighted(y)
    try expectGradients(bench, of: loss)
  }

  @Test func aValueOfSeveralConsumersGetsAllTheirGradients() throws {
    var bench = Bench()
    let rows = bench.addRows([2, 1])
    let x = try bench.input("x", rows, [2])
    let h = try bench.add(.unary(.tanh), x)
    let square = try bench.add(.binary(.multiply), h, h)
    let softmax = try bench.add(.softmax, h)
    let both = try bench.add(.concat, h, square, softmax)
    let loss = try bench.weighted(both)
    bench.variables.append(("x", h))
    bench.variables.removeLast()
    try expectGradients(bench, of: loss)
  }

  @Test func aValueInBetweenHasItsGradient() throws {
    var bench = Bench()
    let x = try bench.input("x", [2], [3, 4])
    let h = try bench.add(.unary(.square), x)
    let loss = try bench.total(bench.add(.unary(.square), h))
    let gradients = try bench.graph.gradient(of: loss, withRespectTo: [h, x, loss])
    expectClose(try bench.numbers(#require(gradients[0])), [18, 32])
    expectClose(try bench.numbers(#require(gradients[1])), [108, 256])
    expectClose(try bench.numbers(#require(gradients[2])), [1])
  }

  @Test func whatTheLossDoesNotDependOnHasNone() throws {
    var bench = Bench()
    let rows = bench.addRows([2])
    let x = try bench.input("x", rows, [2])
    let unused = try bench.parameter("unused", [2])
    _ = try bench.add(.binary(.add), x, unused)
    let index = try bench.ints("index", rows, [1, 0])
    let loss = try bench.total(bench.add(.gather, x, index))
    let gradients = try bench.graph.gradient(of: loss, withRespectTo: [x, unused, index])
    #expect(gradients.map { $0 == nil } == [false, true, true])
  }

  @Test func aComparisonPassesNone() throws {
    var bench = Bench()
    let x = try bench.input("x", [2])
    let loss = try bench.total(bench.add(.binary(.less), x, bench.graph.constant(0)))
    #expect(try bench.graph.gradient(of: loss, withRespectTo: [x]) == [nil])
  }

  @Test func stopGradientLeavesTheOtherWay() throws {
    var bench = Bench()
    let x = try bench.input("x", [2], [3, 5])
    let stopped = try bench.add(.stopGradient, x)
    let product = try bench.add(.binary(.multiply), x, stopped)
    let loss = try bench.total(product)
    let gradient = try #require(try bench.graph.gradient(of: loss, withRespectTo: [x])[0])
    expectClose(try bench.numbers(gradient), [3, 5])
    let dead = try bench.total(stopped)
    #expect(try bench.graph.gradient(of: dead, withRespectTo: [x]) == [nil])
  }

  @Test func onlyAScalarHasAGradient() throws {
    var bench = Bench()
    let x = try bench.input("x", bench.addRows([2]), [2])
    expectError(.shape, containing: ["scalar", "[token, 2]"]) {
      _ = try bench.graph.gradient(of: x, withRespectTo: [x])
    }
  }

  @Test func askingTwiceGivesTheSameNumbers() throws {
    var model = try RoutedModel(gathered: RoutedModel.Routes.all[0])
    let targets = model.bench.variables.map(\.value)
    let first = try model.bench.graph.gradient(of: model.loss, withRespectTo: targets)
    let second = try model.bench.graph.gradient(of: model.loss, withRespectTo: targets)
    let run = try model.bench.run()
    for (a, b) in zip(first, second) {
      #expect(try run.value(#require(a)) == run.value(#require(b)))
    }
  }

  @Test func theCurrentRegionAndScopeStay() throws {
    var model = try RoutedModel(gathered: RoutedModel.Routes.all[0])
    model.bench.graph.scope = "here"
    model.bench.graph.region = model.bench.graph.sites[0].paths[0].region
    let before = model.bench.graph.region
    _ = try model.bench.graph.gradient(
      of: model.loss, withRespectTo: model.bench.variables.map(\.value))
    #expect(model.bench.graph.region == before)
    #expect(model.bench.graph.scope == "here")
  }

  @Test func rowsOfSeveralPathsComeBackInOneScatter() throws {
    var model = try RoutedModel(gathered: RoutedModel.Routes.all[0])
    let forward = model.bench.graph.nodes.count
    let x = model.bench.variables[0].value
    _ = try model.bench.graph.gradient(of: model.loss, withRespectTo: [x])
    let merged = model.bench.graph.nodes[forward...].filter {
      $0.op == .scatter(.rows(RowSetID(0))) && $0.inputs.count == 4
    }
    #expect(merged.count == 1)
  }
}
