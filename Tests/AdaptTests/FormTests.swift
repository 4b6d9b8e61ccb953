import Adapt
import AdaptGraph
import AdaptInterpreter
import AdaptRuntime
import AdaptTensor
import Testing

/// Every form, alone and with every other form inside of it, held against the reference evaluator:
/// decisions, results and gradients, and each sequence alone against the same in a batch.
@Suite struct FormTests {
  /// A form around a flow that takes and gives `[token, 8]`.
  struct Form: Sendable, CustomTestStringConvertible {
    let name: String
    let lines: @Sendable (String) -> String

    var testDescription: String { name }
  }

  static let forms: [Form] = [
    Form(name: "route") {
      "route each token by TopK(1) { a { \($0) } b { Linear(8) } c { zero } }"
    },
    Form(name: "top 2, always, experts") {
      "route each token by TopK(2) { always s { \($0) }  2 experts { FFN(4) }  c { \($0) } }"
    },
    Form(name: "route, else") {
      "route each token by Gate() { a { \($0) }  else { FFN(4) } }"
    },
    Form(name: "pairs") { "route each token by Total() { a { \($0) } b { Linear(8) } }" },
    Form(name: "keep a share") { "keep 50% of token by Gate() { \($0) }" },
    Form(name: "keep above, else") {
      "keep above 0.5 of token by Gate() { \($0) } else { FFN(4) }"
    },
    Form(name: "sequences") { "route each sequence by TopK(1) { a { \($0) }  b { pass } }" },
    Form(name: "loop") { "loop 2 { \($0) }" },
    Form(name: "until, average") {
      "loop up to 3 each token until Act() { \($0) } join average"
    },
    Form(name: "until, last, sequences") {
      "loop up to 3 each sequence until Act() { \($0) } join last"
    },
    Form(name: "until, concat") {
      "loop up to 2 each token until Act() { \($0) } join concat; Linear(8)"
    },
    Form(name: "exit") { "\($0); exit each token when confidence > 0.065 through Linear(16)" },
    Form(name: "cascade") {
      "cascade each token { small { \($0) } accept when margin > 0.001  big { FFN(8) } }"
    },
    Form(name: "reuse") { "loop 3 { reuse each token when distance < 0.9 { \($0) } }" },
    Form(name: "recompute") { "recompute { residual { Norm() >> Linear(8) }; \($0) }" },
    Form(name: "attention") { "residual { \($0); Attention(2, causal: true) }" },
    Form(name: "joined rows") {
      let rows = "concat(x[0..2], x, pool(x), axis: \"token\")"
      return "residual { \($0); { x in attend(x, \(rows), \(rows), heads: 2) } }"
    },
    Form(name: "context") {
      "keep above 0.5 of token by Gate() { "
        + "residual { context >> Norm() >> Attention(2, causal: true) }; \($0) }"
    },
  ]

  static let routers = """
    router Gate() { scores { Linear(1) >> sigmoid }  select best(50%)  weigh score }
    router Total() { scores { Linear(paths) >> softmax }  select pairs(50%)  weigh score }
    router Act() {
      scores { Linear(1) >> sigmoid }
      select accumulate(0.9)
      weigh selected * (1 - total) + (1 - selected) * score
      loss 0.1 * sum(1 + selected * (1 - total)) / units
    }

    """

  private static func script(_ lines: String) -> String {
    routers + "model M() { Embedding(16, 8); \(lines); Norm() >> Linear(16) }\nlet m = M()\n"
  }

  private struct Bench {
    let graph: Graph
    let outputs: [ValueID]
    let model: ModelGraph
    let parameters: ParameterStore

    func batch(_ lengths: [Int], from start: Int = 0) -> Batch {
      let rows = start..<(start + lengths.reduce(0, +))
      return Batch(
        layout: RowLayout(lengths: lengths),
        ints: [
          "input": rows.map { Int32($0 * 7 % 16) }, "target": rows.map { Int32($0 * 5 % 16) },
        ])
    }
  }

  private func model(_ lines: String) throws -> (Engine, Flow) {
    let engine = try Engine(running: Self.script(lines))
    return (engine, try engine.flow("m"))
  }

  private func inference(_ lines: String) throws -> Bench {
    let (engine, flow) = try model(lines)
    let model = try engine.interpreter.trace(flow, input: .tokens, mode: .inference)
    return try bench(model.graph, [model.output], model)
  }

