import AdaptGraph
import AdaptRuntime
import AdaptTensor
import Testing

/// A recurrent model with a site inside its scan: rows go through a product or keep the state.
struct ScannedModel {
  var graph = Graph()
  var output = ValueID(0)
  static let width = 6

  init(reversed: Bool = false) throws {
    let width = Self.width
    let rows = graph.addRows(label: "token", grouping: "sequence")
    let x = try graph.add(.input("x", TensorType(rows: rows, [width])))
    let parameters = try [("w", [width, width]), ("router", [width, 2]), ("start", [width])].map {
      try graph.parameter(ParameterInfo(name: $0, shape: $1, initial: .normal(0.7)))
    }
    let plain = Op.matmul(transposeA: false, transposeB: false)
    var scan = try graph.openScan(name: "scan", over: rows)
    let row = try graph.takeRows(x, in: &scan)
    let h = try graph.carry(parameters[2], in: &scan)
    let sum = try graph.add(.binary(.add), row, h)
    let scores = try graph.add(.softmax, graph.add(plain, sum, parameters[1]))
    let site = try graph.addSite(
      name: "scan.route", unit: "token", router: "TopK", selection: .top(1), scores: scores)
    let big = try graph.enterPath(site, name: "big", [sum, scores])
    let product = try graph.add(.unary(.tanh), graph.add(plain, big[0], parameters[0]))
    let weighted = try graph.add(
      .binary(.multiply), product, graph.add(.slice(start: 0, count: 1), big[1]))
    graph.leavePath()
    let keep = try graph.enterPath(site, name: "keep", [h])[0]
    graph.leavePath()
    let next = try graph.join(site, outputs: [weighted, keep]) ?? h
    output = try graph.closeScan(scan, result: next, next: [next], reversed: reversed).result
  }

  static func batch(_ lengths: [Int], seed: UInt64 = 4) -> Batch {
    var random = Philox(seed: seed, stream: "scan")
    let layout = RowLayout(lengths: lengths)
    return Batch(
      layout: layout, floats: ["x": (0..<layout.rows * width).map { _ in random.normal() }])
  }

  func parameters() throws -> ParameterStore {
    let store = ParameterStore(seed: 3)
    try store.ensure(graph.parameters)
    return store
  }

  func executor() throws -> Executor {
    try Executor(graph, outputs: [output], cpu: CPU(threads: 2))
  }
}

@Suite struct ScanRunTests {
  static let lengths = [5, 0, 9, 1, 9]

  @Test func everyRowDecidesOnce() throws {
    let model = try ScannedModel()
    let executor = try model.executor()
    try executor.run(ScannedModel.batch(Self.lengths), model.parameters(), record: true)
    #expect(executor.pathCounts[0].reduce(0, +) == 24)
    #expect(executor.unitCounts == [24])
    #expect(executor.pathCounts[0].allSatisfy { $0 > 0 })
    let decision = try #require(executor.decisions.first)
    #expect(executor.decisions.count == 1)
    #expect(decision.site == "scan.route")
    #expect(decision.counts == executor.pathCounts[0])
    #expect(decision.rows.sorted() == Array(0..<24))
    #expect(Array(decision.rows.prefix(4)) == [0, 5, 14, 15], "the first step of four sequences")
  }

  @Test func aSequenceGivesTheSameBitsAloneAndInABatch() throws {
    for reversed in [false, true] {
      let model = try ScannedModel(reversed: reversed)
      let executor = try model.executor()
      let whole = ScannedModel.batch(Self.lengths)
      try executor.run(whole, model.parameters())
      let together = executor.floats(0)
      for group in 0..<whole.layout.groups {
        let rows = whole.layout.offsets[group..<group + 2].map { Int($0) * ScannedModel.width }
        let alone = Batch(
          layout: RowLayout(lengths: [Self.lengths[group]]),
          floats: ["x": Array((whole.floats["x"] ?? [])[rows[0]..<rows[1]])])
        try executor.run(alone, model.parameters())
        #expect(executor.floats(0) == Array(together[rows[0]..<rows[1]]))
      }
    }
  }

  @Test func aPrefixDoesNotDependOnWhatFollows() throws {
    let model = try ScannedModel()
    let executor = try model.executor()
    let batch = ScannedModel.batch([9])
    try executor.run(batch, model.parameters())
    let whole = executor.floats(0)
    for length in 1..<9 {
      let start = Batch(
        layout: RowLayout(lengths: [length]),
        floats: ["x": Array((batch.floats["x"] ?? []).prefix(length * ScannedModel.width))])
      try executor.run(start, model.parameters())
      #expect(executor.floats(0) == Array(whole.prefix(length * ScannedModel.width)))
    }
  }

