import AdaptGraph
import AdaptTensor

// Who goes where.

extension Kernels {
  static func choose(_ node: Node, _ run: Executor) throws {
    guard case .choose(let id) = node.op else { return }
    let site = run.graph[id]
    let units = run.counts[site.rows.index]
    try checkScores(node, site, units, run)
    let mask = SelectionMask(
      run.floats(node.outputs[0]), units: units, paths: site.paths.count, decided: site.decided)
    let numbers = SitePolicies.Numbers(
      values: run.floats(node.inputs[0]), groups: run.groups(of: site),
      decided: run.decided.isEmpty ? nil : run.decided[id.index], cpu: run.cpu)
    try run.policies.select(site, numbers, mask)
    run.count(id, mask)
    if !run.decided.isEmpty { run.decided[id.index] += units }
    if run.isRecording { run.record(site, mask) }
  }

  /// Neither what the rule decides by nor what outputs are weighted by may be NaN or infinite.
  private static func checkScores(_ node: Node, _ site: Site, _ units: Int, _ run: Executor) throws
  {
    for input in node.inputs {
      let count = units * site.decided
      guard let place = run.cpu.firstNonFinite(run.floats(input), count: count) else { continue }
      throw RuntimeError.notFinite(
        place: "a score of \(site.name)",
        row: run.batchRow(place / max(1, site.decided), of: site.rows))
    }
  }

  static func mark(_ node: Node, _ run: Executor) {
    guard case .mark(let selection) = node.op, let rows = run.graph.type(node.inputs[0]).rows
    else { return }
    let paths = run.graph.type(node.inputs[0]).columns
    let mask = SelectionMask(
      run.floats(node.outputs[0]), units: run.counts[rows.index], paths: paths, decided: paths)
    let groups = run.groups(of: rows, for: selection)
    mask.fill(selection, run.floats(node.inputs[0]), groups: groups, cpu: run.cpu)
  }

  static func members(_ node: Node, _ run: Executor) {
    guard case .members(let id, let path, let rows) = node.op else { return }
    let parent = run.graph[id].rows
    let index = run.ints(node.outputs[0])
    let count = run.cpu.members(
      run.floats(node.inputs[0]), column: path, index, rows: run.counts[parent.index],
      columns: run.graph[id].paths.count)
    run.openPath(rows, of: parent, UnsafeBufferPointer(start: index, count: count))
  }

  static func groupMembers(_ node: Node, _ run: Executor) {
    guard case .groupMembers(let parent, let rows) = node.op,
      let units = run.graph.type(node.inputs[0]).rows
    else { return }
    let (layout, index) = (run.layouts[parent.index], run.ints(node.outputs[0]))
    let groups = UnsafeBufferPointer(
      start: run.ints(node.inputs[0]), count: run.counts[units.index])
    var count = 0
    for group in groups {
      for row in layout.range(of: Int(group)) {
        index[count] = Int32(row)
        count += 1
      }
    }
    run.openGroups(
      rows, of: parent, groups, rows: UnsafeBufferPointer(start: index, count: count))
  }

  static func groupOf(_ node: Node, _ run: Executor) {
    guard let rows = run.graph.type(node.outputs[0]).rows else { return }
    let (layout, numbers) = (run.layouts[rows.index], run.ints(node.outputs[0]))
    for group in 0..<layout.groups {
      for row in layout.range(of: group) { numbers[row] = Int32(group) }
    }
  }
}

extension Executor {
  /// Among which units a joint selection chooses; for others, nothing.
  func groups(of site: Site) -> [Range<Int>] { groups(of: site.rows, for: site.selection) }

  /// The units of each group; all together where units have no groups, or the rule goes over the batch.
  func groups(of rows: RowSetID, for selection: Selection) -> [Range<Int>] {
    guard selection.isJoint else { return [] }
    guard graph[rows].grouping != nil, !selection.isAmongBatch else {
      return [0..<counts[rows.index]]
    }
    let layout = layouts[rows.index]
    return (0..<layout.groups).map(layout.range)
  }

  /// Counts how many units took each path.
  func count(_ site: SiteID, _ mask: SelectionMask) {
    for path in 0..<mask.paths {
      var total = 0
      for unit in 0..<mask.units where mask[unit, path] != 0 { total += 1 }
      pathCounts[site.index][path] = total
    }
  }

  func record(_ site: Site, _ mask: SelectionMask) {
    decisions.append(
      SiteDecision(
        site: site.name, paths: site.paths.map(\.name), rows: origins[site.rows.index] ?? [],
        mask: mask.values))
  }

  /// Says which rows a path has in this run.
  func openPath(_ rows: RowSetID, of parent: RowSetID, _ index: UnsafeBufferPointer<Int32>) {
    counts[rows.index] = index.count
    if plan.layoutRows.contains(rows) {
      layouts[rows.index].select(index, of: layouts[parent.index])
    }
    noteOrigins(rows, of: parent, index)
    unfold(rows)
  }

  /// Says which rows a path has that whole groups take.
  func openGroups(
    _ rows: RowSetID, of parent: RowSetID, _ groups: UnsafeBufferPointer<Int32>,
    rows index: UnsafeBufferPointer<Int32>
  ) {
    counts[rows.index] = index.count
    if plan.layoutRows.contains(rows) {
      layouts[rows.index].selectGroups(groups, of: layouts[parent.index])
    }
    noteOrigins(rows, of: parent, index)
    unfold(rows)
  }

  /// The row of the batch that a row of a set came from, the first one of several.
  func batchRow(_ row: Int, of rows: RowSetID) -> Int? {
    guard var place = origins[rows.index].map({ Int($0[row]) }) else { return nil }
    var set = rows
    while true {
      switch graph[set].origin {
      case .selected(let from, _, _), .picked(let from, _): set = from
      case .joined: return nil
      case .unfolded(let from, let count): (place, set) = (place / max(1, count), from)
      case .groups(let members): return Int(layouts[members.index].offsets[place])
      case .input, .step: return place
      }
    }
  }

  func noteOrigins(
    _ rows: RowSetID, of parent: RowSetID, _ index: UnsafeBufferPointer<Int32>
  ) {
    guard tracksOrigins, let source = origins[parent.index] else { return }
    origins[rows.index] = index.map { source[Int($0)] }
  }
}
