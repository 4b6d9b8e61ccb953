/// One computation: an op on values, in a region.
public struct Node: Hashable, Sendable {
  public var op: Op
  public var inputs: [ValueID]
  public var outputs: [ValueID]
  public var region: RegionID
  /// The dotted name of the layer that made it: `blocks[0].attention`.
  public var scope: String
  /// The block that a backward pass computes again, where it stands in one.
  public var block: RecomputedBlockID?
  /// Which copy of a block it is part of, counted from 1; 0 for what was not copied. It keeps a copy
  /// apart from what it is a copy of.
  public var copy = 0
}

/// What is known of a value.
public struct ValueInfo: Hashable, Sendable {
  public var type: TensorType
  /// The node that gives it.
  public var node: Int
}

/// A graph of layers and routers.
///
/// Nodes stand in one list in an order in which they can run. A node's region says under which
/// decisions it runs: the root, or a path of a site. All values of a path stand over the path's own row
/// set, so work that was not selected has no rows and is not done, forward and backward alike.
///
/// The graph is made by ``add(_:_:)``, which checks shapes as it goes.
public struct Graph: Sendable {
  public private(set) var nodes: [Node] = []
  public private(set) var values: [ValueInfo] = []
  public private(set) var rowSets: [RowSet] = []
  public internal(set) var regions: [Region] = [Region(kind: .root, parent: nil, rows: nil)]
  public internal(set) var sites: [Site] = []
  public private(set) var parameters: [ParameterInfo] = []
  /// For each row set that has groups, the set with one row a group.
  private var groupSets: [RowSetID: RowSetID] = [:]
  /// For each row set and count, the set with so many rows a row.
  private var unfoldedSets: [RowSetID: [Int: RowSetID]] = [:]
  /// The indices of rows that were picked or joined.
  var raggedRows: [RaggedKey: [ValueID]] = [:]
  /// Where the parameter of a name stands, and its value once a node gives it.
  private var parameterPlaces: [String: (index: Int, value: ValueID?)] = [:]

  /// The region that new nodes go to.
  public var region = RegionID(0)
  /// The scope that new nodes are marked with.
  public var scope = ""
  /// The recomputed block that new nodes go to.
  public internal(set) var block: RecomputedBlockID?
  /// For each recomputed block the one around it.
  var blocksAround: [RecomputedBlockID?] = []
  /// How many copies of blocks there are.
  private var copies = 0

  public init() {}

  // MARK: Reading

  public func type(_ value: ValueID) -> TensorType { values[value.index].type }

  public func node(of value: ValueID) -> Node { nodes[values[value.index].node] }

  public subscript(rows: RowSetID) -> RowSet { rowSets[rows.index] }
  public subscript(region: RegionID) -> Region { regions[region.index] }
  public subscript(site: SiteID) -> Site { sites[site.index] }

  // MARK: Building

  /// Adds a node and returns what it gives.
  /// - Throws: ``GraphError`` when the op does not take values of these types.
  @discardableResult
  public mutating func add(_ op: Op, _ inputs: [ValueID]) throws -> [ValueID] {
    try add(op, inputs, in: region)
  }

  /// Adds a node of one output.
  public mutating func add(_ op: Op, _ inputs: ValueID...) throws -> ValueID {
    try add(op, inputs, in: region)[0]
  }

  @discardableResult
  mutating func add(_ op: Op, _ inputs: [ValueID], in region: RegionID) throws -> [ValueID] {
    // What the data bring is there before any decision, wherever it is first asked for.
    let region = op.kind == .input ? RegionID(0) : region
    let types = try outputTypes(op, inputs)
    return append(op, inputs, types, in: region)
  }

  /// What an op gives for these inputs. Looks only: nothing of the graph is copied for the rule.
  private func outputTypes(_ op: Op, _ inputs: [ValueID]) throws -> [TensorType] {
    guard inputs.allSatisfy({ nodes[values[$0.index].node].outputs.contains($0) }) else {
      throw GraphError(.invalid, "what a step of a scan computes cannot leave it")
    }
    let types = try OpTable[op].infer(op, inputs.map { values[$0.index].type }, self)
    for type in types { try requirePossible(type) }
    return types
  }

