import AdaptGraph

/// How a graph runs: which memory each value lives in.
///
/// Made once per graph. Sizes of rows are read when it runs, so a changed number of rows changes
/// addresses, never the plan. A block of memory is used from the step that makes its value to the last
/// that reads it; an elementwise op may write over an operand that dies with it.
struct Plan: Sendable {
  /// Memory of a value, and of those that are written over it.
  struct Block: Sendable {
    /// The rows that it has memory for; nil for a fixed size.
    var rows: RowSetID?
    /// How many those are at most, in rows of sets that the data bring.
    var bounds: [RowBound] = []
    /// Bytes, or bytes a row.
    var bytes: Int
    /// Whether a site says how many rows there are, before the block is needed.
    var isSelected = false
    /// All that lies here, views too.
    var values: [ValueID] = []
  }

  /// When a block is needed, and when no longer.
  enum Event: Sendable {
    case open(Int)
    case close(Int)
  }

  /// So many rows for each row of a set that the data bring.
  struct RowBound: Hashable, Sendable {
    var rows: RowSetID
    var each: Int
  }

  enum Place: Hashable, Sendable {
    case block(Int)
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
    /// Nothing is computed: blocks of selected rows begin and end.
    case memory([Event])
  }

  let graph: Graph
  /// In the order of the run.
  private(set) var steps: [Step] = []
  private(set) var blocks: [Block] = []
  /// Of all blocks, in the order of the run.
  private(set) var events: [Event] = []
  /// How many of the events the steps so far know of.
  private var settled = 0
  private(set) var places: [Place]
  /// Values that are a parameter's memory, by their numbers, with the parameter's.
  private(set) var parameters: [(value: Int, parameter: Int)] = []
  /// Values that are the memory of a tensor that the graph holds.
  private(set) var literals: [(value: Int, literal: Literal)] = []
  /// Views, each behind what it looks at.
  private(set) var views: [(value: Int, source: Int)] = []
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
    for (index, batch) in batches.enumerated() {
      let steps = batch.map { step in step.map { graph.nodes[$0] } }
      place(steps, at: index, lifetimes)
      settleMemory()
      for value in lifetimes.ending(at: index) {
        if case .block(let block) = places[value.index] { events.append(.close(block)) }
      }
      addSteps(steps.map { step($0, lifetimes) })
    }
    findValues()
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
    _ steps: [[Node]], at index: Int, _ lifetimes: Lifetimes
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
        place(node, at: index, lifetimes) { uses[$0] == number && !kept.contains($0) }
      }
    }
  }

  private mutating func place(
    _ node: Node, at index: Int, _ lifetimes: Lifetimes, mayOverwrite: (ValueID) -> Bool
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
      if let reused = overwritable(node, at: index, lifetimes, mayOverwrite) {
        places[output.index] = places[reused.index]
        lifetimes.transfer(reused)
      } else {
        places[output.index] = .block(blocks.count)
        events.append(.open(blocks.count))
        blocks.append(block(for: output, of: node))
      }
    }
  }

  /// An operand that dies here and may be written over.
  private func overwritable(
    _ node: Node, at index: Int, _ lifetimes: Lifetimes, _ mayOverwrite: (ValueID) -> Bool
  ) -> ValueID? {
    guard node.mayOverwrite else { return nil }
    let result = graph.type(node.outputs[0])
    return node.inputs.map(lifetimes.root).first { value in
      guard case .block = places[value.index] else { return false }
      return graph.type(value).rows == result.rows && graph.type(value).count == result.count
        && lifetimes.end(value) == index
        && mayOverwrite(value)
    }
  }

  private func block(for value: ValueID, of node: Node) -> Block {
    let type = graph.type(value)
    guard let rows = type.rows else { return Block(bytes: max(1, type.count) * 4) }
    return Block(
      rows: rows, bounds: graph.bounds(of: rows), bytes: max(1, type.count) * 4,
      isSelected: !node.op.kind.opensRows && graph.isSelected(rows))
  }

  /// Lets the run know of the blocks of selected rows that begin and end before the next step.
  private mutating func settleMemory() {
    let open = events[settled...].filter { blocks[$0.block].isSelected }
    settled = events.count
    if !open.isEmpty { steps.append(.memory(open)) }
  }

  private mutating func findValues() {
    for (index, place) in places.enumerated() {
      switch place {
      case .block(let block): blocks[block].values.append(ValueID(index))
      case .alias(let source):
        views.append((index, source.index))
        if case .block(let block) = places[source.index] {
          blocks[block].values.append(ValueID(index))
        }
      case .parameter(let parameter): parameters.append((index, parameter))
      case .literal(let literal): literals.append((index, literal))
      case .external, .none: continue
      }
    }
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

extension OpKind {
  /// Whether it says how many rows a set has, so that nobody knows before.
  fileprivate var opensRows: Bool { [.members, .groupMembers, .pick, .joinRows].contains(self) }
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

  /// Whether something decides which rows the set has, so that their number is known in the run only.
  func isSelected(_ rows: RowSetID) -> Bool {
    switch self[rows].origin {
    case .selected, .picked, .joined: true
    case .unfolded(let parent, _): isSelected(parent)
    case .input, .groups, .step: false
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
    case .convolution(let window), .convolutionInput(let window, _),
      .convolutionWeight(let window):
      window.isAlongRows ? rows(of: node.inputs.prefix(1)) : []
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
