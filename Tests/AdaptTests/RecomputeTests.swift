import Adapt
import AdaptGraph
import AdaptInterpreter
import AdaptRuntime
import AdaptTensor
import Testing

/// `recompute { … }` changes what training keeps, and no number.
@Suite struct RecomputeTests {
  /// A line of a model in which `«` and `»` stand around what is computed again.
  struct Line: Sendable, CustomTestStringConvertible {
    let name: String
    let text: String

    var testDescription: String { name }
    var plain: String { text.replacing("«", with: "").replacing("»", with: "") }
    var recomputed: String { text.replacing("«", with: "recompute {").replacing("»", with: "}") }
  }

  static let lines: [Line] = [
    Line(name: "a block", text: "« Block() »"),
    Line(name: "in a repeat", text: "repeat 3 { « Block() » }"),
    Line(name: "in a residual", text: "residual { « Norm(); FFN(64) » }"),
    Line(name: "nested", text: "« repeat 2 { « Block() » } »"),
    Line(name: "in a loop", text: "loop 3 { « Block() » }"),
    Line(name: "dropped numbers", text: "repeat 2 { « Block(); Dropout(0.2) » }"),
    Line(name: "a route", text: "repeat 2 { « residual { Norm(); Duo() } » }"),
    Line(name: "a path", text: "route each token by TopK(1) { a { « Block() » } b { pass } }"),
    Line(
      name: "until a router halts",
      text: "loop up to 3 each token until ACT() { « Block() » } join average"),
    Line(
      name: "noise decides",
      text: "« route each token by NoisyTopK(1) { a { Block() } b { FFN(8) } } »"),
    Line(name: "a scan", text: "« GRU(16); Norm() »"),
    Line(
      name: "an exit", text: "« Block(); exit each token when confidence > 0.9 through Linear(32) »"
    ),
  ]

  private static func script(_ line: String) -> String {
    """
    layer Dropout(share): x [..] { x * (noise(x, "uniform") >= share) / (1 - share) }
    layer Duo() { route each token by TopK(1) { big { FFN(64) } small { FFN(8) } skip { zero } } }
    layer Block() {
      residual { Norm() >> Attention(2, causal: true) }
      residual { Norm() >> FFN(64) }
    }
    model M() {
      Embedding(32, 16)
      \(line)
      Norm() >> Linear(32)
    }
    let m = M()

    """
  }

  /// A model of a line, to be trained on sequences of 32.
  private struct Bench {
    let objective: ObjectiveGraph
    let parameters = ParameterStore(seed: 7)
    let trainer: Trainer

    init(_ line: String) throws {
      let engine = Engine()
      try engine.run(Array(script(line).utf8), name: "recompute.adapt")
      guard case .flow(let flow)? = engine.interpreter["m"] else {
        throw RuntimeError.badInput("the script binds no model")
      }
      objective = try engine.interpreter.objectiveGraph(
        of: flow, minimizing: "minimize crossEntropy", length: 32)
      trainer = try Trainer(
        objective.model, objective: objective.total, terms: objective.terms,
        routers: objective.routers, optimizer: descent(), parameters: parameters, clip: nil,
        cpu: CPU(threads: 2))
    }

    var names: [String] { objective.model.graph.parameters.map(\.name) }

    /// Operations of the forward pass alone.
    func forwardFlops(_ batch: Batch) throws -> Double {
      let executor = try Executor(
        objective.model.graph, outputs: [objective.total], cpu: CPU(threads: 2))
      try parameters.ensure(objective.model)
      try executor.run(batch, parameters)
      return executor.flops(for: [0])
    }
  }

  /// p − 0.1·g: in the next step every gradient has been used.
  private static func descent() throws -> OptimizerGraph {
    var graph = Graph()
    let type = TensorType(rows: graph.addRows(label: "element", grouping: nil), [])
    let p = try graph.add(.input("parameter", type))
    let g = try graph.add(.input("gradient", type))
    let step = try graph.add(.binary(.multiply), g, graph.constant(0.1))
    let new = try graph.add(.binary(.subtract), p, step)
    return OptimizerGraph(graph: graph, states: [], newParameter: new, newStates: [])
  }

