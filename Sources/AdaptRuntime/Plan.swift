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
    let groups = RowGroups(graph).steps
    let lifetimes = Lifetimes(graph, groups, outputs: outputs)
    var free: [Slot: [Int]] = [:]
    for (index, group) in groups.enumerated() {
      let nodes = group.map { graph.nodes[$0] }
      place(nodes, at: index, lifetimes, &free)
      for value in lifetimes.ending(at: index) {
        if case .slot(let slot) = places[value.index] {
          free[slots[slot], default: []].append(slot)
        }
      }
      addStep(nodes, at: index, lifetimes)
    }
    findLayouts()
    for (index, set) in graph.rowSets.enumerated() {
      guard case .unfolded(let from, let count) = set.origin else { continue }
      unfolded[from, default: []].append((RowSetID(index), count))
    }
  }

  private mutating func addStep(_ nodes: [Node], at index: Int, _ lifetimes: Lifetimes) {
    guard nodes.count > 1, let rows = graph.commonRows(nodes) else {
      steps += nodes.map(Step.node)
      return
    }
    steps.append(
      .rows(
        RowProgram(
          nodes, rows: rows, in: graph, root: lifetimes.root,
          isLocal: { lifetimes.isLocal($0, to: index) })))
  }

  /// Gives the results of nodes that run together their places.
  private mutating func place(
    _ nodes: [Node], at index: Int, _ lifetimes: Lifetimes, _ free: inout [Slot: [Int]]
  ) {
    // What is read as a whole, while others write rows, is nobody's to write over.
    let kept = Set(nodes.filter { $0.op.kind == .gather }.map { lifetimes.root($0.inputs[0]) })
    var uses: [ValueID: Int] = [:]
    for (number, node) in nodes.enumerated() {
      for input in node.inputs { uses[lifetimes.root(input)] = number }
    }
    for (number, node) in nodes.enumerated() {
      let ending = nodes.count == 1 ? nil : Set(uses.filter { $0.value == number }.keys)
      place(node, at: index, lifetimes, &free) {
        !kept.contains($0) && ending?.contains($0) ?? true
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
    for output in node.outputs where !lifetimes.isLocal(output, to: index) {
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

/// From which step to which each value is needed. Views prolong what they look at.
private final class Lifetimes {
  private var roots: [ValueID]
  private var starts: [Int]
  private var ends: [Int]
  /// Steps of several nodes, between which a value may stay where it was computed.
  private var groups: Set<Int> = []
  private let isOfRows: [Bool]
  private var endingAt: [[ValueID]]
  private var transferred: Set<ValueID> = []

  init(_ graph: Graph, _ steps: [[Int]], outputs: [ValueID]) {
    roots = graph.values.indices.map(ValueID.init)
    starts = Array(repeating: -1, count: graph.values.count)
    ends = Array(repeating: -1, count: graph.values.count)
    endingAt = Array(repeating: [], count: steps.count)
    isOfRows = graph.values.indices.map { graph.type(ValueID($0)).rows != nil }
    for (index, step) in steps.enumerated() {
      if step.count > 1 { groups.insert(index) }
      for node in step.map({ graph.nodes[$0] }) { add(node, at: index) }
    }
    for output in outputs { ends[roots[output.index].index] = Int.max }
    for (index, end) in ends.enumerated() where end >= 0 && end != Int.max {
      endingAt[end].append(ValueID(index))
    }
  }

  private func add(_ node: Node, at index: Int) {
    if node.isView { roots[node.outputs[0].index] = roots[node.inputs[0].index] }
    for input in node.inputs { ends[roots[input.index].index] = index }
    // A result that nobody reads lives for its own node.
    for output in node.outputs where !node.isView {
      (starts[output.index], ends[output.index]) = (index, index)
    }
  }

  func root(_ value: ValueID) -> ValueID { roots[value.index] }
  func end(_ value: ValueID) -> Int { ends[value.index] }

  /// Whether a value is needed nowhere but among the rows of one step.
  func isLocal(_ value: ValueID, to step: Int) -> Bool {
    let index = roots[value.index].index
    return groups.contains(step) && starts[index] == step && ends[index] == step && isOfRows[index]
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
