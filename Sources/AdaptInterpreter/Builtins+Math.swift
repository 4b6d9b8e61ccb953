import AdaptGraph
import AdaptSyntax

// Functions of numbers, which also work element by element on tensors.

extension Interpreter {
  static var mathFunctions: [NativeFunction] {
    let unary: [(String, Unary)] = [
      ("exp", .exp), ("log", .log), ("sqrt", .sqrt), ("tanh", .tanh), ("sigmoid", .sigmoid),
      ("relu", .relu), ("gelu", .gelu), ("silu", .silu), ("square", .square), ("abs", .absolute),
      ("sign", .sign), ("sin", .sin), ("cos", .cos), ("erf", .erf),
    ]
    return unary.map { name, op in
      NativeFunction(name, ["x"], documentation: "\(name) of a number, or of each of a tensor") {
        try elementwise(op, $0)
      }
    } + choices + [
      NativeFunction(
        "floor", ["x"], documentation: "The largest integer that is not above: floor(2.7) → 2"
      ) { try whole($0, .down, .floor) },
      NativeFunction(
        "ceil", ["x"], documentation: "The smallest integer that is not below: ceil(2.1) → 3"
      ) { try whole($0, .up, .ceil) },
      NativeFunction(
        "round", ["x", .optional("digits", .int(0))],
        documentation: "The nearest integer, or so many digits behind the point: round(2.345, 2)"
      ) { try rounded($0) },
      NativeFunction(
        "min", [.rest("values"), .optional("axis"), .optional("keep", .bool(false))],
        documentation:
          "The smallest of values, of a list, or of a tensor along an axis: min(x, axis: 0)"
      ) { try extremum($0, .minimum, .less) },
      NativeFunction(
        "max", [.rest("values"), .optional("axis"), .optional("keep", .bool(false))],
        documentation:
          "The largest of values, of a list, or of a tensor along an axis: max(x, axis: 0)"
      ) { try extremum($0, .maximum, .greater) },
      NativeFunction(
        "sum", ["x", .optional("axis"), .optional("keep", .bool(false))],
        documentation: """
          The sum of a list, or of a tensor: of all numbers, along an axis, or over rows where there are.
          sum(x, axis: -1), x.sum(axis: row, keep: true)
          """
      ) { try total($0, mean: false) },
      NativeFunction(
        "mean", ["x", .optional("axis"), .optional("keep", .bool(false))],
        documentation: "The mean, as sum: mean(x, axis: 0)"
      ) { try total($0, mean: true) },
    ]
  }

  /// Functions that choose number by number.
  private static var choices: [NativeFunction] {
    [
      NativeFunction(
        "where", ["mask", "a", "b"],
        documentation: "a where the mask is not 0, else b, number by number: where(x > 0, x, 0)"
      ) { call in
        let parts = try (0..<3).map { try call.tensorOperand($0, numbers: true) }
        guard parts.contains(where: { $0.value.isTensor }) else {
          return try call.interpreter.truth(call[0], at: call.span(0)) ? call[1] : call[2]
        }
        let axes = parts.max { $0.rank < $1.rank }?.axes ?? []
        return try call.interpreter.compute(parts, axes: axes, at: call.span) {
          try $0.choice($1[0], $1[1], $1[2])
        }
      },
      NativeFunction(
        "clamp", ["x", "low", "high"],
        documentation: "Each number moved into low to high: clamp(x, -1, 1)"
      ) { call in
        try call.interpreter.clamped(call[0], call[1], call[2], at: call.span)
      },
      NativeFunction(
        "isNaN", ["x"], documentation: "1, or true for a number, where it is no number: isNaN(x)"
      ) { call in
        if !call[0].isTensor { return .bool(try call.number(0).isNaN) }
        return try call.interpreter.elementwise(.notEqual, call[0], call[0], at: call.span)
      },
    ]
  }

  private func clamped(_ x: Value, _ low: Value, _ high: Value, at span: Span) throws -> Value {
    if x.isTensor || low.isTensor || high.isTensor {
      let above = try elementwise(.maximum, x, low, at: span)
      return try elementwise(.minimum, above, high, at: span)
    }
    if case .bool(true) = try binary(.less, x, low, at: span) { return low }
    if case .bool(true) = try binary(.greater, x, high, at: span) { return high }
    return x
  }

