// Patterns of two kinds: those that bind, in `let`, `for`, closures and `catch`, hold names only;
// those of `match` hold values and alternatives too.
extension Parser {
  /// What a value is taken apart by, outside of `match`.
  mutating func parsePattern(_ what: String) -> Pattern {
    let pattern = parsePatternPart(what, inMatch: false)
    checkNames(of: pattern)
    return pattern
  }

  /// `p | q`, the pattern of an arm.
  mutating func parseMatchPattern() -> Pattern {
    let pattern = parseAlternatives()
    checkNames(of: pattern)
    return pattern
  }

  /// One name stands for one part of the value.
  private mutating func checkNames(of pattern: Pattern) {
    var seen: [Identifier] = []
    for name in pattern.names {
      checkDuplicate(name, among: seen, "name")
      seen.append(name)
    }
  }

  private mutating func parseAlternatives() -> Pattern {
    let first = start
    let pattern = parsePatternPart("a pattern", inMatch: true)
    guard current.kind == .pipe || isForeign("||") else { return pattern }
    var parts = [pattern]
    while current.kind == .pipe || isForeign("||") {
      if current.kind == .foreignOperator {
        report(
          .unexpectedToken, "'||' does not part alternatives", at: span(current), hint: "write '|'")
      }
      advance()
      parts.append(parsePatternPart("a pattern", inMatch: true))
    }
    if let name = parts.flatMap(\.names).first {
      report(
        .unexpectedToken, "an alternative cannot bind '\(name.text)'", at: name.span,
        hint: "write an arm for each, or '_' for what is not needed")
    }
    return Pattern(.alternatives(parts), span: span(from: first))
  }

  func isForeign(_ spelling: String) -> Bool {
    current.kind == .foreignOperator && text(current) == spelling
  }

  private mutating func parsePatternPart(_ what: String, inMatch: Bool) -> Pattern {
    switch current.kind {
    case .leftParen where !isOnNewLine || inMatch:
      return nested { $0.parseParenthesizedPattern(inMatch: inMatch) }
    case .leftBracket where !isOnNewLine || inMatch:
      return nested { $0.parseListPattern(inMatch: inMatch) }
    case .integer, .number, .quantity, .stringStart, .minus:
      return parseValuePattern(what, inMatch: inMatch)
    case .true, .false, .none:
      guard inMatch else { fallthrough }
      return parseValuePattern(what, inMatch: inMatch)
    default: return parseNamePattern(what, inMatch: inMatch)
    }
  }

  private mutating func parseNamePattern(_ what: String, inMatch: Bool) -> Pattern {
    // The arms of a match begin on new lines.
    let name = inMatch && current.isName ? takeWord() : expectName(what)
    let kind: Pattern.Kind = name.text.isEmpty ? .missing : .name(name.text)
    return Pattern(name.text == "_" ? .wildcard : kind, span: name.span)
  }

  // MARK: Values

  /// `0`, `-1`, `"big"`, `none`, `1..5`.
  private mutating func parseValuePattern(_ what: String, inMatch: Bool) -> Pattern {
    if !inMatch {
      reportMissing(what, hint: "values to compare with stand in the arms of match")
    }
    let first = start
    let value = parsePatternValue()
    guard current.kind == .range || current.kind == .closedRange, !isOnNewLine else {
      return Pattern(.value(value), span: span(from: first))
    }
    let isClosed = current.kind == .closedRange
    advance()
    let end = parsePatternValue()
    checkBounds(value, end)
    let span = span(from: first)
    return Pattern(.value(Expression(.range(value, end, closed: isClosed), span: span)), span: span)
  }

