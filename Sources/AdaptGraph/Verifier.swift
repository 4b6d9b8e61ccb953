extension Graph {
  /// Checks what every graph must keep to, between passes and in tests.
  ///
  /// Values are made before they are used; types follow from the ops; what stands in a path has the
  /// path's rows; a value with rows leaves its region only through a scatter; rows go down a path and
  /// come back by the one index of that path. Takes time in proportion to the nodes.
  /// - Throws: ``GraphError`` of kind `invalid` naming the first node that breaks a rule.
  public func verify() throws {
    var made: Set<ValueID> = []
    for (index, node) in nodes.enumerated() {
      try check(node.inputs.allSatisfy(made.contains), index, "uses a value before it is made")
      try verifyTypes(index)
      try verifyRegions(index)
      try verifyIndices(index)
      try verifySelection(index)
      if case .scan(let body) = node.op { try body.graph.verify() }
      for output in node.outputs {
        try check(values[output.index].node == index, index, "is not the maker of its value")
        try check(made.insert(output).inserted, index, "gives a value that exists already")
      }
    }
  }

  /// Checks that values are of this graph: each has a node that makes it.
  /// - Throws: ``GraphError`` of kind `invalid` naming the first that has none.
  public func verify(outputs: [ValueID]) throws {
    for output in outputs where !makes(output) {
      throw GraphError(.invalid, "the graph has no value %\(output.index)")
    }
  }

  private func makes(_ value: ValueID) -> Bool {
    guard values.indices.contains(value.index) else { return false }
    let maker = values[value.index].node
    return nodes.indices.contains(maker) && nodes[maker].outputs.contains(value)
  }

  private func check(_ condition: Bool, _ index: Int, _ message: String) throws {
    guard condition else {
      throw GraphError(
        .invalid, "node \(index) (\(nodes[index].op.kind.rawValue)) \(message)")
    }
  }

  private func verifyTypes(_ index: Int) throws {
    let node = nodes[index]
    let types = try OpTable[node.op].infer(node.op, node.inputs.map(type), self)
    try check(
      types == node.outputs.map(type), index, "has outputs of other types than its op gives")
  }

  private func verifyRegions(_ index: Int) throws {
    let node = nodes[index]
    // The gradient of keys stands where the keys are, which may be around the queries' path.
    let gathers = [.scatter, .attentionGradient].contains(node.op.kind)
    for case let rows? in node.outputs.map({ type($0).rows }) {
      if node.op.kind == .attentionGradient,
        node.inputs.contains(where: { isMade($0, over: rows, inside: node.region) })
      {
        continue
      }
      try check(
        isHome(rows, in: node.region), index,
        "gives rows \(self[rows].name) that are not those of its region")
    }
    for input in node.inputs where type(input).rows != nil && !gathers {
      let home = self.node(of: input).region
      try check(
        isAncestor(home, of: node.region), index, "uses rows of a region that it is not inside")
    }
  }

  /// Whether a value has these rows, and was made in a path inside of the region.
  private func isMade(_ value: ValueID, over rows: RowSetID, inside region: RegionID) -> Bool {
    type(value).rows == rows && isAncestor(region, of: node(of: value).region)
  }

  /// Whether a value may be used in the current region as it is, without a look at how it came about.
  public func isHere(_ value: ValueID) -> Bool {
    let info = values[value.index]
    guard let rows = info.type.rows else { return true }
    if case .step = rowSets[rows.index].origin, !isScanned(region) { return false }
    return nodes[info.node].region == region || isHome(rows, in: region)
  }

  /// Whether a value over these rows may stand in the region: over the region's rows, the groups they
  /// belong to, or rows unfolded from either.
  public func isHome(_ rows: RowSetID, in region: RegionID) -> Bool {
    let home = self[region].rows
    switch self[rows].origin {
    case .unfolded(let from, _):
      guard rows != home else { return true }
      // An axis of groups: those who were selected among its rows are fewer.
      return home.map { isPart($0, of: rows) } != true && isHome(from, in: region)
    case .input: return rows == home || home == nil
    case .picked(let from, _): return rows == home || isHome(from, in: region)
    case .joined(let parts):
      return rows == home || parts.allSatisfy { isHome($0, in: region) }
    case .step: return rows == home
    case .groups(let members):
      return home.map { rows == $0 || groups(of: $0) == rows } ?? isHome(members, in: region)
    case .selected: return home.map { rows == $0 || groups(of: $0) == rows } ?? false
    }
  }

  /// Whether rows were selected among others, or are an axis of such rows.
  private func isPart(_ rows: RowSetID, of whole: RowSetID) -> Bool {
    switch self[rows].origin {
    case .selected(let from, _, _), .unfolded(let from, _), .picked(let from, _):
      from == whole || isPart(from, of: whole)
    case .joined(let parts): parts.contains { $0 == whole || isPart($0, of: whole) }
    case .input, .groups, .step: false
    }
  }

  /// An index of a path leads from the site's rows to the path's, and back.
  private func verifyIndices(_ index: Int) throws {
    let node = nodes[index]
    for input in node.inputs {
      let source: RowSetID
      switch self.node(of: input).op {
      case .members(let site, _, _): source = self[site].rows
      case .groupMembers(let parent, _): source = parent
      case .joinRows(let rows): source = rows
      case .pick(_, let rows):
        guard case .picked(let from, _) = self[rows].origin else { continue }
        source = from
      default: continue
      }
      switch node.op {
      case .gather:
        try check(
          type(node.inputs[0]).rows == source, index,
          "gathers from other rows than its index selects of")
      case .scatter(let target):
        try check(
          target == .rows(source), index,
          "scatters to other rows than its index was gathered from")
      default: continue
      }
    }
  }

  /// The record of a site and the nodes that select for it say the same.
  private func verifySelection(_ index: Int) throws {
    let node = nodes[index]
    switch node.op {
    case .choose(let id):
      try check(
        self[id].mask == node.outputs[0] && self[id].decision == node.inputs[0]
          && self[id].scores == node.inputs[node.inputs.count - 1]
          && self[id].region == node.region, index, "is not what site \(self[id].name) records")
      let (scores, paths) = (type(self[id].scores).columns, self[id].decided)
      try check(
        scores == paths, index, "of \(self[id].name) has \(scores) scores for \(paths) paths")
    case .members(let id, let number, let rows):
      let paths = self[id].paths
      try check(
        paths.indices.contains(number) && paths[number].unitIndex == node.outputs[0]
          && paths[number].units == rows && paths[number].region == node.region
          && (paths[number].rows != rows || paths[number].index == node.outputs[0])
          && node.inputs[0] == self[id].mask, index,
        "is not what site \(self[id].name) records of path \(number)")
    default: return
    }
  }

  /// Whether `outer` holds `inner`, or is it.
  func isAncestor(_ outer: RegionID, of inner: RegionID) -> Bool {
    var region: RegionID? = inner
    while let current = region {
      if current == outer { return true }
      region = self[current].parent
    }
    return false
  }
}
