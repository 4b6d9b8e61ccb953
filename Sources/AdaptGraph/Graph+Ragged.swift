// Row sets that are parts of others, or several put together.

extension Graph {
  /// How the rows of a set share in groups.
  public enum GroupShare: Hashable, Sendable {
    /// Rows that form the groups.
    case member
    /// One row for each group, or for some of them.
    case unit
    /// So many rows for each row of a set of units.
    case several(of: RowSetID, Int)
  }

  public func groupShare(of rows: RowSetID) -> GroupShare {
    switch self[rows].origin {
    case .groups: return .unit
    case .selected(let from, _, _), .picked(let from, _):
      return groupShare(of: from) == .unit ? .unit : .member
    case .unfolded(let from, let count):
      return groupShare(of: from) == .unit ? .several(of: from, count) : .member
    case .input, .step, .joined: return .member
    }
  }

  /// The first of several sets whose rows form groups.
  public func mainPart(of parts: [RowSetID]) -> Int? {
    parts.firstIndex { groupShare(of: $0) == .member }
  }

  /// Some rows of each group of x, as rows of a set of their own.
  /// - Parameter marks: for `marked`, one number a row of x, 0 where it is left out.
  /// - Throws: ``GraphError`` for values without rows.
  public mutating func picked(_ x: ValueID, _ rule: RowPick, marks: ValueID? = nil) throws
    -> ValueID
  {
    guard let rows = type(x).rows else {
      throw GraphError(.shape, "\(describe(type(x))) has no rows to pick")
    }
    let source = marks ?? x
    let key = RaggedKey(parts: [rows], rule: rule, marks: marks, region: region)
    if let known = raggedRows[key] { return try add(.gather, x, known[0]) }
    let parent = self[rows]
    let set = addRowSet(
      RowSet(
        label: parent.label, grouping: parent.grouping, origin: .picked(from: rows, rule),
        name: "\(parent.name)/part\(rowSets.count)"))
    let index = try add(.pick(rule, set), source)
    raggedRows[key] = [index]
    return try add(.gather, x, index)
  }

  /// Rows of several sets, group by group one behind the other.
  ///
  /// A value over the groups is one row in each, one without rows, `[n, ..]`, is n rows in each.
  /// - Throws: ``GraphError`` where groups or sizes do not go together.
  public mutating func joinedRows(_ values: [ValueID]) throws -> ValueID {
    let values = try rowsInGroups(values)
    let parts = values.compactMap { type($0).rows }
    guard let main = mainPart(of: parts), parts.count == values.count else {
      throw GraphError(.shape, "none of \(shapes(values)) has rows that form groups")
    }
    for value in values {
      guard type(value).dims == type(values[0]).dims, type(value).element == .float32 else {
        throw GraphError(.shape, "\(shapes(values)) are not rows of one kind")
      }
      try requireGroups(of: type(value).rows, parts[main], values)
    }
    let key = RaggedKey(parts: parts, rule: nil, marks: nil, region: region)
    let known = try raggedRows[key] ?? joinSets(parts, main, values)
    raggedRows[key] = known
    guard case .joinRows(let set) = node(of: known[0]).op else { return values[main] }
    return try add(.scatter(.rows(set)), zip(values, known).flatMap { [$0, $1] })[0]
  }

  private mutating func joinSets(_ parts: [RowSetID], _ main: Int, _ values: [ValueID]) throws
    -> [ValueID]
  {
    let like = self[parts[main]]
    let set = addRowSet(
      RowSet(
        label: like.label, grouping: like.grouping, origin: .joined(parts),
        name: parts.map { self[$0].name }.joined(separator: "+")))
    return try add(.joinRows(set), values)
  }

  /// Values without rows as rows of each group.
  private mutating func rowsInGroups(_ values: [ValueID]) throws -> [ValueID] {
    let member = values.first { type($0).rows.map { groupShare(of: $0) } == .member }
    return try values.map { value in
      guard type(value).rows == nil else { return value }
      guard let member, let rows = type(member).rows, let groups = openGroups(of: rows),
        let count = type(value).dims.first, count > 0
      else { throw GraphError(.shape, "\(shapes(values)) have no groups to stand in") }
      let label = self[rows].label
      let set = openUnfolded(groups, label: label, count: count)
      let unit = try pooled(rowOnes(like: member), mean: false)
      let zero = try add(.binary(.multiply), unit, constant(0))
      let wide = try add(
        .broadcast(type(value).dims), add(.reshape(type(value).dims.map { _ in 1 }), zero))
      return try add(.unfold(set), elementwise(.add, wide, value))
    }
  }

  private func requireGroups(of rows: RowSetID?, _ main: RowSetID, _ values: [ValueID]) throws {
    guard let rows, groupMembers(of: rows) == groupSource(of: main) else {
      throw GraphError(.shape, "\(shapes(values)) do not stand in the same groups")
    }
  }

  /// The set whose groups these rows, or their units, are counted in.
  private func groupMembers(of rows: RowSetID) -> RowSetID? {
    switch groupShare(of: rows) {
    case .member: return groupSource(of: rows)
    case .several(let units, _): return groupMembers(of: units)
    case .unit:
      switch self[rows].origin {
      case .groups(let members): return groupSource(of: members)
      case .selected(let from, _, _), .picked(let from, _): return groupMembers(of: from)
      default: return nil
      }
    }
  }

  private func shapes(_ values: [ValueID]) -> String {
    values.map { describe(type($0)) }.joined(separator: ", ")
  }
}

/// What rows were picked or joined of, so that the same rows are one set.
struct RaggedKey: Hashable {
  var parts: [RowSetID]
  var rule: RowPick?
  var marks: ValueID?
  var region: RegionID
}
