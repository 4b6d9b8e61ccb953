import AdaptGraph
import AdaptRuntime
import AdaptTensor
import Foundation
import Testing

/// Thresholds that meet a budget.
@Suite struct CalibrationTests {
  /// Two sites, one inside of the other's path, that work where a feature of the token is above a
  /// threshold; or, inverse, where it is not: an exit.
  private static func model(inverse: Bool = false) throws -> (ModelGraph, ParameterStore) {
    var graph = Graph()
    let rows = graph.addRows(label: "token", grouping: "sequence")
    let input = try graph.add(.input("input", TensorType(rows: rows, [], .int32)))
    let table = ParameterInfo(name: "table", shape: [32, 8], initial: .normal(1))
    var x = try graph.add(.gather, graph.parameter(table), input)
    x = try gate(&graph, x, "outer", column: 0, inverse: inverse) { graph, x in
      try gate(&graph, x, "outer.inner", column: 1, inverse: inverse) { graph, x in
        try work(&graph, x)
      }
    }
    return (ModelGraph(graph: graph, input: input, output: x), ParameterStore(seed: 3))
  }

  private static func gate(
    _ graph: inout Graph, _ x: ValueID, _ name: String, column: Int, inverse: Bool,
    _ inside: (inout Graph, ValueID) throws -> ValueID
  ) throws -> ValueID {
    let scores = try graph.add(.slice(start: column, count: 1), x)
    let site = try graph.addSite(
      name: name, unit: "token", router: "Test", selection: .above(0), scores: scores,
      hasElse: true)
    var outputs: [ValueID] = []
    for isWork in [!inverse, inverse] {
      let own = try graph.enterPath(site, name: isWork ? "work" : "leave", [x])[0]
      outputs.append(isWork ? try inside(&graph, work(&graph, own)) : own)
      graph.leavePath()
    }
    return try graph.join(site, outputs: outputs) ?? x
  }

  private static func work(_ graph: inout Graph, _ x: ValueID) throws -> ValueID {
    try (0..<6).reduce(x) { x, _ in try graph.add(.unary(.tanh), x) }
  }

  private static func batches(_ windows: Range<Int>, seed: UInt64) throws -> [Batch] {
    var random = Philox(seed: seed, stream: "text")
    let text = (0..<4000).map { _ in UInt8(random.next(below: 32)) }
    let split = try ByteWindows(bytes: text, length: 16).train
    return windows.map { split.batch($0..<$0 + 1) }
  }

  @Test(arguments: [(0.3, false), (0.5, false), (0.8, false), (0.4, true), (0.7, true)])
  func theBudgetIsMetAndUsed(_ budget: Double, _ inverse: Bool) throws {
    let (model, parameters) = try Self.model(inverse: inverse)
    try parameters.ensure(model)
    let calibrator = try Calibrator(model, parameters, length: 16, cpu: CPU(threads: 1))
    let result = try calibrator.calibrate(
      Self.batches(0..<60, seed: 1), check: Self.batches(100..<160, seed: 1),
      goal: Calibrator.Goal(budget: budget))
    #expect(result.fitted <= budget)
    // 32 tokens have 32 numbers a site: a step of the quantile moves about a thirtieth.
    // What 60 windows cannot tell from the budget is left.
    #expect(result.fitted > budget - 0.2)
    #expect(result.checked > budget - 0.2)
    #expect(result.windows == 60 && Set(result.policies.keys) == ["outer", "outer.inner"])
    #expect(result.checked <= result.bound && result.bound <= budget)
  }

  @Test func aSiteThatIsDecidedOtherwiseIsLeftAlone() throws {
    let (model, parameters) = try Self.model()
    try parameters.ensure(model)
    let calibrator = try Calibrator(
      model, parameters, length: 16, policies: ["outer": .always("work")], cpu: CPU(threads: 1))
    let result = try calibrator.calibrate(
      Self.batches(0..<20, seed: 1), check: Self.batches(30..<40, seed: 1),
      goal: Calibrator.Goal(budget: 0.8))
    #expect(Array(result.policies.keys) == ["outer.inner"])
    #expect(result.fitted <= 0.8 && result.fitted > 0.6)
  }