  @Test func policiesSteerTheSiteInside() throws {
    let model = try ScannedModel()
    let executor = try model.executor()
    let batch = ScannedModel.batch(Self.lengths)
    let parameters = try model.parameters()
    try executor.run(batch, parameters, policies: ["scan.route": .always("keep")])
    #expect(executor.pathCounts[0] == [0, 24])
    let start = try #require(parameters["start"]).floats
    #expect(executor.floats(0) == (0..<24).flatMap { _ in start })
    try executor.run(batch, parameters, policies: ["scan.route": .random(seed: 2)], record: true)
    let (drawn, values) = (executor.decisions, executor.floats(0))
    #expect(executor.pathCounts[0].allSatisfy { $0 > 3 }, "each step draws anew")
    try executor.run(batch, parameters, policies: ["scan.route": .random(seed: 2)], record: true)
    #expect(executor.decisions == drawn)
    #expect(executor.floats(0) == values)
  }

  @Test func replayingARecordingGivesTheSameBits() throws {
    let model = try ScannedModel()
    let executor = try model.executor()
    let batch = ScannedModel.batch(Self.lengths)
    try executor.run(batch, model.parameters(), record: true)
    let (values, decisions) = (executor.floats(0), executor.decisions)
    let replay = ["scan.route": Policy.replay(decisions[0].mask)]
    try executor.run(batch, model.parameters(), policies: replay, record: true)
    #expect(executor.floats(0) == values)
    #expect(executor.decisions == decisions)
    for wrong in [Array(decisions[0].mask.dropLast(2)), decisions[0].mask + [1, 0]] {
      #expect(throws: RuntimeError.self) {
        try executor.run(
          batch, model.parameters(), policies: ["scan.route": .replay(wrong)])
      }
    }
  }

  @Test func executedWorkIsCountedFromTheRowsOfAllSteps() throws {
    let model = try ScannedModel()
    let executor = try model.executor()
    let costs = model.graph.costs(of: model.output, length: 9)
    for share in [[1.0, 0], [0, 1]] {
      let path = share[0] == 1 ? "big" : "keep"
      try executor.run(
        ScannedModel.batch(Self.lengths), model.parameters(),
        policies: ["scan.route": .always(path)])
      let expected = costs.executed(RegionID(0), shares: ["scan.route": share]) * 24
      #expect(abs(executor.flops(for: [0]) / expected - 1) < 1e-9)
    }
    try executor.run(ScannedModel.batch(Self.lengths), model.parameters())
    let counts = executor.pathCounts[0].map { Double($0) / 24 }
    let expected = costs.executed(RegionID(0), shares: ["scan.route": counts]) * 24
    #expect(abs(executor.flops(for: [0]) / expected - 1) < 1e-9)
  }

  /// Sequences shared out among threads, of all lengths, give what one thread gives.
  @Test(arguments: [[9, 1, 4, 7, 2], [1], [3, 3], [0, 12, 0, 1], [5, 5, 5, 5, 5, 5, 5, 5]])
  func lanesGiveWhatOneThreadGives(_ lengths: [Int]) throws {
    for reversed in [false, true] {
      let example = try LaneCase(lengths, reversed: reversed)
      let alone = try example.run(threads: 1)
      for threads in [2, 3, 7] {
        let found = try example.run(threads: threads)
        #expect(found.map(\.count) == alone.map(\.count))
        for (a, b) in zip(found.joined(), alone.joined()) {
          // Products of fewer rows may add in another order.
          #expect(abs(a - b) <= 1e-5 * max(1, abs(b)))
        }
      }
    }
  }

  @Test func memoryStaysAndServesFewerRows() throws {
    let model = try ScannedModel()
    let executor = try model.executor()
    let batch = ScannedModel.batch(Self.lengths)
    try executor.run(batch, model.parameters())
    let (memory, values) = (executor.memory, executor.floats(0))
    for lengths in [[2], [], [0, 0]] {
      try executor.run(ScannedModel.batch(lengths), model.parameters())
      #expect(executor.floats(0).count == lengths.reduce(0, +) * ScannedModel.width)
    }
    try executor.run(batch, model.parameters())
    #expect(executor.memory == memory)
    #expect(executor.floats(0) == values)
  }

  @Test func aScoreThatIsNoNumberNamesTheSiteTheStepAndTheRow() throws {
    let model = try ScannedModel()
    var batch = ScannedModel.batch([3])
    batch.floats["x"]?[2 * ScannedModel.width] = .nan
    let executor = try model.executor()
    let error = #expect(throws: RuntimeError.self) {
      try executor.run(batch, model.parameters())
    }
    #expect(
      error?.description
        == "a score of scan.route, in step 3 of its scan, is NaN or infinite at row 2 of the batch")
  }

  /// The backward scan takes the decisions of the forward one: it decides and counts nothing itself.
  @Test func aGradientDecidesNothingAgain() throws {
    var model = try ScannedModel()
    let square = try model.graph.add(.unary(.square), model.output)
    let flat = try model.graph.add(.sumRows(mean: false), square)
    let loss = try model.graph.add(
      .reshape([]), model.graph.add(.sumColumns(mean: false), flat))
    let names = ["w", "router", "start"]
    let values = try names.map { name in
      let info = try #require(model.graph.parameters.first { $0.name == name })
      return try model.graph.parameter(info)
    }
    let gradients = try model.graph.gradient(of: loss, withRespectTo: values).compactMap { $0 }
    try #require(gradients.count == 3)
    let executor = try Executor(
      model.graph, outputs: [loss] + gradients, cpu: CPU(threads: 2))
    let (batch, parameters) = (ScannedModel.batch(Self.lengths), try model.parameters())
    try executor.run(batch, parameters, record: true)
    let (counts, decisions) = (executor.pathCounts, executor.decisions)
    let plain = try model.executor()
    try plain.run(batch, parameters, record: true)
    #expect(counts == plain.pathCounts)
    #expect(decisions == plain.decisions)
    let random = ["scan.route": Policy.random(seed: 9)]
    try executor.run(batch, parameters, policies: random, record: true)
    let (drawn, found) = (executor.decisions[0].mask, (1...3).map { executor.floats($0) })
    try executor.run(batch, parameters, policies: ["scan.route": .replay(drawn)])
    for (index, values) in found.enumerated() { #expect(executor.floats(1 + index) == values) }
  }
}

