import AdaptGraph
import Foundation
import Testing

@Suite struct SiteTests {
  @Test(arguments: RoutedModel.Routes.all)
  func gradientsAgreeWithDifferences(_ routes: RoutedModel.Routes) throws {
    let model = try RoutedModel(gathered: routes)
    try model.bench.graph.verify()
    try expectGradients(model.bench, of: model.loss)
  }

  /// Without forced selections; the numbers drawn keep every row's scores clear of a tie.
  @Test func gradientsThroughAChoiceOfItsOwn() throws {
    let model = try RoutedModel(gathered: RoutedModel.Routes.all[0], forced: false)
    let run = try model.bench.run()
    for site in model.bench.graph.sites {
      let scores = try run.value(site.scores)
      for row in stride(from: 0, to: scores.values.count, by: scores.shape[1]) {
        let sorted = scores.values[row..<row + scores.shape[1]].sorted(by: >)
        #expect(sorted[0] - sorted[1] > 1e-3, "a tie is too near for differences")
      }
    }
    try expectGradients(model.bench, of: model.loss)
  }

  @Test(arguments: RoutedModel.Routes.all)
  func gatheredIsMaskedDense(_ routes: RoutedModel.Routes) throws {
    let found = try results(of: RoutedModel(gathered: routes))
    let expected = try results(of: RoutedModel(dense: routes))
    #expect(found.keys.sorted() == expected.keys.sorted())
    for (name, values) in expected {
      // Sums over rows leave out zeros only; their order is the same.
      expectClose(found[name] ?? [], values, tolerance: 1e-13, name)
    }
  }

