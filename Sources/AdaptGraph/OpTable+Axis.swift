import AdaptPlatform

// Along the last axis.

extension OpTable {
  static let softmax = OpDefinition(
    infer: { op, types, graph in
      try requireInputs(op, types, 1)
      try requireFloats(op, types, graph)
      return types
    },
    gradient: .rule { graph, node, gradients in
      guard let dy = gradients[0] else { return [nil] }
      return [try graph.add(.softmaxGradient, dy, node.outputs[0])]
    },
    flops: { node, graph, counts in 4 * counts.elements(graph.type(node.outputs[0])) },
    reference: { node, inputs, run in
      let columns = run.graph.type(node.inputs[0]).columns
      let values = inputs[0].rowwise(columns) { row in
        let top = row.max() ?? 0
        let powers = row.map { exp($0 - top) }
        let sum = powers.reduce(0, +)
        return powers.map { $0 / sum }
      }
      return [ReferenceTensor(inputs[0].shape, values)]
    })

  static let softmaxGradient = OpDefinition(
    infer: { op, types, graph in
      try requireInputs(op, types, 2)
      try requireGradient(types[0], of: types[1], graph)
      return [types[1]]
    },
    gradient: .rule { graph, node, gradients in
      guard let g = gradients[0] else { return [nil, nil] }
      let (dy, y) = (node.inputs[0], node.inputs[1])
      // y (dy − Σ dy y): symmetric in dy; in y it is g (dy − Σ dy y) − dy Σ g y.
      let spread = try graph.add(.binary(.subtract), dy, graph.lastAxisSum(dy, y))
      let first = try graph.add(.binary(.multiply), g, spread)
      let second = try graph.add(.binary(.multiply), dy, graph.lastAxisSum(g, y))
      return [
        try graph.add(.softmaxGradient, g, y), try graph.add(.binary(.subtract), first, second),
      ]
    },
    flops: { node, graph, counts in 4 * counts.elements(graph.type(node.outputs[0])) },
    reference: { node, inputs, run in
      let columns = run.graph.type(node.inputs[0]).columns
      let (dy, y) = (inputs[0].values, inputs[1].values)
      var result = inputs[1]
      for start in stride(from: 0, to: y.count, by: max(columns, 1)) {
        let range = start..<start + columns
        let dot = range.reduce(0) { $0 + dy[$1] * y[$1] }
        for index in range { result.values[index] = y[index] * (dy[index] - dot) }
      }
      return [result]
    })

  static let normalize = OpDefinition(
    infer: { op, types, graph in
      try requireInputs(op, types, 1)
      try requireFloats(op, types, graph)
      try require(
        types[0].columns > 0 && !types[0].dims.isEmpty,
        "\(graph.describe(types[0])) has nothing to normalize over")
      return [types[0], TensorType(rows: types[0].rows, types[0].dims.dropLast() + [1])]
    },
    gradient: .wholeRule { graph, node, gradients in
      guard case .normalize(let kind, _) = node.op else { return [nil] }
      let (y, scale) = (node.outputs[0], node.outputs[1])
      let direct = try gradients[0].map { try graph.add(.normalizeGradient(kind), $0, y, scale) }
      guard let ds = gradients[1] else { return [direct] }
      // scale = (variance + ε)^(−1/2), so its slope in x is −scale² y / columns, for both kinds.
      let columns = graph.type(y).columns
      let weight = try graph.add(.binary(.multiply), ds, graph.add(.unary(.square), scale))
      let mean = try graph.add(.expandColumns(count: columns, mean: true), weight)
      let part = try graph.add(.unary(.negate), graph.add(.binary(.multiply), mean, y))
      return [try direct.map { try graph.add(.binary(.add), $0, part) } ?? part]
    },
    flops: { node, graph, counts in 5 * counts.elements(graph.type(node.outputs[0])) },
    reference: { node, inputs, run in
      guard case .normalize(let kind, let epsilon) = node.op else { return [] }
      let columns = run.graph.type(node.inputs[0]).columns
      var scales: [Double] = []
      let values = inputs[0].rowwise(columns) { row in
        let mean = kind == .layer ? row.reduce(0, +) / Double(columns) : 0
        let square = row.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(columns)
        let scale = 1 / (square + epsilon).squareRoot()
        scales.append(scale)
        return row.map { ($0 - mean) * scale }
      }
      return [
        ReferenceTensor(inputs[0].shape, values),
        ReferenceTensor(inputs[0].shape.dropLast() + [1], scales),
      ]
    })

