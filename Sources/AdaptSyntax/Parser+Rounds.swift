// Forms that go round: repeat, loop, scan, and what their bodies carry.

extension Parser {
  /// `repeat n { … }`.
  @inline(never)
  mutating func parseRepeat() -> Expression {
    let first = start
    advance()
    let count = parseHeader()
    let body = parseBlock()
    return Expression(.repeated(count, body), span: span(from: first))
  }

  /// `loop 4 { … }`, and `loop up to 8 each token until Halt() carrying (h = 0) { … } join average`.
  @inline(never)
  mutating func parseLoop() -> Expression {
    let first = start
    advance()
    let rounds = parseRounds()
    let carried = parseCarried()
    let body = parseBlock()
    let join = parseJoin("average, last, sample, concat or expected")
    return Expression(
      .loop(Loop(rounds: rounds, carried: carried, body: body, join: join)),
      span: span(from: first))
  }

  private mutating func parseRounds() -> Loop.Rounds {
    guard current.kind == .up, peek().kind == .to, isOnSameLine(peek()) else {
      return .count(parseHeader())
    }
    advance()  // up
    advance()  // to
    let limit = parseHeader()
    let unit = acceptOnLine(.each) ? parseUnit(before: .until) : nil
    expectOnLine(.until, hint: "loop up to 8 each token until Halt() { … }")
    return .upTo(limit: limit, unit: unit, until: parseHeader())
  }

  /// `scan over token carrying (h = 0) { … } in reverse`.
  @inline(never)
  mutating func parseScan() -> Expression {
    let first = start
    advance()  // scan
    advance()  // over
    let axis = expectName("what is gone through: token, patch or step")
    let carried = parseCarried()
    let body = parseBlock()
    var reverse: Span?
    if current.kind == .in, !isOnNewLine, peek().kind == .reverse {
      advance()
      reverse = takeWord().span
    }
    return Expression(
      .scan(Scan(axis: axis, carried: carried, body: body, reverse: reverse)),
      span: span(from: first))
  }

  /// `carrying (h = zeros(8), n = 0)`; nothing without the word.
  @inline(never)
  private mutating func parseCarried() -> [Carried] {
    // A block must follow, so that no statement can begin here.
    guard accept(.carrying) else { return [] }
    let hint = "carrying (name = value)"
    guard current.kind == .leftParen, !isOnNewLine else {
      reportMissing("'('", hint: hint)
      return []
    }
    var carried: [Carried] = []
    nested { parser in
      parser.parseList { parser in
        guard let item = parser.parseCarriedName(hint: hint) else { return }
        parser.checkDuplicate(item.name, among: carried.map(\.name), "name")
        carried.append(item)
      }
    }
    if carried.isEmpty { reportMissing("a name that is carried", hint: hint) }
    return carried
  }

  /// `h = zeros(8)`.
  private mutating func parseCarriedName(hint: String) -> Carried? {
    let name = expectName("a name that is carried")
    if name.text.isEmpty { return nil }
    if current.kind == .colon {
      report(
        .unexpectedToken, "a carried name gets its value with '='", at: span(current), hint: hint,
        fix: .replace(span(current), with: " ="))
      advance()
    } else {
      expect(.assign, hint: hint)
    }
    return Carried(name: name, initial: parseExpression())
  }

  /// `join sum`: what becomes of several results.
  mutating func parseJoin(_ names: String) -> Identifier? {
    guard current.kind == .join else { return nil }
    if peek().isWord, !peek().isAfterNewline {
      advance()
      return takeWord()
    }
    guard !isOnNewLine else { return nil }
    advance()
    reportMissing(names)
    return nil
  }

  // MARK: Settings

  /// `knob width in [1, 2, 4] = 2`, `knob width in [1, 2, 4] each token by TopK(1)`.
  mutating func parseKnob() -> Statement.Kind {
    advance()
    let name = expectName("the name of the knob")
    expectWord(.in, hint: "knob width in [1, 2, 4]")
    let choices = parseExpression()
    let initial = !isOnNewLine && accept(.assign) ? parseExpression() : nil
    let isDecided = initial == nil && !isOnNewLine && accept(.each)
    return .knob(
      Knob(
        name: name, choices: choices, initial: initial,
        decision: isDecided ? parseDecision() : nil))
  }

  /// What sets a knob, behind `each`.
  private mutating func parseDecision() -> Knob.Decision {
    let hint = "knob width in [1, 2, 4] each token by TopK(1)"
    let unit = parseUnit(before: .by)
    expectOnLine(.by, hint: hint)
    guard !isAtStatementEnd else {
      reportMissing("what decides", hint: hint, continues: true)
      return Knob.Decision(unit: unit, router: Expression(.missing, span: missingSpan))
    }
    return Knob.Decision(unit: unit, router: parseExpression())
  }
}
