import AdaptGraph
import AdaptTensor

/// Computes tensors at once, by the kernels that models run on.
///
/// An operation is a small graph over literals; each node runs as soon as the graph is made. So there
/// is one definition of an op, whether a script meets numbers or a trace.
public struct Eager: Sendable {
  private let cpu: CPU

  public init(cpu: CPU) { self.cpu = cpu }

  /// What one op gives for these tensors.
  /// - Throws: `GraphError` for tensors that the op does not take, ``RuntimeError`` for indices that do
  ///   not exist, `TensorError` without memory.
  public func run(_ op: Op, _ inputs: [Tensor]) throws -> [Tensor] {
    var graph = Graph()
    let values = try inputs.map { try graph.add(.literal(Literal($0))) }
    let outputs = try graph.add(op, values)
    return try run(graph, outputs: outputs)
  }

  /// The values of a graph without rows and parameters, whose sources are literals and constants.
  ///
  /// The caller answers for their sizes. A value's memory is given back behind its last use.
  /// - Throws: As ``run(_:_:)``.
  public func run(_ graph: Graph, outputs: [ValueID]) throws -> [Tensor] {
    try graph.verify(outputs: outputs)
    let run = try Executor(unplanned: graph, cpu: cpu)
    var memory: [Storage?] = Array(repeating: nil, count: graph.values.count)
    let uses = lastUses(graph, outputs)
    for (number, node) in graph.nodes.enumerated() {
      for output in node.outputs {
        let storage = try room(for: node, output, graph, memory)
        memory[output.index] = storage
        run.pointers[output.index] = storage.pointer
      }
      try Kernels.run(node, run)
      for value in node.inputs + node.outputs where uses[value.index] <= number {
        memory[value.index] = nil
      }
    }
    return try outputs.map { output in
      let type = graph.type(output)
      guard let storage = memory[output.index] else {
        throw RuntimeError.badInput("a value has not been computed")
      }
      return try Tensor(type.dims, elementType: type.element, storage: storage)
    }
  }

  /// The last node that reads each value; -1 for one that nothing reads.
  private func lastUses(_ graph: Graph, _ outputs: [ValueID]) -> [Int] {
    var uses = Array(repeating: -1, count: graph.values.count)
    for (number, node) in graph.nodes.enumerated() {
      for input in node.inputs { uses[input.index] = number }
    }
    for output in outputs { uses[output.index] = .max }
    return uses
  }

  /// The memory of a node's output: its own, or that of what it looks at.
  private func room(
    for node: Node, _ output: ValueID, _ graph: Graph, _ memory: [Storage?]
  ) throws -> Storage {
    if case .literal(let literal) = node.op { return literal.tensor.storage }
    if node.isView, let source = memory[node.inputs[0].index] { return source }
    let type = graph.type(output)
    guard type.rows == nil, node.op.kind != .parameter, node.op.kind != .input else {
      throw RuntimeError.badInput("\(graph.describe(type)) is not known before a model runs")
    }
    let (bytes, overflow) = type.count.multipliedReportingOverflow(by: type.element.size)
    guard !overflow else { throw TensorError.outOfMemory(bytes: nil) }
    return try Storage(byteCount: bytes, zeroed: false)
  }
}
