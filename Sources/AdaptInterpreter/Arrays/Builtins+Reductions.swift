import AdaptGraph
import AdaptSyntax

// Many numbers become one, along the axes that are named.

extension Interpreter {
  /// Reductions beside sum, mean, min and max, which also take lists.
  static var reductionFunctions: [NativeFunction] {
    let axis: [NativeFunction.Parameter] = [
      "x", .optional("axis"), .optional("keep", .bool(false)),
    ]
    return [
      NativeFunction(
        "product", axis,
        documentation: "The product of all numbers, or along an axis: product(x, axis: -1)"
      ) { try $0.reduced(.product) },
      NativeFunction(
        "std", axis + [.optional("correction", .int(0))],
        documentation: "The standard deviation, divided by count - correction: std(x, axis: 0)"
      ) { call in
        try call.interpreter.mapped(.sqrt, try variance(call), at: call.span)
      },
      NativeFunction(
        "variance", axis + [.optional("correction", .int(0))],
        documentation: "The mean squared distance from the mean: variance(x, axis: 0)", variance),
      NativeFunction(
        "norm", axis, documentation: "√Σx², over everything or along an axis: norm(x, axis: -1)"
      ) { call in
        let square = try call.interpreter.mapped(.square, call[0], at: call.span)
        let sum = try call.reduced(.sum, of: square)
        return try call.interpreter.mapped(.sqrt, sum, at: call.span)
      },
      NativeFunction(
        "any", axis, documentation: "1 where any number along the axis is not 0: any(x > 3)"
      ) { try $0.truth(.maximum) },
      NativeFunction(
        "all", axis, documentation: "1 where all numbers along the axis are not 0: all(x > 3)"
      ) { try $0.truth(.minimum) },
      extremumIndex("argmax", maximum: true), extremumIndex("argmin", maximum: false),
      NativeFunction(
        "cumsum", ["x", .optional("axis", .int(-1)), .optional("reversed", .bool(false))],
        documentation: "Running sums along an axis: cumsum(tensor([1, 2, 3])) → 1 3 6"
      ) { call in
        let x = try call.tensorOperand(0)
        let axis = try call.interpreter.innerAxis(call[1], of: x, at: call.span(1))
        let reversed = try call.bool(2)
        return try call.interpreter.compute([x], axes: x.axes, at: call.span) {
          try $0.add(.cumulativeSum(axis: axis, reversed: reversed), $1[0])
        }
      },
    ]
  }

  private static func variance(_ call: Call) throws -> Value {
    let interpreter = call.interpreter
    let x = try call.tensorOperand(0)
    let axes = try interpreter.axes(call[1], of: x, at: call.span(1))
    guard let count = interpreter.reducedCount(x, axes) else {
      throw call.wrongValue(1, "there is no variance over rows", hint: "name another axis")
    }
    let correction = try call.number(3)
    guard Double(count) > correction else {
      throw call.wrongValue(
        0, "the variance of \(count) numbers with a correction of \(ValueWriter.text(correction))")
    }
    let mean = try interpreter.reduce(.mean, x, axes, keep: true, at: call.span)
    let distance = try interpreter.elementwise(.subtract, call[0], mean, at: call.span)
    let square = try interpreter.elementwise(.square, distance, at: call.span)
    guard let squares = try interpreter.tensorOperand(square, at: call.span) else { return .none }
    let sum = try interpreter.reduce(
      .sum, squares, axes, keep: try call.bool(2), at: call.span)
    return try interpreter.binary(
      .divide, sum, .number(Double(count) - correction), at: call.span)
  }

  private static func extremumIndex(_ name: String, maximum: Bool) -> NativeFunction {
    NativeFunction(
      name, ["x", .optional("axis"), .optional("keep", .bool(false))],
      documentation: """
        The place of the \(maximum ? "largest" : "smallest") number along an axis, or among all in order.
        \(name)(tensor([3, 9, 1])) → \(maximum ? 1 : 2)
        """
    ) { call in
      let x = try call.tensorOperand(0)
      let keep = try call.bool(2)
      if case .none = call[1] {
        return try call.interpreter.compute([x], at: call.span) { graph, ids in
          let flat = try graph.viewed(ids[0], as: [x.type.count])
          return try graph.viewed(
            graph.add(.extremumIndex(maximum: maximum, axis: 0), flat),
            as: keep ? x.type.dims.map { _ in 1 } : [])
        }
      }
      let axis = try call.interpreter.innerAxis(call[1], of: x, at: call.span(1))
      var axes = x.axes
      if !keep { axes.remove(at: axis) }
      return try call.interpreter.compute([x], axes: axes, at: call.span) { graph, ids in
        let places = try graph.add(.extremumIndex(maximum: maximum, axis: axis), ids[0])
        var dims = graph.type(places).dims
        if !keep { dims.remove(at: axis) }
        return try graph.viewed(places, as: dims)
      }
    }
  }

  /// A function of a tensor or a number.
  func mapped(_ function: Unary, _ value: Value, at span: Span) throws -> Value {
    if value.isUnknown { return .unknown }
    if !value.isTensor, let number = value.asDouble { return .number(function.value(number)) }
    return try elementwise(function, value, at: span)
  }
}

extension Call {
  /// The reduction of the first argument along the axes of the second, kept as the third says.
  func reduced(_ reduction: Reduction, of value: Value? = nil) throws -> Value {
    guard let x = try interpreter.tensorOperand(value ?? self[0], at: span(0)),
      (value ?? self[0]).isTensor
    else { throw wrongType(0, expected: "a tensor") }
    let axes = try interpreter.axes(self[1], of: x, at: span(1))
    return try interpreter.reduce(reduction, x, axes, keep: try bool(2), at: span)
  }

  fileprivate func truth(_ reduction: Reduction) throws -> Value {
    _ = try tensorOperand(0)
    let mask = try interpreter.elementwise(.notEqual, self[0], .number(0), at: span)
    return try reduced(reduction, of: mask)
  }
}
