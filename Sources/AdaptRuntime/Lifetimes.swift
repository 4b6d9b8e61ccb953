import AdaptGraph

/// From where to where each value is needed, in batches of steps. Views prolong what they look at.
final class Lifetimes {
  private var roots: [ValueID]
  private var ends: [Int]
  /// The step of several nodes that makes each value; -1 for others.
  private var makers: [Int]
  /// Whether some other step reads it, or whoever runs the graph.
  private var isShared: [Bool]
  private var endingAt: [[ValueID]]
  private var transferred: Set<ValueID> = []

  init(_ graph: Graph, _ batches: [[[Int]]], outputs: [ValueID]) {
    roots = graph.values.indices.map(ValueID.init)
    ends = Array(repeating: -1, count: graph.values.count)
    makers = Array(repeating: -1, count: graph.values.count)
    // A sum over rows is there when all rows are done.
    isShared = graph.values.indices.map { graph.type(ValueID($0)).rows == nil }
    endingAt = Array(repeating: [], count: batches.count)
    var number = 0
    for (index, batch) in batches.enumerated() {
      for step in batch {
        for node in step { add(graph.nodes[node], step.count > 1 ? number : -1, at: index) }
        number += 1
      }
    }
    for output in outputs {
      ends[roots[output.index].index] = Int.max
      isShared[roots[output.index].index] = true
    }
    for (index, end) in ends.enumerated() where end >= 0 && end != Int.max {
      endingAt[end].append(ValueID(index))
    }
  }

  private func add(_ node: Node, _ step: Int, at index: Int) {
    if node.isView { roots[node.outputs[0].index] = roots[node.inputs[0].index] }
    for root in node.inputs.map({ roots[$0.index].index }) {
      ends[root] = index
      if makers[root] != step { isShared[root] = true }
    }
    // A result that nobody reads lives for its own node.
    for output in node.outputs where !node.isView {
      (makers[output.index], ends[output.index]) = (step, index)
    }
  }

  func root(_ value: ValueID) -> ValueID { roots[value.index] }
  func end(_ value: ValueID) -> Int { ends[value.index] }

  /// Whether a value is needed nowhere but among the nodes of the step that makes it.
  func isLocal(_ value: ValueID) -> Bool {
    let root = roots[value.index].index
    return makers[root] >= 0 && !isShared[root]
  }

  /// The value's memory belongs to its successor now.
  func transfer(_ value: ValueID) { transferred.insert(value) }

  func ending(at index: Int) -> [ValueID] {
    endingAt[index].filter { !transferred.contains($0) }
  }
}
