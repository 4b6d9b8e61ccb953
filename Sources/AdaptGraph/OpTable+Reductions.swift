// Sums, products and extrema along any axis.

extension OpTable {
  static let reduce = OpDefinition(
    infer: { op, types, graph in
      try requireInputs(op, types, 1)
      try requireFloats(op, types, graph)
      guard case .reduce(let reduction, let axis) = op else { return [] }
      try requireAxis(axis, types[0], graph)
      let isExtremum = reduction == .maximum || reduction == .minimum
      try require(
        !isExtremum || types[0].dims[axis] > 0,
        "axis \(axis) of \(graph.describe(types[0])) is empty: it has no \(reduction.rawValue)")
      return [types[0].shrunk(axis)]
    },
    gradient: .rule { graph, node, gradients in
      guard case .reduce(let reduction, let axis) = node.op, let dy = gradients[0] else {
        return [nil]
      }
      return [
        try graph.reductionGradient(
          reduction, axis: axis, dy: dy, x: node.inputs[0], y: node.outputs[0])
      ]
    },
    flops: { node, graph, counts in counts.elements(graph.type(node.inputs[0])) },
    reference: { node, inputs, run in
      guard case .reduce(let reduction, let axis) = node.op else { return [] }
      let type = run.graph.type(node.inputs[0])
      let runs = AxisRuns(inputs[0].shape, axis: axis + (type.rows == nil ? 0 : 1))
      let values = inputs[0].along(runs) { [reduction.value($0)] }
      return [ReferenceTensor(try run.shape(run.graph.type(node.outputs[0])), values)]
    })

  static let extremumIndex = OpDefinition(
    infer: { op, types, graph in
      try requireInputs(op, types, 1)
      try requireFloats(op, types, graph)
      guard case .extremumIndex(_, let axis) = op else { return [] }
      try requireAxis(axis, types[0], graph)
      try require(
        types[0].dims[axis] > 0,
        "axis \(axis) of \(graph.describe(types[0])) is empty: it has no extremum")
      var result = types[0].shrunk(axis)
      result.element = .int32
      return [result]
    },
    gradient: .zero,
    flops: { node, graph, counts in counts.elements(graph.type(node.inputs[0])) },
    reference: { node, inputs, run in
      guard case .extremumIndex(let maximum, let axis) = node.op else { return [] }
      let type = run.graph.type(node.inputs[0])
      let runs = AxisRuns(inputs[0].shape, axis: axis + (type.rows == nil ? 0 : 1))
      let values = inputs[0].along(runs) { line in
        // The first NaN, or the first extremum.
        if let bad = line.firstIndex(where: \.isNaN) { return [Double(bad)] }
        let best = maximum ? line.max() : line.min()
        return [Double(line.firstIndex { $0 == best } ?? 0)]
      }
      return [ReferenceTensor(try run.shape(run.graph.type(node.outputs[0])), values)]
    })

  static let cumulativeSum = OpDefinition(
    infer: { op, types, graph in
      try requireInputs(op, types, 1)
      try requireFloats(op, types, graph)
      guard case .cumulativeSum(let axis, _) = op else { return [] }
      try requireAxis(axis, types[0], graph)
      return types
    },
    gradient: .rule { graph, node, gradients in
      guard case .cumulativeSum(let axis, let reversed) = node.op, let dy = gradients[0] else {
        return [nil]
      }
      return [try graph.add(.cumulativeSum(axis: axis, reversed: !reversed), dy)]
    },
    flops: { node, graph, counts in counts.elements(graph.type(node.outputs[0])) },
    reference: { node, inputs, run in
      guard case .cumulativeSum(let axis, let reversed) = node.op else { return [] }
      let type = run.graph.type(node.inputs[0])
      let runs = AxisRuns(inputs[0].shape, axis: axis + (type.rows == nil ? 0 : 1))
      let values = inputs[0].along(runs) { line in
        var sum = 0.0
        let sums = (reversed ? line.reversed() : line).map { number -> Double in
          sum += number
          return sum
        }
        return reversed ? sums.reversed() : sums
      }
      return [ReferenceTensor(inputs[0].shape, values)]
    })

  static let batchMatmul = OpDefinition(
    infer: { op, types, graph in
      try requireInputs(op, types, 2)
      try requireFloats(op, types, graph)
      return [try graph.batchProduct(op, types[0], types[1])]
    },
    gradient: .rule { graph, node, gradients in
      guard case .batchMatmul(let transposeA, let transposeB) = node.op, let dy = gradients[0]
      else { return [nil, nil] }
      let (a, b) = (node.inputs[0], node.inputs[1])
      func product(_ left: ValueID, _ right: ValueID, _ ta: Bool, _ tb: Bool) throws -> ValueID {
        try graph.add(.batchMatmul(transposeA: ta, transposeB: tb), left, right)
      }
      // As for matmul, at each place of the leading axes.
      let da =
        transposeA
        ? try product(b, dy, transposeB, true) : try product(dy, b, false, !transposeB)
      let db =
        transposeB
        ? try product(dy, a, true, transposeA) : try product(a, dy, !transposeA, false)
      return [da, db]
    },
    flops: { node, graph, counts in
      guard case .batchMatmul(let transposeA, _) = node.op else { return 0 }
      let a = graph.type(node.inputs[0]).dims
      let terms = Double(a[a.count - (transposeA ? 2 : 1)])
      return 2 * counts.elements(graph.type(node.outputs[0])) * terms
    },
    reference: { node, inputs, run in
      guard case .batchMatmul(let transposeA, let transposeB) = node.op else { return [] }
      let shape = try run.shape(run.graph.type(node.outputs[0]))
      let (m, n) = (shape[shape.count - 2], shape[shape.count - 1])
      let k = inputs[0].shape[inputs[0].shape.count - (transposeA ? 2 : 1)]
      var result = ReferenceTensor(zeros: shape)
      for index in result.values.indices {
        let (batch, i, j) = (index / (m * n), index / n % m, index % n)
        for x in 0..<k {
          let a = inputs[0].values[batch * m * k + (transposeA ? x * m + i : i * k + x)]
          let b = inputs[1].values[batch * k * n + (transposeB ? j * k + x : x * n + j)]
          result.values[index] += a * b
        }
      }
      return [result]
    })
}

