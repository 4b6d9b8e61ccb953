import AdaptGraph
import Foundation
import Testing

@Suite struct ScanTests {
  /// h' = tanh(x + h) over rows of width 2, made in another graph: 4 operations a row.
  static func sample() throws -> Op {
    var bench = Bench()
    let x = try bench.input("x", bench.addRows([1]), [2])
    let start = try bench.input("start", [2])
    var scan = try bench.graph.openScan(name: "scan", over: bench.rowSet(x))
    let row = try bench.graph.takeRows(x, in: &scan)
    let h = try bench.graph.carry(start, in: &scan)
    let next = try bench.add(.unary(.tanh), bench.graph.add(.binary(.add), row, h))
    let y = try bench.graph.closeScan(scan, result: next, next: [next]).result
    return bench.graph.node(of: y).op
  }

  /// h' = tanh(x w + h u + b) of one sequence, by hand.
  static func elman(_ rows: [[Double]], _ bench: Bench, from start: [Double]) throws -> [Double] {
    let (w, u) = (
      try #require(bench.parameters["w"]).values, try #require(bench.parameters["u"]).values
    )
    let b = try #require(bench.parameters["b"]).values
    var (h, result) = (start, [Double]())
    for x in rows {
      h = (0..<2).map { j in
        tanh(x[0] * w[j] + x[1] * w[2 + j] + h[0] * u[j] + h[1] * u[2 + j] + b[j])
      }
      result += h
    }
    return result
  }

  @Test(arguments: [false, true]) func equalsALoopOverEachSequence(_ reversed: Bool) throws {
    let lengths = [3, 0, 1, 4]
    var bench = Bench()
    let x = try bench.input("x", bench.addRows(lengths), [2])
    let y = try bench.elman(x, reversed: reversed)
    try bench.graph.verify()
    let start = try #require(bench.inputs["start"]).values
    let numbers = try #require(bench.inputs["x"]).values
    var (first, expected) = (0, [Double]())
    for length in lengths {
      let rows = (first..<first + length).map { Array(numbers[$0 * 2..<$0 * 2 + 2]) }
      let states = try Self.elman(reversed ? rows.reversed() : rows, bench, from: start)
      let pairs = stride(from: 0, to: states.count, by: 2).map { Array(states[$0..<$0 + 2]) }
      expected += (reversed ? pairs.reversed() : pairs).flatMap { $0 }
      first += length
    }
    expectClose(try bench.numbers(y), expected)
  }

  @Test func aMeanIsOverAllRows() throws {
    var bench = Bench()
    let x = try bench.input("x", bench.addRows([3, 1]), [2], [1, 2, 3, 4, 5, 6, 7, 8])
    var scan = try bench.graph.openScan(name: "scan", over: bench.rowSet(x))
    let row = try bench.graph.takeRows(x, in: &scan)
    let mean = try bench.add(.sumRows(mean: true), row)
    let result = try bench.graph.closeScan(scan, result: row, next: [], means: [mean])
    expectClose(try bench.numbers(result.means[0]), [4, 5])
  }

  @Test func aMeanOfWhatDoesNotChangeIsItself() throws {
    var bench = Bench()
    let x = try bench.input("x", bench.addRows([3, 1]), [2])
    var scan = try bench.graph.openScan(name: "scan", over: bench.rowSet(x))
    let row = try bench.graph.takeRows(x, in: &scan)
    let constant = try bench.add(.unary(.square), bench.parameter("p", [], [3]))
    let result = try bench.graph.closeScan(scan, result: row, next: [], means: [constant])
    try bench.graph.verify()
    expectClose(try bench.numbers(result.means[0]), [9])
  }

  @Test func theBodyIsOneNodeAndTheSiteAmongTheSites() throws {
    var bench = Bench()
    let y = try bench.routedScan(bench.input("x", bench.addRows([4, 2]), [2]))
    let graph = bench.graph
    try graph.verify()
    #expect(graph.nodes.filter { $0.op.kind == .scan }.count == 1)
    #expect(!graph.nodes.contains { [.choose, .members, .gather].contains($0.op.kind) })
    #expect(graph.sites.map(\.name) == ["scan.route", "scan.route.big.inner"])
    #expect(graph.node(of: graph.sites[0].scores).op.kind == .scan)
    let used = graph.ancestors(of: [y])
    #expect(graph.sites.allSatisfy { site in used.contains(site.paths[0].index) })
    #expect(graph.placesThatLookAhead.isEmpty)
  }

