import AdaptGraph
import AdaptRuntime
import AdaptTensor
import Testing

@Suite struct ExecutorTests {
  static let cpu = CPU(threads: 2)

  /// The routed fixture model with logits as output.
  static func duo() throws -> (ModelGraph, ParameterStore, Batch) {
    let fixture = try Fixture("duo_lm")
    var builder = LanguageModel(small: 4)
    return (try builder.build(), fixture.parameters, try fixture.batch)
  }

  static func logits(
    _ batch: Batch, policies: [String: Policy] = [:], threads: Int = 2
  ) throws -> [Float] {
    let (model, parameters, _) = try duo()
    let executor = try Executor(
      model.graph, outputs: [model.output], cpu: CPU(threads: threads))
    try executor.run(batch, parameters, policies: policies)
    return executor.floats(0)
  }

  @Test func twoTrainingsFromOneSeedAreEqualBitForBit() throws {
    func train() throws -> [[Float]] {
      let store = ParameterStore(seed: 7)
      let trainer = try FixtureTests.trainer(LanguageModel(small: 4), store)
      for step in 0..<5 {
        let text = (0..<400).map { UInt8(($0 * 7 + $0 / 5 + step) % 32) }
        let split = try ByteWindows(bytes: text, length: 12).train
        _ = try trainer.step(split.sample(4, seed: 3, step: step))
      }
      return store.names.map { store[$0]?.floats ?? [] }
    }
    #expect(try train() == train())
  }

