import Adapt
import AdaptGraph
import AdaptInterpreter
import AdaptRuntime
import AdaptTensor
import Testing

/// A model of a script that is trained on tokens, with parameters that a test sets.
struct RouterBench {
  let model: ModelGraph
  let inference: ModelGraph
  let objective: ObjectiveGraph
  let optimizer: OptimizerGraph
  let parameters = ParameterStore()

  init(_ script: String, minimizing: String = "minimize crossEntropy") throws {
    let engine = try Engine(running: script + "\nlet m = M()\nlet optimizer = SGD(0)\n")
    let flow = try engine.flow("m")
    objective = try engine.interpreter.objectiveGraph(
      of: flow, minimizing: minimizing, length: 12)
    model = objective.model
    inference = try engine.interpreter.trace(flow, input: .tokens, mode: .inference)
    optimizer = try engine.optimizer()
  }

  /// The script, objective and parameters of a fixture.
  init(_ fixture: TorchFixture, minimizing: String = "minimize crossEntropy") throws {
    try self.init(fixture.text("script"), minimizing: minimizing)
    fixture.fill(parameters, of: model)
  }

  func trainer(threads: Int = 2) throws -> Trainer {
    try Trainer(
      model, objective: objective.total, terms: objective.terms, routers: objective.routers,
      optimizer: optimizer, parameters: parameters, clip: nil, cpu: CPU(threads: threads))
  }

  /// What the sites of the finished model decide.
  func decisions(_ batch: Batch) throws -> [SiteDecision] {
    let executor = try Executor(
      inference.graph, outputs: [inference.output], cpu: CPU(threads: 1))
    try executor.run(batch, parameters, record: true)
    return executor.decisions
  }

  /// Does the one step of a fixture, and expects its loss, its gradients and what parameters become.
  ///
  /// - Parameter hasZeros: whether a parameter without a gradient counts as one of gradient 0.
  func expectStep(_ fixture: TorchFixture, hasZeros: Bool) throws {
    let trainer = try trainer()
    // The fixtures draw the noise of this seed and step too.
    let report = try trainer.step(fixture.batch(), noise: NoiseKey(seed: 0, step: 0))
    #expect(abs(report.loss - Double(try fixture.floats("loss")[0])) < 1e-5)
    // Sums over at most 25 rows, 4 rounds and 16 classes in Float.
    let floor: Float = 1e-3
    for (name, expected) in fixture.all("gradient") {
      let zeros = hasZeros ? expected.floats.map { _ in Float(0) } : nil
      let gradient = try #require(trainer.gradient(name) ?? zeros, "\(name)")
      expectClose(gradient, expected.floats, floor: floor, name)
    }
    for (name, expected) in fixture.all("update") {
      let found = try #require(parameters[name], "\(name)").floats
      expectClose(found, expected.floats, floor: floor, name)
    }
  }

  /// Sequences of tokens, each token asked for as `target` says.
  static func batch(_ lengths: [Int], _ tokens: [Int32], targets: [Int32]) -> Batch {
    Batch(layout: RowLayout(lengths: lengths), ints: ["input": tokens, "target": targets])
  }
}