  /// The loss and the gradients of all parameters.
  private func training(_ lines: String) throws -> Bench {
    let (engine, flow) = try model(lines)
    let objective = try engine.interpreter.objectiveGraph(
      of: flow, minimizing: "minimize crossEntropy", length: 4)
    var graph = objective.model.graph
    let values = try graph.parameters.map { try graph.parameter($0) }
    let gradients = try graph.gradient(of: objective.total, withRespectTo: values)
    return try bench(graph, [objective.total] + gradients.compactMap { $0 }, objective.model)
  }

  private func bench(_ graph: Graph, _ outputs: [ValueID], _ model: ModelGraph) throws -> Bench {
    try graph.verify()
    let parameters = ParameterStore(seed: 1)
    try parameters.ensure(model)
    return Bench(graph: graph, outputs: outputs, model: model, parameters: parameters)
  }

  /// The reference's numbers, with the decisions that the executor took: next to a threshold the two
  /// may differ by rounding.
  private func reference(_ bench: Bench, _ batch: Batch, _ decisions: [SiteDecision]) throws
    -> [[Double]]
  {
    let lengths = (0..<batch.layout.groups).map {
      Int(batch.layout.offsets[$0 + 1] - batch.layout.offsets[$0])
    }
    let input = try #require(bench.graph.type(bench.model.input).rows)
    let parameters = try bench.model.graph.parameters.map { info in
      let tensor = try #require(bench.parameters[info.name])
      return (info.name, ReferenceTensor(tensor.shape, tensor.floats.map(Double.init)))
    }
    var run = ReferenceRun(
      bench.graph, rows: [input: ReferenceRows(lengths: lengths)],
      inputs: batch.ints.mapValues { ReferenceTensor([$0.count], $0.map(Double.init)) },
      parameters: Dictionary(uniqueKeysWithValues: parameters))
    for decision in decisions {
      let paths = decision.paths.count
      run.forced[decision.site] = ReferenceTensor(
        [decision.mask.count / max(1, paths), paths], decision.mask.map(Double.init))
    }
    try run.run()
    return try bench.outputs.map { try run.value($0).values }
  }

  private func expectReference(_ bench: Bench, _ lengths: [Int], tolerance: Double) throws {
    let executor = try Executor(bench.graph, outputs: bench.outputs, cpu: CPU(threads: 1))
    let batch = bench.batch(lengths)
    try executor.run(batch, bench.parameters, record: true)
    let expected = try reference(bench, batch, executor.decisions)
    for (place, values) in expected.enumerated() {
      let found = executor.floats(place)
      #expect(found.count == values.count)
      let scale = max(1, values.map(abs).max() ?? 0)
      for (a, b) in zip(found, values) where !(abs(Double(a) - b) <= tolerance * scale) {
        Issue.record("output \(place) at \(lengths): \(a), expected \(b)")
        return
      }
    }
  }

  private static let layouts: [[Int]] = [[3, 0, 5, 1], [1], [0], []]

  private func expectAll(_ lines: String) throws {
    let inference = try inference(lines)
    for lengths in Self.layouts { try expectReference(inference, lengths, tolerance: 1e-5) }
    try expectSameAlone(inference)
    let training = try training(lines)
    // A mean over no rows is no number, for the reference as for the executor.
    for lengths in Self.layouts where lengths.contains(where: { $0 > 0 }) {
      try expectReference(training, lengths, tolerance: 1e-4)
    }
  }

  /// A sequence comes to the same bits in a batch and alone.
  private func expectSameAlone(_ bench: Bench) throws {
    let executor = try Executor(bench.graph, outputs: bench.outputs, cpu: CPU(threads: 1))
    let lengths = [3, 0, 5, 1]
    try executor.run(bench.batch(lengths), bench.parameters)
    let together = executor.floats(0)
    var start = 0
    for length in lengths {
      try executor.run(bench.batch([length], from: start), bench.parameters)
      let alone = executor.floats(0)
      #expect(alone == Array(together[(16 * start)..<(16 * (start + length))]))
      start += length
    }
  }

  @Test(arguments: forms) func alone(_ form: Form) throws {
    try expectAll(form.lines("FFN(4)"))
  }

  @Test(arguments: forms, forms) func aroundAnother(_ outer: Form, _ inner: Form) throws {
    try expectAll(outer.lines(inner.lines("FFN(4)")))
  }
}
