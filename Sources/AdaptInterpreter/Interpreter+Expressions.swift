import AdaptGraph
import AdaptSyntax

extension Interpreter {
  /// The value of an expression.
  func evaluate(_ expression: Expression, _ scope: Scope) throws -> Value {
    let span = expression.span
    switch expression.kind {
    case .integer(let value): return .int(value)
    case .number(let value): return .number(value)
    case .quantity(let value, let unit): return Interpreter.quantity(value, unit)
    case .boolean(let value): return .bool(value)
    case .none: return .none
    case .string(let segments): return try string(segments, scope, at: span)
    case .name(let name): return try lookUp(name, scope, at: span)
    case .list(let elements):
      return try makeList(try elements.map { try evaluate($0, scope) }, at: span)
    case .record(let fields): return try record(fields, scope, at: span)
    case .range(let lower, let upper, let closed):
      return try range(lower, upper, closed: closed, scope, at: span)
    case .unary(let op, let operand): return try unary(op, try evaluate(operand, scope), at: span)
    case .binary(let op, let left, let right):
      return try binary(op, left, right, scope, at: span)
    case .compose(let left, let right): return try compose(left, right, scope, at: span)
    case .call(let callee, let arguments, let trailing):
      return try call(callee, arguments, trailing, scope, at: span)
    case .index(let base, let indices): return try index(base, indices, scope, at: span)
    case .member(let base, let name): return try member(of: try evaluate(base, scope), name)
    case .closure(let parameters, let body):
      noteCapture(scope)
      return .function(Function(.script(parameters, body, scope), name: "closure", span: span))
    case .conditional: return try value(of: try runConditional(expression, scope, nil))
    case .residual, .parallel, .repeated, .loop, .route: return try form(expression, scope)
    case .missing: return .unknown
    }
  }

  /// The value of a block that stands as an expression.
  private func value(of completion: Completion) throws -> Value {
    switch completion {
    case .normal(let value): return value
    case .returned(_, let span), .broken(let span), .continued(let span):
      throw failure(
        .misplacedStatement, "an 'if' that stands inside an expression cannot leave it", at: span)
    }
  }

  // MARK: Names

  private func lookUp(_ name: String, _ scope: Scope, at span: Span) throws -> Value {
    guard let binding = scope.find(name) else {
      // Unknown names are reported by the resolver; here they are only what follows from it.
      if isDryRun { return .unknown }
      throw unknownName(name, scope, at: span)
    }
    if let trace, let objective = trace.objective, case .object(let object) = binding.value,
      let term = object as? Objective
    {
      return try evaluate(term, objective, at: span)
    }
    return binding.value
  }

  func unknownName(_ name: String, _ scope: Scope, at span: Span) -> Diagnostic {
    let near = closest(name, among: scope.visibleNames())
    return failure(
      .unknownName, "there is no '\(name)' here", at: span, label: "unknown name",
      hint: near.map { "did you mean '\($0)'?" } ?? "")
  }

  // MARK: Literals

  static func quantity(_ value: Double, _ unit: Unit) -> Value {
    switch unit {
    case .percent: .number(value / 100)
    case .nanoseconds: .quantity(value * 1e-9, .time)
    case .microseconds: .quantity(value * 1e-6, .time)
    case .milliseconds: .quantity(value * 1e-3, .time)
    case .seconds: .quantity(value, .time)
    case .flop: .quantity(value, .work)
    case .kiloflop: .quantity(value * 1e3, .work)
    case .megaflop: .quantity(value * 1e6, .work)
    case .gigaflop: .quantity(value * 1e9, .work)
    case .teraflop: .quantity(value * 1e12, .work)
    }
  }

  private func string(_ segments: [StringSegment], _ scope: Scope, at span: Span) throws -> Value {
    var result = ""
    var isUnknown = false
    for segment in segments {
      switch segment {
      case .text(let text): result += text
      case .interpolation(let expression, let format):
        let value = try evaluate(expression, scope)
        if value.isUnknown { isUnknown = true }
        result += try formatted(value, format, at: expression.span)
      }
    }
    return isUnknown ? .unknown : try makeString(result, at: span)
  }

  private func record(_ fields: [Argument], _ scope: Scope, at span: Span) throws -> Value {
    var result: [(name: String, value: Value)] = []
    for field in fields {
      guard let label = field.label else { continue }
      guard !result.contains(where: { $0.name == label.text }) else {
        throw failure(.duplicateName, "the record has two fields '\(label.text)'", at: label.span)
      }
      result.append((label.text, try evaluate(field.value, scope)))
    }
    return try makeRecord(result, at: span)
  }

