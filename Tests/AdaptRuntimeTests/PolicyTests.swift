import AdaptGraph
import AdaptRuntime
import AdaptTensor
import Testing

/// One site whose scores are given: `big` works most, `small` less, `rest` not at all.
private struct SiteBench {
  let executor: Executor
  let batch: Batch
  static let name = "route"

  /// - Parameter scores: a row a unit, a number a path that is decided about.
  init(_ selection: Selection, _ scores: [[Float]], hasElse: Bool = false, groups: [Int]? = nil)
    throws
  {
    var graph = Graph()
    let rows = graph.addRows(label: "token", grouping: "sequence")
    let decided = scores.first?.count ?? 1
    let x = try graph.add(.input("x", TensorType(rows: rows, [4])))
    let numbers = try graph.add(.input("scores", TensorType(rows: rows, [decided])))
    let site = try graph.addSite(
      name: Self.name, unit: "token", router: "Test", selection: selection, scores: numbers,
      hasElse: hasElse)
    var outputs: [ValueID?] = []
    for (number, name) in (["big", "small"].prefix(decided) + (hasElse ? ["rest"] : []))
      .enumerated()
    {
      var value = try graph.enterPath(site, name: name, [x])[0]
      if name != "rest" {
        for _ in 0..<(number == 0 ? 4 : 1) { value = try graph.add(.binary(.add), value, value) }
      }
      outputs.append(value)
      graph.leavePath()
    }
    let joined = try graph.join(site, outputs: outputs) ?? x
    executor = try Executor(graph, outputs: [joined], cpu: CPU(threads: 1))
    batch = Batch(
      layout: RowLayout(lengths: groups ?? [scores.count]),
      floats: [
        "x": Array(repeating: 1, count: scores.count * 4), "scores": scores.flatMap { $0 },
      ])
  }

  /// The paths that each unit takes.
  func paths(_ policy: Policy) throws -> [[Int]] {
    try executor.run(batch, ParameterStore(), policies: [Self.name: policy], record: true)
    let decision = try #require(executor.decisions.first)
    let count = decision.paths.count
    return stride(from: 0, to: decision.mask.count, by: count).map { start in
      (0..<count).filter { decision.mask[start + $0] != 0 }
    }
  }
}

/// What decides at a site in place of its router.
@Suite struct PolicyTests {
  static let one: [[Float]] = [[0.9], [0.2], [0.7], [0.4], [0.6], [0.1]]
  static let two: [[Float]] = [[0.9, 0.1], [0.6, 0.4], [0.3, 0.7], [0.8, 0.2], [0.55, 0.45]]

  @Test func aThresholdIsMoved() throws {
    let bench = try SiteBench(.above(0.5), Self.one, hasElse: true)
    #expect(try bench.paths(.learned) == [[0], [1], [0], [1], [0], [1]])
    #expect(try bench.paths(.threshold(0.65)) == [[0], [1], [0], [1], [1], [1]])
    #expect(try bench.paths(.threshold(-.infinity)) == Array(repeating: [0], count: 6))
  }

  @Test func aCapacityIsMoved() throws {
    let bench = try SiteBench(.best(.share(0.5)), Self.one, hasElse: true, groups: [4, 2])
    #expect(try bench.paths(.learned) == [[0], [1], [0], [1], [0], [1]])
    #expect(try bench.paths(.capacity(0.25)) == [[0], [1], [1], [1], [0], [1]])
    let capped = try SiteBench(
      .capped(.top(1), Capacity(factor: 2, order: .score)), Self.two, hasElse: true)
    #expect(try capped.paths(.learned) == [[0], [0], [1], [0], [0]])
    // Room for ⌈0.4 · 5 / 2⌉ = 1 on each.
    #expect(try capped.paths(.capacity(0.4)) == [[0], [2], [1], [2], [2]])
  }

  /// Orders that a search by halves finds easy and hard: risen, fallen, a roof, few values, both zeros.
  static let orders: [(name: String, number: @Sendable (Int) -> Float)] = [
    ("random", { Float(($0 &* 7919 + 13) % 1009) - 500 }),
    ("rising", { Float($0) }), ("falling", { -Float($0) }),
    ("roof", { Float(min($0, 299 - $0)) }), ("equal", { _ in -2 }),
    ("few values", { Float($0 % 3) - 1 }), ("zeros", { $0 % 2 == 0 ? 0 : -0.0 }),
  ]

