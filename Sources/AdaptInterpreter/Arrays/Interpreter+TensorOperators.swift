import AdaptGraph
import AdaptSyntax

// Operators on tensors of either kind.

extension Interpreter {
  /// An operator on two operands, at least one of which is a tensor.
  func tensorBinary(_ op: BinaryOperator, _ left: Value, _ right: Value, at span: Span) throws
    -> Value
  {
    switch op {
    case .add: return try elementwise(.add, left, right, at: span)
    case .subtract: return try elementwise(.subtract, left, right, at: span)
    case .multiply: return try elementwise(.multiply, left, right, at: span)
    case .divide: return try elementwise(.divide, left, right, at: span)
    case .power:
      if left.isTensor, !right.isTensor, right.asDouble == 2 {
        return try elementwise(.square, left, at: span)
      }
      return try elementwise(.power, left, right, at: span)
    case .equal, .notEqual:
      guard comparable(left), comparable(right) else { return .bool(op == .notEqual) }
      return try elementwise(op == .equal ? .equal : .notEqual, left, right, at: span)
    case .less: return try elementwise(.less, left, right, at: span)
    case .lessOrEqual: return try elementwise(.lessOrEqual, left, right, at: span)
    case .greater: return try elementwise(.greater, left, right, at: span)
    case .greaterOrEqual: return try elementwise(.greaterOrEqual, left, right, at: span)
    // On 0 and 1 the product is "and", and the larger one is "or".
    case .and: return try elementwise(.multiply, left, right, at: span)
    case .or: return try elementwise(.maximum, left, right, at: span)
    case .matmul: return try tensorProduct(left, right, at: span)
    case .remainder: return try tensorRemainder(left, right, at: span)
    }
  }

  /// What a tensor can be equal to, number by number; it is never the same as anything else.
  private func comparable(_ value: Value) -> Bool {
    if case .bool = value { return true }
    return value.isTensor || value.asDouble != nil
  }

  func elementwise(_ op: Binary, _ left: Value, _ right: Value, at span: Span) throws -> Value {
    let (a, b) = (try operand(left, at: span), try operand(right, at: span))
    let alignment = try align(a, b, at: span)
    let axes = alignment.axes
    return try compute([a, b], axes: axes, at: span) { graph, ids in
      let x = try alignment.left.apply(ids[0], &graph)
      let y = try alignment.right.apply(ids[1], &graph)
      return try graph.elementwise(op, x, y)
    }
  }

  func elementwise(_ op: Unary, _ value: Value, at span: Span) throws -> Value {
    let x = try operand(value, at: span)
    return try compute([x], axes: x.axes, at: span) { try $0.add(.unary(op), $1[0]) }
  }

  /// a − b ⌊a/b⌋: the sign follows the divisor, as for numbers.
  private func tensorRemainder(_ left: Value, _ right: Value, at span: Span) throws -> Value {
    let ratio = try elementwise(.divide, left, right, at: span)
    let whole = try elementwise(.floor, ratio, at: span)
    let multiple = try elementwise(.multiply, whole, right, at: span)
    return try elementwise(.subtract, left, multiple, at: span)
  }

  private func tensorProduct(_ left: Value, _ right: Value, at span: Span) throws -> Value {
    guard left.isTensor, right.isTensor else {
      throw wrongType(
        "'@' multiplies two tensors, not \(left.typeName) and \(right.typeName)", at: span,
        hint: "'*' multiplies by a number")
    }
    let (a, b) = (try operand(left, at: span), try operand(right, at: span))
    let axes = try productAxes(a, b, at: span)
    return try compute([a, b], axes: axes, at: span) { try $0.product($1[0], $1[1]) }
  }

  /// Names of a product's axes; the two that are summed over must not contradict.
  private func productAxes(_ a: TensorOperand, _ b: TensorOperand, at span: Span) throws
    -> [String?]
  {
    let inner = b.axes.count == 1 ? b.axes.first : b.axes.dropLast().last
    if case let first?? = a.axes.last, case let second?? = inner, first != second {
      throw failure(
        .wrongShape,
        "\(describe(a)) @ \(describe(b)): '\(first)' and '\(second)' are summed together", at: span,
        notes: callNotes(around: span))
    }
    let (leadA, leadB) = (a.axes.dropLast(2 - a.lead), b.axes.dropLast(2))
    let row = a.lead == 0 && a.axes.count >= 2 ? [a.axes[a.axes.count - 2]] : []
    let column = b.axes.count >= 2 ? [b.axes[b.axes.count - 1]] : []
    return (leadA.count >= leadB.count ? leadA : leadB) + row + column
  }

  /// A tensor or number that an operator takes.
  func operand(_ value: Value, at span: Span) throws -> TensorOperand {
    guard let operand = try tensorOperand(value, at: span) else {
      throw wrongType(
        "\(value.typeName) does not go with a tensor", at: span,
        label: "one side is \(brief(value))")
    }
    return operand
  }

  /// The truth of a tensor as a condition: that of its one number.
  func tensorTruth(_ value: Value, at span: Span) throws -> Bool {
    guard case .array(let array) = value else {
      throw wrongType(
        "a condition cannot depend on a tensor that is being traced", at: span,
        label: "its numbers are not known yet",
        hint: "where(mask, a, b) chooses number by number; routes choose rows")
    }
    guard array.type.count == 1 else {
      throw wrongType(
        "a condition is one truth, and this tensor \(array.shapeText) has \(array.type.count)",
        at: span, hint: "any(x) or all(x) makes one of them")
    }
    guard let tensor = array.tensor else { throw UnknownReached() }
    return tensor.floats.first != 0
  }
}

extension Value {
  /// A tensor of either kind.
  var isTensor: Bool {
    switch self {
    case .tensor, .array: true
    default: false
    }
  }
}