  @Test func aParameterInsideIsFoundFromTheResult() throws {
    var bench = Bench()
    let y = try bench.elman(bench.input("x", bench.addRows([2]), [2]))
    let trained = bench.graph.trainedThrough([y])
    for (name, value) in bench.variables { #expect(trained.contains(value), "\(name)") }
  }

  @Test func aReversedScanLooksAheadAndSoDoesAShiftBack() throws {
    var bench = Bench()
    let x = try bench.input("x", bench.addRows([2]), [2])
    bench.graph.scope = "back"
    _ = try bench.elman(x, reversed: true)
    _ = try bench.add(.shift(-1), x)
    _ = try bench.add(.shift(1), x)
    #expect(bench.graph.placesThatLookAhead == ["back", "back"])
  }

  @Test func aScanReadsWithItsStepsAboveIt() throws {
    var bench = Bench()
    let x = try bench.input("x", bench.addRows([2]), [2])
    let y = try bench.elman(x, reversed: true)
    let text = bench.graph.text(outputs: [y])
    #expect(text.contains("  step token/scan\n"))
    #expect(text.contains("matmul(%6, %2) : [token/scan, 2]"))
    #expect(text.contains("scan[1 rows, 1 carried, 0 totals, reversed]("))
    #expect(text == bench.graph.text(outputs: [y]))
  }

  // MARK: What leaves the steps

  /// The ops of each scan's body, in order, and those around them.
  private func kinds(_ graph: Graph) -> (inside: [[OpKind]], outside: [OpKind]) {
    let bodies = graph.nodes.compactMap { node -> [OpKind]? in
      guard case .scan(let body) = node.op else { return nil }
      return body.graph.nodes.map(\.op.kind).filter { $0 != .input && $0 != .constant }
    }
    return (bodies, graph.nodes.map(\.op.kind))
  }

  @Test func whatNeedsNothingCarriedIsComputedBeforeTheScan() throws {
    var bench = Bench()
    _ = try bench.elman(bench.input("x", bench.addRows([3, 2]), [2]))
    let found = kinds(bench.graph)
    #expect(found.inside == [[.matmul, .binary, .binary, .unary]], "h·u, + x·w, + b, tanh")
    #expect(found.outside.filter { $0 == .matmul }.count == 1, "x·w")
  }

  @Test func aGradientsStepsDoOnlyWhatTheCarriedGradientGoesThrough() throws {
    var bench = Bench()
    let loss = try bench.total(bench.elman(bench.input("x", bench.addRows([3, 2]), [2])))
    let targets = bench.variables.map(\.value)
    let gradients = try bench.graph.gradient(of: loss, withRespectTo: targets)
    #expect(gradients.allSatisfy { $0 != nil })
    var program = GraphProgram(graph: bench.graph, outputs: gradients.compactMap { $0 })
    try program.optimize(verifying: true)
    let found = kinds(program.graph)
    #expect(found.inside.count == 2)
    #expect(
      found.inside.last == [.binary, .unaryGradient, .matmul],
      "the result's gradient and the carried one, through tanh and u")
    #expect(found.outside.contains(.permute), "u is turned once")
  }

  /// Moving numbers is no work to be saved: rows are handed over once, and cut inside.
  @Test func whatOnlyMovesNumbersStaysInTheSteps() throws {
    var bench = Bench()
    let x = try bench.input("x", bench.addRows([2, 1]), [4])
    var scan = try bench.graph.openScan(name: "scan", over: bench.rowSet(x))
    let row = try bench.graph.takeRows(x, in: &scan)
    let h = try bench.graph.carry(bench.input("start", [2]), in: &scan)
    let left = try bench.add(.slice(start: 0, count: 2), row)
    let right = try bench.add(.unary(.exp), bench.graph.add(.slice(start: 2, count: 2), row))
    let next = try bench.add(
      .binary(.add), bench.graph.add(.binary(.multiply), left, h), right)
    _ = try bench.graph.closeScan(scan, result: next, next: [next])
    let found = kinds(bench.graph)
    #expect(found.inside == [[.slice, .binary, .binary]])
    #expect(found.outside.filter { $0 == .slice || $0 == .unary } == [.slice, .unary])
  }

  /// What slices of one value give back is put together, not added with zeros around.
  @Test func gradientsOfNeighbouringSlicesAreConcatenated() throws {
    var bench = Bench()
    let x = try bench.input("x", bench.addRows([2]), [5])
    let parts = try [(2, 3), (0, 2)].map { start, count in
      try bench.add(.unary(.exp), bench.graph.add(.slice(start: start, count: count), x))
    }
    let loss = try bench.total(bench.add(.concat, parts[0], parts[1]))
    let gradient = try #require(try bench.graph.gradient(of: loss, withRespectTo: [x])[0])
    #expect(bench.graph.node(of: gradient).op == .concat)
    try expectGradients(bench, of: loss)
  }