  private mutating func append(
    _ op: Op, _ inputs: [ValueID], _ types: [TensorType], in region: RegionID, copy: Int = 0
  ) -> [ValueID] {
    let outputs = types.map { type in
      values.append(ValueInfo(type: type, node: nodes.count))
      return ValueID(values.count - 1)
    }
    nodes.append(
      Node(
        op: op, inputs: inputs, outputs: outputs, region: region, scope: scope, block: block,
        copy: copy))
    return outputs
  }

  /// A number for a new copy of a recomputed block.
  mutating func nextCopy() -> Int {
    copies += 1
    return copies
  }

  /// Adds a node once more, on other values of the same types.
  mutating func addCopy(of node: Node, _ inputs: [ValueID], number: Int) throws -> [ValueID] {
    let types = try outputTypes(node.op, inputs)
    return append(node.op, inputs, types, in: node.region, copy: number)
  }

  /// An input of a scan's body, which stands in the body's region; the name gets the value's number.
  mutating func addInput(_ name: String, _ type: TensorType, in region: RegionID) -> ValueID {
    append(.input("\(name) %\(values.count)", type), [], [type], in: region)[0]
  }

  /// A new row set that the data brings.
  public mutating func addRows(label: String, grouping: String?) -> RowSetID {
    addRowSet(RowSet(label: label, grouping: grouping, origin: .input, name: label))
  }

  mutating func addRowSet(_ rows: RowSet) -> RowSetID {
    rowSets.append(rows)
    return RowSetID(rowSets.count - 1)
  }

  /// The set with one row for each group of `rows`, or nil when its rows stand alone.
  public mutating func openGroups(of rows: RowSetID) -> RowSetID? {
    if let known = groupSets[rows] { return known }
    // Whoever was selected row by row still belongs to the groups of the parent.
    if let parent = groupParent(of: rows) { return openGroups(of: parent) }
    guard self[rows].origin == .input, let label = self[rows].grouping else { return nil }
    let groups = addRowSet(
      RowSet(label: label, grouping: nil, origin: .groups(of: rows), name: label))
    groupSets[rows] = groups
    return groups
  }

  /// The set with one row for each group of `rows`, if it was opened.
  public func groups(of rows: RowSetID) -> RowSetID? {
    if let known = groupSets[rows] { return known }
    return groupParent(of: rows).flatMap { groups(of: $0) }
  }

  /// The set whose groups the rows are in, where they are not counted as their own.
  private func groupParent(of rows: RowSetID) -> RowSetID? {
    switch self[rows].origin {
    case .selected(let parent, _, _), .picked(let parent, _): parent
    case .joined(let parts): mainPart(of: parts).map { parts[$0] }
    case .input, .groups, .step, .unfolded: nil
    }
  }

  /// The set that the rows were selected, picked or joined from, whose groups are those of the data.
  func groupSource(of rows: RowSetID) -> RowSetID {
    groupParent(of: rows).map { groupSource(of: $0) } ?? rows
  }

  mutating func setGroups(of rows: RowSetID, _ groups: RowSetID) { groupSets[rows] = groups }

  /// The set with `count` rows for each row of `rows`, which become its groups.
  public mutating func openUnfolded(_ rows: RowSetID, label: String, count: Int) -> RowSetID {
    if let known = unfoldedSets[rows]?[count] { return known }
    let set = RowSet(
      label: label, grouping: self[rows].label, origin: .unfolded(from: rows, count: count),
      name: "\(self[rows].name)*\(count)")
    let unfolded = addRowSet(set)
    unfoldedSets[rows, default: [:]][count] = unfolded
    groupSets[unfolded] = rows
    return unfolded
  }

