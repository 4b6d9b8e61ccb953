import AdaptPlatform

// Losses of rows of logits.

extension OpTable {
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
