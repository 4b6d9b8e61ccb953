import AdaptSyntax

/// Takes a value apart and binds the names in it.
class PatternNode {
  let span: Span

  init(_ span: Span) { self.span = span }

  /// Whether the value has the pattern's form; binds names on the way.
  func matches(_ value: Value, _ context: Interpreter, _ frame: Frame) throws -> Bool { true }

  /// Binds the names of a pattern that the value must have the form of.
  func bind(_ value: Value, _ context: Interpreter, _ frame: Frame) throws {
    if value.isUnknown { return bindUnknown(context, frame) }
    guard try !matches(value, context, frame) else { return }
    throw mismatch(value, context)
  }

  /// In a dry run: nothing is known of the names.
  func bindUnknown(_ context: Interpreter, _ frame: Frame) {}

  /// Why a value does not fit.
  func mismatch(_ value: Value, _ context: Interpreter) -> any Error {
    context.failure(
      .wrongValue, "\(context.brief(value)) does not fit this pattern", at: span)
  }
}

/// `_`.
final class WildcardPattern: PatternNode {}

final class NamePattern: PatternNode {
  let binder: Binder

  init(_ binder: Binder, _ span: Span) {
    self.binder = binder
    super.init(span)
  }

  override func matches(_ value: Value, _ context: Interpreter, _ frame: Frame) throws -> Bool {
    binder.bind(value, frame)
    return true
  }

  override func bindUnknown(_ context: Interpreter, _ frame: Frame) {
    binder.bind(.unknown, frame)
  }
}

/// A literal.
final class ValuePattern: PatternNode {
  let value: CodeNode

  init(_ value: CodeNode, _ span: Span) {
    self.value = value
    super.init(span)
  }

  override func matches(_ value: Value, _ context: Interpreter, _ frame: Frame) throws -> Bool {
    try context.equal(value, try self.value.evaluate(context, frame), at: span)
  }
}

/// `a..b` and `a...b`: what lies between, numbers and quantities too.
final class RangePattern: PatternNode {
  let lower: CodeNode
  let upper: CodeNode
  let isClosed: Bool

  init(_ lower: CodeNode, _ upper: CodeNode, closed: Bool, _ span: Span) {
    self.lower = lower
    self.upper = upper
    isClosed = closed
    super.init(span)
  }

  override func matches(_ value: Value, _ context: Interpreter, _ frame: Frame) throws -> Bool {
    let first = try lower.evaluate(context, frame)
    let last = try upper.evaluate(context, frame)
    guard RangePattern.areComparable(value, first), RangePattern.areComparable(value, last) else {
      return false
    }
    let above = try context.binary(.lessOrEqual, first, value, at: span)
    let below = try context.binary(isClosed ? .lessOrEqual : .less, value, last, at: span)
    return try context.truth(above, at: span) && context.truth(below, at: span)
  }

  private static func areComparable(_ a: Value, _ b: Value) -> Bool {
    switch (a, b) {
    case (.quantity(_, let kind), .quantity(_, let other)): kind == other
    default: a.asDouble != nil && b.asDouble != nil
    }
  }
}

/// `(p, q)` and `[p, ..rest, q]`.
final class SequencePattern: PatternNode {
  let parts: [PatternNode]
  /// Which part stands for any number of elements.
  let rest: Int?
  let isTuple: Bool

  init(_ parts: [PatternNode], rest: Int?, isTuple: Bool, _ span: Span) {
    self.parts = parts
    self.rest = rest
    self.isTuple = isTuple
    super.init(span)
  }

  override func matches(_ value: Value, _ context: Interpreter, _ frame: Frame) throws -> Bool {
    switch value {
    case .tuple(let list) where isTuple: return try matches(list, context, frame)
    case .list(let list) where !isTuple: return try matches(list, context, frame)
    default: return false
    }
  }

