extension Graph {
  /// Checks what every graph must keep to, between passes and in tests.
  ///
  /// Values are made before they are used; types follow from the ops; a value with rows leaves its
  /// region only through a scatter; a join adds each path once, with the index it was gathered by.
  /// - Throws: ``GraphError`` of kind `invalid` naming the first node that breaks a rule.
  public func verify() throws {
    var made: Set<ValueID> = []
    for (index, node) in nodes.enumerated() {
      try check(node.inputs.allSatisfy(made.contains), index, "uses a value before it is made")
      try verifyTypes(index)
      try verifyRegions(index)
      try verifyScatter(index)
      for output in node.outputs {
        try check(values[output.index].node == index, index, "is not the maker of its value")
        try check(made.insert(output).inserted, index, "gives a value that exists already")
      }
    }
    try verifySites()
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
    for input in node.inputs where type(input).rows != nil && node.op.kind != .scatter {
      let home = self.node(of: input).region
      try check(
        isAncestor(home, of: node.region), index, "uses rows of a region that it is not inside")
    }
  }

  private func verifyScatter(_ index: Int) throws {
    let node = nodes[index]
    guard case .scatter(.rows(let target)) = node.op else { return }
    for place in stride(from: 1, to: node.inputs.count, by: 2) {
      guard case .members(let site, _, _) = self.node(of: node.inputs[place]).op else { continue }
      try check(
        self[site].rows == target, index, "scatters to other rows than its index was gathered from")
    }
  }

  private func verifySites() throws {
    for site in sites {
      let isUsed = nodes.contains { $0.outputs.contains(site.mask) }
      guard isUsed else { continue }
      guard type(site.scores).columns == site.paths.count else {
        throw GraphError(
          .invalid,
          "\(site.name) has \(type(site.scores).columns) scores for \(site.paths.count) paths")
      }
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