/// A recurrent layer with nothing in it that is not row by row, and its gradients.
private struct LaneCase {
  private var graph = Graph()
  private var outputs: [ValueID] = []
  private let batch: Batch
  private static let width = 16

  init(_ lengths: [Int], reversed: Bool) throws {
    let width = Self.width
    let rows = graph.addRows(label: "token", grouping: "sequence")
    let x = try graph.add(.input("x", TensorType(rows: rows, [width])))
    let u = try graph.add(.input("u", TensorType([width, width])))
    let start = try graph.add(.input("start", TensorType([width])))
    var scan = try graph.openScan(name: "scan", over: rows)
    let row = try graph.takeRows(x, in: &scan)
    let h = try graph.carry(start, in: &scan)
    let product = try graph.add(.matmul(transposeA: false, transposeB: false), h, u)
    let next = try graph.add(.unary(.tanh), graph.add(.binary(.add), row, product))
    let y = try graph.closeScan(scan, result: next, next: [next], reversed: reversed).result
    let square = try graph.add(.sumRows(mean: false), graph.add(.unary(.square), y))
    let loss = try graph.add(.reshape([]), graph.add(.sumColumns(mean: false), square))
    let gradients = try graph.gradient(of: loss, withRespectTo: [x, u, start])
    outputs = [y] + gradients.compactMap { $0 }
    var random = Philox(seed: 3, stream: "lanes")
    func numbers(_ count: Int) -> [Float] { (0..<count).map { _ in 0.3 * random.normal() } }
    batch = Batch(
      layout: RowLayout(lengths: lengths),
      floats: [
        "x": numbers(lengths.reduce(0, +) * width), "u": numbers(width * width),
        "start": numbers(width),
      ])
  }

  func run(threads: Int) throws -> [[Float]] {
    let executor = try Executor(graph, outputs: outputs, cpu: CPU(threads: threads))
    try executor.run(batch, ParameterStore())
    let first = outputs.indices.map { executor.floats($0) }
    let memory = executor.allocations
    try executor.run(batch, ParameterStore())
    #expect(executor.allocations == memory)
    #expect(outputs.indices.map { executor.floats($0) } == first, "the same bits again")
    return first
  }
}
