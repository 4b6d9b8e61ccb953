import AdaptGraph

// Row sets whose groups are cut shorter or put one behind the other.

extension Kernels {
  static func pick(_ node: Node, _ run: Executor) {
    guard case .pick(let rule, let rows) = node.op,
      let parent = run.graph.type(node.inputs[0]).rows
    else { return }
    let (layout, index) = (run.layouts[parent.index], run.ints(node.outputs[0]))
    var count = 0
    func take(_ row: Int) {
      index[count] = Int32(row)
      count += 1
    }
    switch rule {
    case .marked:
      let marks = run.floats(node.inputs[0])
      for row in 0..<run.counts[parent.index] where marks[row] != 0 { take(row) }
    case .range(let lower, let upper):
      for group in 0..<layout.groups {
        let range = layout.range(of: group)
        for place in RowPick.places(lower: lower, upper: upper, of: range.count) {
          take(range.lowerBound + place)
        }
      }
    }
    run.openPath(rows, of: parent, UnsafeBufferPointer(start: index, count: count))
  }

  static func joinRows(_ node: Node, _ run: Executor) {
    guard case .joinRows(let rows) = node.op, case .joined(let parts) = run.graph[rows].origin,
      let main = run.graph.mainPart(of: parts)
    else { return }
    let numbers = run.layouts[parts[main].index].numbers
    var joined = RowJoin(groups: numbers.map(Int.init))
    let places = joined.add(parts.map(run.members))
    for (output, places) in zip(node.outputs, places) {
      let index = run.ints(output)
      for (row, place) in places.enumerated() { index[row] = Int32(place) }
    }
    run.openJoined(rows, of: parts, places, joined, numbers: numbers)
  }
}

extension Executor {
  /// For each row the number of its group and its place there.
  fileprivate func members(of rows: RowSetID) -> (groups: [Int], positions: [Int]) {
    let layout = layouts[rows.index]
    let positions = layout.positions.map(Int.init)
    switch graph.groupShare(of: rows) {
    case .member: return (layout.groupNumbers, positions)
    // Units stand where their group does; each is the first of its group.
    case .unit: return (positions, positions.map { _ in 0 })
    case .several(let units, let count):
      let groups = layouts[units.index].positions.flatMap {
        Array(repeating: Int($0), count: count)
      }
      return (groups, positions)
    }
  }

  /// Says which rows a set has that holds those of others.
  fileprivate func openJoined(
    _ rows: RowSetID, of parts: [RowSetID], _ places: [[Int]], _ joined: RowJoin,
    numbers: [Int32]
  ) {
    counts[rows.index] = joined.positions.count
    layouts[rows.index].join(joined, numbers: numbers)
    if tracksOrigins {
      var result = Array(repeating: Int32(0), count: joined.positions.count)
      for (number, part) in parts.enumerated() {
        for (place, origin) in zip(places[number], origins[part.index] ?? []) {
          // Rows of different parts are different rows, of their own noise.
          result[place] = origin &* Int32(parts.count) &+ Int32(number)
        }
      }
      origins[rows.index] = result
    }
    unfold(rows)
  }
}