extension Reduction {
  /// Of a list of numbers.
  func value(_ numbers: [Double]) -> Double {
    switch self {
    case .sum: numbers.reduce(0, +)
    case .mean: numbers.isEmpty ? 0 : numbers.reduce(0, +) / Double(numbers.count)
    case .product: numbers.reduce(1, *)
    case .maximum: numbers.contains(where: \.isNaN) ? .nan : numbers.max() ?? .nan
    case .minimum: numbers.contains(where: \.isNaN) ? .nan : numbers.min() ?? .nan
    }
  }
}

extension TensorType {
  /// The type with an axis of 1.
  func shrunk(_ axis: Int) -> TensorType {
    var result = self
    result.dims[axis] = 1
    return result
  }
}

extension ReferenceTensor {
  /// What `body` makes of each line along an axis, put back in the order of the result.
  func along(_ runs: AxisRuns, _ body: ([Double]) -> [Double]) -> [Double] {
    var columns: [[Double]] = []
    for outer in 0..<runs.outer {
      for inner in 0..<runs.inner {
        columns.append(
          body((0..<runs.size).map { values[(outer * runs.size + $0) * runs.inner + inner] }))
      }
    }
    let length = columns.first?.count ?? 0
    return (0..<runs.outer).flatMap { outer in
      (0..<length).flatMap { place in
        (0..<runs.inner).map { columns[outer * runs.inner + $0][place] }
      }
    }
  }
}

extension Graph {
  mutating func reductionGradient(
    _ reduction: Reduction, axis: Int, dy: ValueID, x: ValueID, y: ValueID
  ) throws -> ValueID {
    let dims = type(x).dims
    switch reduction {
    case .sum: return try add(.broadcast(dims), dy)
    case .mean:
      let share = try add(.binary(.multiply), dy, constant(1 / Double(max(1, dims[axis]))))
      return try add(.broadcast(dims), share)
    case .maximum, .minimum:
      // Those that share the extremum share its gradient.
      let mask = try add(.binary(.equal), x, add(.broadcast(dims), y))
      let count = try add(.reduce(.sum, axis: axis), mask)
      let share = try add(.binary(.divide), dy, count)
      return try add(.binary(.multiply), add(.broadcast(dims), share), mask)
    case .product: return try productGradient(axis: axis, dy: dy, x: x)
    }
  }

  /// dy times the product of all others. A zero counts as 1 here, and where another number of the
  /// line is zero nothing comes back.
  private mutating func productGradient(axis: Int, dy: ValueID, x: ValueID) throws -> ValueID {
    let dims = type(x).dims
    let isZero = try add(.binary(.equal), x, constant(0))
    let factors = try add(.binary(.add), x, isZero)
    let product = try add(.broadcast(dims), add(.reduce(.product, axis: axis), factors))
    let others = try add(.binary(.divide), product, factors)
    let zeros = try add(.broadcast(dims), add(.reduce(.sum, axis: axis), isZero))
    let alone = try add(.binary(.equal), zeros, isZero)
    let slope = try add(.binary(.multiply), others, alone)
    return try add(.binary(.multiply), add(.broadcast(dims), dy), slope)
  }

  /// The type of a product over the last two axes.
  func batchProduct(_ op: Op, _ a: TensorType, _ b: TensorType) throws -> TensorType {
    guard case .batchMatmul(let transposeA, let transposeB) = op else { return .scalar }
    let shown = "\(describe(a))\(transposeA ? "ᵀ" : "") @ \(describe(b))\(transposeB ? "ᵀ" : "")"
    try require(
      a.dims.count >= 2 && b.dims.count >= 2, "\(shown): a product needs two axes")
    try require(
      a.rows == b.rows && a.dims.dropLast(2) == b.dims.dropLast(2),
      "\(shown): the axes before the last two differ")
    var (m, k) = (a.dims[a.dims.count - 2], a.dims[a.dims.count - 1])
    var (l, n) = (b.dims[b.dims.count - 2], b.dims[b.dims.count - 1])
    if transposeA { swap(&m, &k) }
    if transposeB { swap(&l, &n) }
    try require(k == l, "\(shown): the inner sizes differ")
    return TensorType(rows: a.rows, a.dims.dropLast(2) + [m, n])
  }
}
