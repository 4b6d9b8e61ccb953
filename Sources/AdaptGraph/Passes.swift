/// A graph and the values that are wanted of it.
public struct GraphProgram: Sendable {
  public var graph: Graph
  public var outputs: [ValueID]

  public init(graph: Graph, outputs: [ValueID]) {
    self.graph = graph
    self.outputs = outputs
  }

  /// Runs all passes in order, verifying in between when asked.
  /// - Throws: `GraphError` when an output is not in the graph, or what a pass made breaks a rule.
  public mutating func optimize(verifying: Bool = false) throws {
    try graph.verify(outputs: outputs)
    for pass in Pass.all {
      pass.apply(&self)
      if verifying { try graph.verify() }
    }
  }
}

/// A named change of a graph that keeps its results.
public struct Pass: Sendable {
  public let name: String
  public let summary: String
  public let apply: @Sendable (inout GraphProgram) -> Void

  /// The order in which they run.
  public static let all: [Pass] = [deduplicate, prune]

  /// One node for the same op on the same values in the same region.
  static let deduplicate = Pass(
    name: "deduplicate", summary: "merge nodes that compute the same"
  ) { program in
    var first: [Node: Node] = [:]
    var replacement: [ValueID: ValueID] = [:]
    for node in program.graph.nodes {
      var key = node
      key.inputs = node.inputs.map { replacement[$0] ?? $0 }
      key.outputs = []
      key.scope = ""
      // Copies stay copies: merged with what they repeat, it would be kept.
      key.block = nil
      // −0 and 0 are equal and not the same.
      if case .constant(let number) = node.op, number == 0, number.sign == .minus { continue }
      if let earlier = first[key] {
        for (old, new) in zip(node.outputs, earlier.outputs) { replacement[old] = new }
      } else {
        first[key] = node
      }
    }
    program.graph.replaceInputs { replacement[$0] ?? $0 }
    program.outputs = program.outputs.map { replacement[$0] ?? $0 }
    let nodes = program.graph.nodes
    program.graph.filterNodes { nodes[$0].outputs.allSatisfy { replacement[$0] == nil } }
  }

  /// Nodes that no output needs.
  static let prune = Pass(name: "prune", summary: "drop nodes that no output needs") { program in
    let needed = program.graph.needed(for: program.outputs)
    program.graph.filterNodes(needed.contains)
  }
}
