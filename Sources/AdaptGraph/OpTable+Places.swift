import AdaptTensor

// Which numbers stand where: axes swapped, repeated, picked.

extension OpTable {
  static let permute = OpDefinition(
    infer: { op, types, graph in
      try requireInputs(op, types, 1)
      guard case .permute(let axes) = op else { return [] }
      try require(
        axes.sorted() == Array(types[0].dims.indices),
        "\(axes) is no order of the \(types[0].dims.count) axes of \(graph.describe(types[0]))")
      return [TensorType(rows: types[0].rows, axes.map { types[0].dims[$0] }, types[0].element)]
    },
    gradient: .rule { graph, node, gradients in
      guard case .permute(let axes) = node.op, let dy = gradients[0] else { return [nil] }
      var inverse = axes
      for (place, axis) in axes.enumerated() { inverse[axis] = place }
      return [try graph.add(.permute(inverse), dy)]
    },
    flops: { _, _, _ in 0 },
    reference: { node, inputs, run in
      guard case .permute(let axes) = node.op else { return [] }
      let lead = run.graph.type(node.inputs[0]).rows == nil ? 0 : 1
      let order = Array(0..<lead) + axes.map { $0 + lead }
      let steps = inputs[0].strides
      let shape = order.map { inputs[0].shape[$0] }
      return [ReferenceTensor(shape, inputs[0].read(shape, strides: order.map { steps[$0] }))]
    })

  static let broadcast = OpDefinition(
    infer: { op, types, graph in
      try requireInputs(op, types, 1)
      guard case .broadcast(let dims) = op else { return [] }
      let result = TensorType(rows: types[0].rows, dims, types[0].element)
      let fits =
        types[0].dims.count <= dims.count
        && zip(
          types[0].dims.reversed(), dims.reversed()
        ).allSatisfy { $0 == $1 || $0 == 1 }
      try require(
        fits, "\(graph.describe(types[0])) does not broadcast to \(graph.describe(result))")
      return [result]
    },
    gradient: .rule { graph, node, gradients in
      guard let dy = gradients[0] else { return [nil] }
      return [try graph.summed(dy, to: graph.type(node.inputs[0]).dims)]
    },
    flops: { _, _, _ in 0 },
    reference: { node, inputs, run in
      let type = run.graph.type(node.inputs[0])
      let shape = try run.shape(run.graph.type(node.outputs[0]))
      let lead = type.rows == nil ? 0 : 1
      let missing = shape.count - inputs[0].shape.count
      let steps = inputs[0].strides
      let strides = shape.indices.map { axis -> Int in
        if axis < lead { return steps[axis] }
        let source = axis - missing
        return source < lead || inputs[0].shape[source] == 1 ? 0 : steps[source]
      }
      return [ReferenceTensor(shape, inputs[0].read(shape, strides: strides))]
    })

  static let take = OpDefinition(
    infer: { op, types, graph in
      try requireInputs(op, types, 2)
      guard case .take(let axis) = op else { return [] }
      try requireAxis(axis, types[0], graph)
      try require(
        types[1].rows == nil && types[1].dims.count == 1 && types[1].element == .int32,
        "places are a list of integers, not \(graph.describe(types[1]))")
      var dims = types[0].dims
      dims[axis] = types[1].dims[0]
      return [TensorType(rows: types[0].rows, dims, types[0].element)]
    },
    gradient: .rule { graph, node, gradients in
      guard case .take(let axis) = node.op, let dy = gradients[0] else { return [nil, nil] }
      let size = graph.type(node.inputs[0]).dims[axis]
      return [try graph.add(.put(axis: axis, size: size), dy, node.inputs[1]), nil]
    },
    flops: { _, _, _ in 0 },
    reference: { node, inputs, run in
      guard case .take(let axis) = node.op else { return [] }
      let type = run.graph.type(node.inputs[0])
      let runs = AxisRuns(inputs[0].shape, axis: axis + (type.rows == nil ? 0 : 1))
      let places = try inputs[1].values.map { try rowNumber($0, of: runs.size, "place") }
      var values: [Double] = []
      for outer in 0..<runs.outer {
        for place in places {
          let start = (outer * runs.size + place) * runs.inner
          values += inputs[0].values[start..<start + runs.inner]
        }
      }
      return [ReferenceTensor(try run.shape(run.graph.type(node.outputs[0])), values)]
    })

