extension Parser {
  // MARK: if

  /// `if c { … } else if d { … } else { … }`, by a loop, since such chains get long.
  @inline(never)
  mutating func parseConditional() -> Expression {
    var arms: [(start: Int, condition: Expression, block: Block)] = []
    var last: Block?
    repeat {
      let first = start
      advance()  // if
      let condition = parseCondition()
      arms.append((first, condition, parseBlock()))
      last = parseElse()
      // Each arm stands in the else block of the one before.
      grow()
      grow()
    } while last == nil && current.kind == .if && previousKind == .else
    let end = previousEnd
    while let arm = arms.popLast() {
      let span = Span(source: source, start: arm.start, end: end)
      let expression = Expression(.conditional(arm.condition, arm.block, last), span: span)
      guard !arms.isEmpty else { return expression }
      let statement = Statement(kind: .expression(expression), span: span)
      last = Block(statements: [statement], span: span)
    }
    return Expression(.missing, span: missingSpan)
  }

  /// The block behind `else`; nil without `else`, and before `if`, which is then the current token.
  @inline(never)
  private mutating func parseElse() -> Block? {
    if isForeignElseIf() {
      report(
        .unexpectedToken, "unknown word '\(text(current))'", at: span(current),
        hint: "write 'else if'", fix: .replace(span(current), with: "else if"))
      // Stands for both words: the next arm skips one token as its `if`.
      previousKind = .else
      current.kind = .if
      return nil
    }
    guard accept(.else) else { return nil }
    return current.kind == .if ? nil : parseBlock()
  }

  private func isForeignElseIf() -> Bool {
    guard current.kind == .identifier, beginsExpression(peek()) else { return false }
    return ["elif", "elsif", "elseif"].contains(text(current))
  }

  // MARK: Words that begin a form

  /// A form of the language, if the name at the current token begins one here.
  @inline(never)
  mutating func parseForm() -> Expression? {
    guard current.kind != .identifier else { return parseMisspelledForm() }
    let next = peek()
    guard bracesAllowed, isOnSameLine(next) else { return nil }
    switch current.kind {
    case .residual where next.kind == .leftBrace,
      .recompute where next.kind == .leftBrace:
      return parseBlockForm(current.kind)
    case .parallel where next.kind == .leftBrace: return parseParallel()
    case .repeat where beginsCount(next): return parseRepeat()
    case .loop where beginsCount(next): return parseLoop()
    case .scan where next.kind == .over: return parseScan()
    case .keep where beginsCount(next, before: .of) || isBeforeNegative: return parseSite()
    case .route where next.kind == .each, .exit where next.kind == .each,
      .cascade where next.kind == .each, .reuse where next.kind == .each:
      return parseSite()
    case .match where beginsCount(next): return parseMatch()
    case .try where next.kind == .leftBrace: return parseAttempt()
    default: return nil
    }
  }

  /// `residul { … }`.
  private mutating func parseMisspelledForm() -> Expression? {
    guard bracesAllowed, peek().kind == .leftBrace, isOnSameLine(peek()),
      let word = closest(text(current), among: ["residual", "recompute", "parallel"]),
      let meant = Token.Kind(rawValue: word)
    else { return nil }
    reportMisspelling(meant)
    return meant == .parallel ? parseParallel() : parseBlockForm(meant)
  }

  /// Whether a count, or the subject of `match`, can begin so. `loop(x)` is a call unless a block
  /// follows, and `match[i]` an element; `keep (n)` is no call before `of`.
  private func beginsCount(_ next: Token, before kind: Token.Kind = .leftBrace) -> Bool {
    if beginsOnlyExpression(next) { return next.kind != .not }
    guard let closing = next.kind.closing, next.kind != .leftBrace else { return false }
    var open = 0
    for distance in 1..<10_000 {
      let token = peek(distance)
      if token.kind == .endOfFile { return false }
      if token.kind == next.kind { open += 1 }
      if token.kind == closing {
        open -= 1
        if open == 0 {
          let follower = peek(distance + 1)
          return follower.kind == kind && !follower.isAfterNewline
        }
      }
    }
    return false
  }

  /// `residual { … }` and `recompute { … }`.
  private mutating func parseBlockForm(_ word: Token.Kind) -> Expression {
    let first = start
    advance()
    let body = parseBlock()
    return Expression(
      word == .residual ? .residual(body) : .recompute(body), span: span(from: first))
  }

  // MARK: parallel

  /// `parallel { a, b } join sum`; the branches are separated by commas or lines.
  private mutating func parseParallel() -> Expression {
    let first = start
    advance()
    var branches: [Expression] = []
    nested { parser in
      parser.bracketed(newlinesMatter: true) { parser in
        while !parser.isAtBlockEnd {
          if parser.accept(.semicolon) { continue }
          parser.parseBranch(into: &branches)
        }
      }
    }
    let join = parseJoin("'sum' or 'concat'")
    return Expression(.parallel(branches, join: join), span: span(from: first))
  }

  private mutating func parseBranch(into branches: inout [Expression]) {
    let before = index
    branches.append(parseExpression())
    if accept(.comma) || accept(.semicolon) || isOnNewLine && index > before { return }
    guard !isAtBlockEnd else { return }
    reportMissing("','", hint: "branches are separated by commas or lines")
    if index == before { advance() }
    skipInList(closing: .rightBrace)
    if !accept(.comma), current.kind != .rightBrace { skipStatement() }
  }
}