  @Test func aBudgetBelowTheCheapestIsRefused() throws {
    let (model, parameters) = try Self.model()
    try parameters.ensure(model)
    let calibrator = try Calibrator(
      model, parameters, length: 16, policies: ["outer": .always("work")], cpu: CPU(threads: 1))
    let batches = try Self.batches(0..<4, seed: 1)
    let error = #expect(throws: RuntimeError.self) {
      try calibrator.calibrate(batches, check: batches, goal: Calibrator.Goal(budget: 0.2))
    }
    #expect(error?.description.contains("no threshold is within the budget") == true)
  }

  @Test func aModelWithoutThresholdsIsRefused() throws {
    let fixture = try Fixture("duo_lm")
    var builder = LanguageModel(small: 4)
    let model = try builder.build()
    #expect(throws: RuntimeError.self) {
      try Calibrator(model, fixture.parameters, length: 12, cpu: CPU(threads: 1))
    }
  }

  @Test func whatTooFewWindowsShowIsNotPromised() throws {
    let (model, parameters) = try Self.model()
    try parameters.ensure(model)
    let calibrator = try Calibrator(model, parameters, length: 16, cpu: CPU(threads: 1))
    let error = #expect(throws: RuntimeError.self) {
      try calibrator.calibrate(
        Self.batches(0..<20, seed: 1), check: Self.batches(30..<32, seed: 1),
        goal: Calibrator.Goal(budget: 0.3))
    }
    #expect(error?.description.contains("2 windows cannot show") == true)
  }

  /// Of many calibrations on fresh data at most one in twenty executes more than it promised.
  @Test func theBudgetIsKeptOnNewData() throws {
    let (model, parameters) = try Self.model()
    try parameters.ensure(model)
    let calibrator = try Calibrator(model, parameters, length: 16, cpu: CPU(threads: 1))
    let tests = try Self.batches(0..<200, seed: 99)
    let executor = try Executor(model.graph, outputs: [model.output], cpu: CPU(threads: 1))
    let full = model.graph.costs(of: model.output, length: 16).full(RegionID(0))
    var broken = 0
    for seed in 1...20 {
      let data = try Self.batches(0..<120, seed: UInt64(seed))
      let found = try calibrator.calibrate(
        Array(data[..<60]), check: Array(data[60...]), goal: Calibrator.Goal(budget: 0.5))
      let shares = try tests.map { batch in
        try executor.run(batch, parameters, policies: found.policies)
        return executor.flops(for: [0]) / Double(batch.layout.rows) / full
      }
      if shares.reduce(0, +) / Double(shares.count) > 0.5 { broken += 1 }
    }
    // With one in twenty the chance of four or more is 1.6 %.
    #expect(broken <= 3)
  }
}

/// The bound by betting of Waudby-Smith & Ramdas 2024.
@Suite struct MeanBoundTests {
  /// One number x against m: 1 + λ (m − x) = 1 / risk, with a bet of √(2 ln(1/risk) / 0.25) below its limit.
  @Test func oneNumberByHand() {
    // Of risk 1/2 the bet is √(8 ln 2) = 2.3548: m = x + 1 / 2.3548 while 2.3548 < 0.75 / (1 − m).
    #expect(abs(MeanBound.above([0.4], risk: 0.5) - (0.4 + 1 / 2.354820)) < 1e-5)
    // 0.75 (m − x) / (1 − m) = 1 of x = 0: m = 4 / 7, where the limit 1.75 is below the bet.
    #expect(abs(MeanBound.above([0], risk: 0.5) - 4.0 / 7) < 1e-6)
    #expect(MeanBound.above([0.4], most: 2, risk: 0.01) == 2)
    #expect(MeanBound.above([], risk: 0.05) == 1)
  }

  @Test func itIsBelowHoeffdingsWhereNumbersVaryLittle() {
    let numbers = (0..<100).map { 0.4 + 0.05 * ($0 % 2 == 0 ? 1 : -1) }
    let bound = MeanBound.above(numbers, risk: 0.05)
    // √(ln 20 / 200) = 0.122; the central limit theorem's 1.645 · 0.05 / 10 = 0.008.
    #expect(bound > 0.408 && bound < 0.44)
  }

  /// Draws of 0 and 1, the widest of distributions, and of evenly distributed numbers.
  @Test(arguments: [0.1, 0.5, 0.9]) func itHoldsAsOftenAsItSays(_ mean: Double) {
    var random = Philox(seed: 5, stream: "bound \(mean)")
    var (broken, even) = (0, 0)
    let trials = 1000
    for _ in 0..<trials {
      let draws = (0..<60).map { _ in Double(random.next(below: 1000)) / 1000 }
      if MeanBound.above(draws.map { $0 < mean ? 1 : 0 }, risk: 0.05) < mean { broken += 1 }
      if MeanBound.above(draws, risk: 0.05) < 0.4995 { even += 1 }
    }
    // 5 % and three standard deviations of 1000 trials.
    #expect(broken <= 50 + 21 && even <= 50 + 21)
  }
}