  static let normalizeGradient = OpDefinition(
    infer: { op, types, graph in
      try requireInputs(op, types, 3)
      try requireGradient(types[0], of: types[1], graph)
      let scale = TensorType(rows: types[1].rows, types[1].dims.dropLast() + [1])
      try require(
        types[2] == scale,
        "\(graph.describe(types[2])) is not one deviation a row, \(graph.describe(scale))")
      return [types[1]]
    },
    gradient: .rule { graph, node, gradients in
      guard case .normalizeGradient(let kind) = node.op, let g = gradients[0] else {
        return [nil, nil, nil]
      }
      let (dy, y, scale) = (node.inputs[0], node.inputs[1], node.inputs[2])
      // scale (dy − mean(dy) − y mean(dy y)): symmetric in dy, and linear in scale.
      let left = try graph.add(.binary(.multiply), g, graph.lastAxisSum(dy, y, mean: true))
      let right = try graph.add(.binary(.multiply), dy, graph.lastAxisSum(g, y, mean: true))
      let slope = try graph.add(.unary(.negate), graph.add(.binary(.add), left, right))
      let columns = graph.type(y).columns
      let spread = try graph.add(.expandColumns(count: columns, mean: false), scale)
      let product = try graph.add(.binary(.multiply), g, node.outputs[0])
      let sum = try graph.add(.sumColumns(mean: false), product)
      return [
        try graph.add(.normalizeGradient(kind), g, y, scale),
        try graph.add(.binary(.multiply), spread, slope),
        try graph.add(.binary(.divide), sum, scale),
      ]
    },
    flops: { node, graph, counts in 8 * counts.elements(graph.type(node.outputs[0])) },
    reference: { node, inputs, run in
      guard case .normalizeGradient(let kind) = node.op else { return [] }
      let columns = run.graph.type(node.inputs[0]).columns
      let (dy, y, scale) = (inputs[0].values, inputs[1].values, inputs[2].values)
      var result = inputs[1]
      for start in stride(from: 0, to: y.count, by: columns) {
        let range = start..<start + columns
        let mean = kind == .layer ? range.reduce(0) { $0 + dy[$1] } / Double(columns) : 0
        let dot = range.reduce(0) { $0 + dy[$1] * y[$1] } / Double(columns)
        for index in range {
          result.values[index] = scale[start / columns] * (dy[index] - mean - y[index] * dot)
        }
      }
      return [result]
    })

  static let slice = OpDefinition(
    infer: { op, types, graph in
      try requireInputs(op, types, 1)
      guard case .slice(let start, let count) = op else { return [] }
      let (end, overflow) = start.addingReportingOverflow(count)
      try require(
        !overflow && start >= 0 && count >= 0 && end <= types[0].columns && !types[0].dims.isEmpty,
        "columns \(start)..<\(end) are not all in \(graph.describe(types[0]))")
      return [
        TensorType(rows: types[0].rows, types[0].dims.dropLast() + [count], types[0].element)
      ]
    },
    gradient: .rule { graph, node, gradients in
      guard case .slice(let start, _) = node.op, let dy = gradients[0] else { return [nil] }
      let total = graph.type(node.inputs[0]).columns
      return [try graph.add(.pad(start: start, total: total), dy)]
    },
    flops: { _, _, _ in 0 },
    reference: { node, inputs, run in
      guard case .slice(let start, let count) = node.op else { return [] }
      let columns = run.graph.type(node.inputs[0]).columns
      let values = inputs[0].rowwise(columns) { row in
        Array(row[(row.startIndex + start)..<(row.startIndex + start + count)])
      }
      return [ReferenceTensor(inputs[0].shape.dropLast() + [count], values)]
    })