  @Test(arguments: orders.indices, [0, 1, 7, 150, 299, 300])
  func theBestAreThoseThatSortingFinds(_ order: Int, _ count: Int) throws {
    let numbers = (0..<300).map(Self.orders[order].number)
    let bench = try SiteBench(.best(.count(count)), numbers.map { [$0] }, hasElse: true)
    let taken = try bench.paths(.learned).enumerated().filter { $1 == [0] }.map(\.offset)
    let sorted = numbers.indices.sorted {
      numbers[$0] > numbers[$1] || numbers[$0] == numbers[$1] && $0 < $1
    }
    #expect(taken == sorted.prefix(count).sorted(), "\(Self.orders[order].name)")
  }

  @Test func aTotalBudgetIsMoved() throws {
    // In order: 0.9 and 0.8 at the first path, 0.7 at the second, 0.6 at the first …
    let bench = try SiteBench(.pairs(.share(0.3)), Self.two, hasElse: true)
    #expect(try bench.paths(.learned) == [[0], [2], [1], [0], [2]])
    #expect(try bench.paths(.capacity(0.1)) == [[0], [2], [2], [2], [2]])
    #expect(try bench.paths(.capacity(1)) == Array(repeating: [0, 1], count: 5))
    let batch = try SiteBench(
      .amongBatch(.pairs(.share(0.3))), Self.two, hasElse: true, groups: [2, 3])
    #expect(try batch.paths(.learned) == [[0], [2], [1], [0], [2]])
    #expect(try batch.paths(.capacity(0.1)) == [[0], [2], [2], [2], [2]])
    // Of each sequence ⌈0.3 · 4⌉ and ⌈0.3 · 6⌉ pairs.
    let apart = try SiteBench(.pairs(.share(0.3)), Self.two, hasElse: true, groups: [2, 3])
    #expect(try apart.paths(.learned) == [[0], [0], [1], [0], [2]])
  }

  /// The costs of the pairs that are taken add up to at most the budget's share of all pairs.
  @Test func aBudgetOnPairsCountsTheirCosts() throws {
    let bench = try SiteBench(.pairs(.share(1)), Self.two, hasElse: true)
    #expect(try bench.paths(.budget(0)) == Array(repeating: [2], count: 5))
    #expect(try bench.paths(.budget(1)) == Array(repeating: [0, 1], count: 5))
    // The paths cost 5 and 2 with their rows' joining, all pairs 35: 5 + 5 + 2 fit into 12.25.
    #expect(try bench.paths(.budget(0.35)) == [[0], [2], [1], [0], [2]])
    #expect(try bench.paths(.budget(0.3)) == [[0], [2], [2], [0], [2]])
  }

  @Test(arguments: [0, 0.1, 1.0 / 6, 0.3, 0.5, 0.84, 1])
  func aBudgetOnAThresholdTakesTheGreatestNumbers(_ budget: Double) throws {
    let bench = try SiteBench(.above(0.5), Self.one, hasElse: true)
    let taken = try bench.paths(.budget(budget)).enumerated().filter { $1 == [0] }.map(\.offset)
    let best = Self.one.indices.sorted { Self.one[$0][0] > Self.one[$1][0] }
    #expect(taken == best.prefix(Int(6 * budget + 1e-9)).sorted())
  }

  @Test func equalNumbersDoNotBreakABudget() throws {
    let bench = try SiteBench(.above(0.5), Array(repeating: [0.5], count: 6), hasElse: true)
    #expect(try bench.paths(.budget(0.5)) == Array(repeating: [1], count: 6))
    #expect(try bench.paths(.budget(1)) == Array(repeating: [0], count: 6))
  }

  @Test func aBudgetOnAShareIsTheShare() throws {
    let bench = try SiteBench(.best(.share(0.5)), Self.one, hasElse: true)
    #expect(try bench.paths(.budget(1.0 / 3)) == [[0], [1], [0], [1], [1], [1]])
  }