  /// The value of a parameter; one of the same name is shared.
  ///
  /// Takes constant time however large the graph is.
  /// - Throws: ``GraphError`` when the name stands for another shape already.
  public mutating func parameter(_ info: ParameterInfo) throws -> ValueID {
    try requirePossible(TensorType(info.shape))
    // A name is looked up once: a new one gets the node that comes next.
    let next = (index: parameters.count, value: ValueID(values.count) as ValueID?)
    let place = Graph.place(&parameterPlaces[info.name, default: next])
    if place.index == parameters.count {
      parameters.append(info)
      return try add(.parameter(place.index), [], in: RegionID(0))[0]
    }
    let shape = parameters[place.index].shape
    guard shape == info.shape else {
      throw GraphError(
        .shape, "parameter \(info.name) is \(shape) and was asked for as \(info.shape)")
    }
    if let value = place.value { return value }
    let value = try add(.parameter(place.index), [], in: RegionID(0))[0]
    parameterPlaces[info.name] = (place.index, value)
    return value
  }

  /// What stands in a dictionary, where its default is put on the way.
  private static func place(_ place: inout (index: Int, value: ValueID?)) -> (
    index: Int, value: ValueID?
  ) { place }

  public mutating func constant(_ value: Double) throws -> ValueID { try add(.constant(value)) }

  /// Keeps the nodes that `keep` says, in order; used by passes, which answer for the values: one
  /// whose node is dropped must not be asked for again.
  mutating func filterNodes(_ keep: (Int) -> Bool) {
    var kept: [Node] = []
    for (index, node) in nodes.enumerated() where keep(index) {
      for output in node.outputs { values[output.index].node = kept.count }
      kept.append(node)
    }
    nodes = kept
    findParameters()
  }

  /// Puts the nodes in another order, in which they can run: all of them, by where they stand.
  mutating func reorderNodes(_ order: [Int]) {
    nodes = order.map { nodes[$0] }
    for (index, node) in nodes.enumerated() {
      for output in node.outputs { values[output.index].node = index }
    }
  }

  private mutating func findParameters() {
    for info in parameters { parameterPlaces[info.name]?.value = nil }
    for node in nodes {
      guard case .parameter(let index) = node.op else { continue }
      parameterPlaces[parameters[index].name]?.value = node.outputs[0]
    }
  }

  /// The graph with other nodes, on the same values, regions and sites: the body of a scan.
  ///
  /// It has no recomputed blocks: the gradient of a scan does the forward work again as it is.
  func withNodes(_ nodes: [Node]) -> Graph {
    var result = self
    (result.nodes, result.parameters, result.parameterPlaces) = (nodes, [], [:])
    result.block = nil
    for index in nodes.indices { result.nodes[index].block = nil }
    for (index, node) in nodes.enumerated() {
      for output in node.outputs { result.values[output.index].node = index }
    }
    return result
  }

  /// Moves the nodes from a number on that stand in `regions` to another region.
  mutating func moveNodes(from first: Int, outOf regions: Set<RegionID>, into region: RegionID) {
    for index in nodes.indices.dropFirst(first) where regions.contains(nodes[index].region) {
      nodes[index].region = region
    }
  }

  /// Notes a node as the one that holds these values, which are made inside of it.
  mutating func own(_ inner: [ValueID], by node: Int) {
    for value in inner { values[value.index].node = node }
  }

  /// Changes what the graph consists of without any check: for tests of ``verify()``.
  package mutating func withUncheckedParts(
    _ change: (inout [Node], inout [ValueInfo], inout [Site]) -> Void
  ) {
    change(&nodes, &values, &sites)
  }

  mutating func replaceInputs(_ replacement: (ValueID) -> ValueID) {
    for index in nodes.indices { nodes[index].inputs = nodes[index].inputs.map(replacement) }
    for index in sites.indices {
      sites[index].scores = replacement(sites[index].scores)
      sites[index].decision = replacement(sites[index].decision)
      sites[index].mask = replacement(sites[index].mask)
      for path in sites[index].paths.indices {
        let place = sites[index].paths[path]
        sites[index].paths[path].index = replacement(place.index)
        sites[index].paths[path].unitIndex = replacement(place.unitIndex)
      }
    }
  }
}
