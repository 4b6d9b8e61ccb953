import AdaptPlatform

// Element by element.

extension OpTable {
  static let unary = OpDefinition(
    infer: { op, types, graph in
      try requireInputs(op, types, 1)
      try requireFloats(op, types, graph)
      return types
    },
    gradient: .rule { graph, node, gradients in
      guard case .unary(let function) = node.op, let dy = gradients[0] else { return [nil] }
      return [
        try graph.add(.unaryGradient(function), dy, node.inputs[0], node.outputs[0])
      ]
    },
    flops: { node, graph, counts in counts.elements(graph.type(node.outputs[0])) },
    reference: { node, inputs, _ in
      guard case .unary(let function) = node.op else { return [] }
      return [ReferenceTensor(inputs[0].shape, inputs[0].values.map(function.value))]
    })

  static let unaryGradient = OpDefinition(
    infer: { op, types, graph in
      try requireInputs(op, types, 3)
      try require(
        types[0] == types[1] && types[1] == types[2],
        "a gradient must have its value's shape: \(types.map(graph.describe))")
      return [types[1]]
    },
    gradient: .rule { graph, node, gradients in
      guard case .unaryGradient(let function) = node.op, let g = gradients[0] else {
        return [nil, nil, nil]
      }
      let (dy, x, y) = (node.inputs[0], node.inputs[1], node.inputs[2])
      // The result is dy·f′(x): linear in dy, and with the slope f″ in x. That y is f(x) is part of
      // what f′ means here, so nothing goes to y.
      let slope = try graph.secondDerivative(of: function, x: x, y: y)
      let dx = try slope.map { slope in
        let product = try graph.add(.binary(.multiply), g, dy)
        return try graph.add(.binary(.multiply), product, slope)
      }
      return [try graph.add(.unaryGradient(function), g, x, y), dx, nil]
    },
    flops: { node, graph, counts in 2 * counts.elements(graph.type(node.outputs[0])) },
    reference: { node, inputs, _ in
      guard case .unaryGradient(let function) = node.op else { return [] }
      let values = zip(inputs[0].values, inputs[1].values).map { $0 * function.derivative($1) }
      return [ReferenceTensor(inputs[1].shape, values)]
    })

  static let binary = OpDefinition(
    infer: { op, types, graph in
      try requireInputs(op, types, 2)
      try requireFloats(op, types, graph)
      return [try graph.broadcast(types[0], types[1])]
    },
    gradient: .rule { graph, node, gradients in
      guard case .binary(let function) = node.op, let dy = gradients[0] else { return [nil, nil] }
      let (a, b, y) = (node.inputs[0], node.inputs[1], node.outputs[0])
      let (da, db) = try function.gradients(&graph, dy: dy, a: a, b: b, y: y)
      return [
        try da.map { try graph.reduce($0, to: graph.type(a)) },
        try db.map { try graph.reduce($0, to: graph.type(b)) },
      ]
    },
    flops: { node, graph, counts in counts.elements(graph.type(node.outputs[0])) },
    reference: { node, inputs, run in
      guard case .binary(let function) = node.op else { return [] }
      let type = run.graph.type(node.outputs[0])
      let shape = try run.shape(type)
      let a = inputs[0].broadcast(run.graph.type(node.inputs[0]), to: type, shape)
      let b = inputs[1].broadcast(run.graph.type(node.inputs[1]), to: type, shape)
      return [ReferenceTensor(shape, zip(a, b).map(function.value))]
    })
}

extension Unary {
  /// f(x).
  public func value(_ x: Double) -> Double {
    switch self {
    case .negate: -x
    case .exp: AdaptPlatform.exp(x)
    case .log: AdaptPlatform.log(x)
    case .sqrt: x.squareRoot()
    case .reciprocal: 1 / x
    case .tanh: AdaptPlatform.tanh(x)
    case .sigmoid: 1 / (1 + AdaptPlatform.exp(-x))
    case .relu: x > 0 ? x : (x.isNaN ? x : 0)
    case .gelu: 0.5 * x * (1 + AdaptPlatform.tanh(Unary.geluInner(x)))
    case .silu: x / (1 + AdaptPlatform.exp(-x))
    case .square: x * x
    case .absolute: Swift.abs(x)
    case .sign: x > 0 ? 1 : (x < 0 ? -1 : x)
    case .sin: AdaptPlatform.sin(x)
    case .cos: AdaptPlatform.cos(x)
    case .erf: AdaptPlatform.erf(x)
    case .floor: x.rounded(.down)
    case .ceil: x.rounded(.up)
    case .round: x.rounded(.toNearestOrAwayFromZero)
    }
  }

