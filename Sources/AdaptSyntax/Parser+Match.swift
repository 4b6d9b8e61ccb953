extension Parser {
  // MARK: match

  /// `match e { pattern { … }  pattern if c { … }  else { … } }`.
  @inline(never)
  mutating func parseMatch() -> Expression {
    let first = start
    advance()
    let subject = parseHeader()
    guard current.kind == .leftBrace else {
      _ = parseBlock()
      return Expression(.match(subject, []), span: span(from: first))
    }
    var arms: [MatchArm] = []
    nested { parser in
      parser.bracketed(newlinesMatter: true) { parser in
        while !parser.isAtBlockEnd {
          if parser.accept(.semicolon) { continue }
          if let arm = parser.parseArm() { arms.append(arm) }
        }
      }
    }
    return Expression(.match(subject, arms), span: span(from: first))
  }

  private mutating func parseArm() -> MatchArm? {
    let before = index
    skipForeignCase()
    if current.kind == .else {
      let pattern = Pattern(.wildcard, span: span(current))
      advance()
      return MatchArm(pattern: pattern, condition: nil, body: parseArmBody())
    }
    guard beginsPattern(current) else { return skipArm(before) }
    let pattern = parseMatchPattern()
    let condition = accept(.if) ? parseCondition() : nil
    if current.kind != .leftBrace, !isForeign("=>"), current.kind != .arrow, current.kind != .colon
    {
      return skipArm(before)
    }
    return MatchArm(pattern: pattern, condition: condition, body: parseArmBody())
  }

  /// `case 1 { … }`.
  private mutating func skipForeignCase() {
    guard current.kind == .identifier, text(current) == "case", beginsPattern(peek()),
      isOnSameLine(peek())
    else { return }
    report(
      .unexpectedToken, "'case' has no meaning here", at: span(current),
      hint: "an arm is written: pattern { … }")
    advance()
  }

  /// `{ … }`; behind an arrow or a colon, as in other languages, a single statement.
  private mutating func parseArmBody() -> Block {
    guard current.kind != .leftBrace else { return parseBlock() }
    report(
      .unexpectedToken, "'\(text(current))' does not lead to the value of an arm",
      at: span(current), hint: "an arm is written: pattern { … }")
    advance()
    if current.kind == .leftBrace { return parseBlock() }
    let statement = parseStatement()
    _ = accept(.comma)
    return Block(statements: [statement], span: statement.span)
  }

  private mutating func skipArm(_ before: Int) -> MatchArm? {
    let isComparison = comparison() != nil
    reportMissing(
      index == before ? "a pattern" : "'{'",
      hint: isComparison
        ? "a condition stands behind 'if': x if x > 0 { … }" : "an arm is written: pattern { … }")
    if index == before { advance() }
    if !current.isAfterNewline || current.kind == .leftBrace { skipStatement() }
    return nil
  }

  func beginsPattern(_ token: Token) -> Bool {
    switch token.kind {
    case .integer, .number, .quantity, .stringStart, .leftParen, .leftBracket, .minus, .true,
      .false, .none:
      true
    default: token.isName
    }
  }

  // MARK: try

  /// `try { … } catch e { … }`; `catch` may begin the next line.
  @inline(never)
  mutating func parseAttempt() -> Expression {
    let first = start
    advance()
    let body = parseBlock()
    guard accept(.catch) else {
      reportMissing(
        "'catch'", hint: "what to do about an error is written: try { … } catch e { … }",
        continues: true)
      let handler = Block(statements: [], span: missingSpan)
      return Expression(.attempt(body, nil, handler), span: span(from: first))
    }
    let pattern = beginsPattern(current) ? parsePattern("a name for the error") : nil
    return Expression(.attempt(body, pattern, parseBlock()), span: span(from: first))
  }
}
