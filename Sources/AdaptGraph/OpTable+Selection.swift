// Who goes where: selections, the indices that follow from them, and rows of other sizes.

extension OpTable {
  static let choose = OpDefinition(
    infer: { op, types, graph in
      guard case .choose(let id) = op, (1...2).contains(types.count) else {
        throw GraphError(.invalid, "a choice takes what it decides by, and scores")
      }
      for type in types { try requireDecision(type, graph) }
      try require(
        types.allSatisfy { $0 == types[0] },
        "\(types.map(graph.describe).joined(separator: " and ")) are not of the same paths")
      let columns = types[0].columns + (graph[id].hasElse ? 1 : 0)
      return [TensorType(rows: types[0].rows, [columns])]
    },
    gradient: .zero,
    flops: { node, graph, counts in counts.elements(graph.type(node.inputs[0])) },
    reference: { node, inputs, run in
      guard case .choose(let id) = node.op else { return [] }
      let site = run.graph[id]
      if let forced = run.forced[site.name] { return [forced] }
      let mask = try site.selection.reference(inputs[0], of: site.rows, run)
      guard site.hasElse else { return [mask] }
      let columns = inputs[0].shape[1]
      let values = mask.rowwise(columns) { row in row + [row.allSatisfy { $0 == 0 } ? 1 : 0] }
      return [ReferenceTensor([inputs[0].shape[0], columns + 1], values)]
    })

  static let mark = OpDefinition(
    infer: { op, types, graph in
      try requireInputs(op, types, 1)
      try requireDecision(types[0], graph)
      return types
    },
    gradient: .zero,
    flops: { node, graph, counts in counts.elements(graph.type(node.inputs[0])) },
    reference: { node, inputs, run in
      guard case .mark(let selection) = node.op, let rows = run.graph.type(node.inputs[0]).rows
      else { return [] }
      return [try selection.reference(inputs[0], of: rows, run)]
    })

  private static func requireDecision(_ type: TensorType, _ graph: Graph) throws {
    try require(
      type.rows != nil && type.dims.count == 1 && type.element == .float32,
      "scores are one number a path and row, not \(graph.describe(type))")
  }

  static let members = OpDefinition(
    infer: { op, types, graph in
      try requireInputs(op, types, 1)
      guard case .members(_, let path, let rows) = op else { return [] }
      try require(
        types[0].dims.count == 1 && (0..<types[0].columns).contains(path),
        "\(graph.describe(types[0])) has no score for path \(path)")
      return [TensorType(rows: rows, [], .int32)]
    },
    gradient: .zero,
    flops: { _, _, _ in 0 },
    reference: { node, inputs, run in
      guard case .members(let site, let path, let rows) = node.op else { return [] }
      let paths = run.graph.type(node.inputs[0]).columns
      let chosen = (0..<inputs[0].shape[0]).filter { inputs[0].values[$0 * paths + path] != 0 }
      run.open(rows, try run.layout(run.graph[site].rows).selecting(chosen))
      return [ReferenceTensor([chosen.count], chosen.map(Double.init))]
    })

  static let groupMembers = OpDefinition(
    infer: { op, types, graph in
      try requireInputs(op, types, 1)
      guard case .groupMembers(_, let rows) = op else { return [] }
      try require(
        types[0].rows != nil && types[0].dims.isEmpty && types[0].element == .int32,
        "an index is one int a unit, not \(graph.describe(types[0]))")
      return [TensorType(rows: rows, [], .int32)]
    },
    gradient: .zero,
    flops: { _, _, _ in 0 },
    reference: { node, inputs, run in
      guard case .groupMembers(let parent, let rows) = node.op else { return [] }
      let layout = try run.layout(parent)
      let groups = try inputs[0].values.map { try rowNumber($0, of: layout.groups, "group") }
      let chosen = groups.flatMap { Array(layout.offsets[$0]..<layout.offsets[$0 + 1]) }
      run.open(
        rows,
        ReferenceRows(
          lengths: groups.map { layout.offsets[$0 + 1] - layout.offsets[$0] },
          positions: chosen.map { layout.positions[$0] }, numbers: groups.map { layout.numbers[$0] }
        ))
      return [ReferenceTensor([chosen.count], chosen.map(Double.init))]
    })

  static let groupOf = OpDefinition(
    infer: { op, types, graph in
      try requireInputs(op, types, 1)
      try require(
        types[0].rows != nil, "groups need rows, not \(graph.describe(types[0]))")
      return [TensorType(rows: types[0].rows, [], .int32)]
    },
    gradient: .zero,
    flops: { _, _, _ in 0 },
    reference: { node, _, run in
      let layout = try run.layout(run.graph.type(node.outputs[0]).rows)
      let numbers = (0..<layout.groups).flatMap { group in
        Array(
          repeating: Double(group), count: layout.offsets[group + 1] - layout.offsets[group])
      }
      return [ReferenceTensor([numbers.count], numbers)]
    })