  /// f′(x).
  public func derivative(_ x: Double) -> Double {
    switch self {
    case .negate: return -1
    case .exp: return AdaptPlatform.exp(x)
    case .log: return 1 / x
    case .sqrt: return 0.5 / x.squareRoot()
    case .reciprocal: return -1 / (x * x)
    case .tanh:
      let y = AdaptPlatform.tanh(x)
      return 1 - y * y
    case .sigmoid:
      let y = Unary.sigmoid.value(x)
      return y * (1 - y)
    case .relu: return x > 0 ? 1 : 0
    case .gelu:
      let t = AdaptPlatform.tanh(Unary.geluInner(x))
      let inner = 0.7978845608028654 * (1 + 3 * 0.044715 * x * x)
      return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * inner
    case .silu:
      let y = Unary.sigmoid.value(x)
      return y * (1 + x * (1 - y))
    case .square: return 2 * x
    case .absolute: return x > 0 ? 1 : (x < 0 ? -1 : 0)
    case .sin: return AdaptPlatform.cos(x)
    case .cos: return -AdaptPlatform.sin(x)
    case .erf: return 2 / Double.pi.squareRoot() * AdaptPlatform.exp(-x * x)
    case .sign, .floor, .ceil, .round: return 0
    }
  }

  /// √(2/π)·(x + 0.044715 x³): Hendrycks & Gimpel 2016, the tanh form.
  private static func geluInner(_ x: Double) -> Double {
    0.7978845608028654 * (x + 0.044715 * x * x * x)
  }
}

extension Binary {
  /// f(a, b).
  public func value(_ a: Double, _ b: Double) -> Double {
    switch self {
    case .add: a + b
    case .subtract: a - b
    case .multiply: a * b
    case .divide: a / b
    case .maximum: a.isNaN || b.isNaN ? .nan : Swift.max(a, b)
    case .minimum: a.isNaN || b.isNaN ? .nan : Swift.min(a, b)
    case .power: AdaptPlatform.pow(a, b)
    case .less: a < b ? 1 : 0
    case .lessOrEqual: a <= b ? 1 : 0
    case .greater: a > b ? 1 : 0
    case .greaterOrEqual: a >= b ? 1 : 0
    case .equal: a == b ? 1 : 0
    case .notEqual: a != b ? 1 : 0
    }
  }

  /// Gradients of a and b, of the result's shape; the caller sums them to the operands' shapes.
  func gradients(_ graph: inout Graph, dy: ValueID, a: ValueID, b: ValueID, y: ValueID) throws
    -> (ValueID?, ValueID?)
  {
    switch self {
    case .add: return (dy, dy)
    case .subtract: return (dy, try graph.add(.unary(.negate), dy))
    case .multiply:
      return (try graph.add(.binary(.multiply), dy, b), try graph.add(.binary(.multiply), dy, a))
    case .divide:
      let da = try graph.add(.binary(.divide), dy, b)
      let scaled = try graph.add(.binary(.multiply), da, y)
      return (da, try graph.add(.unary(.negate), scaled))
    case .maximum, .minimum:
      let first = try graph.add(.binary(self == .maximum ? .greaterOrEqual : .lessOrEqual), a, b)
      let da = try graph.add(.binary(.multiply), dy, first)
      return (da, try graph.add(.binary(.subtract), dy, da))
    case .power: return try powerGradients(&graph, dy: dy, a: a, b: b, y: y)
    case .less, .lessOrEqual, .greater, .greaterOrEqual, .equal, .notEqual: return (nil, nil)
    }
  }

