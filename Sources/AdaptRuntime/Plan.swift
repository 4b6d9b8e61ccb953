import AdaptGraph

/// How a graph runs: which memory each value lives in.
///
/// Made once per graph. Sizes of rows are read when it runs, so a changed number of rows changes
/// addresses, never the plan. Values whose lifetimes do not overlap share a slot when they have the
/// same size; an elementwise op may write over an operand that dies with it.
struct Plan: Sendable {
  /// Memory of one size, used by one value after the other.
  struct Slot: Hashable, Sendable {
    /// Counted in rows of these sets, whose subsets never have more; nil for a fixed size.
    var rows: [RowBound]?
    /// Bytes, or bytes a row.
    var bytes: Int
  }

  /// So many rows for each row of a set that the data bring.
  struct RowBound: Hashable, Sendable {
    var rows: RowSetID
    var each: Int
  }

  enum Place: Hashable, Sendable {
    case slot(Int)
    case parameter(Int)
    /// The memory of a tensor that the graph holds.
    case literal(Literal)
    /// The memory of another value: a view.
    case alias(ValueID)
    /// Memory that who runs the graph owns and nobody writes: what a scan's body sees of the outside.
    case external
    /// Not computed.
    case none
  }

  /// What runs at once: a node, or several that treat rows alike.
  enum Step: Sendable {
    case node(Node)
    case rows(RowProgram)
    /// Steps of sibling paths, none of which needs another.
    case paths([Step])
  }

  let graph: Graph
  /// In the order of the run.
  private(set) var steps: [Step] = []
  private(set) var slots: [Slot] = []
  private(set) var places: [Place]
  /// Row sets whose groups and positions some op reads; the others need only a count.
  private(set) var layoutRows: Set<RowSetID> = []
  private let external: Set<ValueID>
  /// Whether random numbers are drawn, here or in the body of a scan.
  let isRandom: Bool

  /// The sets that follow from a set, and how many rows they have for each of its.
  private(set) var unfolded: [RowSetID: [(set: RowSetID, count: Int)]] = [:]

  /// The plan of nothing, for who brings the memory of every value.
  static let empty = Plan(Graph(), outputs: [])

  /// - Parameter external: inputs whose memory is brought by who runs the graph.
  init(_ graph: Graph, outputs: [ValueID], external: Set<ValueID> = []) {
    self.graph = graph
    self.external = external
    isRandom = graph.allNodes.contains { $0.op.kind == .random }
    places = Array(repeating: .none, count: graph.values.count)
    let batches = PathBatches(RowGroups(graph).steps, graph).batches
    let lifetimes = Lifetimes(graph, batches, outputs: outputs)
    var free: [Slot: [Int]] = [:]
    for (index, batch) in batches.enumerated() {
      let steps = batch.map { step in step.map { graph.nodes[$0] } }
      place(steps, at: index, lifetimes, &free)
      for value in lifetimes.ending(at: index) {
        if case .slot(let slot) = places[value.index] {
          free[slots[slot], default: []].append(slot)
        }
      }
      addSteps(steps.map { step($0, lifetimes) })
    }
    findLayouts()
    for (index, set) in graph.rowSets.enumerated() {
      guard case .unfolded(let from, let count) = set.origin else { continue }
      unfolded[from, default: []].append((RowSetID(index), count))
    }
  }

  private mutating func addSteps(_ batch: [Step]) {
    if batch.count > 1, batch.allSatisfy(\.mayRunBeside) {
      steps.append(.paths(batch))
    } else {
      steps += batch
    }
  }

  private func step(_ nodes: [Node], _ lifetimes: Lifetimes) -> Step {
    guard nodes.count > 1, let rows = graph.commonRows(nodes) else { return .node(nodes[0]) }
    return .rows(
      RowProgram(
        nodes, rows: rows, in: graph, root: lifetimes.root, isLocal: lifetimes.isLocal))
  }

  /// Gives the results of steps that run at once their places.
  private mutating func place(
    _ steps: [[Node]], at index: Int, _ lifetimes: Lifetimes, _ free: inout [Slot: [Int]]
  ) {
    // What is read as a whole, or by several steps, is nobody's to write over while it is read.
    var kept: Set<ValueID> = []
    var seen: Set<ValueID> = []
    for nodes in steps {
      let read = Set(nodes.flatMap(\.inputs).map(lifetimes.root))
      kept.formUnion(seen.intersection(read))
      seen.formUnion(read)
      kept.formUnion(
        nodes.filter { $0.op.kind == .gather }.map { lifetimes.root($0.inputs[0]) })
    }
    for nodes in steps {
      var uses: [ValueID: Int] = [:]
      for (number, node) in nodes.enumerated() {
        for input in node.inputs { uses[lifetimes.root(input)] = number }
      }
      for (number, node) in nodes.enumerated() {
        place(node, at: index, lifetimes, &free) { uses[$0] == number && !kept.contains($0) }
      }
    }
  }

