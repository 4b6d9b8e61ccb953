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
    case .residual where next.kind == .leftBrace: return parseResidual()
    case .parallel where next.kind == .leftBrace: return parseParallel()
    case .repeat where beginsCount(next): return parseRepeated(isLoop: false)
    case .loop where beginsCount(next): return parseRepeated(isLoop: true)
    case .route where next.kind == .each: return parseRoute()
    case .match where beginsCount(next): return parseMatch()
    case .try where next.kind == .leftBrace: return parseAttempt()
    default: return nil
    }
  }

  /// `residul { … }`.
  private mutating func parseMisspelledForm() -> Expression? {
    guard bracesAllowed, peek().kind == .leftBrace, isOnSameLine(peek()),
      let word = closest(text(current), among: ["residual", "parallel"])
    else { return nil }
    let meant: Token.Kind = word == "residual" ? .residual : .parallel
    reportMisspelling(meant)
    return meant == .residual ? parseResidual() : parseParallel()
  }

  /// Whether a count, or the subject of `match`, can begin so. `loop(x)` is a call unless a block
  /// follows, and `match[i]` an element.
  private func beginsCount(_ next: Token) -> Bool {
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
          return follower.kind == .leftBrace && !follower.isAfterNewline
        }
      }
    }
    return false
  }

  private mutating func parseResidual() -> Expression {
    let first = start
    advance()
    let body = parseBlock()
    return Expression(.residual(body), span: span(from: first))
  }

  /// `repeat n { … }` and `loop n { … }`.
  private mutating func parseRepeated(isLoop: Bool) -> Expression {
    let first = start
    advance()
    let count = parseHeader()
    let body = parseBlock()
    return Expression(
      isLoop ? .loop(count, body) : .repeated(count, body), span: span(from: first))
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
    var join: Identifier?
    if current.kind == .join, peek().isWord, !peek().isAfterNewline {
      advance()
      join = takeWord()
    } else if current.kind == .join, !isOnNewLine {
      advance()
      reportMissing("'sum' or 'concat'")
    }
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

  // MARK: route

  /// `route each token by TopK(1) { big { … }  8 experts { … } }`.
  private mutating func parseRoute() -> Expression {
    let first = start
    advance()  // route
    advance()  // each
    let unit =
      current.kind == .by
      ? expectNothing("what decides: token, sequence, sample, patch, head or step")
      : expectName("what decides: token, sequence, sample, patch, head or step")
    expectWord(.by, hint: "route each token by TopK(1) { … }")
    let router = parseHeader()
    let paths = parsePaths()
    return Expression(
      .route(Route(unit: unit, router: router, paths: paths)), span: span(from: first))
  }

  private mutating func expectNothing(_ what: String) -> Identifier {
    reportMissing(what)
    return Identifier("", span: missingSpan)
  }

  private mutating func parsePaths() -> [Route.Path] {
    guard current.kind == .leftBrace else {
      _ = parseBlock()
      return []
    }
    var paths: [Route.Path] = []
    nested { parser in
      parser.bracketed(newlinesMatter: true) { parser in
        while !parser.isAtBlockEnd {
          if parser.accept(.semicolon) { continue }
          guard let path = parser.parsePath() else { continue }
          parser.checkDuplicate(path.name, among: paths.map(\.name), "path")
          paths.append(path)
        }
      }
    }
    return paths
  }

  private mutating func parsePath() -> Route.Path? {
    let before = index
    var count: Expression?
    if !(current.isName && peek().kind == .leftBrace) {
      guard beginsExpression(current) else { return skipPath(before) }
      count = parseHeader()
    }
    guard current.isName, !isOnNewLine || index == before else { return skipPath(before) }
    let name = takeWord()
    return Route.Path(count: count, name: name, body: parseBlock())
  }

  private mutating func skipPath(_ before: Int) -> Route.Path? {
    reportMissing("a path", hint: "a path is written: name { … } or 8 experts { … }")
    if index == before { advance() }
    if !current.isAfterNewline { skipStatement() }
    return nil
  }
}
