import AdaptGraph
import AdaptSyntax

import func AdaptPlatform.pow

extension Interpreter {
  func unary(_ op: UnaryOperator, _ value: Value, at span: Span) throws -> Value {
    switch (op, value) {
    case (_, .unknown): return .unknown
    case (.not, .bool(let truth)): return .bool(!truth)
    case (.negate, .int(let number)):
      let (result, overflow) = 0.subtractingReportingOverflow(number)
      guard !overflow else { throw overflowed(at: span) }
      return .int(result)
    case (.negate, .number(let number)): return .number(-number)
    case (.negate, .quantity(let number, let dimension)): return .quantity(-number, dimension)
    case (.negate, .tensor), (.negate, .array): return try elementwise(.negate, value, at: span)
    case (.not, .tensor), (.not, .array):
      return try elementwise(.subtract, .number(1), value, at: span)
    default:
      throw wrongType(
        "'\(op.rawValue)' does not go with \(value.typeName)", at: span,
        label: "the operand is \(brief(value))")
    }
  }

  func binary(_ op: BinaryOperator, _ left: Value, _ right: Value, at span: Span) throws -> Value {
    try tick(span)
    if left.isUnknown || right.isUnknown { return .unknown }
    if left.isTensor || right.isTensor { return try tensorBinary(op, left, right, at: span) }
    switch op {
    case .equal: return .bool(try equal(left, right, at: span))
    case .notEqual: return .bool(!(try equal(left, right, at: span)))
    case .and, .or: return try logical(op, left, right, at: span)
    case .less, .lessOrEqual, .greater, .greaterOrEqual:
      return .bool(try compare(op, left, right, at: span))
    case .matmul: throw mismatch(op, left, right, at: span)
    case .add, .subtract, .multiply, .divide, .remainder, .power:
      return try arithmetic(op, left, right, at: span)
    }
  }

  private func logical(_ op: BinaryOperator, _ left: Value, _ right: Value, at span: Span) throws
    -> Value
  {
    if left.isUnknown || right.isUnknown { return .unknown }
    guard case .bool(let a) = left, case .bool(let b) = right else {
      if left.isTensor || right.isTensor {
        // On 0 and 1 the product is "and", and the larger one is "or".
        return try elementwise(op == .and ? .multiply : .maximum, left, right, at: span)
      }
      throw mismatch(op, left, right, at: span)
    }
    return .bool(op == .and ? a && b : a || b)
  }

  // MARK: Arithmetic

  private func arithmetic(_ op: BinaryOperator, _ left: Value, _ right: Value, at span: Span) throws
    -> Value
  {
    switch (left, right) {
    case (.int(let a), .int(let b)): return try integer(op, a, b, at: span)
    case (.string(let a), .string(let b)) where op == .add: return try makeString(a + b, at: span)
    case (.list(let a), .list(let b)) where op == .add:
      return try makeList(a.elements + b.elements, at: span)
    default: break
    }
    if let a = left.asDouble, let b = right.asDouble { return .number(Interpreter.real(op, a, b)) }
    if let result = Interpreter.quantities(op, left, right) { return result }
    throw mismatch(op, left, right, at: span)
  }

  /// Integers stay integers where the result is one: `/` gives a number only when it does not come
  /// out even, so that widths can be divided and `1 / d` is what it looks like.
  private func integer(_ op: BinaryOperator, _ a: Int, _ b: Int, at span: Span) throws -> Value {
    let (result, overflow): (Int, Bool)
    switch op {
    case .add: (result, overflow) = a.addingReportingOverflow(b)
    case .subtract: (result, overflow) = a.subtractingReportingOverflow(b)
    case .multiply: (result, overflow) = a.multipliedReportingOverflow(by: b)
    case .divide, .remainder:
      guard b != 0 else {
        throw failure(
          .divisionByZero, "\(a) is divided by zero", at: span, label: "the divisor is 0")
      }
      let (rest, restOverflow) = a.remainderReportingOverflow(dividingBy: b)
      if op == .remainder {
        // The sign follows the divisor, as an index into a ring needs it.
        (result, overflow) = ((rest != 0 && (rest < 0) != (b < 0)) ? rest + b : rest, restOverflow)
      } else if rest == 0 {
        (result, overflow) = a.dividedReportingOverflow(by: b)
      } else {
        return .number(Double(a) / Double(b))
      }
    case .power: return try integerPower(a, b, at: span)
    default: return .unknown
    }
    guard !overflow else { throw overflowed(at: span) }
    return .int(result)
  }