  private mutating func place(
    _ node: Node, at index: Int, _ lifetimes: Lifetimes, _ free: inout [Slot: [Int]],
    mayOverwrite: (ValueID) -> Bool
  ) {
    if case .parameter(let parameter) = node.op {
      places[node.outputs[0].index] = .parameter(parameter)
      return
    }
    if case .literal(let literal) = node.op {
      places[node.outputs[0].index] = .literal(literal)
      return
    }
    if node.op.kind == .input, external.contains(node.outputs[0]) {
      places[node.outputs[0].index] = .external
      return
    }
    if node.isView {
      places[node.outputs[0].index] = .alias(lifetimes.root(node.inputs[0]))
      return
    }
    for output in node.outputs where !lifetimes.isLocal(output) {
      let key = slotKey(graph.type(output))
      if let reused = overwritable(node, at: index, key, lifetimes, mayOverwrite) {
        places[output.index] = places[reused.index]
        lifetimes.transfer(reused)
      } else if let slot = free[key]?.popLast() {
        places[output.index] = .slot(slot)
      } else {
        slots.append(key)
        places[output.index] = .slot(slots.count - 1)
      }
    }
  }

  /// An operand that dies here and may be written over.
  private func overwritable(
    _ node: Node, at index: Int, _ key: Slot, _ lifetimes: Lifetimes,
    _ mayOverwrite: (ValueID) -> Bool
  ) -> ValueID? {
    guard node.mayOverwrite else { return nil }
    let result = graph.type(node.outputs[0])
    return node.inputs.map(lifetimes.root).first { value in
      guard case .slot(let slot) = places[value.index] else { return false }
      return slots[slot] == key && graph.type(value).rows == result.rows
        && graph.type(value).count == result.count && lifetimes.end(value) == index
        && mayOverwrite(value)
    }
  }

  private func slotKey(_ type: TensorType) -> Slot {
    guard let rows = type.rows else { return Slot(rows: nil, bytes: max(1, type.count) * 4) }
    var bounds = graph.bounds(of: rows)
    var count = max(1, type.count)
    if bounds.count == 1 {
      // Of one set, values of as many bytes share slots however the rows are cut.
      count *= bounds[0].each
      bounds[0].each = 1
    }
    return Slot(rows: bounds, bytes: count * 4)
  }

  private mutating func findLayouts() {
    for node in graph.nodes {
      for set in graph.rowsWithLayout(for: node) {
        var open = [set]
        while let current = open.popLast() {
          if layoutRows.insert(current).inserted { open += graph.parentRows(current) }
        }
      }
    }
  }
}

/// From where to where each value is needed, in batches of steps. Views prolong what they look at.
private final class Lifetimes {
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

extension Node {
  /// Whether the output is the input's memory.
  var isView: Bool { [.reshape, .stopGradient, .fold, .unfold].contains(op.kind) }
}

extension Graph {
  /// The row sets that this one was made of.
  func parentRows(_ rows: RowSetID) -> [RowSetID] {
    switch self[rows].origin {
    case .selected(let parent, _, _), .unfolded(let parent, _), .picked(let parent, _): [parent]
    case .joined(let parts): parts
    case .input, .groups, .step: []
    }
  }

  /// How many rows the set has at most, in rows of sets that the data bring.
  func bounds(of rows: RowSetID) -> [Plan.RowBound] {
    switch self[rows].origin {
    case .selected(let parent, _, _), .picked(let parent, _): return bounds(of: parent)
    case .unfolded(let parent, let count):
      return bounds(of: parent).map { Plan.RowBound(rows: $0.rows, each: $0.each * count) }
    case .joined(let parts):
      let all = Dictionary(parts.flatMap(bounds).map { ($0.rows, $0.each) }, uniquingKeysWith: +)
      return all.sorted { $0.key.index < $1.key.index }.map {
        Plan.RowBound(rows: $0.key, each: $0.value)
      }
    case .input, .groups, .step: return [Plan.RowBound(rows: rows, each: 1)]
    }
  }

  /// The rows that nodes of one step treat alike.
  func commonRows(_ nodes: [Node]) -> RowSetID? {
    nodes.first.flatMap { node in
      type(node.outputs[0]).rows ?? type(node.inputs[0]).rows
    }
  }

  /// The row sets whose groups and positions a node reads.
  func rowsWithLayout(for node: Node) -> [RowSetID] {
    switch node.op {
    case .positions, .groupOf, .shift, .scan: rows(of: node.inputs.prefix(1))
    case .attention: rows(of: node.inputs.prefix(2))
    case .attentionGradient: rows(of: node.inputs[1...2])
    case .groupMembers(let parent, _): [parent]
    case .pick: rows(of: node.inputs.prefix(1))
    case .joinRows: rows(of: node.inputs[...])
    case .choose(let site): self[site].selection.isJoint ? [self[site].rows] : []
    case .mark(let selection): selection.isJoint ? rows(of: node.inputs.prefix(1)) : []
    default: []
    }
  }

  private func rows(of values: ArraySlice<ValueID>) -> [RowSetID] {
    values.compactMap { type($0).rows }
  }
}
