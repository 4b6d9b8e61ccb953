/// How strongly operators bind, from the weakest.
enum Precedence: Int, Comparable {
  case compose, or, and, not, comparison, range, sum, product

  static func < (a: Precedence, b: Precedence) -> Bool { a.rawValue < b.rawValue }

  /// The next stronger one, for the right operand of an operator that groups to the left.
  var tighter: Int { rawValue + 1 }
}

/// What an operator between two operands makes.
enum InfixOperator {
  case compose
  case range(closed: Bool)
  case binary(BinaryOperator)

  func combine(_ left: Expression, _ right: Expression) -> Expression.Kind {
    switch self {
    case .compose: .compose(left, right)
    case .range(let closed): .range(left, right, closed: closed)
    case .binary(let op): .binary(op, left, right)
    }
  }
}

extension Parser {
  mutating func parseExpression() -> Expression {
    parseBinary(Precedence.compose.rawValue)
  }

  /// An expression that a `{` ends.
  mutating func parseHeader() -> Expression {
    let outside = bracesAllowed
    bracesAllowed = false
    let expression = nested { $0.parseExpression() }
    bracesAllowed = outside
    return expression
  }

  /// The header of `if` and `while`, where `=` is meant to be `==`.
  mutating func parseCondition() -> Expression {
    let condition = parseHeader()
    guard current.kind == .assign else { return condition }
    report(
      .unexpectedToken, "'=' assigns and has no value", at: span(current),
      hint: "to compare two values write '=='", fix: .replace(span(current), with: "=="))
    advance()
    let right = parseHeader()
    return Expression(
      .binary(.equal, condition, right), span: condition.span.union(right.span))
  }

  /// An operand of a range.
  mutating func parseSum() -> Expression { parseBinary(Precedence.sum.rawValue) }

  // MARK: Infix

  /// Operands and the operators between them that bind at least as strongly as `minimum`.
  private mutating func parseBinary(_ minimum: Int) -> Expression {
    let outer = height
    height = 0
    var left =
      current.kind == .not && minimum <= Precedence.not.rawValue ? parseNot() : parsePrefix()
    while let (op, precedence) = infixOperator(), precedence.rawValue >= minimum {
      let isForeign = current.kind == .foreignOperator
      if isForeign { reportForeign() }
      let isConsequence = lastErrorIndex == index && !isForeign
      advance()
      if isConsequence { lastErrorIndex = index }
      if case .range(let closed) = op, minimum == Precedence.compose.rawValue, isOpenRange {
        left = Expression(.range(left, nil, closed: closed), span: span(from: Int(left.span.start)))
        grow()
        break
      }
      let right = nested { $0.parseBinary(precedence.tighter) }
      grow()
      left = Expression(op.combine(left, right), span: left.span.union(right.span))
      checkChaining(precedence)
    }
    height = max(outer, height)
    return left
  }

  /// Whether `x[a..` ends behind the operator that was just taken.
  private var isOpenRange: Bool { openRangesAllowed && isAtSubscriptEnd }

  @inline(never)
  private mutating func parseNot() -> Expression {
    let first = start
    advance()
    let operand = nested { $0.parseBinary(Precedence.not.rawValue) }
    return Expression(.unary(.not, operand), span: span(from: first))
  }

  /// `a < b < c` is no comparison of three.
  @inline(never)
  private mutating func checkChaining(_ precedence: Precedence) {
    guard precedence == .comparison || precedence == .range, let next = infixOperator(),
      next.1 == precedence
    else { return }
    let hint = precedence == .range ? "" : "write a < b and b < c"
    report(
      .unexpectedToken, "'\(text(current))' cannot follow another operator of its kind",
      at: span(current), hint: hint)
  }

  /// The operator at the current token. A new line begins a new statement, except with `>>`.
  func infixOperator() -> (InfixOperator, Precedence)? {
    if isOnNewLine, current.kind != .compose { return nil }
    switch current.kind {
    case .compose: return (.compose, .compose)
    case .or: return (.binary(.or), .or)
    case .and: return (.binary(.and), .and)
    case .range: return (.range(closed: false), .range)
    case .closedRange: return (.range(closed: true), .range)
    case .foreignOperator: return foreignInfix()
    default: return comparison() ?? arithmetic()
    }
  }

  /// The comparison at the current token.
  func comparison() -> (InfixOperator, Precedence)? {
    switch current.kind {
    case .equal: (.binary(.equal), .comparison)
    case .notEqual: (.binary(.notEqual), .comparison)
    case .less: (.binary(.less), .comparison)
    case .lessOrEqual: (.binary(.lessOrEqual), .comparison)
    case .greater: (.binary(.greater), .comparison)
    case .greaterOrEqual: (.binary(.greaterOrEqual), .comparison)
    default: nil
    }
  }

  /// The arithmetic operator at the current token.
  func arithmetic() -> (InfixOperator, Precedence)? {
    switch current.kind {
    case .plus: (.binary(.add), .sum)
    case .minus: (.binary(.subtract), .sum)
    case .star: (.binary(.multiply), .product)
    case .slash: (.binary(.divide), .product)
    case .at: (.binary(.matmul), .product)
    case .mod: (.binary(.remainder), .product)
    default: nil
    }
  }

  /// What an operator of another language is here, so that the rest of the line is understood.
  private func foreignInfix() -> (InfixOperator, Precedence)? {
    switch text(current) {
    case "&&": (.binary(.and), .and)
    case "||": (.binary(.or), .or)
    case "%": (.binary(.remainder), .product)
    case "**": (.binary(.power), .product)
    default: nil
    }
  }

  // MARK: Prefix and power

  /// `-a`, and `a ^ b`, which binds more strongly: `-a ^ 2` is `-(a ^ 2)`.
  private mutating func parsePrefix() -> Expression {
    let first = start
    switch current.kind {
    case .minus:
      advance()
      let operand = nested { $0.parsePrefix() }
      return Expression(.unary(.negate, operand), span: span(from: first))
    case .not:
      report(
        .unexpectedToken, "'not' is weaker than the operator before it", at: span(current),
        hint: "put parentheses around it")
      return parseLoneNot()
    case .foreignOperator where text(current) == "!":
      reportForeign()
      return parseLoneNot()
    case .plus:
      report(
        .unexpectedToken, "'+' needs a left side", at: span(current),
        hint: "a line goes on when '+' stands at its end, not at the start of the next")
      skipPrefix()
      return nested { $0.parsePrefix() }
    default:
      return parsePower()
    }
  }

  /// Skips a prefix that was reported; the same one again is no further mistake.
  private mutating func skipPrefix() {
    let kind = current.kind
    advance()
    if current.kind == kind { lastErrorIndex = index }
  }

  private mutating func parseLoneNot() -> Expression {
    let first = start
    skipPrefix()
    let operand = nested { $0.parsePrefix() }
    return Expression(.unary(.not, operand), span: span(from: first))
  }

  private mutating func parsePower() -> Expression {
    let outer = height
    height = 0
    var base = parsePostfix()
    if current.kind == .caret, !isOnNewLine {
      advance()
      let exponent = nested { $0.parsePrefix() }
      grow()
      base = Expression(.binary(.power, base, exponent), span: base.span.union(exponent.span))
    }
    height = max(outer, height)
    return base
  }
}