  static let put = OpDefinition(
    infer: { op, types, graph in
      try requireInputs(op, types, 2)
      guard case .put(let axis, let size) = op else { return [] }
      try requireAxis(axis, types[0], graph)
      try requireFloats(op, [types[0]], graph)
      try require(
        types[1] == TensorType([types[0].dims[axis]], .int32),
        "\(graph.describe(types[1])) is not one place for each of axis \(axis) of "
          + graph.describe(types[0]))
      var dims = types[0].dims
      dims[axis] = size
      return [TensorType(rows: types[0].rows, dims)]
    },
    gradient: .rule { graph, node, gradients in
      guard case .put(let axis, _) = node.op, let dy = gradients[0] else { return [nil, nil] }
      return [try graph.add(.take(axis: axis), dy, node.inputs[1]), nil]
    },
    flops: { node, graph, counts in counts.elements(graph.type(node.inputs[0])) },
    reference: { node, inputs, run in
      guard case .put(let axis, let size) = node.op else { return [] }
      let type = run.graph.type(node.inputs[0])
      let runs = AxisRuns(inputs[0].shape, axis: axis + (type.rows == nil ? 0 : 1))
      let places = try inputs[1].values.map { try rowNumber($0, of: size, "place") }
      var result = ReferenceTensor(zeros: try run.shape(run.graph.type(node.outputs[0])))
      for outer in 0..<runs.outer {
        for (number, place) in places.enumerated() {
          for inner in 0..<runs.inner {
            result.values[(outer * size + place) * runs.inner + inner] +=
              inputs[0].values[(outer * runs.size + number) * runs.inner + inner]
          }
        }
      }
      return [result]
    })

  static let select = OpDefinition(
    infer: { op, types, graph in
      try requireInputs(op, types, 3)
      try requireFloats(op, types, graph)
      try require(
        types[0] == types[1] && types[1] == types[2],
        "a mask \(graph.describe(types[0])) does not choose between \(graph.describe(types[1])) "
          + "and \(graph.describe(types[2]))")
      return [types[1]]
    },
    gradient: .rule { graph, node, gradients in
      guard let dy = gradients[0] else { return [nil, nil, nil] }
      let mask = node.inputs[0]
      // Nothing of a number that was not chosen comes back, not even its NaN.
      let zero = try graph.zeros(like: dy)
      return [
        nil, try graph.add(.select, mask, dy, zero), try graph.add(.select, mask, zero, dy),
      ]
    },
    flops: { node, graph, counts in counts.elements(graph.type(node.outputs[0])) },
    reference: { node, inputs, _ in
      let values = inputs[0].values.indices.map {
        inputs[0].values[$0] != 0 ? inputs[1].values[$0] : inputs[2].values[$0]
      }
      return [ReferenceTensor(inputs[1].shape, values)]
    })

  static let convert = OpDefinition(
    infer: { op, types, graph in
      try requireInputs(op, types, 1)
      guard case .convert(let element) = op else { return [] }
      return [TensorType(rows: types[0].rows, types[0].dims, element)]
    },
    gradient: .rule { graph, node, gradients in
      // Between floats it changes nothing; integers have no gradient.
      let isFloat = graph.type(node.inputs[0]).element == .float32
      return [isFloat ? gradients[0] : nil]
    },
    flops: { _, _, _ in 0 },
    reference: { node, inputs, _ in
      guard case .convert(let element) = node.op else { return [] }
      guard element == .int32 else { return inputs }
      return [ReferenceTensor(inputs[0].shape, inputs[0].values.map(wholeNumber))]
    })
}

/// Toward zero, into the range of 32 bits; NaN is 0.
private func wholeNumber(_ x: Double) -> Double {
  x.isNaN ? 0 : min(max(x.rounded(.towardZero), -2_147_483_648), 2_147_483_647)
}

func requireAxis(_ axis: Int, _ type: TensorType, _ graph: Graph) throws {
  try require(
    type.dims.indices.contains(axis), "\(graph.describe(type)) has no axis \(axis) behind its rows")
}

/// A value seen along one axis: `outer` × `size` × `inner` numbers.
struct AxisRuns {
  var outer: Int
  var size: Int
  var inner: Int

  init(_ shape: [Int], axis: Int) {
    outer = shape[..<axis].reduce(1, *)
    size = shape[axis]
    inner = shape[(axis + 1)...].reduce(1, *)
  }
}

extension ReferenceTensor {
  /// How far apart neighbours of each axis lie.
  var strides: [Int] {
    var step = 1
    return shape.reversed().map { size in
      defer { step *= size }
      return step
    }.reversed()
  }

  /// The numbers of a shape, read at these distances.
  func read(_ shape: [Int], strides: [Int]) -> [Double] {
    let count = shape.reduce(1, *)
    return (0..<count).map { number in
      var (rest, place) = (number, 0)
      for axis in shape.indices.reversed() {
        place += rest % shape[axis] * strides[axis]
        rest /= shape[axis]
      }
      return values[place]
    }
  }
}