  @Test func anOutputOutsideOfTheGraphIsAnError() throws {
    let (model, _, _) = try Self.duo()
    let other = ValueID(model.graph.values.count)
    #expect(throws: GraphError(.invalid, "the graph has no value %\(other.index)")) {
      try Executor(model.graph, outputs: [model.output, other], cpu: Self.cpu)
    }
    #expect(throws: GraphError(.invalid, "the graph has no value %0")) {
      try Eager(cpu: Self.cpu).run(Graph(), outputs: [ValueID(0)])
    }
  }

  @Test func anotherSeedStartsFromOtherParameters() throws {
    let (model, _, _) = try Self.duo()
    let (a, b) = (ParameterStore(seed: 1), ParameterStore(seed: 2))
    try a.ensure(model.graph.parameters)
    try b.ensure(model.graph.parameters)
    #expect(a["embedding.table"] != b["embedding.table"])
  }

  @Test func aSequenceGivesTheSameBitsAloneAndInABatch() throws {
    let (_, _, batch) = try Self.duo()
    let together = try Self.logits(batch)
    let length = batch.layout.rows / batch.layout.groups
    for group in 0..<batch.layout.groups {
      let rows = group * length..<(group + 1) * length
      let alone = Batch(
        layout: RowLayout(groups: 1, length: length),
        ints: ["input": Array((batch.ints["input"] ?? [])[rows])])
      #expect(
        try Self.logits(alone) == Array(together[rows.lowerBound * 32..<rows.upperBound * 32]))
    }
  }

  @Test func rowByRowEqualsTheWholeForWorkWithinRows() throws {
    // Routing acts on each row alone, so a sequence of one row is the first row of any sequence.
    let (_, _, batch) = try Self.duo()
    let together = try Self.logits(batch)
    let first = Batch(
      layout: RowLayout(groups: 1, length: 1), ints: ["input": [batch.ints["input"]?[0] ?? 0]])
    #expect(try Self.logits(first) == Array(together[0..<32]))
  }

  @Test func groupsOfDifferentLengthsNeedNoPadding() throws {
    let (_, _, batch) = try Self.duo()
    let together = try Self.logits(batch)
    let tokens = batch.ints["input"] ?? []
    let ragged = Batch(
      layout: RowLayout(lengths: [5, 0, 12]),
      ints: ["input": Array(tokens[0..<5]) + Array(tokens[12..<24])])
    let found = try Self.logits(ragged)
    // A causal model's prefix does not depend on what follows.
    #expect(Array(found[0..<(5 * 32)]) == Array(together[0..<(5 * 32)]))
    #expect(Array(found[(5 * 32)...]) == Array(together[(12 * 32)..<(24 * 32)]))
  }

  @Test func oneThreadAndThreeGiveTheSameUpToRounding() throws {
    let (_, _, batch) = try Self.duo()
    expectClose(
      try Self.logits(batch, threads: 3), try Self.logits(batch, threads: 1), 1e-5, "logits")
  }

  @Test func aPolicyOverridesTheRouter() throws {
    let (model, parameters, batch) = try Self.duo()
    let executor = try Executor(model.graph, outputs: [model.output], cpu: Self.cpu)
    let site = "blocks[1].duo.route"
    try executor.run(batch, parameters, policies: [site: .always("small")])
    let rows = batch.layout.rows
    #expect(executor.pathCounts[1] == [0, rows, 0])
    #expect(executor.pathCounts[0].reduce(0, +) == rows)
    try executor.run(batch, parameters, policies: [site: .random(seed: 5)])
    #expect(executor.pathCounts[1].allSatisfy { $0 > 0 })
  }

  @Test func replayingARecordingGivesTheSameBits() throws {
    let (model, parameters, batch) = try Self.duo()
    let executor = try Executor(model.graph, outputs: [model.output], cpu: Self.cpu)
    try executor.run(batch, parameters, record: true)
    let (logits, decisions) = (executor.floats(0), executor.decisions)
    #expect(decisions.count == 2)
    let replay = Dictionary(
      uniqueKeysWithValues: decisions.map { ($0.site, Policy.replay($0.mask)) })
    try executor.run(batch, parameters, policies: replay)
    #expect(executor.floats(0) == logits)
  }

  @Test func executedWorkIsCountedFromTheRowsThatRan() throws {
    let (model, parameters, batch) = try Self.duo()
    let executor = try Executor(model.graph, outputs: [model.output], cpu: Self.cpu)
    let costs = model.graph.costs(of: model.output, length: 12)
    for path in ["big", "small", "skip"] {
      let policies = Dictionary(
        uniqueKeysWithValues: model.graph.sites.map { ($0.name, Policy.always(path)) })
      try executor.run(batch, parameters, policies: policies)
      let share = ["big", "small", "skip"].map { $0 == path ? 1.0 : 0 }
      let shares = Dictionary(uniqueKeysWithValues: model.graph.sites.map { ($0.name, share) })
      let expected = costs.executed(RegionID(0), shares: shares) * Double(batch.layout.rows)
      #expect(abs(executor.flops(for: [0]) / expected - 1) < 1e-9)
    }
  }

  @Test func memoryStaysInSteadyStateAndServesFewerRows() throws {
    let (model, parameters, batch) = try Self.duo()
    let executor = try Executor(model.graph, outputs: [model.output], cpu: Self.cpu)
    try executor.run(batch, parameters)
    let (memory, logits) = (executor.memory, executor.floats(0))
    try executor.run(
      Batch(layout: RowLayout(groups: 1, length: 2), ints: ["input": [1, 2]]), parameters)
    try executor.run(batch, parameters)
    #expect(executor.memory == memory)
    #expect(executor.floats(0) == logits)
  }

  @Test func noRowsAtAllIsNoError() throws {
    #expect(try Self.logits(Batch(layout: RowLayout(lengths: []), ints: ["input": []])).isEmpty)
  }

  // MARK: Bad input

  @Test func aTokenOutsideTheTableIsAnError() throws {
    for token: Int32 in [-1, 32, .max] {
      let batch = Batch(layout: RowLayout(groups: 1, length: 1), ints: ["input": [token]])
      #expect(throws: RuntimeError.self) { try Self.logits(batch) }
    }
  }

  @Test func aSequenceBeyondThePositionsIsAnErrorThatSaysSo() throws {
    let batch = Batch(
      layout: RowLayout(groups: 1, length: 70),
      ints: ["input": Array(repeating: 1, count: 70)])
    let error = #expect(throws: RuntimeError.self) { try Self.logits(batch) }
    #expect(error?.description.contains("places for 64 rows of a sequence") == true)
  }

  @Test func aWrongNumberOfInputsIsAnError() throws {
    let batch = Batch(layout: RowLayout(groups: 1, length: 3), ints: ["input": [1]])
    #expect(throws: RuntimeError.self) { try Self.logits(batch) }
  }

  @Test func anUnknownSiteOrPathIsAnErrorThatNamesTheKnown() throws {
    let (_, _, batch) = try Self.duo()
    for policies in [["blocks[9]": Policy.learned], ["blocks[0].duo.route": .always("huge")]] {
      let error = #expect(throws: RuntimeError.self) {
        try Self.logits(batch, policies: policies)
      }
      #expect(error?.description.contains("blocks[0].duo.route") == true)
    }
  }

  @Test func aScoreThatIsNoNumberNamesTheSiteAndTheRow() throws {
    let (model, parameters, batch) = try Self.duo()
    parameters["blocks[1].duo.route.router.linear.weight"] = try Tensor(
      [16, 3], Array(repeating: Float.nan, count: 48))
    let executor = try Executor(model.graph, outputs: [model.output], cpu: Self.cpu)
    let error = #expect(throws: RuntimeError.self) { try executor.run(batch, parameters) }
    #expect(error == .notFinite(place: "a score of blocks[1].duo.route", row: 0))
  }

  @Test func aGradientThatIsNoNumberLeavesTheParameters() throws {
    let fixture = try Fixture("dense_lm")
    let parameters = fixture.parameters
    parameters["linear.bias"] = try Tensor([32], [.infinity] + Array(repeating: 0, count: 31))
    let before = parameters["embedding.table"]
    let trainer = try FixtureTests.trainer(LanguageModel(), parameters)
    #expect(throws: RuntimeError.self) { try trainer.step(fixture.batch) }
    #expect(parameters["embedding.table"] == before)
  }
}
