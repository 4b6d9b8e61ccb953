// Files, blocks, and the ends of statements.

extension Parser {
  /// The whole file.
  mutating func parseFile() -> Block {
    var statements: [Statement] = []
    while true {
      statements += parseStatements()
      guard current.kind != .endOfFile else { break }
      // Only a brace ends statements before the file does.
      report(
        .unexpectedToken, "unexpected '}'", at: span(current), label: "closes nothing that is open",
        hint: "remove it, or look for a missing '{' above")
      advance()
    }
    return Block(
      statements: statements, span: Span(source: source, start: 0, end: bytes.count))
  }

  /// Statements up to `}` or the end of the file.
  mutating func parseStatements() -> [Statement] {
    var statements: [Statement] = []
    while true {
      while accept(.semicolon) {}
      if current.kind == .endOfFile || current.kind == .rightBrace { return statements }
      if current.kind.isClosing, openers.contains(where: { $0.kind.closing == current.kind }) {
        return statements
      }
      let before = index
      statements.append(parseStatement())
      finishStatement(from: before)
    }
  }

  /// `{ … }`. Without the opening brace the block is empty.
  mutating func parseBlock() -> Block {
    let opener = current
    guard opener.kind == .leftBrace else {
      let hint = current.kind == .colon ? "a block is written between { and }" : ""
      reportMissing("'{'", hint: hint, continues: true)
      return Block(statements: [], span: missingSpan)
    }
    return nested { parser in
      parser.bracketed(newlinesMatter: true) { parser in
        let statements = parser.parseStatements()
        return Block(statements: statements, span: parser.span(from: Int(opener.start)))
      }
    }.ending(at: previousEnd)
  }

  /// Parses what stands between the bracket at the current token and the one that closes it.
  mutating func bracketed<Result>(
    newlinesMatter: Bool, _ parse: (inout Parser) -> Result
  ) -> Result {
    let opener = current
    let outside = (self.newlinesMatter, bracesAllowed, openRangesAllowed)
    advance()
    openers.append(opener)
    self.newlinesMatter = newlinesMatter
    bracesAllowed = true
    openRangesAllowed = false
    let result = parse(&self)
    expectClosing(opener)
    openers.removeLast()
    (self.newlinesMatter, bracesAllowed, openRangesAllowed) = outside
    return result
  }

  // MARK: Ends

  var isAtStatementEnd: Bool {
    switch current.kind {
    case .semicolon, .rightBrace, .endOfFile: true
    default: isOnNewLine
    }
  }

  /// Sees to it that the statement that began at `first` ends and that something was taken.
  @inline(never)
  private mutating func finishStatement(from first: Int) {
    if isAtStatementEnd, index > first { return }
    if current.kind.isClosing, openers.contains(where: { $0.kind.closing == current.kind }) {
      return
    }
    reportUnfinished(isFirst: index == first)
    // `if a { } let b = 1`: only the line's end is missing.
    if index > first, beginsStatement(current) { return }
    if index == first { advance() }
    if !isAtStatementEnd || index == first { skipStatement() }
  }

  private func beginsStatement(_ token: Token) -> Bool {
    switch token.kind {
    case .let, .var, .fn, .for, .while, .return, .break, .continue: true
    default: previousKind == .rightBrace && beginsExpression(token)
    }
  }

  private mutating func reportUnfinished(isFirst: Bool) {
    if isFirst || current.kind.isClosing {
      report(.unexpectedToken, "unexpected \(describe(current))", at: span(current))
      return
    }
    report(
      .unexpectedToken, "unexpected \(describe(current))", at: span(current),
      label: "the statement should end before this", hint: unfinishedHint(),
      fix: Self.foreignWords[text(current)].map { .replace(span(current), with: $0) })
  }

  private func unfinishedHint() -> String {
    if current.kind == .leftBrace, previousKind == .identifier {
      return "a call is written with parentheses: name() { … }"
    }
    if current.kind == .foreignOperator { return Self.foreignHint(text(current)) }
    let before = token(at: index - 1)
    if let form = Self.form(of: before.kind) { return "write '\(form)'" }
    // `Norm() Linear(8)`, `Norm(), Linear(8)`, `Norm() -> Linear(8)`: a figure's way to say 'then'.
    if before.kind == .rightParen {
      let next = [.comma, .arrow].contains(current.kind) ? peek() : current
      if next.isName, text(next).first?.isUppercase == true { return "layers are joined by '>>'" }
    }
    if before.isName, before.kind == .identifier {
      let words: [Token.Kind] = [
        .repeat, .loop, .route, .residual, .recompute, .parallel, .each, .by, .join, .mod, .and,
        .or, .not, .match, .try, .catch, .keep, .of, .scan, .over, .exit, .when, .through, .cascade,
        .accept, .reuse, .until, .carrying, .always,
      ]
      if let word = closest(text(before), among: words.map(\.rawValue)) {
        return "did you mean '\(word)'?"
      }
    }
    return "write each statement on its own line, or put ';' between them"
  }
}

extension Parser {
  /// How a form is written that a word begins.
  private static func form(of word: Token.Kind) -> String? {
    switch word {
    case .route: "route each token by TopK(1) { … }"
    case .exit: "exit each token when confidence > 0.9 through Linear(256)"
    case .cascade: "cascade each sample { small { … } accept when confidence > 0.9  big { … } }"
    case .reuse: "reuse each token when distance < 0.1 { … }"
    case .scan: "scan over token { … }"
    default: nil
    }
  }
}

extension Block {
  /// The same with its closing brace.
  func ending(at end: Int) -> Block {
    Block(
      statements: statements,
      span: Span(source: span.source, start: Int(span.start), end: max(Int(span.end), end)))
  }
}