  private mutating func parsePatternValue() -> Expression {
    let first = start
    switch current.kind {
    case .minus:
      advance()
      guard [.integer, .number, .quantity].contains(current.kind) else {
        reportMissing("a number")
        return Expression(.missing, span: missingSpan)
      }
      let number = parseNumber()
      return Expression(.unary(.negate, number), span: span(from: first))
    case .integer, .number, .quantity: return parseNumber()
    case .true, .false, .none: return parsePrimary()
    case .stringStart:
      let string = parsePrimary()
      checkPlain(string, "a pattern")
      return string
    default:
      reportMissing("a number")
      return Expression(.missing, span: missingSpan)
    }
  }

  /// The ends of a range are numbers.
  private mutating func checkBounds(_ lower: Expression, _ upper: Expression) {
    for bound in [lower, upper] {
      switch bound.kind {
      case .integer, .number, .quantity, .unary, .missing: continue
      default: report(.unexpectedToken, "a range goes from number to number", at: bound.span)
      }
    }
  }

  /// Says so when a string that is known before anything runs has a value put in.
  mutating func checkPlain(_ string: Expression, _ what: String) {
    guard case .string(let segments) = string.kind else { return }
    for case .interpolation(let value, _) in segments {
      report(
        .unexpectedToken, "the string of \(what) holds no values", at: value.span,
        label: "known only when the script runs")
    }
  }

  // MARK: Brackets

  /// `(p, q)`, `(x: p)`, or `(p)`, which is `p`.
  private mutating func parseParenthesizedPattern(inMatch: Bool) -> Pattern {
    let first = start
    if peek().isWord, peek(2).kind == .colon {
      return parseRecordPattern(inMatch: inMatch)
    }
    var parts: [Pattern] = []
    parseList { parts.append($0.parseElementPattern(inMatch: inMatch)) }
    let span = span(from: first)
    guard let only = parts.first else {
      report(.expectedToken, "expected a pattern between ( and )", at: span)
      return Pattern(.missing, span: span)
    }
    return Pattern(parts.count == 1 ? only.kind : .tuple(parts), span: span)
  }

  private mutating func parseElementPattern(inMatch: Bool) -> Pattern {
    inMatch ? parseAlternatives() : parsePatternPart("a name or a pattern", inMatch: false)
  }

  private mutating func parseRecordPattern(inMatch: Bool) -> Pattern {
    let first = start
    var fields: [Pattern.Field] = []
    parseList { parser in
      guard parser.current.isWord, parser.peek().kind == .colon else {
        return parser.reportMissing("a field", hint: "a record is taken apart by (field: name)")
      }
      let label = parser.takeWord()
      parser.advance()
      parser.checkDuplicate(label, among: fields.map(\.label), "field")
      let pattern = parser.parseElementPattern(inMatch: inMatch)
      fields.append(Pattern.Field(label: label, pattern: pattern))
    }
    return Pattern(.record(fields), span: span(from: first))
  }

  /// `[p, q]`, `[p, ..]`, `[p, ..rest, q]`.
  private mutating func parseListPattern(inMatch: Bool) -> Pattern {
    let first = start
    var parts: [Pattern] = []
    var rest: Int?
    parseList { parser in
      guard parser.current.kind == .range || parser.current.kind == .closedRange else {
        return parts.append(parser.parseElementPattern(inMatch: inMatch))
      }
      parser.checkRest(isFirst: rest == nil)
      rest = rest ?? parts.count
      parts.append(parser.parseRest())
    }
    return Pattern(.list(parts, rest: rest), span: span(from: first))
  }

  private mutating func checkRest(isFirst: Bool) {
    if !isFirst {
      report(.unexpectedToken, "a list has one rest only", at: span(current))
    } else if current.kind == .closedRange {
      report(
        .unexpectedToken, "the rest of a list is written with two points", at: span(current),
        hint: "write '..'")
    }
  }

  /// `..` or `..rest`.
  private mutating func parseRest() -> Pattern {
    let first = start
    advance()
    guard current.isName else { return Pattern(.wildcard, span: span(from: first)) }
    return parseNamePattern("a name", inMatch: true)
  }
}