  /// The least price is the one at which the unit that cares least has moved.
  @Test func aBudgetOnTheBestPathPricesTheirCosts() throws {
    let bench = try SiteBench(.top(1), Self.two)
    #expect(try bench.paths(.budget(1)) == [[0], [0], [1], [0], [0]])
    // The paths cost 5 and 2 with their rows' joining: four on big are 88 % of all on it.
    #expect(try bench.paths(.budget(0.8)) == [[0], [0], [1], [0], [1]])
    #expect(try bench.paths(.budget(0.65)) == [[0], [1], [1], [0], [1]])
    let error = #expect(throws: RuntimeError.self) { try bench.paths(.budget(0.1)) }
    #expect(error?.description.contains("route cannot keep to a budget of 10.0%") == true)
  }

  @Test func pathsInTurn() throws {
    let bench = try SiteBench(.top(1), Self.two)
    #expect(try bench.paths(.uniform) == [[0], [1], [0], [1], [0]])
    let keep = try SiteBench(.above(0.5), Self.one, hasElse: true)
    #expect(try keep.paths(.uniform) == [[0], [1], [0], [1], [0], [1]])
    let both = try SiteBench(.top(2), Self.two)
    #expect(try both.paths(.uniform) == Array(repeating: [0, 1], count: 5))
  }

  @Test(arguments: [
    Selection.above(0.5), .best(.share(0.5)),
    .capped(.above(0.5), Capacity(factor: 1, order: .score)),
    .pairs(.share(0.5)), .amongBatch(.best(.share(0.5))),
  ])
  func chanceTakesAsManyAsTheRouter(_ selection: Selection) throws {
    let bench = try SiteBench(selection, Self.one, hasElse: true)
    let learned = try bench.paths(.learned).filter { $0 == [0] }.count
    let draws = try (1...20).map { try bench.paths(.random(seed: $0)) }
    #expect(draws.allSatisfy { $0.filter { $0 == [0] }.count == learned })
    #expect(draws.allSatisfy { $0.allSatisfy { $0.count == 1 } })
    #expect(Set(draws).count > 5)
    #expect(try bench.paths(.random(seed: 7)) == draws[6])
  }

  @Test func thePathForTheRestMayBeChosen() throws {
    let bench = try SiteBench(.above(0.5), Self.one, hasElse: true)
    #expect(try bench.paths(.always("rest")) == Array(repeating: [1], count: 6))
    let names = ["rest", "big", "rest", "rest", "big", "big"]
    #expect(try bench.paths(.labels(names)) == [[1], [0], [1], [1], [0], [0]])
  }

  @Test func aSeriesGoesOnWhereTheLastRunEnded() throws {
    let bench = try SiteBench(.top(1), [[0.9, 0.1], [0.6, 0.4]])
    let names = ["small", "small", "big", "small"]
    #expect(try bench.paths(.labels(names, from: 0)) == [[1], [1]])
    #expect(try bench.paths(.labels(names, from: 2)) == [[0], [1]])
    #expect(try bench.paths(.replay([0, 1, 1, 0, 0, 1], from: 1)) == [[0], [1]])
    #expect(throws: RuntimeError.self) { try bench.paths(.labels(names, from: 3)) }
    #expect(throws: RuntimeError.self) { try bench.paths(.labels(names)) }
  }

  // MARK: Hosts

  @Test func aHostDecides() throws {
    let bench = try SiteBench(.above(0.5), Self.one, hasElse: true)
    let callback = SiteCallback { question in
      #expect(question.site == "route" && question.paths == ["big", "rest"])
      #expect(question.units == 6 && question.scores == Self.one.flatMap { $0 })
      return question.scores.flatMap { $0 < 0.3 ? [1, 0] : [0, 1] }
    }
    #expect(try bench.paths(.callback(callback)) == [[1], [0], [1], [1], [1], [0]])
  }

