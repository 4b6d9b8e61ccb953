import AdaptGraph
import AdaptRuntime
import AdaptTensor
import Testing

/// Ops that run together, a few rows at a time, and paths that run at once.
@Suite struct RowProgramTests {
  static let width = 48

  /// y = 2 gelu(x w₁ + b) + x, normed, and the mean over its rows.
  private struct Chain {
    var graph = Graph()
    var normed = ValueID(0)
    var mean = ValueID(0)
    var gradient: ValueID?

    init() throws {
      let rows = graph.addRows(label: "token", grouping: "sequence")
      let x = try graph.add(.input("x", TensorType(rows: rows, [width])))
      let (w, b) = (
        try graph.parameter(
          ParameterInfo(name: "w", shape: [width, width], initial: .normal(0.3))),
        try graph.parameter(ParameterInfo(name: "b", shape: [width], initial: .normal(0.3)))
      )
      let product = try graph.add(.matmul(transposeA: false, transposeB: false), x, w)
      let raised = try graph.add(.unary(.gelu), graph.add(.binary(.add), product, b))
      let doubled = try graph.add(.binary(.multiply), raised, graph.constant(2))
      let sum = try graph.add(.binary(.add), doubled, x)
      normed = try graph.add(.normalize(.layer, epsilon: 1e-5), sum)
      mean = try graph.add(.sumRows(mean: true), normed)
      let squares = try graph.add(.sumColumns(mean: true), graph.add(.unary(.square), sum))
      let loss = try graph.add(.reshape([]), graph.add(.sumRows(mean: true), squares))
      gradient = try graph.gradient(of: loss, withRespectTo: [b])[0]
    }

    static func batch(_ rows: Int) -> Batch {
      var random = Philox(seed: 5, stream: "chain \(rows)")
      return Batch(
        layout: RowLayout(groups: 1, length: rows),
        floats: ["x": (0..<rows * width).map { _ in random.normal() }])
    }

    func run(_ rows: Int, threads: Int) throws -> Executor {
      let executor = try Executor(
        graph, outputs: [normed, mean] + [gradient].compactMap { $0 }, cpu: CPU(threads: threads))
      let store = ParameterStore(seed: 3)
      try store.ensure(graph.parameters)
      try executor.run(Chain.batch(rows), store)
      return executor
    }
  }

  /// The same by hand, in Double.
  @Test(arguments: [0, 1, 7, 1000]) func whatAGroupGivesIsWhatItsOpsAre(_ rows: Int) throws {
    let chain = try Chain()
    let run = try chain.run(rows, threads: 2)
    let reference = try ReferenceChain(rows)
    for (found, wanted) in zip(run.floats(0), reference.normed) {
      #expect(abs(Double(found) - wanted) < 1e-4)
    }
    for (found, wanted) in zip(run.floats(1), reference.mean) {
      #expect(abs(Double(found) - wanted) < 1e-4)
    }
    #expect(run.floats(0).count == rows * Self.width && run.floats(1).count == Self.width)
  }

  private struct ReferenceChain {
    var normed: [Double] = []
    var mean = Array(repeating: 0.0, count: width)

    init(_ rows: Int) throws {
      let store = ParameterStore(seed: 3)
      try store.ensure(Chain().graph.parameters)
      let w = store["w"]?.floats.map(Double.init) ?? []
      let b = store["b"]?.floats.map(Double.init) ?? []
      let x = Chain.batch(rows).floats["x"]?.map(Double.init) ?? []
      for row in 0..<rows {
        let line = Array(x[row * width..<(row + 1) * width])
        let sums = (0..<width).map { column -> Double in
          let z = (0..<width).reduce(b[column]) { $0 + line[$1] * w[$1 * width + column] }
          return 2 * Unary.gelu.value(z) + line[column]
        }
        let middle = sums.reduce(0, +) / Double(width)
        let spread = sums.reduce(0) { $0 + ($1 - middle) * ($1 - middle) } / Double(width)
        let line2 = sums.map { ($0 - middle) / (spread + 1e-5).squareRoot() }
        normed += line2
        for (column, number) in line2.enumerated() { mean[column] += number / Double(rows) }
      }
    }
  }

