// Row sets whose groups are cut shorter or put one behind the other.

/// Which rows of each group go into a set of their own.
public enum RowPick: Hashable, Sendable {
  /// From a place to before another; negative ones count from the group's end, and nil is its end. Places
  /// beyond the rows that exist are left out.
  case range(lower: Int, upper: Int?)
  /// Where the value is not 0.
  case marked

  /// The places that a range has in a group of so many rows.
  public static func places(lower: Int, upper: Int?, of count: Int) -> Range<Int> {
    func place(_ end: Int) -> Int { min(max(end < 0 ? end + count : end, 0), count) }
    let start = place(lower)
    return start..<max(start, place(upper ?? count))
  }
}

extension OpTable {
  static let pick = OpDefinition(
    infer: { op, types, graph in
      try requireInputs(op, types, 1)
      guard case .pick(let rule, let rows) = op, case .picked(let from, _) = graph[rows].origin
      else {
        throw GraphError(.invalid, "rows are picked into a set made for it")
      }
      try require(
        types[0].rows == from, "\(graph.describe(types[0])) has no such rows to pick from")
      if case .marked = rule {
        try require(
          types[0].count == 1 && types[0].element == .float32,
          "a mark is one number a row, not \(graph.describe(types[0]))")
      }
      return [TensorType(rows: rows, [], .int32)]
    },
    gradient: .zero,
    flops: { _, _, _ in 0 },
    reference: { node, inputs, run in
      guard case .pick(let rule, let rows) = node.op else { return [] }
      let layout = try run.layout(run.graph.type(node.inputs[0]).rows)
      let chosen: [Int]
      switch rule {
      case .marked: chosen = (0..<layout.count).filter { inputs[0].values[$0] != 0 }
      case .range(let lower, let upper):
        chosen = (0..<layout.groups).flatMap { group in
          let start = layout.offsets[group]
          let count = layout.offsets[group + 1] - start
          return RowPick.places(lower: lower, upper: upper, of: count).map { start + $0 }
        }
      }
      run.open(rows, layout.selecting(chosen))
      return [ReferenceTensor([chosen.count], chosen.map(Double.init))]
    })

  static let joinRows = OpDefinition(
    infer: { op, types, graph in
      guard case .joinRows(let rows) = op, case .joined(let parts) = graph[rows].origin else {
        throw GraphError(.invalid, "rows are joined into a set made for it")
      }
      try requireInputs(op, types, parts.count)
      try require(
        types.map(\.rows) == parts,
        "\(types.map(graph.describe).joined(separator: ", ")) are not the rows that are joined")
      return types.map { TensorType(rows: $0.rows, [], .int32) }
    },
    gradient: .zero,
    flops: { _, _, _ in 0 },
    reference: { node, inputs, run in
      guard case .joinRows(let rows) = node.op, case .joined(let parts) = run.graph[rows].origin
      else { return [] }
      let layouts = try parts.map { try run.layout($0) }
      guard let main = run.graph.mainPart(of: parts) else { return [] }
      var joined = RowJoin(groups: layouts[main].numbers)
      let places = joined.add(try parts.map { try run.members(of: $0) })
      run.open(
        rows,
        ReferenceRows(
          lengths: joined.lengths, positions: joined.positions, numbers: layouts[main].numbers))
      return places.map { ReferenceTensor([$0.count], $0.map(Double.init)) }
    })
}

/// Rows of several sets put together group by group, each set's rows of a group behind those of the set
/// before it.
public struct RowJoin {
  /// The numbers of the groups, ascending.
  private let groups: [Int]
  public private(set) var lengths: [Int] = []
  /// A row keeps its place in the group where the row before it leaves that free; places ascend.
  public private(set) var positions: [Int] = []

  public init(groups: [Int]) { self.groups = groups }

  /// Adds the parts, of which each row has the number of its group, ascending, and a position.
  /// - Returns: for each row of each part where it stands.
  public mutating func add(_ parts: [(groups: [Int], positions: [Int])]) -> [[Int]] {
    var places = parts.map { Array(repeating: 0, count: $0.groups.count) }
    var next = parts.map { _ in 0 }
    for group in groups {
      let start = positions.count
      for (number, part) in parts.enumerated() {
        while next[number] < part.groups.count, part.groups[next[number]] == group {
          let row = next[number]
          let least = positions.count == start ? 0 : positions[positions.count - 1] + 1
          places[number][row] = positions.count
          positions.append(max(least, part.positions[row]))
          next[number] += 1
        }
      }
      lengths.append(positions.count - start)
    }
    return places
  }
}

extension ReferenceRun {
  /// For each row the number of its group and its place there.
  fileprivate func members(of rows: RowSetID) throws -> (groups: [Int], positions: [Int]) {
    let layout = try layout(rows)
    switch graph.groupShare(of: rows) {
    case .member:
      let groups = (0..<layout.groups).flatMap { group in
        Array(
          repeating: layout.numbers[group],
          count: layout.offsets[group + 1] - layout.offsets[group])
      }
      return (groups, layout.positions)
    // Units stand where their group does; each is the first of its group.
    case .unit: return (layout.positions, layout.positions.map { _ in 0 })
    case .several(let units, let count):
      let groups = try self.layout(units).positions.flatMap {
        Array(repeating: $0, count: count)
      }
      return (groups, layout.positions)
    }
  }
}