  private static func batch(_ step: Int, sequences: Int = 4) -> Batch {
    let tokens = 0..<(32 * sequences)
    return Batch(
      layout: RowLayout(groups: sequences, length: 32),
      ints: [
        "input": tokens.map { Int32(($0 * 7 + step) % 32) },
        "target": tokens.map { Int32(($0 * 5 + 3 * step) % 32) },
      ])
  }

  @Test(arguments: lines) func noNumberChanges(_ line: Line) throws {
    let (plain, again) = (try Bench(line.plain), try Bench(line.recomputed))
    #expect(again.names == plain.names)
    for step in 0..<3 {
      let expected = try plain.trainer.step(Self.batch(step))
      let found = try again.trainer.step(Self.batch(step))
      #expect(abs(found.loss - expected.loss) <= 1e-6 * abs(expected.loss))
      // Every row goes where it went, and is counted once.
      #expect(found.paths.map(\.counts) == expected.paths.map(\.counts))
      #expect(found.paths.map(\.site) == expected.paths.map(\.site))
      #expect(found.units == expected.units)
      let largest = plain.names.compactMap { plain.trainer.gradient($0)?.map(abs).max() }.max() ?? 0
      for name in plain.names {
        expectSame(again.trainer.gradient(name), plain.trainer.gradient(name), name, largest)
      }
    }
    #expect(again.trainer.flops > plain.trainer.flops)
  }

  /// Kernels may come to another last bit where ops run in other groups; a gradient that is zero but for
  /// rounding (attention's bias of keys) is held to the last bit of the largest one.
  private func expectSame(
    _ found: [Float]?, _ expected: [Float]?, _ name: String, _ largest: Float
  ) {
    guard let found, let expected, found.count == expected.count else {
      #expect(found == expected, "\(name)")
      return
    }
    let scale = expected.map(abs).max() ?? 0
    let distance = zip(found, expected).map { abs($0 - $1) }.max() ?? 0
    #expect(distance <= 2e-6 * scale + 1e-7 * largest, "\(name): \(distance) of \(scale)")
  }

  private static let deep = Line(name: "deep", text: "repeat 12 { « Block() » }")

  /// What stands for each of 12 blocks is its input alone, and the values of one block at a time.
  @Test func aDeepModelNeedsAFractionOfTheMemory() throws {
    let (plain, again) = (try Bench(Self.deep.plain), try Bench(Self.deep.recomputed))
    let batch = Self.batch(0, sequences: 32)
    _ = try plain.trainer.step(batch)
    _ = try again.trainer.step(batch)
    #expect(again.trainer.memory < plain.trainer.memory * 35 / 100)
    let allocations = again.trainer.allocations
    _ = try again.trainer.step(batch)
    #expect(again.trainer.allocations == allocations)
  }

  @Test func whatIsAddedIsTheForwardPassOfTheBlocks() throws {
    let batch = Self.batch(0)
    let (plain, again) = (try Bench(Self.deep.plain), try Bench(Self.deep.recomputed))
    _ = try plain.trainer.step(batch)
    _ = try again.trainer.step(batch)
    let blocks = try plain.forwardFlops(batch) - Bench("").forwardFlops(batch)
    let added = again.trainer.flops - plain.trainer.flops
    // Not all: the last product of a block is needed by no gradient.
    #expect(added < blocks && added > 0.6 * blocks)
    #expect(try again.forwardFlops(batch) == plain.forwardFlops(batch))
  }

  /// The fewer blocks, the larger each: between both ends lies the least memory.
  @Test func memoryIsTradedByTheSizeOfBlocks() throws {
    let batch = Self.batch(0, sequences: 32)
    func memory(_ line: String) throws -> Int {
      let bench = try Bench(line)
      _ = try bench.trainer.step(batch)
      return bench.trainer.memory
    }
    let whole = try memory("recompute { repeat 12 { Block() } }")
    let single = try memory("repeat 12 { recompute { Block() } }")
    let nested = try memory("repeat 4 { recompute { repeat 3 { recompute { Block() } } } }")
    #expect(single < whole)
    #expect(nested < single)
  }
}