  @Test func bitsDoNotDependOnTheThreads() throws {
    let chain = try Chain()
    let (one, three) = (try chain.run(1000, threads: 1), try chain.run(1000, threads: 3))
    // The product's last bits may; what is done with equal products may not.
    for output in 0..<3 {
      for (a, b) in zip(one.floats(output), three.floats(output)) { #expect(abs(a - b) < 1e-5) }
    }
  }

  @Test func whatLiesBetweenNeedsNoMemory() throws {
    var graph = Graph()
    let rows = graph.addRows(label: "token", grouping: nil)
    let x = try graph.add(.input("x", TensorType(rows: rows, [Self.width])))
    var y = x
    for _ in 0..<10 {
      let raised = try graph.add(.unary(.tanh), y)
      y = try graph.add(.binary(.add), raised, y)
    }
    let executor = try Executor(graph, outputs: [y], cpu: CPU(threads: 2))
    try executor.run(Chain.batch(512), ParameterStore(seed: 1))
    // The input and the result, or one in the other's place.
    #expect(executor.memory <= 2 * 512 * Self.width * 4 + 128)
  }

  @Test func aSteadyStateAllocatesNothing() throws {
    let chain = try Chain()
    let executor = try chain.run(1000, threads: 2)
    let store = ParameterStore(seed: 3)
    try store.ensure(chain.graph.parameters)
    // A matrix is laid out for good when it is used a second time as it is.
    for _ in 0..<2 { try executor.run(Chain.batch(1000), store) }
    let before = executor.allocations
    #expect(before > 0)
    for rows in [1000, 10, 0, 999, 1000] { try executor.run(Chain.batch(rows), store) }
    #expect(executor.allocations == before)
    try executor.run(Chain.batch(2000), store)
    #expect(executor.allocations > before)
  }

  @Test func whatIsLaidOutFollowsTheParameters() throws {
    let chain = try Chain()
    let executor = try chain.run(200, threads: 2)
    let (store, other) = (ParameterStore(seed: 3), ParameterStore(seed: 4))
    for store in [store, other] { try store.ensure(chain.graph.parameters) }
    func result(_ store: ParameterStore) throws -> [Float] {
      try executor.run(Chain.batch(200), store)
      return executor.floats(0)
    }
    let first = try result(store)
    #expect(try (0..<3).allSatisfy { _ in try result(store) == first })
    let second = try result(other)
    #expect(second != first)
    #expect(try result(other) == second && result(other) == second)
    #expect(try result(store) == first && result(store) == first)
    store["w"] = other["w"]
    store["b"] = other["b"]
    #expect(try result(store) == second && result(store) == second)
  }

  @Test func aRowDoesNotDependOnTheRowsBesideIt() throws {
    let chain = try Chain()
    let whole = try chain.run(1000, threads: 3).floats(0)
    let executor = try chain.run(1000, threads: 2)
    let store = ParameterStore(seed: 3)
    try store.ensure(chain.graph.parameters)
    for rows in [49, 57, 333] {
      let x = Array(Chain.batch(1000).floats["x"]?.prefix(rows * Self.width) ?? [])
      let batch = Batch(layout: RowLayout(groups: 1, length: rows), floats: ["x": x])
      try executor.run(batch, store)
      #expect(executor.floats(0) == Array(whole.prefix(rows * Self.width)))
    }
  }

  @Test func aStepOfTrainingAllocatesNothingOnceItIsSteady() throws {
    let trainer = try FixtureTests.trainer(LanguageModel(small: 4), ParameterStore(seed: 7))
    let split = try ByteWindows(
      bytes: (0..<400).map { UInt8(($0 * 7 + $0 / 5) % 32) }, length: 12
    ).train
    _ = try trainer.step(split.sample(4, seed: 3, step: 0))
    let before = trainer.allocations
    for step in 1..<6 { _ = try trainer.step(split.sample(4, seed: 3, step: step)) }
    #expect(trainer.allocations == before)
  }

  /// Eight experts, of which each row takes two: so many rows that paths run in turn, and so few that they
  /// run at once.
  @Test(arguments: [3, 64, 3000]) func pathsGiveTheSameAtOnceAndInTurn(_ rows: Int) throws {
    var graph = Graph()
    let set = graph.addRows(label: "token", grouping: nil)
    let x = try graph.add(.input("x", TensorType(rows: set, [Self.width])))
    let plain = Op.matmul(transposeA: false, transposeB: false)
    let router = try graph.parameter(
      ParameterInfo(name: "router", shape: [Self.width, 8], initial: .normal(1)))
    let scores = try graph.add(.softmax, graph.add(plain, x, router))
    let site = try graph.addSite(
      name: "route", unit: "token", router: "TopK", selection: .top(2), scores: scores)
    let outputs = try (0..<8).map { number -> ValueID in
      let path = try graph.enterPath(site, name: "expert\(number)", [x, scores])
      defer { graph.leavePath() }
      let w = try graph.parameter(
        ParameterInfo(
          name: "w\(number)", shape: [Self.width, Self.width], initial: .normal(0.2)))
      let raised = try graph.add(.unary(.gelu), graph.add(plain, path[0], w))
      return try graph.add(
        .binary(.multiply), raised, graph.add(.slice(start: number, count: 1), path[1]))
    }
    let joined = try #require(try graph.join(site, outputs: outputs))
    let store = ParameterStore(seed: 3)
    try store.ensure(graph.parameters)
    func run(_ threads: Int) throws -> [Float] {
      let executor = try Executor(graph, outputs: [joined], cpu: CPU(threads: threads))
      try executor.run(Chain.batch(rows), store)
      return executor.floats(0)
    }
    let (one, four) = (try run(1), try run(4))
    #expect(one.contains { $0 != 0 })
    for (a, b) in zip(one, four) { #expect(abs(a - b) < 1e-5) }
    #expect(try run(4) == four)
  }
}