  private func powerGradients(
    _ graph: inout Graph, dy: ValueID, a: ValueID, b: ValueID, y: ValueID
  ) throws -> (ValueID?, ValueID?) {
    // x⁰ is 1 everywhere; the formula below would give 0·∞ at 0.
    if case .constant(0) = graph.node(of: b).op { return (nil, nil) }
    let lower = try graph.add(.binary(.subtract), b, graph.constant(1))
    let slope = try graph.add(.binary(.multiply), b, graph.add(.binary(.power), a, lower))
    let da = try graph.add(.binary(.multiply), dy, slope)
    // A constant exponent needs no logarithm, which a base of 0 would not have.
    if case .constant = graph.node(of: b).op { return (da, nil) }
    // At a base of 0 the gradient is 0: the logarithm is taken of 1 there instead.
    let isZero = try graph.add(.binary(.equal), a, graph.constant(0))
    let base = try graph.add(.binary(.add), a, isZero)
    let logarithm = try graph.add(.binary(.multiply), y, graph.add(.unary(.log), base))
    return (da, try graph.add(.binary(.multiply), dy, logarithm))
  }
}

/// How an operand of an elementwise op stands to the result.
public enum BroadcastForm: Hashable, Sendable {
  /// The same shape.
  case full
  /// The same numbers for every row.
  case row
  /// One number for all of a row.
  case column
  /// One number.
  case scalar
}

extension Graph {
  /// The shape that two operands meet in.
  func broadcast(_ a: TensorType, _ b: TensorType) throws -> TensorType {
    func holdsBoth(_ result: TensorType) -> Bool {
      Graph.form(of: a, in: result) != nil && Graph.form(of: b, in: result) != nil
    }
    if holdsBoth(a) { return a }
    if holdsBoth(b) { return b }
    for dims in [a.dims, b.dims] {
      let result = TensorType(rows: a.rows ?? b.rows, dims)
      if holdsBoth(result) { return result }
    }
    if let x = a.rows, let y = b.rows, x != y {
      throw GraphError(
        .shape,
        "\(describe(a)) and \(describe(b)) stand over different rows and cannot meet element by "
          + "element")
    }
    throw GraphError(.shape, "\(describe(a)) and \(describe(b)) do not broadcast")
  }

  /// How `operand` is spread over `result`, or nil when it cannot be.
  public static func form(of operand: TensorType, in result: TensorType) -> BroadcastForm? {
    if operand.rows == result.rows, operand.dims == result.dims { return .full }
    if operand.rows == nil, operand.count == 1 { return .scalar }
    let isColumn = operand.dims.isEmpty || operand.dims == [1]
    if operand.rows != nil, operand.rows == result.rows {
      return isColumn && result.dims.count <= 1 ? .column : nil
    }
    guard operand.rows == nil else { return nil }
    if result.rows != nil { return operand.dims == result.dims ? .row : nil }
    // Neither has rows: a matrix with one row or one column.
    guard result.dims.count == 2 else { return nil }
    if operand.dims == [result.dims[1]] || operand.dims == [1, result.dims[1]] { return .row }
    return operand.dims == [result.dims[0], 1] ? .column : nil
  }

  /// Sums a gradient of a broadcast result down to an operand's shape.
  mutating func reduce(_ gradient: ValueID, to target: TensorType) throws -> ValueID {
    let from = type(gradient)
    var value = gradient
    switch Graph.form(of: target, in: from) {
    case .full: return gradient
    case .row: value = try add(.sumRows(mean: false), value)
    case .column:
      // One number a row of either spelling, [rows] or [rows, 1], has nothing to sum.
      if !from.dims.isEmpty { value = try add(.sumColumns(mean: false), value) }
    case .scalar:
      if from.columns > 1 || !from.dims.isEmpty { value = try add(.sumColumns(mean: false), value) }
      while type(value).rows != nil || type(value).dims.count > 1 {
        value = try add(.sumRows(mean: false), value)
      }
    case nil: throw GraphError(.invalid, "\(describe(from)) is no broadcast of \(describe(target))")
    }
    return type(value).dims == target.dims ? value : try add(.reshape(target.dims), value)
  }
}

extension ReferenceTensor {
  /// The values spread over the result's shape.
  func broadcast(_ type: TensorType, to result: TensorType, _ shape: [Int]) -> [Double] {
    let count = shape.reduce(1, *)
    let columns = max(result.columns, 1)
    switch Graph.form(of: type, in: result) {
    case .full: return values
    case .scalar: return Array(repeating: values[0], count: count)
    case .row: return (0..<count).map { values[$0 % values.count] }
    case .column: return (0..<count).map { values[$0 / columns] }
    case nil: return []
    }
  }
}
