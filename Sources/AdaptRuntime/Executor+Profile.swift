import AdaptGraph
import AdaptTensor

// What each step took.

extension Executor {
  func runProfiled(_ steps: some Sequence<Plan.Step>, _ profile: Profile) throws {
    for step in steps {
      let start = profile.now
      try run(step)
      guard var event = describe(step) else { continue }
      (event.start, event.seconds) = (start, profile.now - start)
      profile.add(event)
    }
  }

  /// What a step did; nil where it computed nothing.
  private func describe(_ step: Plan.Step) -> Profile.Event? {
    switch step {
    case .node(let node):
      return Profile.Event(
        op: node.op.kind.rawValue, place: graph.place(of: node.region), way: way(node), seconds: 0,
        flops: OpTable[node.op].flops(node, graph, rowCounts),
        bytes: bytes(node.inputs + node.outputs))
    case .rows(let program):
      return Profile.Event(
        op: "rows", place: program.nodes.first.map { graph.place(of: $0.region) } ?? "",
        way: program.summary, seconds: 0,
        flops: program.nodes.reduce(0) { $0 + OpTable[$1.op].flops($1, graph, rowCounts) },
        bytes: bytes(program.values))
    case .paths(let steps):
      let parts = steps.compactMap(describe)
      return Profile.Event(
        op: parts.first?.op ?? "", place: parts.first?.place.sitePart ?? "",
        way: isFasterAtOnce(steps) ? "paths at once" : "path by path", seconds: 0,
        flops: parts.reduce(0) { $0 + $1.flops }, bytes: parts.reduce(0) { $0 + $1.bytes })
    case .memory: return nil
    }
  }

  private func way(_ node: Node) -> String {
    guard case .matmul(let transposeA, let transposeB) = node.op else { return "" }
    let a = MatrixView(firstAxisOf: graph.type(node.inputs[0]), self)
    let b = MatrixView(firstAxisOf: graph.type(node.inputs[1]), self)
    return cpu.productWay(
      transposeA: transposeA, transposeB: transposeB, m: transposeA ? a.columns : a.rows,
      n: transposeB ? b.rows : b.columns, k: transposeA ? a.rows : a.columns)
  }

  private func bytes(_ values: [ValueID]) -> Double {
    Double(Set(values).reduce(0) { $0 + elements(graph.type($1)) } * 4)
  }
}

extension Graph {
  /// The path that a region is, by its name; empty for the root.
  func place(of region: RegionID) -> String {
    guard case .path(let site, let number) = self[region].kind else {
      return self[region].parent.map(place) ?? ""
    }
    let paths = self[site].paths
    return self[site].name + (paths.indices.contains(number) ? "." + paths[number].name : "")
  }
}

extension String {
  /// A place without its path.
  fileprivate var sitePart: String {
    lastIndex(of: ".").map { String(self[..<$0]) } ?? self
  }
}
