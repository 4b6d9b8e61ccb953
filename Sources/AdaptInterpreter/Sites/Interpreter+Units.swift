import AdaptGraph
import AdaptSyntax

// What forms decide for, and values at the rows that are here.

extension Interpreter {
  // MARK: Units

  /// What stands for the rows whatever they are, so that a layer can decide for tokens and for samples.
  private static let anyRow = "row"

  /// Finds what a form calls its units: the rows, their groups, or an axis.
  func units(_ name: Identifier, of input: SymbolicTensor, _ trace: Trace) throws -> Units {
    let x = try aligned(try value(of: input, at: name.span), trace, at: name.span)
    guard let rows = trace.graph.type(x).rows else {
      throw failure(
        .wrongShape,
        "'\(name.text)' needs rows to choose for, and \(describe(trace.graph.type(x))) has none",
        at: name.span, notes: callNotes(around: name.span))
    }
    let set = trace.graph[rows]
    if set.label == name.text {
      return Units(rows: rows, value: x, name: name, axis: nil, axes: input.axes)
    }
    if set.grouping == name.text {
      if let groups = trace.graph.openGroups(of: rows) {
        return Units(rows: groups, value: x, name: name, axis: nil, axes: input.axes)
      }
      // A step of a scan has one row of each group.
      if trace.graph.isScanned(trace.graph.region) {
        return Units(rows: rows, value: x, name: name, axis: nil, axes: input.axes)
      }
    }
    if let axis = input.axes.firstIndex(of: name.text) {
      return try unfolded(x, axis, input.axes, name, trace)
    }
    if name.text == Interpreter.anyRow {
      let label = Identifier(set.label, span: name.span)
      return Units(rows: rows, value: x, name: label, axis: nil, axes: input.axes)
    }
    throw unknownUnit(name, set, input.axes)
  }

  private func unknownUnit(_ name: Identifier, _ set: RowSet, _ axes: [String?]) -> Diagnostic {
    let known = [set.label, set.grouping].compactMap { $0 } + axes.compactMap { $0 }
    return failure(
      .wrongShape, "there is no '\(name.text)' to decide for here", at: name.span,
      notes: callNotes(around: name.span),
      hint: "the rows are '\(set.label)': write 'each \(known.joined(separator: "' or 'each "))'")
  }

  /// An axis as rows of their own.
  private func unfolded(
    _ x: ValueID, _ axis: Int, _ axes: [String?], _ name: Identifier, _ trace: Trace
  ) throws
    -> Units
  {
    try traced(at: name.span) {
      let type = trace.graph.type(x)
      guard let from = type.rows else { throw GraphError(.shape, "there are no rows") }
      let order = [axis] + type.dims.indices.filter { $0 != axis }
      let first = try axis == 0 ? x : trace.graph.add(.permute(order), x)
      let rows = trace.graph.openUnfolded(from, label: name.text, count: type.dims[axis])
      let value = try trace.graph.add(.unfold(rows), first)
      return Units(rows: rows, value: value, name: name, axis: axis, axes: axes)
    }
  }

  /// A result over the units' rows with the axis back in its place.
  func folded(_ output: ValueID, _ units: Units, _ trace: Trace) throws -> ValueID {
    guard let axis = units.axis else { return output }
    return try traced(at: units.name.span) {
      let folded = try trace.graph.add(.fold, output)
      guard axis > 0 else { return folded }
      var order = Array(1...axis) + [0]
      order += (axis + 1)..<max(axis + 1, trace.graph.type(folded).dims.count)
      return try trace.graph.add(.permute(order), folded)
    }
  }

  // MARK: Rows

  /// The value at the rows that are here: what was computed before a decision is taken at the rows
  /// that it led here.
  ///
  /// - Throws: where the value belongs to another path, or to one that has been left.
  func aligned(_ value: ValueID, _ trace: Trace, at span: Span) throws -> ValueID {
    if trace.graph.isHere(value) { return value }
    let type = trace.graph.type(value)
    guard let rows = type.rows else { return value }
    let here = trace.graph.region
    if case .step = trace.graph[rows].origin, !trace.graph.isScanned(here) {
      try checkSteps(rows, type, trace.graph[here], trace, at: span)
    }
    let home = trace.graph.node(of: value).region
    if home == here || trace.graph.isHome(rows, in: here) { return value }
    guard let way = trace.graph.paths(from: home, to: here) else {
      try checkSteps(rows, type, trace.graph[here], trace, at: span)
      throw leavingRows(type, at: span)
    }
    let result = try traced(at: span) {
      try way.reduce(value) { try trace.graph.narrowed($0, to: $1) }
    }
    carryOrigin(from: value, to: result, trace)
    return result
  }

  private func leavingRows(_ type: TensorType, at span: Span) -> Diagnostic {
    let name = type.rows.flatMap { trace?.graph[$0].name } ?? ""
    return failure(
      .wrongShape,
      "\(describe(type)) has the rows of a path, \(name), and cannot leave it", at: span,
      notes: callNotes(around: span),
      hint: "only what a path gives comes back, at the end of its route")
  }
}

extension Graph {
  /// The paths that lead from a region to one inside of it, or nil where none do.
  func paths(from outer: RegionID, to inner: RegionID) -> [SitePath]? {
    var (way, current): ([SitePath], RegionID) = ([], inner)
    while current != outer {
      guard case .path(let site, let number) = self[current].kind, let parent = self[current].parent
      else { return nil }
      way.append(self[site].paths[number])
      current = parent
    }
    return way.reversed()
  }

  /// A value of a region at the rows that a path of it has.
  mutating func narrowed(_ value: ValueID, to path: SitePath) throws -> ValueID {
    guard let rows = type(value).rows, !isHome(rows, in: path.region) else { return value }
    let current = region
    region = path.region
    defer { region = current }
    if self[path.rows].isSelected(from: rows) { return try add(.gather, value, path.index) }
    if self[path.units].isSelected(from: rows) { return try add(.gather, value, path.unitIndex) }
    if case .unfolded(let from, let count) = self[rows].origin,
      self[path.rows].isSelected(from: from)
    {
      let kept = try add(.gather, add(.fold, value), path.index)
      return try add(.unfold(openUnfolded(path.rows, label: self[rows].label, count: count)), kept)
    }
    throw GraphError(.shape, "\(describe(type(value))) has rows that are not on this path")
  }

  /// The path that was entered last.
  func lastPath(of site: SiteID) throws -> SitePath {
    guard let path = self[site].paths.last else {
      throw GraphError(.invalid, "\(self[site].name) has no path")
    }
    return path
  }

  /// 1 for each row: `[rows, 1]`.
  mutating func ones(like value: ValueID) throws -> ValueID {
    try add(.reshape([1]), rowOnes(like: value))
  }
}

extension RowSet {
  fileprivate func isSelected(from rows: RowSetID) -> Bool {
    if case .selected(let parent, _, _) = origin { return parent == rows }
    return false
  }
}