  // MARK: Cost

  @Test func aRowOfAScanCostsItsStep() throws {
    var (bench, plain) = (Bench(), Bench())
    let y = try bench.elman(bench.input("x", bench.addRows([5]), [2]))
    let x = try plain.input("x", plain.addRows([5]), [2])
    let w = try plain.parameter("w", [2, 2])
    let products = try plain.add(
      .binary(.add), plain.graph.add(.plainMatmul, x, w), plain.graph.add(.plainMatmul, x, w))
    let once = try plain.add(.unary(.tanh), plain.graph.add(.binary(.add), products, x))
    let root = RegionID(0)
    #expect(
      bench.graph.costs(of: y, length: 5).full(root)
        == plain.graph.costs(of: once, length: 5).full(root))
  }

  @Test func sitesInsideCostTheirPaths() throws {
    var bench = Bench()
    let y = try bench.routedScan(bench.input("x", bench.addRows([4, 2]), [2]))
    let costs = bench.graph.costs(of: y, length: 4)
    #expect(costs.sites(in: RegionID(0)) == [SiteID(0)])
    let own = costs.own(RegionID(0))
    let all = costs.executed(
      RegionID(0), shares: ["scan.route": [1, 0], "scan.route.big.inner": [1, 0]])
    #expect(all > own)
    #expect(abs(costs.full(RegionID(0)) - all) < 1e-9)
  }

  /// The expected cost of a scan is that of the same sites over all rows at once, by their mean scores.
  @Test func expectedCostSeesTheSitesInside() throws {
    var bench = Bench()
    let y = try bench.routedScan(bench.input("x", bench.addRows([4, 2]), [2]))
    let costs = bench.graph.costs(of: y, length: 4)
    let expected = try bench.graph.expectedCost(of: y, length: 4)
    try bench.graph.verify()
    let run = try bench.run()
    let scan = try #require(bench.graph.nodes.first { $0.op.kind == .scan })
    guard case .scan(let body) = scan.op else { return }
    func column(_ site: Int, mask: Bool, _ path: Int) throws -> Double {
      let export = try #require(body.exports[SiteID(site)])
      let value = try run.value(scan.outputs[mask ? export.mask : export.scores])
      return stride(from: path, to: value.values.count, by: 2).reduce(0) { $0 + value.values[$1] }
    }
    let reaching = try column(0, mask: true, 0)
    #expect(reaching > 0)
    let outer = try (0..<2).map { try column(0, mask: false, $0) / 6 }
    let inner = try (0..<2).map { try column(1, mask: false, $0) / max(1, reaching) }
    let share = costs.executed(
      RegionID(0), shares: ["scan.route": outer, "scan.route.big.inner": inner])
    expectClose(try run.value(expected).values, [share / costs.full(RegionID(0))])
  }

  // MARK: Errors

  @Test func whatIsHandedOnHasOneShape() throws {
    var bench = Bench()
    let x = try bench.input("x", bench.addRows([2]), [2])
    let start = try bench.input("start", [3])
    expectError(.shape, containing: ["hands on", "2]", "3]"]) {
      var scan = try bench.graph.openScan(name: "scan", over: bench.rowSet(x))
      let row = try bench.graph.takeRows(x, in: &scan)
      _ = try bench.graph.carry(start, in: &scan)
      _ = try bench.graph.closeScan(scan, result: row, next: [row])
    }
  }

  @Test func aScanInsideOfAScanIsAnError() throws {
    var bench = Bench()
    let x = try bench.input("x", bench.addRows([2]), [2])
    var scan = try bench.graph.openScan(name: "scan", over: bench.rowSet(x))
    let row = try bench.graph.takeRows(x, in: &scan)
    expectError(.shape, containing: ["one row"]) {
      _ = try bench.graph.openScan(name: "inner", over: bench.rowSet(row))
    }
  }

  @Test func rowsOfOutsideMustBeTaken() throws {
    var bench = Bench()
    let x = try bench.input("x", bench.addRows([2]), [2])
    var scan = try bench.graph.openScan(name: "scan", over: bench.rowSet(x))
    let row = try bench.graph.takeRows(x, in: &scan)
    expectError(.shape, containing: ["token"]) {
      _ = try bench.add(.binary(.add), row, x)
    }
    expectError(.shape, containing: ["[2]"]) {
      _ = try bench.graph.takeRows(bench.input("once", [2]), in: &scan)
    }
    expectError(.shape, containing: ["[token, 2]"]) { _ = try bench.graph.carry(x, in: &scan) }
  }
}