  /// The output and every gradient, by name.
  private func results(of model: RoutedModel) throws -> [String: [Double]] {
    var bench = model.bench
    let gradients = try bench.graph.gradient(
      of: model.loss, withRespectTo: bench.variables.map(\.value))
    let run = try bench.run()
    var results = ["output": try run.value(model.output).values]
    for (variable, gradient) in zip(bench.variables, gradients) {
      results[variable.name] = try run.value(#require(gradient)).values
    }
    return results
  }

  @Test func aRowGivesTheSameAloneAsAmongOthers() throws {
    let routes = RoutedModel.Routes.all[0]
    let together = try RoutedModel(gathered: routes, forced: false)
    let output = try together.bench.run().value(together.output).values
    let width = RoutedModel.width
    let x = try #require(together.bench.inputs["x"])
    for row in routes.paths.indices {
      let one = RoutedModel.Routes(name: "row", lengths: [1], paths: [[0]])
      var alone = try RoutedModel(gathered: one, forced: false)
      let range = row * width..<(row + 1) * width
      alone.bench.inputs["x"]?.values = Array(x.values[range])
      alone.bench.parameters = together.bench.parameters
      #expect(try alone.bench.numbers(alone.output) == Array(output[range]), "row \(row)")
    }
  }

  /// What is not selected is not computed: no backward op of a path stands over more rows than it.
  @Test func backwardOfAPathHasThePathsRows() throws {
    var model = try RoutedModel(gathered: RoutedModel.Routes.all[0])
    let forward = model.bench.graph.nodes.count
    _ = try model.bench.graph.gradient(
      of: model.loss, withRespectTo: model.bench.variables.map(\.value))
    let graph = model.bench.graph
    let backward = graph.nodes[forward...]
    let big = graph.sites[0].paths[0]
    let products = backward.filter { $0.op.kind == .matmul && $0.region == big.region }
    #expect(products.count == 4, "two products each of the hidden layer and the inner router")
    #expect(backward.contains { $0.region == graph.sites[1].paths[0].region })
    let none = graph.sites[0].paths[2].region
    #expect(!backward.contains { $0.region == none })
  }

  // MARK: Operations

  /// Six rows: three take `big`, of which two go left and one right; two pass; one takes nothing.
  @Test func operationsOfActualRowsByHand() throws {
    let model = try RoutedModel(gathered: RoutedModel.Routes.all[0])
    let graph = model.bench.graph
    let counts = Bench.counts(try model.bench.run())
    let parts: [Int] = [
      6 * 18, 6 * 12, 6 * 3, 6 * 3,  // x·router, softmax, choose, weights
      3 * 18, 3 * 3,  // x·up, gelu
      3 * 12, 3 * 8, 3 * 2, 3 * 2,  // the same as above of the site inside
      2 * 18, 2 * 3,  // h·left, weight
      3 * 3,  // join inside
      3 * 3,  // weight of the path
      3 * 3 + 2 * 3,  // join
    ]
    let found = graph.flops(of: graph.needed(for: [model.output]), counts)
    #expect(found == Double(parts.reduce(0, +)))
  }

  /// What costs say of a row, times the rows, is what the rows cost.
  @Test(arguments: RoutedModel.Routes.all)
  func executedCostIsThatOfTheRows(_ routes: RoutedModel.Routes) throws {
    let model = try RoutedModel(gathered: routes)
    let graph = model.bench.graph
    let run = try model.bench.run()
    let counts = Bench.counts(run)
    let total = Double(routes.paths.count)
    var shares: [String: [Double]] = [:]
    for site in graph.sites {
      let all = max(counts.rows(site.rows), 1)
      shares[site.name] = site.paths.map { counts.rows($0.rows) / all }
    }
    let costs = graph.costs(of: model.output, length: 1)
    let expected = graph.flops(of: graph.needed(for: [model.output]), counts)
    expectClose([costs.executed(RegionID(0), shares: shares) * total], [expected])
  }

  // MARK: Attention inside a path

  /// Rows on a path that look at all rows around it come to what they come to where all look.
  @Test(arguments: [false, true], [false, true])
  func attentionToTheRowsAroundAPath(_ causal: Bool, _ groups: Bool) throws {
    var bench = Bench()
    let rows = bench.addRows([4, 2, 0, 1])
    let x = try bench.input("x", rows, [2])
    let units = groups ? try bench.graph.pooled(x) : x
    let scores = try bench.graph.add(.slice(start: 0, count: 1), units)
    let taken = groups ? [1, 3] : [1, 3, 4, 6]
    bench.forced["site"] = ReferenceTensor(
      [groups ? 4 : 7, 2],
      (0..<(groups ? 4 : 7)).flatMap { taken.contains($0) ? [1.0, 0] : [0, 1] })
    let site = try bench.graph.addSite(
      name: "site", unit: "token", router: "R", selection: .above(0), scores: scores,
      travellers: rows, hasElse: true)
    let attention = Op.attention(heads: 1, causal: causal)
    let path = try bench.graph.enterPath(site, name: "a", [x])[0]
    let y = try bench.graph.add(attention, [path, x, x])[0]
    bench.graph.leavePath()
    _ = try bench.graph.enterPath(site, name: "b", [])
    bench.graph.leavePath()
    let all = try bench.graph.add(attention, [x, x, x])[0]
    try bench.graph.verify()
    let run = try bench.run()
    let everywhere = try run.value(all).values
    let expected = (groups ? [4, 5, 6] : taken).flatMap { everywhere[2 * $0..<2 * $0 + 2] }
    #expect(try run.value(y).values == expected)
    // Each query is paid for, with the keys it sees.
    let node = bench.graph.nodes.firstIndex { $0.outputs.contains(y) }
    let pairs = groups ? (causal ? 4.0 : 5.0) : (causal ? 8.0 : 11.0)
    let flops = bench.graph.flops(of: [try #require(node)], Bench.counts(run))
    #expect(flops == 4 * 2 * pairs)
  }

  @Test(arguments: [false, true]) func attentionSeesThePathsRowsOfItsGroup(_ causal: Bool) throws {
    var bench = Bench()
    let rows = bench.addRows([4, 2, 0, 1])
    let x = try bench.input("x", rows, [2])
    let scores = try bench.input("scores", rows, [2])
    let taken = [1, 3, 4, 6]
    bench.forced["site"] = ReferenceTensor(
      [7, 2], (0..<7).flatMap { taken.contains($0) ? [1.0, 0] : [0, 1] })
    let site = try bench.graph.addSite(
      name: "site", unit: "token", router: "R", selection: .top(1), scores: scores)
    let path = try bench.graph.enterPath(site, name: "a", [x])[0]
    let attention = Op.attention(heads: 1, causal: causal)
    let y = try bench.graph.add(attention, [path, path, path])[0]
    let positions = try bench.add(.positions, path)
    bench.graph.leavePath()
    _ = try bench.graph.enterPath(site, name: "b", [])
    bench.graph.leavePath()
    let joined = try #require(try bench.graph.join(site, outputs: [y, nil]))

    // The same rows as data of their own: two of the first group, one of the second and the last.
    let own = bench.addRows([2, 1, 0, 1], "own")
    let numbers = try #require(bench.inputs["x"]).values
    let z = try bench.input("z", own, [2], taken.flatMap { numbers[2 * $0..<2 * $0 + 2] })
    let expected = try bench.graph.add(attention, [z, z, z])[0]
    let run = try bench.run()
    #expect(try run.value(y).values == run.value(expected).values)
    #expect(try run.value(positions).values == [1, 3, 0, 0])
    let output = try run.value(joined).values
    #expect([0, 2, 5].allSatisfy { output[2 * $0] == 0 && output[2 * $0 + 1] == 0 })
    bench.variables = [("x", x)]
    let loss = try bench.weighted(joined)
    try expectGradients(bench, of: loss)
  }

  // MARK: Building

  @Test func pathsOfDifferentSizesAreAnError() throws {
    var bench = Bench()
    let rows = bench.addRows([2])
    let x = try bench.input("x", rows, [2])
    let site = try bench.graph.addSite(
      name: "site", unit: "token", router: "R", selection: .all, scores: x)
    let first = try bench.graph.enterPath(site, name: "wide", [x])[0]
    bench.graph.leavePath()
    let second = try bench.graph.enterPath(site, name: "narrow", [x])[0]
    let slice = try bench.add(.slice(start: 0, count: 1), second)
    bench.graph.leavePath()
    expectError(.pathShapes, containing: ["'narrow' gives [1] a token", "'wide' gives [2]"]) {
      _ = try bench.graph.join(site, outputs: [first, slice])
    }
    expectError(.invalid, containing: ["site joins 1 outputs of 2 paths"]) {
      _ = try bench.graph.join(site, outputs: [first])
    }
    #expect(try bench.graph.join(site, outputs: [nil, nil]) == nil)
  }

  @Test func aThirdPathOfTwoScoresIsAnError() throws {
    var bench = Bench()
    let x = try bench.input("x", bench.addRows([2]), [2])
    let site = try bench.graph.addSite(
      name: "site", unit: "token", router: "R", selection: .all, scores: x)
    for name in ["a", "b"] {
      _ = try bench.graph.enterPath(site, name: name, [])
      bench.graph.leavePath()
    }
    expectError(.shape, containing: ["[token, 2]", "path 2"]) {
      _ = try bench.graph.enterPath(site, name: "c", [])
    }
  }

  @Test func scoresNeedRows() throws {
    var bench = Bench()
    let x = try bench.input("x", [2])
    expectError(.shape, containing: ["site", "[2]"]) {
      _ = try bench.graph.addSite(
        name: "site", unit: "token", router: "R", selection: .all, scores: x)
    }
  }
}