  private func range(
    _ lower: Expression, _ upper: Expression, closed: Bool, _ scope: Scope, at span: Span
  ) throws -> Value {
    let (from, to) = (try evaluate(lower, scope), try evaluate(upper, scope))
    if from.isUnknown || to.isUnknown { return .unknown }
    guard let first = from.exactInt else {
      throw wrongType("a range starts at an integer, not at \(from.typeName)", at: lower.span)
    }
    guard let last = to.exactInt else {
      throw wrongType("a range ends at an integer, not at \(to.typeName)", at: upper.span)
    }
    let (end, overflow) = closed ? last.addingReportingOverflow(1) : (last, false)
    let (_, tooLong) = end.subtractingReportingOverflow(first)
    guard !overflow, !tooLong else { throw overflowed(at: span) }
    return .range(RangeValue(lower: first, upper: max(first, end)))
  }

  // MARK: Elements

  private func index(_ base: Expression, _ indices: [Expression], _ scope: Scope, at span: Span)
    throws -> Value
  {
    let value = try evaluate(base, scope)
    if value.isTensor { return try subscripted(value, indices, scope, at: span) }
    guard indices.count == 1 else {
      if value.isUnknown { return .unknown }
      throw wrongType("\(value.typeName) has one index, not \(indices.count)", at: span)
    }
    let index = try evaluate(indices[0], scope)
    if value.isUnknown || index.isUnknown { return .unknown }
    switch (value, index) {
    case (.record(let record), .string(let name)):
      guard let field = record[name] else {
        throw unknownMember(Identifier(name, span: indices[0].span), of: value)
      }
      return field
    case (_, .range(let range)): return try part(of: value, range, at: span, indices[0].span)
    case (.range(let range), _):
      let position = try position(index, count: range.count, at: indices[0].span)
      return position.map { .int(range.lower + $0) } ?? .unknown
    default:
      let elements = try elements(of: value, at: base.span)
      let position = try position(index, count: elements.count, at: indices[0].span)
      return position.map { elements[$0] } ?? .unknown
    }
  }

  /// A checked index; negative ones count from the end. Nil when it is not known yet.
  func position(_ index: Value, count: Int, at span: Span) throws -> Int? {
    if index.isUnknown { return nil }
    guard let position = index.exactInt else {
      throw wrongType("an index is an integer, not \(index.typeName)", at: span)
    }
    // `position` is negative where it is added, so this cannot overflow.
    let result = position < 0 ? position + count : position
    guard result >= 0, result < count else {
      throw failure(
        .indexOutOfRange, "index \(position) is out of range", at: span,
        label: count == 0 ? "there are no elements" : "there are \(count) elements",
        hint: count == 0 ? "" : "valid are 0 to \(count - 1), and -1 for the last")
    }
    return result
  }

  private func part(of value: Value, _ range: RangeValue, at span: Span, _ indexSpan: Span) throws
    -> Value
  {
    let elements = try elements(of: value, at: span)
    guard range.lower >= 0, range.upper <= elements.count else {
      throw failure(
        .indexOutOfRange, "\(range.lower)..\(range.upper) is not all inside", at: indexSpan,
        label: "there are \(elements.count) elements")
    }
    let part = elements[range.lower..<range.upper]
    guard case .string = value else { return try makeList(Array(part), at: span) }
    return .string(part.map { plain($0) }.joined())
  }

  /// What can be walked: the elements of a list, the numbers of a range, the characters of a string.
  func elements(of value: Value, at span: Span) throws -> [Value] {
    switch value {
    case .list(let list): return list.elements
    case .range(let range):
      try checkSize(range.count, at: span)
      return (range.lower..<range.upper).map { .int($0) }
    case .string(let text):
      try checkSize(text.utf8.count, at: span)
      return text.map { .string(String($0)) }
    case .unknown: throw UnknownReached()
    case .array(let array): return try elements(of: array, at: span)
    default:
      throw wrongType(
        "\(value.typeName) has no elements", at: span, label: "this is \(brief(value))",
        hint: "a list, a range or a string has")
    }
  }

  /// The truth of a condition.
  func truth(_ value: Value, at span: Span) throws -> Bool {
    guard case .bool(let result) = value else {
      if value.isUnknown { throw UnknownReached() }
      if value.isTensor { return try tensorTruth(value, at: span) }
      throw wrongType(
        "a condition is true or false, not \(value.typeName)", at: span,
        label: "this is \(brief(value))", hint: "compare it: '!= 0', '!= none'")
    }
    return result
  }
}
