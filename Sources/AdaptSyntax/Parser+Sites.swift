// Forms that decide: route, keep, exit, cascade, reuse.

extension Parser {
  // MARK: Words

  /// Whether the name at the current token is a word before a value, and no value itself.
  var isBeforeValue: Bool {
    let next = peek()
    guard isOnSameLine(next) else { return false }
    return next.kind == .leftParen || beginsOnlyExpression(next) && next.kind != .not
  }

  /// Whether a minus and a number follow that are an amount, and no difference: `above -0.3 of`.
  var isBeforeNegative: Bool {
    let (minus, number, last) = (peek(), peek(2), peek(3))
    return minus.kind == .minus && isOnSameLine(minus) && minus.start > current.end
      && number.start == minus.end && [.integer, .number, .quantity].contains(number.kind)
      && last.kind == .of && isOnSameLine(last)
  }

  /// Skips a word that a form goes on with, on its line.
  mutating func acceptOnLine(_ kind: Token.Kind) -> Bool { !isOnNewLine && accept(kind) }

  /// ``expectWord(_:hint:)`` for a word that stands on the line of what is before it.
  mutating func expectOnLine(_ kind: Token.Kind, hint: String) {
    guard current.kind == kind, isOnNewLine else { return expectWord(kind, hint: hint) }
    reportMissing("'\(kind.rawValue)'", hint: hint)
    advance()
  }

  /// What a form decides for; `words` are those that it goes on with.
  mutating func parseUnit(before words: Token.Kind...) -> Identifier {
    let what = "what decides: token, sequence, sample, patch, head or step"
    guard words.contains(current.kind) else { return expectName(what) }
    reportMissing(what)
    return Identifier("", span: missingSpan)
  }

  /// A form of these that the current word begins.
  @inline(never)
  mutating func parseSite() -> Expression {
    let first = start
    let word = current.kind
    let kind: Expression.Kind =
      switch word {
      case .route: .route(parseRoute())
      case .keep: .keep(parseKeep())
      case .exit: .exit(parseExit())
      case .cascade: .cascade(parseCascade())
      default: .reuse(parseReuse())
      }
    return Expression(kind, span: span(from: first))
  }

  // MARK: route

  /// `route each token by TopK(1) { big { … }  8 experts { … } }`.
  @inline(never)
  private mutating func parseRoute() -> Route {
    advance()  // route
    advance()  // each
    let unit = parseUnit(before: .by)
    expectOnLine(.by, hint: "route each token by TopK(1) { … }")
    let router = parseHeader()
    return Route(unit: unit, router: router, paths: parsePaths())
  }

  private mutating func parsePaths() -> [Route.Path] {
    parseParts { parser, paths in
      guard let path = parser.parsePath() else { return }
      parser.checkDuplicate(path.name, among: paths.map(\.name), "path")
      if let last = paths.last, last.role == .rest, path.role != .rest {
        parser.report(
          .misplacedStatement, "a path behind 'else'", at: path.name.span,
          notes: [Diagnostic.Note(span: last.name.span, text: "this takes what is left")],
          hint: "'else' is the last path")
      }
      paths.append(path)
    }
  }

  /// The parts of a form between braces, with nothing between them.
  private mutating func parseParts<Part>(_ parse: (inout Parser, inout [Part]) -> Void) -> [Part] {
    guard current.kind == .leftBrace else {
      _ = parseBlock()
      return []
    }
    var parts: [Part] = []
    nested { parser in
      parser.bracketed(newlinesMatter: true) { parser in
        while !parser.isAtBlockEnd {
          if parser.accept(.semicolon) { continue }
          parse(&parser, &parts)
        }
      }
    }
    return parts
  }

  private mutating func parsePath() -> Route.Path? {
    let before = index
    if current.kind == .else {
      return Route.Path(role: .rest, count: nil, name: takeWord(), body: parseBlock())
    }
    var role = Route.Role.chosen
    if current.kind == .always, isBeforeValue { role = .always(takeWord().span) }
    var count: Expression?
    if !(current.isName && peek().kind == .leftBrace) {
      guard beginsExpression(current) else { return skipPath(before) }
      count = parseHeader()
    }
    guard current.isName, !isOnNewLine || index == before else { return skipPath(before) }
    return Route.Path(role: role, count: count, name: takeWord(), body: parseBlock())
  }

  private mutating func skipPath(_ before: Int) -> Route.Path? {
    skipPart(
      before, "a path", hint: "a path is written: name { … }, 8 experts { … } or else { … }")
    return nil
  }

  private mutating func skipPart(_ before: Int, _ what: String, hint: String) {
    reportMissing(what, hint: hint)
    if index == before { advance() }
    if !current.isAfterNewline { skipStatement() }
  }

  // MARK: keep

  private static let keepHint = "keep 12.5% of token by Score() { … }"

  /// `keep top 4 of key each query by Score() { … } else drop`.
  @inline(never)
  private mutating func parseKeep() -> Keep {
    advance()
    let amount = parseAmount()
    expectOnLine(.of, hint: Self.keepHint)
    let unit = parseUnit(before: .each, .by)
    let group = acceptOnLine(.each) ? parseUnit(before: .by) : nil
    expectOnLine(.by, hint: Self.keepHint)
    let router = parseHeader()
    let body = current.kind == .leftBrace && !isOnNewLine ? parseBlock() : nil
    let otherwise = accept(.else) ? parseOtherwise() : nil
    return Keep(
      amount: amount, unit: unit, group: group, router: router, body: body, otherwise: otherwise)
  }

