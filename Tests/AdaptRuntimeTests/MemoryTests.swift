import AdaptGraph
import AdaptRuntime
import AdaptTensor
import Testing

/// Memory for values of rows that a site selects.
@Suite struct MemoryTests {
  /// Eight experts, of which each row takes two, with the gradients of their weights.
  private struct Experts {
    static let width = 64
    static let count = 8
    var graph = Graph()
    private(set) var outputs: [ValueID] = []
    let store = ParameterStore(seed: 3)

    init() throws {
      let rows = graph.addRows(label: "token", grouping: nil)
      let x = try graph.add(.input("x", TensorType(rows: rows, [Self.width])))
      let router = try graph.parameter(
        ParameterInfo(name: "router", shape: [Self.width, Self.count], initial: .normal(1)))
      let product = Op.matmul(transposeA: false, transposeB: false)
      let scores = try graph.add(.softmax, graph.add(product, x, router))
      let site = try graph.addSite(
        name: "route", unit: "token", router: "TopK", selection: .top(2), scores: scores)
      var weights: [ValueID] = []
      var results: [ValueID?] = []
      for number in 0..<Self.count {
        let path = try graph.enterPath(site, name: "expert\(number)", [x, scores])
        let shapes = [[Self.width, 4 * Self.width], [4 * Self.width, Self.width]]
        let pair = try shapes.enumerated().map {
          try graph.parameter(
            ParameterInfo(name: "w\(number).\($0)", shape: $1, initial: .normal(0.1)))
        }
        let raised = try graph.add(.unary(.gelu), graph.add(product, path[0], pair[0]))
        let score = try graph.add(.slice(start: number, count: 1), path[1])
        results.append(
          try graph.add(.binary(.multiply), graph.add(product, raised, pair[1]), score))
        weights += pair
        graph.leavePath()
      }
      let joined = try #require(try graph.join(site, outputs: results))
      let squares = try graph.add(.sumColumns(mean: true), graph.add(.unary(.square), joined))
      let loss = try graph.add(.reshape([]), graph.add(.sumRows(mean: true), squares))
      let gradients = try graph.gradient(of: loss, withRespectTo: weights)
      outputs = [joined] + gradients.compactMap { $0 }
      try store.ensure(graph.parameters)
    }

    static func batch(_ rows: Range<Int>) -> Batch {
      let numbers = rows.flatMap { row in
        var random = Philox(seed: 5, stream: "row \(row)")
        return (0..<width).map { _ in random.normal() }
      }
      return Batch(layout: RowLayout(groups: 1, length: rows.count), floats: ["x": numbers])
    }

    func executor() throws -> Executor {
      try Executor(graph, outputs: outputs, cpu: CPU(threads: 2))
    }
  }

  private static let rows = 8192

  private static func all(_ rows: Int) -> [String: Policy] {
    ["route": .replay(Array(repeating: 1, count: rows * Experts.count))]
  }

  @Test func isForTheRowsThatPathsHaveAndNotForAll() throws {
    let experts = try Experts()
    let batch = Experts.batch(0..<Self.rows)
    func memory(_ policies: [String: Policy]) throws -> Int {
      let executor = try experts.executor()
      try executor.run(batch, experts.store, policies: policies)
      return executor.memory
    }
    let (two, one) = (try memory([:]), try memory(["route": .always("expert3")]))
    let none = try memory(["route": .replay(Array(repeating: 0, count: 8 * Self.rows))])
    let eight = try memory(Self.all(Self.rows))
    // What each pair of a row and a path adds, above what the rows themselves take.
    let pair = Double(eight - none) / 8
    #expect(none < eight / 4)
    #expect(abs(Double(two - none) / pair - 2) < 0.5)
    #expect(abs(Double(one - none) / pair - 1) < 0.5)
  }

  /// Few rows have their places before the run, many find them in it.
  @Test func whereValuesLieDoesNotChangeThem() throws {
    let experts = try Experts()
    let (whole, part) = (try experts.executor(), try experts.executor())
    try whole.run(Experts.batch(0..<Self.rows), experts.store)
    let (step, width) = (512, Experts.width)
    var gradients = experts.outputs.dropFirst().map { _ in [Float]() }
    for first in stride(from: 0, to: Self.rows, by: step) {
      try part.run(Experts.batch(first..<first + step), experts.store)
      let found = whole.floats(0)[first * width..<(first + step) * width]
      for (a, b) in zip(found, part.floats(0)) { #expect(abs(a - b) < 1e-5) }
      for index in gradients.indices {
        let share = part.floats(index + 1).map { $0 * Float(step) / Float(Self.rows) }
        gradients[index] = gradients[index].isEmpty ? share : zip(gradients[index], share).map(+)
      }
    }
    for (index, sum) in gradients.enumerated() {
      for (a, b) in zip(whole.floats(index + 1), sum) { #expect(abs(a - b) < 1e-5) }
    }
  }

  @Test func staysWhenRoutesChangeToThoseSeenBefore() throws {
    let experts = try Experts()
    let executor = try experts.executor()
    let batch = Experts.batch(0..<Self.rows)
    let cycle = [[:], ["route": .always("expert0")], Self.all(Self.rows), ["route": .uniform]]
    func runAll() throws -> [[Float]] {
      try cycle.map {
        try executor.run(batch, experts.store, policies: $0)
        return executor.floats(0)
      }
    }
    let results = try runAll()
    let (allocations, memory) = (executor.allocations, executor.memory)
    #expect(try runAll() == results)
    #expect(executor.allocations == allocations)
    #expect(executor.memory == memory)
    #expect(results[0].contains { $0 != 0 })
  }
}
