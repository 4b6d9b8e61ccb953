import AdaptGraph
import Testing

@Suite struct CostTests {
  /// A site over scores that are fed, with paths of 10 and 4 operations a row: a product [2, 2] (8) or
  /// a square (2), and 2 to join. The root's own is the choice: one a path.
  private func model(_ scores: [Double], _ selection: Selection = .top(1), paths: Int = 2) throws
    -> (Bench, ValueID)
  {
    var bench = Bench()
    let rows = bench.addRows([scores.count / paths])
    let x = try bench.input("x", rows, [2])
    let fed = try bench.input("scores", rows, [paths], scores)
    let w = try bench.parameter("w", [2, 2])
    let site = try bench.graph.addSite(
      name: "site", unit: "token", router: "R", selection: selection, scores: fed)
    let outputs: [ValueID?] = try (0..<paths).map { number in
      let inside = try bench.graph.enterPath(site, name: "\(number)", [x])[0]
      defer { bench.graph.leavePath() }
      return number == 0
        ? try bench.add(.plainMatmul, inside, w) : try bench.add(.unary(.square), inside)
    }
    let joined = try #require(try bench.graph.join(site, outputs: outputs))
    return (bench, joined)
  }

  @Test func ownFullAndExecutedByHand() throws {
    let (bench, y) = try model([1, 0])
    let costs = bench.graph.costs(of: y, length: 1)
    let root = RegionID(0)
    #expect(costs.own(root) == 2)
    #expect(costs.sites(in: root) == [SiteID(0)])
    #expect(bench.graph.sites[0].paths.map { costs.own($0.region) } == [10, 4])
    #expect(costs.full(root) == 12)
    #expect(costs.executed(root, shares: ["site": [0.25, 0.75]]) == 2 + 2.5 + 3)
    #expect(costs.executed(root, shares: ["site": [0, 0]]) == 2)
    #expect(costs.executed(root, shares: ["site": [1, 1]]) == 16)
  }

  @Test func severalPathsAUnitCostTheirSum() throws {
    let (bench, y) = try model([1, 0, 0], .top(2), paths: 3)
    let costs = bench.graph.costs(of: y, length: 1)
    #expect(costs.full(RegionID(0)) == 3 + 10 + 4)
    let (all, z) = try model([1, 0, 0], .all, paths: 3)
    #expect(all.graph.costs(of: z, length: 1).full(RegionID(0)) == 3 + 10 + 4 + 4)
  }

  /// Of three paths that cost 10, 4 and 4 a half of all pairs are one and a half a unit.
  @Test func aShareOfThePairsTakesTheCostliestFirst() throws {
    let (bench, y) = try model([1, 0, 0], .pairs(.share(0.5)), paths: 3)
    #expect(bench.graph.costs(of: y, length: 4).full(RegionID(0)) == 3 + 10 + 0.5 * 4)
    let (batch, z) = try model([1, 0, 0], .amongBatch(.pairs(.share(0.5))), paths: 3)
    #expect(batch.graph.costs(of: z, length: 4).full(RegionID(0)) == 3 + 10 + 0.5 * 4)
  }

  @Test func onlyWhatTheOutputNeedsCounts() throws {
    var (bench, y) = try model([1, 0])
    let before = bench.graph.costs(of: y, length: 1).full(RegionID(0))
    _ = try bench.add(.unary(.exp), y)
    #expect(bench.graph.costs(of: y, length: 1).full(RegionID(0)) == before)
  }

  /// 4 operations a column and pair: all rows of the group, or half of them and itself.
  static let attentionCosts: [(Bool, Double, Double)] = [
    (false, 5, 40), (true, 5, 24), (true, 1, 8),
  ]

  @Test(arguments: attentionCosts)
  func attentionCostsByTheLengthOfGroups(_ causal: Bool, _ length: Double, _ expected: Double)
    throws
  {
    var bench = Bench()
    let x = try bench.input("x", bench.addRows([2]), [2])
    let y = try bench.graph.add(.attention(heads: 1, causal: causal), [x, x, x])[0]
    #expect(bench.graph.costs(of: y, length: length).full(RegionID(0)) == expected)
  }

  // MARK: Expected cost

  private func expected(_ bench: Bench, _ y: ValueID) throws -> Double {
    var bench = bench
    let cost = try bench.graph.expectedCost(of: y, length: 1)
    #expect(bench.graph.type(cost) == .scalar)
    try bench.graph.verify()
    return try bench.numbers(cost)[0]
  }