  static let pad = OpDefinition(
    infer: { op, types, graph in
      try requireInputs(op, types, 1)
      try requireFloats(op, types, graph)
      guard case .pad(let start, let total) = op else { return [] }
      let (end, overflow) = start.addingReportingOverflow(types[0].columns)
      try require(
        !overflow && start >= 0 && end <= total && !types[0].dims.isEmpty,
        "\(graph.describe(types[0])) does not fit into \(total) columns at \(start)")
      return [TensorType(rows: types[0].rows, types[0].dims.dropLast() + [total])]
    },
    gradient: .rule { graph, node, gradients in
      guard case .pad(let start, _) = node.op, let dy = gradients[0] else { return [nil] }
      let count = graph.type(node.inputs[0]).columns
      return [try graph.add(.slice(start: start, count: count), dy)]
    },
    flops: { _, _, _ in 0 },
    reference: { node, inputs, run in
      guard case .pad(let start, let total) = node.op else { return [] }
      let columns = run.graph.type(node.inputs[0]).columns
      let values = inputs[0].rowwise(columns) { row in
        Array(repeating: 0, count: start) + row
          + Array(repeating: 0, count: total - start - columns)
      }
      return [ReferenceTensor(inputs[0].shape.dropLast() + [total], values)]
    })

  static let concat = OpDefinition(
    infer: { op, types, graph in
      guard let first = types.first, !first.dims.isEmpty else {
        throw GraphError(
          .shape,
          "concat needs values with an axis behind their rows, not "
            + types.map(graph.describe).joined(separator: ", "))
      }
      for type in types {
        try require(
          type.element == first.element,
          "\(graph.describe(first)) and \(graph.describe(type)) are of different types")
        try require(
          type.rows == first.rows && type.dims.dropLast() == first.dims.dropLast(),
          "\(graph.describe(first)) and \(graph.describe(type)) differ before the last axis")
      }
      let total = try types.reduce(0) { sum, type in
        let (result, overflow) = sum.addingReportingOverflow(type.columns)
        try require(!overflow, "concat of more columns than a tensor has")
        return result
      }
      return [TensorType(rows: first.rows, first.dims.dropLast() + [total], first.element)]
    },
    gradient: .rule { graph, node, gradients in
      guard let dy = gradients[0] else { return node.inputs.map { _ in nil } }
      var start = 0
      return try node.inputs.map { input in
        let count = graph.type(input).columns
        defer { start += count }
        return try graph.add(.slice(start: start, count: count), dy)
      }
    },
    flops: { _, _, _ in 0 },
    reference: { node, inputs, run in
      let widths = node.inputs.map { run.graph.type($0).columns }
      let rows = inputs[0].shape.dropLast().reduce(1, *)
      let values = (0..<rows).flatMap { row in
        zip(inputs, widths).flatMap { input, width in
          Array(input.values[(row * width)..<((row + 1) * width)])
        }
      }
      return [ReferenceTensor(inputs[0].shape.dropLast() + [widths.reduce(0, +)], values)]
    })

  static let reshape = OpDefinition(
    infer: { op, types, graph in
      try requireInputs(op, types, 1)
      guard case .reshape(let dims) = op else { return [] }
      let result = TensorType(rows: types[0].rows, dims, types[0].element)
      try require(
        result.isPossible && result.count == types[0].count,
        "\(graph.describe(types[0])) and \(graph.describe(result)) hold different numbers of values"
      )
      return [result]
    },
    gradient: .rule { graph, node, gradients in
      guard let dy = gradients[0] else { return [nil] }
      return [try graph.add(.reshape(graph.type(node.inputs[0]).dims), dy)]
    },
    flops: { _, _, _ in 0 },
    reference: { node, inputs, run in
      [ReferenceTensor(try run.shape(run.graph.type(node.outputs[0])), inputs[0].values)]
    })
}

extension Graph {
  /// Σ a·b along the last axis, or its mean, for every element of that axis.
  mutating func lastAxisSum(_ a: ValueID, _ b: ValueID, mean: Bool = false) throws -> ValueID {
    let columns = type(a).columns
    let product = try add(.binary(.multiply), a, b)
    if type(a).dims.isEmpty { return product }
    let sum = try add(.sumColumns(mean: mean), product)
    return try add(.expandColumns(count: columns, mean: false), sum)
  }
}
