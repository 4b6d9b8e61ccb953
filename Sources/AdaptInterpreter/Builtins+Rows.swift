import AdaptGraph
import AdaptSyntax
import AdaptTensor

// Functions of the rows of a model: what they were, their sequences, and chance.

extension Interpreter {
  static func noise(_ call: Call) throws -> Value {
    let kind = try call.choice(1, of: Noise.self)
    let x = try call.tensorOperand(0)
    guard x.isSymbolic, let trace = call.interpreter.trace else {
      throw call.wrongType(0, expected: "a tensor of a model")
    }
    let stream = trace.noiseName()
    return try call.interpreter.compute([x], axes: x.axes, at: call.span) {
      try $0.add(.random(kind, stream: stream), $1[0])
    }
  }

  static func tokens(_ call: Call) throws -> Value {
    let interpreter = call.interpreter
    let x = try interpreter.value(of: call.tensor(0), at: call.span(0))
    guard let trace = interpreter.trace, let input = trace.input,
      trace.graph.type(x).rows != nil
    else { throw call.wrongType(0, expected: "rows of a model,") }
    let here = try interpreter.aligned(input, trace, at: call.span)
    return .tensor(SymbolicTensor(content: .value(here), trace: trace))
  }

  private enum Pool: String, CaseIterable { case mean, sum }

  static func pooled(_ call: Call) throws -> Value {
    let kind = try call.choice(1, of: Pool.self)
    let x = try call.tensorOperand(0)
    return try call.interpreter.compute([x], axes: x.axes, at: call.span) {
      try $0.pooled($1[0], mean: kind == .mean)
    }
  }

  static func unpooled(_ call: Call) throws -> Value {
    let (x, like) = (try call.tensorOperand(0), try call.tensorOperand(1))
    return try call.interpreter.compute(
      [x, like], axes: x.axes, keepsIntegers: true, at: call.span
    ) { try $0.spread($1[0], like: $1[1]) }
  }

  /// A 0/1 selection of no site.
  static func marked(_ call: Call, _ selection: Selection) throws -> Value {
    let x = try call.tensorOperand(0)
    return try call.interpreter.compute([x], axes: x.axes, at: call.span) {
      try $0.add(.mark(selection), $1[0])
    }
  }

  static func oneHot(_ call: Call) throws -> Value {
    let (index, count) = (try call.tensorOperand(0), try call.int(1, in: 1...1 << 20))
    guard index.type.dims.count <= 1 else {
      throw call.wrongValue(0, "oneHot takes one number a row")
    }
    let places = try Tensor([count], (0..<count).map(Float.init))
    return try call.interpreter.compute([index], at: call.span) { graph, ids in
      let column = try graph.add(
        .reshape(index.type.rows == nil ? [index.type.count, 1] : [1]), ids[0])
      let wide =
        try index.type.rows == nil
        ? graph.add(.broadcast([index.type.count, count]), column)
        : graph.add(.expandColumns(count: count, mean: false), column)
      return try graph.add(.binary(.equal), wide, graph.addSource(.literal(Literal(places))))
    }
  }
}
