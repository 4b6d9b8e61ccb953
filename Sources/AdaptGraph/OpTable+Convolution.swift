// Windows along axes or rows. A convolution is linear in the value and in the weight, so its two
// gradients and their gradients are each other.

extension OpTable {
  static let convolution = OpDefinition(
    infer: { op, types, graph in
      guard case .convolution(let window) = op else { return [] }
      try requireInputs(op, types, 2)
      try requireFloats(op, types, graph)
      return [try window.result(of: types[0], types[1], graph)]
    },
    gradient: .rule { graph, node, gradients in
      guard case .convolution(let window) = node.op, let dy = gradients[0] else {
        return [nil, nil]
      }
      let (x, weight) = (node.inputs[0], node.inputs[1])
      let sizes = window.sizes(graph.type(x))
      return [
        try graph.add(.convolutionInput(window, sizes: sizes), dy, weight),
        try graph.add(.convolutionWeight(window), x, dy),
      ]
    },
    flops: { node, graph, counts in
      convolutionFlops(graph.type(node.outputs[0]), weight: graph.type(node.inputs[1]), counts)
    },
    reference: { node, inputs, run in
      guard case .convolution(let window) = node.op else { return [] }
      var y = ReferenceTensor(zeros: try run.shape(run.graph.type(node.outputs[0])))
      try window.forEachTerm(node, x: inputs[0].shape, y: y.shape, inputs[1].shape, run) {
        y.values[$2] += inputs[0].values[$0] * inputs[1].values[$1]
      }
      return [y]
    })

  static let convolutionInput = OpDefinition(
    infer: { op, types, graph in
      guard case .convolutionInput(let window, let sizes) = op else { return [] }
      try requireInputs(op, types, 2)
      try requireFloats(op, types, graph)
      let channels = (types[1].dims.dropLast().last ?? 0).multipliedReportingOverflow(
        by: window.groups)
      try require(!channels.overflow, "\(graph.describe(types[1])) is no weight of a convolution")
      let x = TensorType(rows: types[0].rows, sizes + [channels.partialValue])
      try graph.requirePossible(x)
      try requireGradient(types[0], of: window.result(of: x, types[1], graph), graph)
      return [x]
    },
    gradient: .rule { graph, node, gradients in
      guard case .convolutionInput(let window, _) = node.op, let g = gradients[0] else {
        return [nil, nil]
      }
      return [
        try graph.add(.convolution(window), g, node.inputs[1]),
        try graph.add(.convolutionWeight(window), g, node.inputs[0]),
      ]
    },
    flops: { node, graph, counts in
      convolutionFlops(graph.type(node.inputs[0]), weight: graph.type(node.inputs[1]), counts)
    },
    reference: { node, inputs, run in
      guard case .convolutionInput(let window, _) = node.op else { return [] }
      var x = ReferenceTensor(zeros: try run.shape(run.graph.type(node.outputs[0])))
      try window.forEachTerm(node, x: x.shape, y: inputs[0].shape, inputs[1].shape, run) {
        x.values[$0] += inputs[0].values[$2] * inputs[1].values[$1]
      }
      return [x]
    })

  static let convolutionWeight = OpDefinition(
    infer: { op, types, graph in
      guard case .convolutionWeight(let window) = op else { return [] }
      try requireInputs(op, types, 2)
      try requireFloats(op, types, graph)
      let channels = types[0].columns / max(1, window.groups)
      let weight = TensorType(window.axes.map(\.size) + [channels, types[1].columns])
      try graph.requirePossible(weight)
      try requireGradient(types[1], of: window.result(of: types[0], weight, graph), graph)
      return [weight]
    },
    gradient: .rule { graph, node, gradients in
      guard case .convolutionWeight(let window) = node.op, let g = gradients[0] else {
        return [nil, nil]
      }
      let sizes = window.sizes(graph.type(node.inputs[0]))
      return [
        try graph.add(.convolutionInput(window, sizes: sizes), node.inputs[1], g),
        try graph.add(.convolution(window), node.inputs[0], g),
      ]
    },
    flops: { node, graph, counts in
      convolutionFlops(graph.type(node.inputs[1]), weight: graph.type(node.outputs[0]), counts)
    },
    reference: { node, inputs, run in
      guard case .convolutionWeight(let window) = node.op else { return [] }
      var weight = ReferenceTensor(zeros: run.graph.type(node.outputs[0]).dims)
      try window.forEachTerm(node, x: inputs[0].shape, y: inputs[1].shape, weight.shape, run) {
        weight.values[$1] += inputs[0].values[$0] * inputs[1].values[$2]
      }
      return [weight]
    })

