import AdaptGraph
import AdaptRuntime
import AdaptTensor
import Testing

/// Updates of all parameters at once.
@Suite struct OptimizerTests {
  private static let (short, long) = (3, 2500)

  /// Σ over columns of x·b, and of the first of x times a: the gradient is x.
  private static func trainer(
    _ optimizer: OptimizerGraph, _ store: ParameterStore, clip: Double? = nil
  ) throws -> Trainer {
    var graph = Graph()
    let rows = graph.addRows(label: "token", grouping: "sequence")
    let x = try graph.add(.input("x", TensorType(rows: rows, [long])))
    func parameter(_ name: String, _ count: Int) throws -> ValueID {
      try graph.parameter(ParameterInfo(name: name, shape: [count], initial: .constant(0.5)))
    }
    let first = try graph.add(.slice(start: 0, count: short), x)
    let products = [
      try graph.add(.binary(.multiply), first, parameter("a", short)),
      try graph.add(.binary(.multiply), x, parameter("b", long)),
    ]
    let sums = try products.map { try graph.add(.sumColumns(mean: false), $0) }
    let sum = try graph.add(.binary(.add), sums[0], sums[1])
    let loss = try graph.add(.reshape([]), graph.add(.sumRows(mean: true), sum))
    return try Trainer(
      ModelGraph(graph: graph, input: x, output: sum), objective: loss, terms: [],
      optimizer: optimizer, parameters: store, clip: clip, cpu: CPU(threads: 2))
  }

  /// p ← p − g·u / 4, and u and w trade places.
  private static func trade() throws -> OptimizerGraph {
    var graph = Graph()
    let type = TensorType(rows: graph.addRows(label: "element", grouping: nil), [])
    let parameter = try graph.add(.input("parameter", type))
    let gradient = try graph.add(.input("gradient", type))
    let (u, w) = (
      try graph.add(.input("state.u", type)), try graph.add(.input("state.w", type))
    )
    let product = try graph.add(.binary(.multiply), gradient, u)
    let part = try graph.add(.binary(.divide), product, graph.constant(4))
    let new = try graph.add(.binary(.subtract), parameter, part)
    return OptimizerGraph(
      graph: graph, states: [("u", 1), ("w", 2)], newParameter: new, newStates: [w, u])
  }

  private static var numbers: [Float] { (0..<long).map { Float($0 % 7) - 3 } }

  private static var batch: Batch {
    Batch(layout: RowLayout(groups: 1, length: 1), floats: ["x": numbers])
  }

  /// 1, 2 and 1 quarters of the gradient are one.
  @Test func statesMayTradePlacesAndParametersHaveAnyLength() throws {
    let store = ParameterStore(seed: 1)
    let trainer = try Self.trainer(Self.trade(), store)
    for _ in 0..<3 { _ = try trainer.step(Self.batch) }
    for (name, count) in [("a", Self.short), ("b", Self.long)] {
      #expect(try #require(store[name]).floats == Self.numbers.prefix(count).map { 0.5 - $0 })
    }
  }

  @Test func aClippedGradientIsScaledInTheUpdate() throws {
    let store = ParameterStore(seed: 1)
    let trainer = try Self.trainer(Self.trade(), store, clip: 1)
    let norm = try trainer.step(Self.batch).gradientNorm
    let found = try #require(store["b"]).floats
    for (parameter, gradient) in zip(found, Self.numbers) {
      #expect(abs(Double(0.5 - parameter) - Double(gradient) / 4 / norm) < 1e-6)
    }
    #expect(trainer.gradient("b") == Self.numbers)
  }

  @Test func anUpdateOutsideOfItsGraphIsAnError() throws {
    let update = try Self.trade()
    var parameter = update
    parameter.newParameter = ValueID(update.graph.values.count)
    var state = update
    state.newStates[1] = ValueID(-1)
    for (broken, value) in [(parameter, update.graph.values.count), (state, -1)] {
      #expect(throws: GraphError(.invalid, "the graph has no value %\(value)")) {
        try Self.trainer(broken, ParameterStore(seed: 1))
      }
    }
  }

  @Test func anUpdateHasAValueForEachState() throws {
    for count in [1, 3] {
      var update = try Self.trade()
      update.newStates = Array(repeating: update.newParameter, count: count)
      #expect(throws: RuntimeError.badInput("the optimizer has 2 states and gives \(count)")) {
        try Self.trainer(update, ParameterStore(seed: 1))
      }
    }
  }
}
