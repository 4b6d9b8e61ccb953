import AdaptPlatform

// Across the rows of a group.

extension OpTable {
  static let attention = OpDefinition(
    infer: { op, types, graph in
      try requireInputs(op, types, 3)
      try requireFloats(op, types, graph)
      guard case .attention(let heads, _) = op else { return [] }
      let shapes = types.map(graph.describe).joined(separator: ", ")
      try require(
        types.allSatisfy { $0.rows != nil && $0.dims.count == 1 && $0.dims == types[0].dims }
          && types[1] == types[2],
        "query, key and value must be rows of one width, not \(shapes)")
      try require(
        graph.haveSameGroups(types[0].rows, types[1].rows),
        "queries see keys of their own group, and those of \(shapes) are not the same")
      try require(
        heads > 0 && types[0].columns % heads == 0,
        "a width of \(types[0].columns) does not divide into \(heads) heads")
      return [types[0], TensorType(rows: types[0].rows, [heads])]
    },
    gradient: .rule { graph, node, gradients in
      guard case .attention(let heads, let causal) = node.op, let dy = gradients[0] else {
        return [nil, nil, nil]
      }
      let op = Op.attentionGradient(heads: heads, causal: causal)
      let (query, key) = (graph.type(node.inputs[0]), graph.type(node.inputs[1]))
      // The sums over the queries belong to where the keys came from, not to the path that used them.
      let region =
        query.rows == key.rows ? graph.region : graph.node(of: node.inputs[1]).region
      return try graph.add(op, [dy] + node.inputs + node.outputs, in: region)
    },
    flops: { node, graph, counts in
      guard case .attention(_, let causal) = node.op else { return 0 }
      // Two products of the width for every pair that is looked at.
      return 4 * pairs(node.inputs[0], node.inputs[1], causal, graph, counts)
    },
    reference: { node, inputs, run in
      guard case .attention(let heads, let causal) = node.op else { return [] }
      let rows = try AttentionRows(node.inputs[0], node.inputs[1], run)
      var result = [
        ReferenceTensor(zeros: inputs[0].shape),
        ReferenceTensor(zeros: [rows.queries.count, heads]),
      ]
      rows.forEachHead(inputs[0], inputs[1], heads, causal) { head, row, weights, lse in
        result[1].values[row * heads + head.index] = lse
        for (other, weight) in weights {
          for column in head.columns {
            result[0].values[row * head.width + column] +=
              weight * inputs[2].values[other * head.width + column]
          }
        }
      }
      return result
    })

  /// Numbers of all rows that a query looks at, counted by the pair.
  private static func pairs(
    _ query: ValueID, _ key: ValueID, _ causal: Bool, _ graph: Graph, _ counts: RowCounts
  ) -> Double {
    guard let rows = graph.type(query).rows, let keys = graph.type(key).rows else { return 0 }
    return Double(graph.type(query).columns) * counts.pairs(rows, keys, causal)
  }

  static let attentionGradient = OpDefinition(
    infer: { op, types, graph in
      try requireInputs(op, types, 6)
      try require(
        types[0] == types[1] && types[4] == types[1] && types[2] == types[3]
          && types[1].dims == types[2].dims && graph.haveSameGroups(types[1].rows, types[2].rows),
        "attention's gradient needs equal shapes, not "
          + types[0...4].map(graph.describe).joined(separator: ", "))
      return [types[1], types[2], types[3]]
    },
    gradient: .missing,
    flops: { node, graph, counts in
      guard case .attentionGradient(_, let causal) = node.op else { return 0 }
      // Scores again, then the gradients of value, weights, query and key.
      return 10 * pairs(node.inputs[1], node.inputs[2], causal, graph, counts)
    },
    reference: { node, inputs, run in
      guard case .attentionGradient(let heads, let causal) = node.op else { return [] }
      let rows = try AttentionRows(node.inputs[1], node.inputs[2], run)
      let (dy, q, k, v) = (inputs[0].values, inputs[1].values, inputs[2].values, inputs[3].values)
      var (dq, dk, dv) = (
        ReferenceTensor(zeros: inputs[1].shape), ReferenceTensor(zeros: inputs[2].shape),
        ReferenceTensor(zeros: inputs[3].shape)
      )
      rows.forEachHead(inputs[1], inputs[2], heads, causal) { head, row, weights, _ in
        let scale = 1 / Double(head.columns.count).squareRoot()
        let slopes = weights.map { other, _ in
          head.columns.reduce(0) { $0 + dy[row * head.width + $1] * v[other * head.width + $1] }
        }
        let mean = zip(weights, slopes).reduce(0) { $0 + $1.0.weight * $1.1 }
        for ((other, weight), slope) in zip(weights, slopes) {
          let score = weight * (slope - mean) * scale
          for column in head.columns {
            let (mine, theirs) = (row * head.width + column, other * head.width + column)
            dv.values[theirs] += weight * dy[mine]
            dq.values[mine] += score * k[theirs]
            dk.values[theirs] += score * q[mine]
          }
        }
      }
      return [dq, dk, dv]
    })
}

/// One head of attention: which columns it owns.
struct AttentionHead {
  var index: Int
  var columns: Range<Int>
  /// Of all heads together.
  var width: Int
}

/// The rows that look, and those that are looked at.
private struct AttentionRows {
  let queries: ReferenceRows
  let keys: ReferenceRows

  init(_ query: ValueID, _ key: ValueID, _ run: ReferenceRun) throws {
    queries = try run.layout(run.graph.type(query).rows)
    keys = try run.layout(run.graph.type(key).rows)
  }

  /// Calls `body` for every head and query with the weights that it gives the keys it looks at, and
  /// their log-sum-exp; 0 where there are none.
  func forEachHead(
    _ q: ReferenceTensor, _ k: ReferenceTensor, _ heads: Int, _ causal: Bool,
    _ body: (AttentionHead, Int, [(row: Int, weight: Double)], Double) -> Void
  ) {
    let width = q.shape[1]
    let size = width / heads
    let matches = queries.matches(in: keys)
    for number in 0..<heads {
      let head = AttentionHead(
        index: number, columns: number * size..<(number + 1) * size, width: width)
      for (group, others) in matches.enumerated() {
        for row in queries.offsets[group]..<queries.offsets[group + 1] {
          let seen = others.filter { !causal || keys.positions[$0] <= queries.positions[row] }
          let scores = seen.map { other in
            head.columns.reduce(0) {
              $0 + q.values[row * width + $1] * k.values[other * width + $1]
            } / Double(size).squareRoot()
          }
          let lse = seen.isEmpty ? 0 : logSumExp(scores)
          body(head, row, zip(seen, scores).map { ($0, exp($1 - lse)) }, lse)
        }
      }
    }
  }
}

extension Graph {
  /// Whether rows of both sets belong to the same groups of the data.
  func haveSameGroups(_ a: RowSetID?, _ b: RowSetID?) -> Bool {
    guard let a, let b else { return false }
    return groupSource(of: a) == groupSource(of: b)
  }
}