  /// A multiplication and an addition for each number of a window, the zeros around counted.
  private static func convolutionFlops(
    _ result: TensorType, weight: TensorType, _ counts: RowCounts
  ) -> Double {
    2 * counts.elements(result) * Double(weight.dims.dropLast().reduce(1, *))
  }
}

extension Convolution {
  /// The sizes of the axes that it goes along; none along rows.
  func sizes(_ type: TensorType) -> [Int] { Array(type.dims.dropLast()) }

  /// What a value and a weight give.
  fileprivate func result(of x: TensorType, _ weight: TensorType, _ graph: Graph) throws
    -> TensorType
  {
    try require(
      (1...2).contains(axes.count) && groups > 0 && axes.allSatisfy(\.isPossible),
      "a window has one or two axes, with sizes, strides and dilations from 1")
    try require(
      weight.rows == nil && weight.dims.count == axes.count + 2
        && Array(weight.dims.prefix(axes.count)) == axes.map(\.size),
      "\(graph.describe(weight)) is no weight of a window of \(axes.map(\.size))")
    let (each, outputs) = (weight.dims[axes.count], weight.dims[axes.count + 1])
    let channels = each.multipliedReportingOverflow(by: groups)
    try require(
      x.dims.count == (isAlongRows ? 1 : axes.count + 1) && (!isAlongRows || x.rows != nil)
        && !channels.overflow && x.columns == channels.partialValue && outputs % groups == 0,
      "\(graph.describe(x)) and the weight \(graph.describe(weight)) in \(groups) groups do not go "
        + "together")
    guard isAlongRows else {
      let sizes = zip(axes, x.dims).map { $0.windows(over: $1) }
      return TensorType(rows: x.rows, sizes + [outputs])
    }
    try require(
      axes.count == 1 && axes[0].stride == 1 && axes[0].before + axes[0].after == axes[0].reach - 1,
      "along rows there are as many windows as rows")
    return TensorType(rows: x.rows, [outputs])
  }

  /// Calls `body` with the places of the value, the weight and the result of each product that is
  /// added.
  fileprivate func forEachTerm(
    _ node: Node, x: [Int], y: [Int], _ weight: [Int], _ run: ReferenceRun,
    _ body: (Int, Int, Int) -> Void
  ) throws {
    let (channels, outputs) = (x.last ?? 0, y.last ?? 0)
    let perGroup = (inputs: channels / groups, outputs: outputs / groups)
    for image in try images(node, x: x, y: y, run) {
      forEachPlace(image) { from, number, to in
        for output in 0..<outputs {
          let first = output / max(1, perGroup.outputs) * perGroup.inputs
          for channel in 0..<perGroup.inputs {
            body(
              from * channels + first + channel,
              (number * perGroup.inputs + channel) * outputs + output, to * outputs + output)
          }
        }
      }
    }
  }

  /// What windows go over at once: where it begins in the value and the result, and its sizes
  /// there.
  private typealias Image = (x: Int, y: Int, from: [Int], to: [Int])

  private func images(_ node: Node, x: [Int], y: [Int], _ run: ReferenceRun) throws -> [Image] {
    if isAlongRows {
      let offsets = try run.layout(run.graph.type(node.inputs[0]).rows).offsets
      return zip(offsets, offsets.dropFirst()).map { ($0, $0, [1, $1 - $0], [1, $1 - $0]) }
    }
    let (from, to) = (x.dropLast().suffix(axes.count), y.dropLast().suffix(axes.count))
    let count = x.dropLast(axes.count + 1).reduce(1, *)
    let lead = Array(repeating: 1, count: 2 - axes.count)
    return (0..<count).map {
      ($0 * from.reduce(1, *), $0 * to.reduce(1, *), lead + from, lead + to)
    }
  }

  /// Calls `body` with a place of the value, of the window and of the result that go together.
  private func forEachPlace(_ image: Image, _ body: (Int, Int, Int) -> Void) {
    let rows = axes.count == 2 ? axes[0] : Axis(1)
    let columns = axes[axes.count - 1]
    for row in 0..<image.to[0] {
      for column in 0..<image.to[1] {
        for number in 0..<rows.size * columns.size {
          let i = rows.place(row, number / columns.size)
          let j = columns.place(column, number % columns.size)
          guard (0..<image.from[0]).contains(i), (0..<image.from[1]).contains(j) else { continue }
          body(
            image.x + i * image.from[1] + j, number, image.y + row * image.to[1] + column)
        }
      }
    }
  }
}