  @Test(arguments: [
    ([1, 0, 1] as [Float], "gave 3 numbers, not 2 × 2"), ([1, 0, 0, 0.5], "gave 0.5 at row 1"),
    ([1, 0, 2, 0], "gave 2.0 at row 1"), ([.nan, 0, 1, 0], "at row 0"),
  ])
  func whatAHostGivesIsChecked(_ answer: [Float], _ part: String) throws {
    let bench = try SiteBench(.above(0.5), [[0.9], [0.1]], hasElse: true)
    let error = #expect(throws: RuntimeError.self) {
      try bench.paths(.callback(SiteCallback { _ in answer }))
    }
    #expect(error?.description.contains("the callback of route") == true)
    #expect(error?.description.contains(part) == true, "\(error?.description ?? "")")
  }

  // MARK: Wrong kinds of rules

  @Test(arguments: [
    (Selection.top(1), Policy.threshold(0.5), "route has no threshold"),
    (.above(0.5), .capacity(0.5), "route has no capacity"),
    (.all, .budget(0.5), "route has no budget"), (.given, .budget(0.5), "route has no budget"),
    (.above(0.5), .threshold(.nan), "a threshold is a number"),
    (.best(.count(1)), .capacity(-1), "a capacity is a number from 0"),
    (.above(0.5), .budget(1.5), "a budget is a share"),
    (.top(1), .labels(["bigg"]), "no path 'bigg'"),
  ])
  func aPolicyThatCannotDecideIsRefused(_ selection: Selection, _ policy: Policy, _ part: String)
    throws
  {
    let bench = try SiteBench(selection, Self.one)
    let error = #expect(throws: RuntimeError.self) { try bench.paths(policy) }
    #expect(error?.description.contains(part) == true, "\(error?.description ?? "")")
  }

  // MARK: Series of runs

  @Test func aRecordingDecidesTheSameInBatchesOfAnySize() throws {
    let (model, parameters, split) = try setUp()
    let batches = stride(from: 0, to: 4, by: 2).map { split.batch($0..<$0 + 2) }
    let recording = try Recorder(model, cpu: CPU(threads: 1)).record(
      batches, parameters, policies: ["blocks[1].duo.route": .random(seed: 3)])
    #expect(recording.sites.map(\.units) == [48, 48])
    let evaluator = try Evaluator(model, format: .tokens(length: 12), cpu: CPU(threads: 1))
    for size in [1, 3, 4] {
      let found = try evaluator.evaluate(
        split, parameters, units: 4, batch: size, policies: recording.policies)
      for (site, record) in zip(found.sites, recording.sites) {
        #expect(site.shares == record.counts.map { Double($0) / 48 })
      }
    }
    #expect(throws: RuntimeError.self) {
      try evaluator.evaluate(split, parameters, units: 5, policies: recording.policies)
    }
  }

  private func setUp() throws -> (ModelGraph, ParameterStore, ByteSplit) {
    let fixture = try Fixture("duo_lm")
    var builder = LanguageModel(small: 4)
    var random = Philox(seed: 4, stream: "text")
    let text = (0..<800).map { _ in UInt8(random.next(below: 32)) }
    return (
      try builder.build(), fixture.parameters, try ByteWindows(bytes: text, length: 12).valid
    )
  }

  @Test func anOracleLeavesFixedSitesAlone() throws {
    let (model, parameters, split) = try setUp()
    let oracle = try Oracle(
      model, each: .sequence, length: 12, policies: ["blocks[0].duo.route": .always("skip")],
      cpu: CPU(threads: 1))
    let result = try oracle.search(split, parameters, windows: 2)
    #expect(result.sites == ["blocks[1].duo.route"] && result.runs == 3)
  }

  @Test func chanceIsDrawnAnewInEachStepOfTraining() throws {
    let (_, _, split) = try setUp()
    func counts(_ policy: Policy) throws -> [[Int]] {
      let policies = ["blocks[0].duo.route": policy, "blocks[1].duo.route": policy]
      let trainer = try FixtureTests.trainer(
        LanguageModel(small: 4), ParameterStore(seed: 1), policies: policies)
      return try (0..<4).map { _ in
        try trainer.step(split.batch(0..<2)).paths.flatMap(\.counts)
      }
    }
    #expect(try Set(counts(.random(seed: 2))).count > 1)
    #expect(try counts(.always("small")) == Array(repeating: [0, 24, 0, 0, 24, 0], count: 4))
  }
}