  private func matches(_ list: ListValue, _ context: Interpreter, _ frame: Frame) throws -> Bool {
    let elements = list.elements
    let missing = parts.count - (rest == nil ? 0 : 1)
    guard rest == nil ? elements.count == missing : elements.count >= missing else { return false }
    var next = 0
    for (index, part) in parts.enumerated() {
      if index == rest {
        let end = next + elements.count - missing
        let middle = try context.makeList(Array(elements[next..<end]), at: span)
        guard try part.matches(middle, context, frame) else { return false }
        next = end
      } else {
        let element = elements[next]
        if element.isUnknown {
          part.bindUnknown(context, frame)
        } else {
          guard try part.matches(element, context, frame) else { return false }
        }
        next += 1
      }
    }
    return true
  }

  /// Where it must fit a tuple pattern takes lists too, and a misfit is said in numbers.
  override func bind(_ value: Value, _ context: Interpreter, _ frame: Frame) throws {
    let list: ListValue
    switch value {
    case .unknown: return bindUnknown(context, frame)
    case .tuple(let elements): list = elements
    case .list(let elements): list = elements
    default:
      throw context.wrongType(
        "\(value.typeName) cannot be taken apart into \(names)", at: span,
        label: "the value is \(context.brief(value))", hint: "a tuple or a list can")
    }
    let least = parts.count - (rest == nil ? 0 : 1)
    guard rest == nil ? list.elements.count == least : list.elements.count >= least else {
      let wanted = rest == nil ? context.counted(least, "value") : "at least \(least) values"
      throw context.failure(
        .wrongValue, "the pattern needs \(wanted), not \(list.elements.count)", at: span,
        label: "the value is \(context.brief(value))")
    }
    var next = 0
    for (index, part) in parts.enumerated() {
      if index == rest {
        let end = next + list.elements.count - least
        try part.bind(
          try context.makeList(Array(list.elements[next..<end]), at: span), context, frame)
        next = end
      } else {
        try part.bind(list.elements[next], context, frame)
        next += 1
      }
    }
  }

  private var names: String { parts.count == 1 ? "one value" : "\(parts.count) values" }

  override func bindUnknown(_ context: Interpreter, _ frame: Frame) {
    for part in parts { part.bindUnknown(context, frame) }
  }
}

/// `(x: p, y: q)`.
final class RecordPattern: PatternNode {
  let fields: [(label: Identifier, pattern: PatternNode)]

  init(_ fields: [(label: Identifier, pattern: PatternNode)], _ span: Span) {
    self.fields = fields
    super.init(span)
  }

  override func matches(_ value: Value, _ context: Interpreter, _ frame: Frame) throws -> Bool {
    guard case .record(let record) = value else { return false }
    for (label, pattern) in fields {
      guard let field = record[label.text] else { return false }
      if field.isUnknown {
        pattern.bindUnknown(context, frame)
      } else {
        guard try pattern.matches(field, context, frame) else { return false }
      }
    }
    return true
  }

  override func bind(_ value: Value, _ context: Interpreter, _ frame: Frame) throws {
    if value.isUnknown { return bindUnknown(context, frame) }
    guard case .record(let record) = value else {
      throw context.wrongType(
        "\(value.typeName) has no fields to take apart", at: span,
        label: "the value is \(context.brief(value))", hint: "a record has")
    }
    for (label, pattern) in fields {
      guard let field = record[label.text] else { throw context.unknownMember(label, of: value) }
      try pattern.bind(field, context, frame)
    }
  }

  override func bindUnknown(_ context: Interpreter, _ frame: Frame) {
    for field in fields { field.pattern.bindUnknown(context, frame) }
  }
}

/// `p | q`.
final class AlternativesPattern: PatternNode {
  let parts: [PatternNode]

  init(_ parts: [PatternNode], _ span: Span) {
    self.parts = parts
    super.init(span)
  }

  override func matches(_ value: Value, _ context: Interpreter, _ frame: Frame) throws -> Bool {
    for part in parts where try part.matches(value, context, frame) { return true }
    return false
  }
}