  private func integerPower(_ base: Int, _ exponent: Int, at span: Span) throws -> Value {
    guard exponent >= 0 else { return .number(pow(Double(base), Double(exponent))) }
    var (result, factor, rest) = (1, base, exponent)
    while rest > 0 {
      if rest & 1 == 1 {
        let (product, overflow) = result.multipliedReportingOverflow(by: factor)
        guard !overflow else { throw overflowed(at: span) }
        result = product
      }
      rest >>= 1
      guard rest > 0 else { break }
      let (square, overflow) = factor.multipliedReportingOverflow(by: factor)
      guard !overflow else { throw overflowed(at: span) }
      factor = square
    }
    return .int(result)
  }

  private static func real(_ op: BinaryOperator, _ a: Double, _ b: Double) -> Double {
    switch op {
    case .add: return a + b
    case .subtract: return a - b
    case .multiply: return a * b
    case .divide: return a / b
    case .remainder: return a - b * (a / b).rounded(.down)
    case .power: return pow(a, b)
    default: return .nan
    }
  }

  /// Times and work: sums and differences of one kind, multiples, and ratios.
  private static func quantities(_ op: BinaryOperator, _ left: Value, _ right: Value) -> Value? {
    switch (op, left, right) {
    case (.add, .quantity(let a, let kind), .quantity(let b, let other)) where kind == other:
      return .quantity(a + b, kind)
    case (.subtract, .quantity(let a, let kind), .quantity(let b, let other)) where kind == other:
      return .quantity(a - b, kind)
    case (.divide, .quantity(let a, let kind), .quantity(let b, let other)) where kind == other:
      return .number(a / b)
    case (.multiply, .quantity(let a, let kind), let other):
      return other.asDouble.map { .quantity(a * $0, kind) }
    case (.multiply, let other, .quantity(let a, let kind)):
      return other.asDouble.map { .quantity(a * $0, kind) }
    case (.divide, .quantity(let a, let kind), let other):
      return other.asDouble.map { .quantity(a / $0, kind) }
    default: return nil
    }
  }

  // MARK: Comparison

  /// Whether two values are the same. Counts as work, since values can share parts many times over.
  func equal(_ left: Value, _ right: Value, at span: Span) throws -> Bool {
    try charge(at: span)
    switch (left, right) {
    case (.none, .none): return true
    case (.bool(let a), .bool(let b)): return a == b
    case (.int(let a), .int(let b)): return a == b
    case (.string(let a), .string(let b)): return a == b
    case (.quantity(let a, let kind), .quantity(let b, let other)): return kind == other && a == b
    case (.range(let a), .range(let b)): return a == b
    case (.list(let a), .list(let b)):
      return try a.elements.count == b.elements.count
        && zip(a.elements, b.elements).allSatisfy { try equal($0, $1, at: span) }
    case (.tuple(let a), .tuple(let b)):
      return try a.elements.count == b.elements.count
        && zip(a.elements, b.elements).allSatisfy { try equal($0, $1, at: span) }
    case (.map(let a), .map(let b)):
      return try a.count == b.count
        && a.entries.allSatisfy { entry in
          try b[entry.key].map { try equal(entry.value, $0, at: span) } ?? false
        }
    case (.record(let a), .record(let b)):
      return try a.fields.count == b.fields.count
        && a.fields.allSatisfy { field in
          try b[field.name].map { try equal(field.value, $0, at: span) } ?? false
        }
    case (.function(let a), .function(let b)): return a === b
    case (.flow(let a), .flow(let b)): return a === b
    case (.object(let a), .object(let b)): return a === b
    case (.int(let a), .number(let b)), (.number(let b), .int(let a)):
      return Interpreter.order(a, b) == .same
    default:
      guard let a = left.asDouble, let b = right.asDouble else { return false }
      return a == b
    }
  }

