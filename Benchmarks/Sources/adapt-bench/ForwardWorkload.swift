import AdaptGraph
import AdaptInterpreter
import AdaptRuntime
import AdaptTensor

/// A model that is run on one batch, again and again.
final class ForwardWorkload: Measurement {
  private let executor: Executor
  private let costs: RegionCosts
  private let data: WorkloadData
  private let machine: Machine

  init(_ script: WorkloadScript, _ options: Options, _ cpu: CPU) throws {
    machine = Machine(cpu: cpu)
    let model = try script.inferenceGraph()
    data = try WorkloadData(script, for: model, file: options.weights)
    costs = model.graph.costs(of: model.output, length: Double(try script.count("length")))
    executor = try Executor(model.graph, outputs: [model.output], cpu: cpu)
    _ = try step()
  }

  func step() throws -> Double { try seconds { try executor.run(data.batch, data.parameters) } }

  func facts() -> [String: Any] {
    var facts: [String: Any] = [
      "flops": executor.flops(of: [.matmul]), "sgemm": machine.sgemmRate(),
      "operations": executor.flops(for: [0]), "executed_share": executedShare, "shares": shares,
    ]
    facts["difference"] = executor.withFloats(0) { data.difference(of: $0) }
    return facts
  }

  /// All operations, relative to the costliest paths everywhere.
  private var executedShare: Double {
    let full = costs.full(RegionID(0)) * Double(data.batch.layout.rows)
    return executor.flops(for: [0]) / max(full, 1)
  }

  /// Of the units that reached a site, the share that took each path.
  private var shares: [[Double]] {
    zip(executor.pathCounts, executor.unitCounts).map { counts, units in
      counts.map { Double($0) / Double(max(1, units)) }
    }
  }
}
