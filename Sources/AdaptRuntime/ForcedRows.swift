import AdaptGraph

/// How many rows each set has when all units of a site take one path: known without a run.
struct ForcedRows: Sendable {
  let graph: Graph
  /// Rows and groups of the sets that the data bring.
  let counts: [Int]
  let layouts: [RowLayout]
  /// The path that all units take, by site.
  var taken: [Int]

  /// For the cost of nodes.
  var rowCounts: RowCounts {
    RowCounts(
      rows: { Double(rows($0)) },
      pairs: { first, second, causal in
        guard rows(first) > 0, rows(second) > 0 else { return 0 }
        return layout(first).pairs(with: layout(second), causal: causal)
      })
  }

  private func rows(_ set: RowSetID) -> Int {
    switch graph[set].origin {
    case .selected(let parent, let site, let path): taken[site.index] == path ? rows(parent) : 0
    case .unfolded(let parent, let count): rows(parent) * count
    case .input, .groups, .step, .picked, .joined: counts[set.index]
    }
  }

  /// Whoever takes a path takes it with all of its group.
  private func layout(_ set: RowSetID) -> RowLayout {
    switch graph[set].origin {
    case .selected(let parent, _, _): layout(parent)
    case .unfolded(let parent, let count): RowLayout(groups: rows(parent), length: count)
    case .input, .groups, .step, .picked, .joined: layouts[set.index]
    }
  }

  /// The nodes whose cost depends on what a site decides.
  func nodes(under site: SiteID, among nodes: Set<Int>) -> Set<Int> {
    nodes.filter { number in
      let node = graph.nodes[number]
      return (node.inputs + node.outputs).contains { isUnder(site, graph.type($0).rows) }
    }
  }

  private func isUnder(_ site: SiteID, _ rows: RowSetID?) -> Bool {
    guard let rows else { return false }
    switch graph[rows].origin {
    case .selected(let parent, let other, _): return other == site || isUnder(site, parent)
    case .unfolded(let parent, _): return isUnder(site, parent)
    case .input, .groups, .step, .picked, .joined: return false
    }
  }
}