  private mutating func parseAmount() -> Keep.Amount {
    let first = start
    if [.of, .each, .by].contains(current.kind), peek().isWord, peek().kind != .of {
      reportMissing("an amount", hint: Self.keepHint)
      return Keep.Amount(
        kind: .share, value: Expression(.missing, span: missingSpan), span: missingSpan)
    }
    let kind = parseAmountWord()
    let value = parseHeader()
    return Keep.Amount(kind: kind, value: value, span: span(from: first))
  }

  private mutating func parseAmountWord() -> Keep.Amount.Kind {
    guard current.isName, isBeforeValue || isBeforeNegative,
      peek().kind != .of || peek(2).kind == .of
    else { return .share }
    switch current.kind {
    case .top, .above:
      return takeWord().text == Token.Kind.top.rawValue ? .top : .above
    case .identifier where peek(2).kind == .of || [.integer, .quantity].contains(peek().kind):
      return parseUnknownAmount()
    default: return .share
    }
  }

  /// `keep best 4 of token`.
  private mutating func parseUnknownAmount() -> Keep.Amount.Kind {
    let words = [Token.Kind.top, .above].map(\.rawValue)
    let meant = closest(text(current), among: words)
    report(
      .unexpectedToken, "unknown word '\(text(current))'", at: span(current),
      hint: meant.map { "did you mean '\($0)'?" }
        ?? "an amount is written 12.5%, top 4 or above 0.3",
      fix: meant.map { .replace(span(current), with: $0) })
    advance()
    return meant == Token.Kind.above.rawValue ? .above : .top
  }

  /// What stands behind `else`.
  private mutating func parseOtherwise() -> Keep.Otherwise {
    if current.kind == .drop, !isOnNewLine { return .drop(takeWord().span) }
    if current.kind == .merge, !isOnNewLine { return .merge(takeWord().span) }
    if current.kind != .leftBrace { reportMissing("'{', 'drop' or 'merge'", continues: true) }
    return .block(parseBlock())
  }

  // MARK: exit, cascade and reuse

  /// `exit each token when confidence > 0.9 through Linear(256)`.
  @inline(never)
  private mutating func parseExit() -> Exit {
    let hint = "exit each token when confidence > 0.9 through Linear(256)"
    advance()  // exit
    advance()  // each
    let unit = parseUnit(before: .when, .by)
    let criterion = parseCriterion([.when, .by], hint: hint)
    guard acceptOnLine(.through) else {
      return Exit(unit: unit, criterion: criterion, head: nil)
    }
    guard !isAtStatementEnd else {
      reportMissing("what makes the answer", hint: hint, continues: true)
      return Exit(
        unit: unit, criterion: criterion, head: Expression(.missing, span: missingSpan))
    }
    return Exit(unit: unit, criterion: criterion, head: parseHeader())
  }

  /// `when confidence > 0.9` or `by Halt()`.
  private mutating func parseCriterion(_ words: [Token.Kind], hint: String) -> Criterion {
    var word = missingSpan
    let kind: Criterion.Kind = current.kind == .by && words.contains(.by) ? .by : .when
    if words.contains(current.kind), !isOnNewLine {
      word = takeWord().span
    } else if current.kind == .if, !isOnNewLine {
      report(
        .unexpectedToken, "'if' begins a choice of its own", at: span(current), hint: hint,
        fix: .replace(span(current), with: Token.Kind.when.rawValue))
      word = takeWord().span
    } else {
      reportNoCriterion(words, hint: hint)
    }
    return Criterion(kind: kind, word: word, value: parseHeader())
  }

  /// Another name in the place of the word is taken for it.
  private mutating func reportNoCriterion(_ words: [Token.Kind], hint: String) {
    reportMissing(words.map { "'\($0.rawValue)'" }.joined(separator: " or "), hint: hint)
    let next = peek()
    if current.isName, !isOnNewLine, beginsOnlyExpression(next), isOnSameLine(next) { advance() }
  }

  /// `cascade each sample { small { … } accept when confidence > 0.9  big { … } }`.
  @inline(never)
  private mutating func parseCascade() -> Cascade {
    advance()  // cascade
    advance()  // each
    let unit = parseUnit()
    let stages: [Cascade.Stage] = parseParts { parser, stages in
      guard let stage = parser.parseStage() else { return }
      parser.checkDuplicate(stage.name, among: stages.map(\.name), "stage")
      stages.append(stage)
    }
    return Cascade(unit: unit, stages: stages)
  }

  private mutating func parseStage() -> Cascade.Stage? {
    let hint = "a stage is written: name { … } accept when confidence > 0.9"
    guard current.isName, peek().kind == .leftBrace else {
      skipPart(index, "a stage", hint: hint)
      return nil
    }
    let name = takeWord()
    let body = parseBlock()
    guard current.kind == .accept, peek().kind != .leftBrace,
      !isOnNewLine || [.when, .by].contains(peek().kind)
    else { return Cascade.Stage(name: name, body: body, acceptance: nil) }
    advance()
    let acceptance = parseCriterion([.when, .by], hint: hint)
    return Cascade.Stage(name: name, body: body, acceptance: acceptance)
  }

  /// `reuse each token when distance < 0.1 { … }`.
  @inline(never)
  private mutating func parseReuse() -> Reuse {
    advance()  // reuse
    advance()  // each
    let unit = parseUnit(before: .when)
    let criterion = parseCriterion([.when], hint: "reuse each token when distance < 0.1 { … }")
    return Reuse(unit: unit, criterion: criterion, body: parseBlock())
  }
}