  @Test func expectedCostByHand() throws {
    let (bench, y) = try model([0.5, 0.5, 0, 1])
    expectClose([try expected(bench, y)], [(2 + 0.25 * 10 + 0.75 * 4) / 12])
  }

  @Test func allOnTheCostliestIsOne() throws {
    let (bench, y) = try model([1, 0, 1, 0])
    expectClose([try expected(bench, y)], [1])
    let (two, z) = try model([0.5, 0.25, 0.25], .top(2), paths: 3)
    // Half on the costliest and half on the others, of equal cost: as much as two paths can be.
    expectClose([try expected(two, z)], [1])
  }

  @Test func whereEveryPathIsTakenTheScoresDoNotCount() throws {
    for scores in [[0.2, 0.3, 0.1], [0.9, 0.9, 0.9]] {
      let (all, y) = try model(scores, .all, paths: 3)
      expectClose([try expected(all, y)], [1])
    }
  }

  @Test func aModelWithoutSitesCostsOne() throws {
    var bench = Bench()
    let x = try bench.input("x", bench.addRows([2]), [2])
    let y = try bench.add(.unary(.exp), x)
    expectClose([try expected(bench, y)], [1])
    expectClose([try expected(bench, x)], [1])
  }

  /// The site inside is counted by the scores of the rows that reach it alone.
  @Test func sitesInsidePathsByHand() throws {
    var bench = Bench()
    let rows = bench.addRows([2])
    let x = try bench.input("x", rows, [2])
    let outer = try bench.input("outer", rows, [2], [1, 0, 0, 1])
    let inner = try bench.input("inner", rows, [2], [0.25, 0.75, 1, 0])
    let w = try bench.parameter("w", [2, 2])
    let site = try bench.graph.addSite(
      name: "site", unit: "token", router: "R", selection: .top(1), scores: outer)
    let inside = try bench.graph.enterPath(site, name: "big", [x, inner])
    let nested = try bench.graph.addSite(
      name: "site.big", unit: "token", router: "R", selection: .top(1), scores: inside[1])
    let a = try bench.graph.enterPath(nested, name: "a", [inside[0]])[0]
    let product = try bench.add(.plainMatmul, a, w)
    bench.graph.leavePath()
    let b = try bench.graph.enterPath(nested, name: "b", [inside[0]])[0]
    bench.graph.leavePath()
    let big = try bench.graph.join(nested, outputs: [product, b])
    bench.graph.leavePath()
    let small = try bench.graph.enterPath(site, name: "small", [x])[0]
    bench.graph.leavePath()
    let y = try #require(try bench.graph.join(site, outputs: [big, small]))

    // big: 2 to choose, 2 to join, and inside 10 or 2; small: 2 to join; root: 2 to choose.
    let costs = bench.graph.costs(of: y, length: 1)
    #expect(costs.full(RegionID(0)) == 2 + 4 + 10)
    let shares = ["site": [0.5, 0.5], "site.big": [0.5, 0.5]]
    #expect(costs.executed(RegionID(0), shares: shares) == 2 + 0.5 * (4 + 6) + 0.5 * 2)
    // Row 0 reaches the site inside, with scores of ¼ and ¾.
    let expected = (2 + 0.5 * (4 + 0.25 * 10 + 0.75 * 2) + 0.5 * 2) / 16
    expectClose([try self.expected(bench, y)], [expected])
    bench.forced["site"] = bench.inputs["outer"]
    bench.variables = bench.variables.filter { ["outer", "inner"].contains($0.name) }
    let cost = try bench.graph.expectedCost(of: y, length: 1)
    try expectGradients(bench, of: cost)
  }

  @Test(arguments: RoutedModel.Routes.all)
  func gradientOfExpectedCostAgreesWithDifferences(_ routes: RoutedModel.Routes) throws {
    var model = try RoutedModel(gathered: routes)
    let cost = try model.bench.graph.expectedCost(of: model.output, length: 1)
    try expectGradients(model.bench, of: cost)
  }

  @Test func theCostIsAddedToTheRootWhereverWeStand() throws {
    var (bench, y) = try model([1, 0])
    let inside = bench.graph.sites[0].paths[0].region
    bench.graph.region = inside
    let cost = try bench.graph.expectedCost(of: y, length: 1)
    #expect(bench.graph.node(of: cost).region == RegionID(0))
    #expect(bench.graph.region == inside)
  }
}
