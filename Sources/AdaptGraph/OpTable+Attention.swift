import AdaptPlatform

// Across the rows of a group, and losses.

extension OpTable {
  static let attention = OpDefinition(
    infer: { op, types, graph in
      try requireInputs(op, types, 3)
      try requireFloats(op, types, graph)
      guard case .attention(let heads, _) = op else { return [] }
      try require(
        types[0] == types[1] && types[1] == types[2] && types[0].rows != nil
          && types[0].dims.count == 1,
        "query, key and value must be rows of one width, not "
          + types.map(graph.describe).joined(separator: ", "))
      try require(
        heads > 0 && types[0].columns % heads == 0,
        "a width of \(types[0].columns) does not divide into \(heads) heads")
      return [types[0], TensorType(rows: types[0].rows, [heads])]
    },
    gradient: .rule { graph, node, gradients in
      guard case .attention(let heads, let causal) = node.op, let dy = gradients[0] else {
        return [nil, nil, nil]
      }
      return try graph.add(
        .attentionGradient(heads: heads, causal: causal), [dy] + node.inputs + node.outputs)
    },
    flops: { node, graph, counts in
      guard case .attention(_, let causal) = node.op else { return 0 }
      let type = graph.type(node.inputs[0])
      // Two products of the width for every pair that is looked at.
      return type.rows.map { 4 * Double(type.columns) * counts.pairs($0, causal) } ?? 0
    },
    reference: { node, inputs, run in
      guard case .attention(let heads, let causal) = node.op else { return [] }
      let layout = try run.layout(run.graph.type(node.inputs[0]).rows)
      var result = [
        ReferenceTensor(zeros: inputs[0].shape), ReferenceTensor(zeros: [layout.count, heads]),
      ]
      forEachHead(inputs[0], inputs[1], layout, heads, causal) { head, row, weights, lse in
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

  static let attentionGradient = OpDefinition(
    infer: { op, types, graph in
      try requireInputs(op, types, 6)
      try require(
        Set(types[0...4]).count == 1,
        "attention's gradient needs equal shapes, not "
          + types[0...4].map(graph.describe).joined(separator: ", "))
      return [types[1], types[2], types[3]]
    },
    gradient: .missing,
    flops: { node, graph, counts in
      guard case .attentionGradient(_, let causal) = node.op else { return 0 }
      let type = graph.type(node.inputs[0])
      // Scores again, then the gradients of value, weights, query and key.
      return type.rows.map { 10 * Double(type.columns) * counts.pairs($0, causal) } ?? 0
    },
    reference: { node, inputs, run in
      guard case .attentionGradient(let heads, let causal) = node.op else { return [] }
      let layout = try run.layout(run.graph.type(node.inputs[0]).rows)
      let (dy, q, k, v) = (inputs[0].values, inputs[1].values, inputs[2].values, inputs[3].values)
      var (dq, dk, dv) = (inputs[1], inputs[2], inputs[3])
      for index in dq.values.indices {
        (dq.values[index], dk.values[index], dv.values[index]) = (0, 0, 0)
      }
      forEachHead(inputs[1], inputs[2], layout, heads, causal) { head, row, weights, _ in
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

  static let logLoss = OpDefinition(
    infer: { op, types, graph in
      try requireInputs(op, types, 2)
      try require(
        !types[0].dims.isEmpty && types[0].element == .float32,
        "logits are one number a class and row, not \(graph.describe(types[0]))")
      try require(
        types[1] == TensorType(rows: types[0].rows, types[0].dims.dropLast(), .int32),
        "targets are one class a row of the logits \(graph.describe(types[0])), not "
          + graph.describe(types[1]))
      let row = TensorType(rows: types[0].rows, types[0].dims.dropLast())
      return [row, row]
    },
    gradient: .rule { graph, node, gradients in
      guard let dy = gradients[0] else { return [nil, nil] }
      return [try graph.add(.logLossGradient, [dy] + node.inputs + [node.outputs[1]])[0], nil]
    },
    flops: { node, graph, counts in 4 * counts.elements(graph.type(node.inputs[0])) },
    reference: { node, inputs, run in
      let columns = run.graph.type(node.inputs[0]).columns
      let lse = inputs[0].rowwise(columns) { [logSumExp($0)] }
      let losses = try inputs[1].values.enumerated().map { row, target in
        lse[row] - inputs[0].values[row * columns + (try rowNumber(target, of: columns, "class"))]
      }
      return [ReferenceTensor(inputs[1].shape, losses), ReferenceTensor(inputs[1].shape, lse)]
    })

  static let logLossGradient = OpDefinition(
    infer: { op, types, graph in
      try requireInputs(op, types, 4)
      let row = TensorType(rows: types[1].rows, types[1].dims.dropLast())
      try require(
        !types[1].dims.isEmpty && types[0] == row && types[3] == row,
        "\(graph.describe(types[0])) and \(graph.describe(types[3])) are not one number a row of "
          + graph.describe(types[1]))
      return [types[1]]
    },
    gradient: .rule { graph, node, gradients in
      guard let g = gradients[0] else { return [nil, nil, nil, nil] }
      let (dLoss, logits) = (node.inputs[0], node.inputs[1])
      let columns = graph.type(logits).columns
      // dLoss (p − hit) with p = softmax(logits); the log-sum-exp is one with the logits here.
      let ones = try graph.ones(like: dLoss)
      let unit = try graph.add(.logLossGradient, [ones] + node.inputs.dropFirst())[0]
      let sum = try graph.add(
        .sumColumns(mean: false), graph.add(.binary(.multiply), g, unit))
      let slope = try graph.add(.softmaxGradient, g, graph.add(.softmax, logits))
      let column = try graph.add(.reshape(graph.type(dLoss).dims + [1]), dLoss)
      let spread = try graph.add(.expandColumns(count: columns, mean: false), column)
      return [
        try graph.add(.reshape(graph.type(dLoss).dims), sum),
        try graph.add(.binary(.multiply), spread, slope), nil, nil,
      ]
    },
    flops: { node, graph, counts in 3 * counts.elements(graph.type(node.outputs[0])) },
    reference: { node, inputs, run in
      let columns = run.graph.type(node.outputs[0]).columns
      var result = inputs[1]
      for row in inputs[0].values.indices {
        for column in 0..<columns {
          let index = row * columns + column
          let share = exp(inputs[1].values[index] - inputs[3].values[row])
          let hit: Double = Int(inputs[2].values[row]) == column ? 1 : 0
          result.values[index] = inputs[0].values[row] * (share - hit)
        }
      }
      return [result]
    })
}

/// log Σ exp(x), without overflow.
func logSumExp(_ values: some Collection<Double>) -> Double {
  let top = values.max() ?? 0
  return top + log(values.reduce(0) { $0 + exp($1 - top) })
}

/// One head of attention: which columns it owns.
struct AttentionHead {
  var index: Int
  var columns: Range<Int>
  /// Of all heads together.
  var width: Int
}

/// Calls `body` for every head and row with the weights that the row gives the rows it looks at.
func forEachHead(
  _ q: ReferenceTensor, _ k: ReferenceTensor, _ layout: ReferenceRows, _ heads: Int, _ causal: Bool,
  _ body: (AttentionHead, Int, [(row: Int, weight: Double)], Double) -> Void
) {
  let width = q.shape[1]
  let size = width / heads
  for number in 0..<heads {
    let head = AttentionHead(
      index: number, columns: number * size..<(number + 1) * size, width: width)
    for group in 0..<(layout.offsets.count - 1) {
      let rows = layout.offsets[group]..<layout.offsets[group + 1]
      for row in rows {
        let seen = rows.filter { !causal || layout.positions[$0] <= layout.positions[row] }
        let scores = seen.map { other in
          head.columns.reduce(0) { $0 + q.values[row * width + $1] * k.values[other * width + $1] }
            / Double(size).squareRoot()
        }
        let lse = logSumExp(scores)
        body(head, row, zip(seen, scores).map { ($0, exp($1 - lse)) }, lse)
      }
    }
  }
}
