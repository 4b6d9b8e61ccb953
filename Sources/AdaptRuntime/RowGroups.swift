import AdaptGraph

/// Which nodes run together, rows by rows, and in what order all run.
struct RowGroups {
  /// Nodes by their index, in the order of the run; several together where they treat rows alike.
  private(set) var steps: [[Int]] = []

  private let graph: Graph
  /// How far ahead a group looks for nodes that may join it.
  private static let window = 24
  /// Columns from which a sum over rows is worth joining.
  private static let leastColumns = 16

  init(_ graph: Graph) {
    self.graph = graph
    var taken = Array(repeating: false, count: graph.nodes.count)
    // What takes no time stands first, where it is in nobody's way.
    for (index, node) in graph.nodes.enumerated() where node.isSource {
      steps.append([index])
      taken[index] = true
    }
    for index in graph.nodes.indices where !taken[index] {
      guard let rows = rows(of: graph.nodes[index]) else {
        steps.append([index])
        continue
      }
      var group = Group(graph, rows, index)
      group.lookAhead(from: index + 1, &taken)
      steps += group.free.map { [$0] }
      let work = group.nodes.filter { !graph.nodes[$0].isView }
      steps += work.count > 1 ? [group.nodes] : group.nodes.map { [$0] }
    }
  }

  /// The row set that a node treats row by row, or nil where it does not.
  private func rows(of node: Node) -> RowSetID? { RowGroups.rows(of: node, graph) }

  fileprivate static func rows(of node: Node, _ graph: Graph) -> RowSetID? {
    let type = graph.type(node.outputs[0])
    guard type.count > 0, node.inputs.allSatisfy({ graph.type($0).count > 0 }) else { return nil }
    switch node.op.kind {
    case .unary, .unaryGradient, .binary, .select, .expandRows, .expandColumns, .sumColumns,
      .softmax, .softmaxGradient, .normalize, .normalizeGradient, .slice, .pad, .concat:
      return type.rows
    case .gather:
      // Rows of rows: a site made the index. One into a table comes from data and is checked.
      return graph.type(node.inputs[0]).rows != nil ? type.rows : nil
    case .matmul: return isByRow(node, graph) ? type.rows : nil
    case .sumRows:
      return type.count >= leastColumns ? graph.type(node.inputs[0]).rows : nil
    default: return nil
    }
  }

  /// Whether a product multiplies every row by a matrix that is the same for all.
  private static func isByRow(_ node: Node, _ graph: Graph) -> Bool {
    guard case .matmul(transposeA: false, _) = node.op else { return false }
    let (a, b) = (graph.type(node.inputs[0]), graph.type(node.inputs[1]))
    return a.rows != nil && b.rows == nil && graph.type(node.outputs[0]).rows == a.rows
  }

  /// One group while it is found.
  private struct Group {
    private(set) var nodes: [Int]
    /// What stands before the group and depends on nothing in it.
    private(set) var free: [Int] = []
    private let graph: Graph
    private let rows: RowSetID
    /// What the group gives row by row, and what stands only when it is done.
    private var made: Set<ValueID> = []
    private var sums: Set<ValueID> = []
    /// What is behind the group.
    private var later: Set<ValueID> = []

    init(_ graph: Graph, _ rows: RowSetID, _ first: Int) {
      (self.graph, self.rows, nodes) = (graph, rows, [])
      add(first)
    }

    mutating func lookAhead(from start: Int, _ taken: inout [Bool]) {
      var seen = 0
      for index in start..<max(start, graph.nodes.count) where !taken[index] {
        guard seen < RowGroups.window else { return }
        seen += 1
        let node = graph.nodes[index]
        let inputs = node.inputs
        if inputs.contains(where: { later.contains($0) || sums.contains($0) }) {
          later.formUnion(node.outputs)
        } else if joins(node) {
          add(index)
          taken[index] = true
        } else if isFree(node), !inputs.contains(where: made.contains) {
          free.append(index)
          taken[index] = true
        } else {
          later.formUnion(node.outputs)
        }
      }
    }

    private func joins(_ node: Node) -> Bool {
      if node.op.kind == .reshape || node.op.kind == .stopGradient {
        return made.contains(node.inputs[0])
      }
      guard RowGroups.rows(of: node, graph) == rows else { return false }
      return node.op.kind != .gather || !made.contains(node.inputs[0])
    }

    /// What takes no time and may stand anywhere behind its operand.
    private func isFree(_ node: Node) -> Bool {
      [.reshape, .stopGradient].contains(node.op.kind)
        && graph.type(node.outputs[0]).rows == nil
    }

    private mutating func add(_ index: Int) {
      let node = graph.nodes[index]
      nodes.append(index)
      if node.op.kind == .sumRows {
        sums.formUnion(node.outputs)
      } else {
        made.formUnion(node.outputs)
      }
    }
  }
}

extension Node {
  /// Whether it needs nothing and takes no time.
  fileprivate var isSource: Bool { [.parameter, .literal, .constant].contains(op.kind) }
}
