import AdaptGraph
import AdaptInterpreter
import AdaptRuntime
import AdaptTensor

/// A model that is trained on one batch, again and again.
final class TrainingWorkload: Measurement {
  private let trainer: Trainer
  private let data: WorkloadData
  private let machine: Machine
  private var last: StepReport

  init(_ script: WorkloadScript, _ options: Options, _ cpu: CPU) throws {
    machine = Machine(cpu: cpu)
    let input = try script.input()
    let format = DataFormat(
      input: input, target: .classes, length: Double(try script.count("length")))
    let interpreter = script.engine.interpreter
    let graph = try interpreter.objectiveGraph(
      of: script.model(), minimizing: script.text("objective"), data: format)
    data = try WorkloadData(script, for: graph.model, file: options.weights)
    trainer = try Trainer(
      graph.model, objective: graph.total, terms: graph.terms,
      optimizer: interpreter.trace(script.optimizer()), parameters: data.parameters, clip: 1,
      cpu: cpu)
    last = try trainer.step(data.batch)
  }

  func step() throws -> Double { try seconds { last = try trainer.step(data.batch) } }

  func facts() -> [String: Any] {
    let loss = last.terms.first { $0.name == "crossEntropy" }?.value ?? last.loss
    let rows = Double(data.batch.layout.rows)
    return [
      "loss": loss, "flops": trainer.flops(of: [.matmul]), "sgemm": machine.sgemmRate(),
      "shares": last.paths.map { site in site.counts.map { Double($0) / rows } },
    ]
  }
}
