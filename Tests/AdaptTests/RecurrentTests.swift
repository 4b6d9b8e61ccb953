import Adapt
import AdaptGraph
import AdaptInterpreter
import AdaptRuntime
import AdaptTensor
import Testing

/// The recurrent layers of the standard library, held against PyTorch's over sequences of four lengths.
@Suite struct RecurrentTests {
  static let layers = ["RNN", "GRU", "LSTM"]

  /// A model around a layer, its parameters and batch of the fixture.
  private struct Setup {
    let fixture: TorchFixture
    let model: ModelGraph
    let total: ValueID
    let optimizer: OptimizerGraph
    let parameters = ParameterStore()
    let batch: Batch

    init(_ layer: String) throws {
      fixture = try TorchFixture("recurrent_\(layer.lowercased())")
      let engine = try Engine(
        running: """
          model M() { Embedding(32, 6) >> \(layer)(8) >> Linear(32) }
          let m = M()
          let optimizer = AdamW(1e-2)
          """)
      let objective = try engine.interpreter.objectiveGraph(
        of: engine.flow("m"), minimizing: "minimize crossEntropy", length: 12)
      (model, total) = (objective.model, objective.total)
      optimizer = try engine.optimizer()
      fixture.fill(parameters, of: model)
      batch = try fixture.batch()
    }
  }

  @Test(arguments: layers, [1, 2])
  func lossAndAllGradientsEqualPyTorch(_ layer: String, _ threads: Int) throws {
    let setup = try Setup(layer)
    let trainer = try Trainer(
      setup.model, objective: setup.total, terms: [], optimizer: setup.optimizer,
      parameters: setup.parameters, clip: nil, cpu: CPU(threads: threads))
    let report = try trainer.step(setup.batch)
    #expect(abs(report.loss - Double(try setup.fixture.floats("loss")[0])) < 1e-5)
    for name in setup.parameters.names {
      let expected = try setup.fixture.floats("gradient." + name)
      // Sums over at most 25 rows and 12 steps in Float.
      expectClose(try #require(trainer.gradient(name)), expected, name)
    }
  }

  @Test(arguments: layers) func everySequenceGivesPyTorchsLogits(_ layer: String) throws {
    let setup = try Setup(layer)
    let executor = try Executor(
      setup.model.graph, outputs: [setup.model.output], cpu: CPU(threads: 2))
    try executor.run(setup.batch, setup.parameters)
    let logits = executor.floats(0)
    expectClose(logits, try setup.fixture.floats("logits"), tolerance: 1e-5, "logits")
    for group in 0..<setup.batch.layout.groups {
      let rows = setup.batch.layout.offsets[group..<group + 2].map(Int.init)
      let alone = Batch(
        layout: RowLayout(lengths: [rows[1] - rows[0]]),
        ints: setup.batch.ints.mapValues { Array($0[rows[0]..<rows[1]]) })
      try executor.run(alone, setup.parameters)
      #expect(executor.floats(0) == Array(logits[rows[0] * 32..<rows[1] * 32]), "bit for bit")
    }
    let nothing = Batch(layout: RowLayout(lengths: [0, 0]), ints: ["input": [], "target": []])
    try executor.run(nothing, setup.parameters)
    #expect(executor.floats(0).isEmpty)
  }
}