  static let unfold = OpDefinition(
    infer: { op, types, graph in
      try requireInputs(op, types, 1)
      guard case .unfold(let rows) = op, case .unfolded(let from, let count) = graph[rows].origin
      else { throw GraphError(.invalid, "an axis unfolds into rows made for it") }
      try require(
        types[0].rows == from && types[0].dims.first == count,
        "\(graph.describe(types[0])) has no first axis of \(count)")
      return [TensorType(rows: rows, Array(types[0].dims.dropFirst()), types[0].element)]
    },
    gradient: .rule { graph, _, gradients in [try gradients[0].map { try graph.add(.fold, $0) }] },
    flops: { _, _, _ in 0 },
    reference: { node, inputs, run in
      let shape = inputs[0].shape
      return [ReferenceTensor([shape[0] * shape[1]] + shape.dropFirst(2), inputs[0].values)]
    })

  static let fold = OpDefinition(
    infer: { op, types, graph in
      try requireInputs(op, types, 1)
      guard let rows = types[0].rows, case .unfolded(let from, let count) = graph[rows].origin
      else { throw GraphError(.shape, "\(graph.describe(types[0])) was not unfolded") }
      return [TensorType(rows: from, [count] + types[0].dims, types[0].element)]
    },
    gradient: .rule { graph, node, gradients in
      guard let dy = gradients[0], let rows = graph.type(node.inputs[0]).rows else { return [nil] }
      return [try graph.add(.unfold(rows), dy)]
    },
    flops: { _, _, _ in 0 },
    reference: { node, inputs, run in
      [
        ReferenceTensor(
          try run.shape(run.graph.type(node.outputs[0])), inputs[0].values)
      ]
    })
}

extension Selection {
  /// The selection by definition: 0/1 for each unit and path.
  /// - Parameter given: the units that are chosen among, where they are not those of the row set.
  func reference(
    _ numbers: ReferenceTensor, of rows: RowSetID, _ run: ReferenceRun, groups given: [[Int]]? = nil
  ) throws -> ReferenceTensor {
    let (units, paths) = (numbers.shape[0], numbers.shape[1])
    // What is no number stands behind all numbers, so that the order is one.
    let keys = numbers.values.map { $0.isNaN ? -.infinity : $0 }
    var mask = ReferenceTensor(zeros: numbers.shape)
    switch self {
    case .top(let k):
      for unit in 0..<units {
        let order = (0..<paths).sorted {
          (-keys[unit * paths + $0], $0) < (-keys[unit * paths + $1], $1)
        }
        for path in order.prefix(max(0, k)) { mask.values[unit * paths + path] = 1 }
      }
    case .all: mask.values = keys.map { _ in 1 }
    case .above(let limit): mask.values = keys.map { $0 > limit ? 1 : 0 }
    case .given: mask.values = keys.map { $0 != 0 ? 1 : 0 }
    case .best(let amount):
      for group in try given ?? groups(of: rows, run) {
        for path in 0..<paths {
          let order = group.sorted {
            (-keys[$0 * paths + path], $0) < (-keys[$1 * paths + path], $1)
          }
          for unit in order.prefix(amount.of(group.count)) { mask.values[unit * paths + path] = 1 }
        }
      }
    case .pairs(let amount):
      for group in try given ?? groups(of: rows, run) {
        // Places of a row-major matrix: of equal ones the earlier unit, then the lower path.
        let order = group.flatMap { unit in (0..<paths).map { unit * paths + $0 } }.sorted {
          (-keys[$0], $0) < (-keys[$1], $1)
        }
        for place in order.prefix(amount.of(order.count)) { mask.values[place] = 1 }
      }
    case .amongBatch(let inner):
      let batch = [Array(0..<units)]
      return try inner.reference(numbers, of: rows, run, groups: batch)
    case .capped(let inner, let capacity):
      mask = try inner.reference(numbers, of: rows, run, groups: given)
      for group in try given ?? groups(of: rows, run) {
        let room = capacity.room(total: group.count, taken: taken(of: paths), paths: paths)
        for path in 0..<paths {
          let takers = group.filter { mask.values[$0 * paths + path] != 0 }.sorted {
            capacity.order == .score
              && (-keys[$0 * paths + path], $0) < (-keys[$1 * paths + path], $1)
              || capacity.order == .position && $0 < $1
          }
          for unit in takers.dropFirst(room) { mask.values[unit * paths + path] = 0 }
        }
      }
    }
    return mask
  }

  /// The units that are chosen among: those of a group, or all where units have no groups.
  private func groups(of rows: RowSetID, _ run: ReferenceRun) throws -> [[Int]] {
    let layout = try run.layout(rows)
    guard run.graph[rows].grouping != nil else { return [Array(0..<layout.count)] }
    return (0..<layout.groups).map { Array(layout.offsets[$0]..<layout.offsets[$0 + 1]) }
  }
}
