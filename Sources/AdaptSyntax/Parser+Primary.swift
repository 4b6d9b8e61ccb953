extension Parser {
  /// An expression without operators around it.
  mutating func parsePrimary() -> Expression {
    switch current.kind {
    case .integer, .number, .quantity: return parseNumber()
    case .stringStart: return nested { $0.parseString() }
    case .true, .false: return single(.boolean(current.kind == .true))
    case .none: return single(.none)
    case .leftParen: return nested { $0.parseParenthesized() }
    case .leftBracket: return parseListLiteral()
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
      report(.invalidNumber, "a number begins with a digit", at: span(current), hint: "write 0.5")
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
    if current.kind == .leftBrace { return "put parentheses around a closure in a header" }
    guard current.isWord, !current.isAfterNewline else { return "" }
    if current.kind == .fn { return "a function without a name is written { x in … }" }
    return "'\(text(current))' is a reserved word"
  }

  // MARK: Brackets

  /// `(e)` groups, `(a: 1, b: 2)` is a record.
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
    if values.count > 1 {
      report(
        .unexpectedToken, "parentheses hold one expression", at: span,
        hint: "a list is written [a, b], a record (x: a, y: b)")
    }
    return Expression(value.kind, span: span)
  }

  @inline(never)
  private mutating func parseListLiteral() -> Expression {
    let first = start
    var values: [Expression] = []
    nested { parser in
      parser.parseList { values.append($0.parseExpression()) }
    }
    return Expression(.list(values), span: span(from: first))
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
    var names: [Identifier] = []
    repeat {
      let name = takeWord()
      checkDuplicate(name, among: names, "parameter")
      names.append(name)
    } while accept(.comma)
    advance()  // in
    return names.map { Parameter(name: $0, defaultValue: nil) }
  }

  /// Whether names, commas and `in` follow the brace.
  private func hasClosureParameters() -> Bool {
    var distance = 1
    while peek(distance).isName {
      switch peek(distance + 1).kind {
      case .in: return true
      case .comma: distance += 2
      default: return false
      }
    }
    return false
  }
}