  private func compare(_ op: BinaryOperator, _ left: Value, _ right: Value, at span: Span) throws
    -> Bool
  {
    switch (left, right) {
    case (.int(let a), .int(let b)): return Interpreter.ordered(op, a, b)
    case (.string(let a), .string(let b)): return Interpreter.ordered(op, a, b)
    case (.quantity(let a, let kind), .quantity(let b, let other)) where kind == other:
      return Interpreter.ordered(op, a, b)
    case (.int(let a), .number(let b)):
      return Interpreter.holds(op, Interpreter.order(a, b))
    case (.number(let a), .int(let b)):
      return Interpreter.holds(op, Interpreter.order(b, a)?.reversed)
    case (.tuple(let a), .tuple(let b)):
      return try compareParts(op, a.elements, b.elements, at: span)
    default:
      guard let a = left.asDouble, let b = right.asDouble else {
        throw mismatch(op, left, right, at: span)
      }
      return Interpreter.ordered(op, a, b)
    }
  }

  /// How an integer stands to a number, exactly; nil for one that is not a number.
  ///
  /// As doubles, integers beyond 2^53 would be equal to their neighbours.
  private static func order(_ a: Int, _ b: Double) -> Order? {
    if b.isNaN { return nil }
    let floor = b.rounded(.down)
    guard let whole = Int(exactly: floor) else { return b < 0 ? .after : .before }
    if a != whole { return a < whole ? .before : .after }
    return b == floor ? .same : .before
  }

  private enum Order {
    case before
    case same
    case after

    var reversed: Order {
      switch self {
      case .before: .after
      case .same: .same
      case .after: .before
      }
    }
  }

  private static func holds(_ op: BinaryOperator, _ order: Order?) -> Bool {
    switch op {
    case .less: order == .before
    case .lessOrEqual: order == .before || order == .same
    case .greater: order == .after
    default: order == .after || order == .same
    }
  }

  /// Tuples are ordered by the first elements that differ, and a shorter one comes before one that
  /// goes on.
  private func compareParts(_ op: BinaryOperator, _ a: [Value], _ b: [Value], at span: Span) throws
    -> Bool
  {
    for (left, right) in zip(a, b) where try !equal(left, right, at: span) {
      return try compare(op, left, right, at: span)
    }
    return Interpreter.ordered(op, a.count, b.count)
  }

  private static func ordered<T: Comparable>(_ op: BinaryOperator, _ a: T, _ b: T) -> Bool {
    switch op {
    case .less: a < b
    case .lessOrEqual: a <= b
    case .greater: a > b
    default: a >= b
    }
  }

  // MARK: Errors

  private func mismatch(_ op: BinaryOperator, _ left: Value, _ right: Value, at span: Span)
    -> Diagnostic
  {
    var hint = ""
    if op == .add, case .string = left { hint = "write \"\\(…)\" to put a value into a string" }
    return wrongType(
      "'\(op.rawValue)' does not go with \(left.typeName) and \(right.typeName)", at: span,
      label: "\(brief(left)) \(op.rawValue) \(brief(right))", hint: hint)
  }

  func overflowed(at span: Span) -> Diagnostic {
    failure(
      .wrongValue, "the result does not fit into an integer", at: span,
      hint: "integers have 64 bits; a number with a point goes further")
  }
}
