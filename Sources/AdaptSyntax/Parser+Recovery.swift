extension Parser {
  // MARK: Reporting

  /// Reports an error at the current token unless it is a consequence of the last one.
  @inline(never)
  mutating func report(
    _ id: DiagnosticID, _ title: String, at span: Span, label: String = "",
    notes: [Diagnostic.Note] = [], hint: String = "", fix: FixIt? = nil
  ) {
    guard !isStopped, lastErrorIndex != index else { return }
    lastErrorIndex = index
    // The lexer has explained what stands before this token.
    if current.flags.contains(.afterUnexpected) { return }
    // A string that was cut off ends in tokens of no length; that has been said.
    if current.start == current.end, current.kind != .endOfFile { return }
    if current.kind == .endOfFile { errorsAtEnd += 1 }
    diagnostics.append(
      Diagnostic(id, title, at: span, label: label, notes: notes, hint: hint, fix: fix))
    if diagnostics.count >= limits.diagnostics { stop() }
  }

  /// Reports that something is missing before the current token.
  ///
  /// - Parameter continues: The construct may go on in the next line.
  @inline(never)
  mutating func reportMissing(
    _ what: String, id: DiagnosticID = .expectedToken, opener: Token? = nil, hint: String = "",
    continues: Bool = false, fix: FixIt? = nil
  ) {
    // What follows from another error says nothing about whether more text would help.
    guard !isStopped, lastErrorIndex != index else { return }
    if current.kind == .endOfFile, continues || !openers.isEmpty { wantsMore = true }
    var notes: [Diagnostic.Note] = []
    if let opener {
      notes.append(
        Diagnostic.Note(span: span(opener), text: "to match this '\(opener.kind.rawValue)'"))
      if opener.kind == .leftBrace, let suspect = suspectBrace(besides: opener) {
        notes.append(
          Diagnostic.Note(
            span: span(suspect), text: "perhaps this one: its '}' stands further left"))
      }
    }
    report(
      id, "expected \(what)", at: missingSpan, label: "found \(currentDescription)", notes: notes,
      hint: hint, fix: fix)
  }

  /// Writes `text` behind the last token.
  func insertion(of text: String) -> FixIt { .insert(text, at: previousEnd, in: source) }

  /// The place to point at when something is missing: the token found instead, or the end of the
  /// line where it should have been.
  var missingSpan: Span {
    if current.kind == .endOfFile || current.isAfterNewline {
      return Span(source: source, start: previousEnd, end: previousEnd)
    }
    return span(current)
  }

  private var currentDescription: String {
    if current.kind == .endOfFile { return "the end of the file" }
    if current.isAfterNewline { return "the end of the line" }
    return describe(current)
  }

  func describe(_ token: Token) -> String {
    switch token.kind {
    case .endOfFile: "end of the file"
    case .identifier: "name '\(text(token))'"
    case .integer, .number, .quantity: "number \(text(token))"
    case .stringStart: "string"
    case .stringText, .stringEnd, .interpolationEnd: "end of the interpolation"
    default: "'\(text(token))'"
    }
  }

  // MARK: Missing

  /// Takes a token of this kind, or reports that it is missing.
  @discardableResult
  mutating func expect(_ kind: Token.Kind, hint: String = "", continues: Bool = false) -> Bool {
    if accept(kind) { return true }
    reportMissing("'\(kind.rawValue)'", hint: hint, continues: continues)
    return false
  }

  /// Takes the bracket that closes `opener`, or reports both places.
  @inline(never)
  mutating func expectClosing(_ opener: Token) {
    guard let kind = opener.kind.closing else { return }
    if accept(kind) { return }
    // A brace stands on a line of its own, and which one is a question of the indentation.
    let fix = kind == .rightBrace ? nil : insertion(of: kind.rawValue)
    reportMissing("'\(kind.rawValue)'", opener: opener, continues: true, fix: fix)
    // `f(a]`: the wrong bracket stands for the right one, unless it closes something further out.
    let isOwed = openers.dropLast().contains { $0.kind.closing == current.kind }
    if current.kind.isClosing, !isOwed, !isOnNewLine { advance() }
  }

  /// Takes a word that a form goes on with. Another name in its place is taken for it.
  mutating func expectWord(_ kind: Token.Kind, hint: String) {
    if accept(kind) { return }
    reportMissing("'\(kind.rawValue)'", hint: hint)
    let next = peek()
    if current.isName, !isOnNewLine, beginsExpression(next), isOnSameLine(next),
      next.kind != .leftParen, next.kind != .leftBrace
    {
      advance()
    }
  }

  /// A name on this line; reserved words are reported and taken for the name that was meant.
  mutating func expectName(_ what: String) -> Identifier {
    if current.isWord, !isOnNewLine {
      let name = Identifier(text(current), span: span(current))
      if !current.isName {
        report(
          .expectedToken, "'\(name.text)' is a reserved word", at: name.span,
          label: "expected \(what)", hint: "choose another name, for example '\(name.text)_'")
      }
      advance()
      return name
    }
    reportMissing(what)
    return Identifier("", span: missingSpan)
  }

  /// Any word, as labels and members may be.
  mutating func takeWord() -> Identifier {
    let word = Identifier(text(current), span: span(current))
    advance()
    return word
  }

  // MARK: Unexpected

  /// Skips to the end of the statement, over whole blocks, so that one mistake gives one error.
  @inline(never)
  mutating func skipStatement() {
    var braces = 0
    while current.kind != .endOfFile {
      switch current.kind {
      case .leftBrace: braces += 1
      case .rightBrace:
        if braces == 0 { return }
        braces -= 1
      case .semicolon where braces == 0: return
      case .interpolationEnd where openers.contains { $0.kind == .interpolationStart }: return
      default: break
      }
      advance()
      if braces == 0, current.isAfterNewline { return }
    }
  }

  /// Skips to the next comma or the closing bracket of a list if there is one on this line.
  mutating func skipInList(closing: Token.Kind) {
    var place = index
    while true {
      let token = token(at: place)
      if token.kind == .comma || token.kind == closing { break }
      if place > index, token.isAfterNewline { return }
      switch token.kind {
      case .endOfFile, .leftBrace, .rightBrace, .semicolon, .interpolationEnd, .stringEnd: return
      default: place += 1
      }
    }
    while index < place { advance() }
  }

  /// Whether the bracket `opener`, which is open here, is closed further on. Decides between a
  /// missing comma and a missing bracket.
  func isClosed(_ opener: Token) -> Bool {
    guard let closing = opener.kind.closing else { return false }
    var awaited = [closing]
    for place in index..<min(index + 10_000, significant.count) {
      let kind = token(at: place).kind
      if let next = kind.closing {
        awaited.append(next)
      } else if kind.isClosing {
        guard kind == awaited.last else { return false }
        awaited.removeLast()
        if awaited.isEmpty { return true }
      }
    }
    return false
  }

  /// Whether an expression may begin with this token.
  func beginsExpression(_ token: Token) -> Bool {
    switch token.kind {
    case .integer, .number, .quantity, .stringStart, .leftParen, .leftBracket, .leftBrace, .minus,
      .not, .true, .false, .none, .if:
      true
    default: token.isName
    }
  }

  /// Whether this token begins an expression and cannot go on with one.
  func beginsOnlyExpression(_ token: Token) -> Bool {
    switch token.kind {
    case .leftParen, .leftBracket, .leftBrace, .minus: false
    default: beginsExpression(token)
    }
  }
}
