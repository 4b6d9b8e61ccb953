extension Parser {
  /// An expression without operators around it.
  mutating func parsePrimary() -> Expression {
    switch current.kind {
    case .integer, .number, .quantity: return parseNumber()
    case .stringStart: return nested { $0.parseString() }
    case .true, .false: return single(.boolean(current.kind == .true))
    case .none: return single(.none)
    case .leftParen: return nested { $0.parseParenthesized() }
    case .leftBracket: return parseBracketed()
    case .leftBrace where bracesAllowed: return parseClosure()
    case .if: return parseConditional()
    default:
      guard current.isName else { return parseMissing() }
      return parseForm() ?? single(.name(text(current)))
    }
  }

  private mutating func single(_ kind: Expression.Kind) -> Expression {
    let expression = Expression(kind, span: span(current))
    advance()
    return expression
  }

  /// No expression begins here.
  @inline(never)
  private mutating func parseMissing() -> Expression {
    if current.kind == .dot, peek().kind == .integer {
      report(
        .invalidNumber, "a number begins with a digit", at: span(current), hint: "write 0.5",
        fix: .insert("0", at: start, in: source))
      advance()
      return parseNumber()
    }
    let hint = missingHint()
    if index == statementStart, current.kind != .endOfFile {
      report(.unexpectedToken, "unexpected \(describe(current))", at: span(current), hint: hint)
      return Expression(.missing, span: missingSpan)
    }
    reportMissing("an expression", id: .expectedExpression, hint: hint, continues: true)
    return Expression(.missing, span: missingSpan)
  }

  private func missingHint() -> String {
    if current.kind == .foreignOperator { return Self.foreignHint(text(current)) }
    if current.kind == .else { return "'else' belongs behind the '}' of an if" }
    if index == statementStart, comparison() ?? arithmetic() != nil {
      return "to go on in the next line, end the line before with the operator"
    }
    if previousKind == .range || previousKind == .closedRange {
      return "a range is open only between the brackets of an element: x[2..]"
    }
    if current.kind == .leftBrace { return "put parentheses around a closure in a header" }
    guard current.isWord, !current.isAfterNewline else { return "" }
    if current.kind == .fn { return "a function without a name is written { x in … }" }
    return "'\(text(current))' is a reserved word"
  }

  // MARK: Brackets

  /// `(e)` groups, `(a, b)` is a tuple, `(a: 1, b: 2)` a record.
  @inline(never)
  private mutating func parseParenthesized() -> Expression {
    let first = start
    if peek().isWord, peek(2).kind == .colon {
      let fields = parseArguments()
      if let unnamed = fields.first(where: { $0.label == nil }) {
        report(.expectedToken, "a field of a record needs a name", at: unnamed.value.span)
      }
      return Expression(.record(fields), span: span(from: first))
    }
    var values: [Expression] = []
    parseList { values.append($0.parseExpression()) }
    let span = span(from: first)
    guard let value = values.first else {
      report(.expectedExpression, "expected an expression between ( and )", at: span)
      return Expression(.missing, span: span)
    }
    return Expression(values.count > 1 ? .tuple(values) : value.kind, span: span)
  }

  // MARK: Closures

  /// `{ x, y in … }`, or `{ … }` without parameters.
  @inline(never)
  private mutating func parseClosure() -> Expression {
    let first = start
    let opener = current
    guard hasClosureParameters() else {
      let block = parseBlock()
      return Expression(.closure([], block), span: span(from: first))
    }
    var parameters: [Parameter] = []
    let block = nested { parser in
      parser.bracketed(newlinesMatter: true) { parser in
        parameters = parser.parseClosureParameters()
        let statements = parser.parseStatements()
        return Block(statements: statements, span: parser.span(from: Int(opener.start)))
      }
    }.ending(at: previousEnd)
    return Expression(.closure(parameters, block), span: span(from: first))
  }

  private mutating func parseClosureParameters() -> [Parameter] {
    var parameters: [Parameter] = []
    // They may stand on the line below the brace.
    newlinesMatter = false
    repeat {
      let pattern = parsePattern("the name of a parameter")
      for name in pattern.names {
        let names = parameters.flatMap { $0.pattern?.names ?? [$0.name] }
        checkDuplicate(name, among: names, "parameter")
      }
      parameters.append(parameter(pattern))
    } while accept(.comma)
    newlinesMatter = true
    expectWord(.in, hint: "{ a, b in … }")
    return parameters
  }

  private func parameter(_ pattern: Pattern) -> Parameter {
    if let name = pattern.singleName { return Parameter(name: name, defaultValue: nil) }
    let range = Int(pattern.span.start)..<Int(pattern.span.end)
    let text = String(decoding: bytes[range], as: UTF8.self)
    return Parameter(
      name: Identifier(text, span: pattern.span), defaultValue: nil, pattern: pattern)
  }

  /// Whether patterns, commas and `in` follow the brace.
  private func hasClosureParameters() -> Bool {
    var open = 0
    for distance in 1..<1000 {
      let token = peek(distance)
      switch token.kind {
      case .leftParen, .leftBracket: open += 1
      case .rightParen, .rightBracket: open -= 1
      case .in: return open == 0 && distance > 1
      case .comma, .range: break
      case .colon, .integer, .minus: if open == 0 { return false }
      default: guard token.isName else { return false }
      }
      if open < 0 { return false }
    }
    return false
  }
}