  private static func elementwise(_ op: Unary, _ call: Call) throws -> Value {
    switch (call[0], op) {
    case (.tensor, _), (.array, _):
      return try call.interpreter.elementwise(op, call[0], at: call.span)
    case (.int(let x), .absolute):
      guard x != .min else { throw call.interpreter.overflowed(at: call.span) }
      return .int(Swift.abs(x))
    case (.int(let x), .sign): return .int(x.signum())
    case (.int(let x), .square):
      return try call.interpreter.binary(.multiply, .int(x), .int(x), at: call.span)
    case (.int(let x), .relu): return .int(Swift.max(0, x))
    case (.quantity(let x, let kind), .absolute): return .quantity(Swift.abs(x), kind)
    default:
      guard let x = call[0].asDouble else {
        throw call.wrongType(0, expected: "a number or tensor")
      }
      return .number(op.value(x))
    }
  }

  private static func whole(_ call: Call, _ rule: FloatingPointRoundingRule, _ op: Unary) throws
    -> Value
  {
    if case .int = call[0] { return call[0] }
    if call[0].isTensor { return try call.interpreter.elementwise(op, call[0], at: call.span) }
    let number = try call.number(0)
    guard let result = Int(exactly: number.rounded(rule)) else {
      throw call.wrongValue(0, "\(ValueWriter.text(number)) does not fit into an integer")
    }
    return .int(result)
  }

  /// To an integer, or to so many digits behind the point. Halves go away from zero.
  private static func rounded(_ call: Call) throws -> Value {
    let digits = try call.int(1, in: 0...15)
    guard digits > 0 else { return try whole(call, .toNearestOrAwayFromZero, .round) }
    let scale = (0..<digits).reduce(1.0) { value, _ in value * 10 }
    if call[0].isTensor {
      let interpreter = call.interpreter
      let large = try interpreter.elementwise(.multiply, call[0], .number(scale), at: call.span)
      let whole = try interpreter.elementwise(.round, large, at: call.span)
      return try interpreter.elementwise(.divide, whole, .number(scale), at: call.span)
    }
    let number = try call.number(0)
    let scaled = (number * scale).rounded(.toNearestOrAwayFromZero) / scale
    return .number(scaled.isFinite ? scaled : number)
  }

  private static func extremum(_ call: Call, _ op: Binary, _ order: BinaryOperator) throws -> Value
  {
    guard case .list(let arguments) = call[0] else { return .none }
    var values = arguments.elements
    if values.count == 1, values[0].isTensor {
      return try call.reduced(op == .minimum ? .minimum : .maximum, of: values[0])
    }
    if values.count == 1 {
      values = try call.interpreter.elements(of: values[0], at: call.span)
    }
    guard var best = values.first else {
      throw call.interpreter.failure(.wrongValue, "\(call.name) of no values", at: call.span)
    }
    for value in values.dropFirst() {
      if best.isTensor || value.isTensor {
        best = try call.interpreter.elementwise(op, best, value, at: call.span)
      } else if case .bool(true) = try call.interpreter.binary(order, value, best, at: call.span) {
        best = value
      } else if best.isUnknown || value.isUnknown {
        return .unknown
      }
    }
    return best
  }

  /// Of a list: its elements together. Of a tensor: along an axis, over its rows, or all of it.
  private static func total(_ call: Call, mean: Bool) throws -> Value {
    if call[0].isTensor { return try call.reduced(mean ? .mean : .sum) }
    let values = try call.elements(0)
    guard let first = values.first else {
      if !mean { return .int(0) }
      throw call.wrongValue(0, "the mean of no values")
    }
    let sum = try values.dropFirst().reduce(first) {
      try call.interpreter.binary(.add, $0, $1, at: call.span)
    }
    // Even a single value must be one that can be added.
    guard mean || values.count > 1 else {
      return try call.interpreter.binary(.add, .int(0), sum, at: call.span)
    }
    return mean
      ? try call.interpreter.binary(.divide, sum, .int(values.count), at: call.span) : sum
  }
}
