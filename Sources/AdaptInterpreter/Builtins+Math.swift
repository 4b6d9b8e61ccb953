import AdaptGraph
import AdaptSyntax

// Functions of numbers, which also work element by element on tensors.

extension Interpreter {
  static var mathFunctions: [NativeFunction] {
    let unary: [(String, Unary)] = [
      ("exp", .exp), ("log", .log), ("sqrt", .sqrt), ("tanh", .tanh), ("sigmoid", .sigmoid),
      ("relu", .relu), ("gelu", .gelu), ("silu", .silu), ("square", .square), ("abs", .absolute),
      ("sign", .sign),
    ]
    return unary.map { name, op in NativeFunction(name, ["x"]) { try elementwise(op, $0) } } + [
      NativeFunction("floor", ["x"]) { try whole($0, .down) },
      NativeFunction("ceil", ["x"]) { try whole($0, .up) },
      NativeFunction("round", ["x", .optional("digits", .int(0))]) { try rounded($0) },
      NativeFunction("min", [.rest("values")]) { try extremum($0, .minimum, .less) },
      NativeFunction("max", [.rest("values")]) { try extremum($0, .maximum, .greater) },
      NativeFunction("sum", ["x", .optional("axis")]) { try total($0, mean: false) },
      NativeFunction("mean", ["x", .optional("axis")]) { try total($0, mean: true) },
    ]
  }

  private static func elementwise(_ op: Unary, _ call: Call) throws -> Value {
    switch (call[0], op) {
    case (.tensor(let x), _): return try call.interpreter.add(.unary(op), [x], at: call.span)
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

  private static func whole(_ call: Call, _ rule: FloatingPointRoundingRule) throws -> Value {
    if case .int = call[0] { return call[0] }
    let number = try call.number(0)
    guard let result = Int(exactly: number.rounded(rule)) else {
      throw call.wrongValue(0, "\(ValueWriter.text(number)) does not fit into an integer")
    }
    return .int(result)
  }

  /// To an integer, or to so many digits behind the point. Halves go away from zero.
  private static func rounded(_ call: Call) throws -> Value {
    let digits = try call.int(1, in: 0...15)
    guard digits > 0 else { return try whole(call, .toNearestOrAwayFromZero) }
    let number = try call.number(0)
    let scale = (0..<digits).reduce(1.0) { value, _ in value * 10 }
    let scaled = (number * scale).rounded(.toNearestOrAwayFromZero) / scale
    return .number(scaled.isFinite ? scaled : number)
  }

  private static func extremum(_ call: Call, _ op: Binary, _ order: BinaryOperator) throws -> Value
  {
    guard case .list(let arguments) = call[0] else { return .none }
    var values = arguments.elements
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

  /// Of a list: its elements together. Of a tensor: over its rows, or along its last axis; a value
  /// without rows is added up whole.
  private static func total(_ call: Call, mean: Bool) throws -> Value {
    if case .tensor(let x) = call[0] { return try total(of: x, call, mean: mean) }
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

  private static func total(of x: SymbolicTensor, _ call: Call, mean: Bool) throws -> Value {
    let interpreter = call.interpreter
    let type = try interpreter.type(of: x, at: call.span(0))
    if case .none = call[1] {
      return try interpreter.add(.sumRows(mean: mean), [x], at: call.span)
    }
    let axis = try call.string(1)
    let label = type.rows.flatMap { interpreter.trace?.graph[$0].label }
    if axis == label { return try interpreter.add(.sumRows(mean: mean), [x], at: call.span) }
    guard axis == "last" else {
      throw call.wrongValue(
        1, "there is no axis '\(axis)' here",
        hint: label.map { "'\($0)' is the axis of rows, 'last' the one behind" } ?? "'last' is")
    }
    if type.rows == nil {
      return try interpreter.add(.sumRows(mean: mean), [x], at: call.span)
    }
    return try interpreter.add(.sumColumns(mean: mean), [x], at: call.span)
  }
}
