import AdaptSyntax

/// Says whether tokens follow a grammar, and by which of its alternatives: all ways are tried, and
/// what was found is kept, so that it takes polynomial time and knows nothing of how the parser works.
///
/// What the grammar says in words is here in code: where a line's end counts, and what a header may
/// not hold.
struct Recognizer {
  private enum Item {
    case token(Token.Kind, String)
    /// A line's end that counts.
    case lineEnd
  }

  private struct Key: Hashable {
    var rule: String
    var place: Int
    var isHeader: Bool
  }

  /// What stands in no header outside of brackets.
  private static let notInHeaders: Set<String> = [
    "Closure", "Trailing", "Residual", "Recompute", "Parallel", "Repeat", "Loop", "Scan", "Route",
    "Keep", "Exit", "Cascade", "Reuse", "Match", "Try",
  ]
  /// Whose brace stands on the line of what is before it.
  private static let onTheirLine: Set<String> = ["Closure", "Trailing", "Kept"]

  private let grammar: Grammar
  private var items: [Item] = []
  private var known: [Key: [Int]] = [:]
  /// The rule and the number of every alternative that was used.
  private(set) var used: Set<String> = []

  init(_ grammar: Grammar) { self.grammar = grammar }

  /// Whether the whole text is what the grammar starts from. Marks the alternatives that it uses.
  mutating func accepts(_ bytes: [UInt8], _ tokens: [Token]) -> Bool {
    items = Self.items(bytes, tokens)
    known = [:]
    guard ends(.rule(grammar.start), 0, false).contains(items.count) else { return false }
    derive(.rule(grammar.start), 0, items.count, false, path: grammar.start)
    return true
  }

  // MARK: Lines

  private static func items(_ bytes: [UInt8], _ tokens: [Token]) -> [Item] {
    var items: [Item] = []
    var open: [Token.Kind] = []
    var isLineEnd = false
    let last = Token.Kind.endOfFile
    for (place, token) in tokens.enumerated() where token.kind != last {
      if token.kind == .newline || token.kind == .blockComment && holdsLineEnd(token, bytes) {
        isLineEnd = true
      }
      guard !token.kind.isTrivia else { continue }
      let inBlock = open.last == nil || open.last == .leftBrace
      if isLineEnd, inBlock, counts(after: items, before: token.kind, tokens[place...]) {
        items.append(.lineEnd)
      }
      isLineEnd = false
      switch token.kind {
      case .leftParen, .leftBracket, .leftBrace, .interpolationStart: open.append(token.kind)
      case .rightParen, .rightBracket, .rightBrace, .interpolationEnd: _ = open.popLast()
      default: break
      }
      items.append(.token(token.kind, String(decoding: bytes[token.range], as: UTF8.self)))
    }
    return items
  }

  private static func holdsLineEnd(_ token: Token, _ bytes: [UInt8]) -> Bool {
    bytes[token.range].contains { $0 == 10 || $0 == 13 }
  }

  /// Behind these a line's end means nothing.
  private static let goOn: Set<Token.Kind> = [
    .comma, .colon, .range, .closedRange, .arrow, .assign, .addAssign, .subtractAssign,
    .multiplyAssign, .divideAssign, .plus, .minus, .star, .slash, .at, .caret, .equal, .notEqual,
    .less, .lessOrEqual, .greater, .greaterOrEqual, .compose, .pipe, .and, .or, .not, .mod, .if,
    .else, .while, .in,
  ]

  private static func counts(
    after items: [Item], before kind: Token.Kind, _ tokens: ArraySlice<Token>
  ) -> Bool {
    // Behind a point every word is a name.
    var isMember = false
    if case .token(.dot, _)? = items.dropLast().last { isMember = true }
    if case .token(let kind, _)? = items.last, goOn.contains(kind), !isMember { return false }
    guard kind == .dot else { return ![.compose, .pipe, .comma].contains(kind) }
    let next = tokens.dropFirst().first { $0.kind != .whitespace }
    return next.map { !isWord($0.kind) } ?? true
  }

  private static func isName(_ kind: Token.Kind) -> Bool {
    kind == .identifier || Token.Kind.contextualWords.contains(kind)
  }

  private static func isWord(_ kind: Token.Kind) -> Bool {
    isName(kind) || Token.Kind.keywords.contains(kind)
  }

  // MARK: Matching

  /// Where the node may end that begins at `place`.
  private mutating func ends(_ node: Grammar.Node, _ place: Int, _ isHeader: Bool) -> [Int] {
    switch node {
    case .terminal(let text): return ends(of: text, place, mayBreak: true)
    case .rule(let name): return ends(ofRule: name, place, isHeader)
    case .sequence(let parts): return ends(of: parts[...], [place], isHeader, isHeader)
    case .choice(let parts):
      return parts.reduce(into: []) { found, part in
        for end in ends(part, place, isHeader) where !found.contains(end) { found.append(end) }
      }
    case .repetition(let part, let least, let isEndless):
      return ends(ofMany: part, place, isHeader, least, isEndless)
    }
  }

  private mutating func ends(
    of parts: ArraySlice<Grammar.Node>, _ places: [Int], _ isHeader: Bool, _ outside: Bool
  ) -> [Int] {
    guard let part = parts.first else { return places }
    var next: [Int] = []
    for place in places {
      for end in ends(part, place, isHeader) where !next.contains(end) { next.append(end) }
    }
    if next.isEmpty { return [] }
    return ends(
      of: parts.dropFirst(), next, Self.isHeader(behind: part, isHeader, outside), outside)
  }

  /// Within brackets a header's rule is suspended.
  private static func isHeader(behind part: Grammar.Node, _ now: Bool, _ outside: Bool) -> Bool {
    guard case .terminal(let text) = part else { return now }
    if ["(", "[", "{", "\\("].contains(text) { return false }
    return [")", "]", "}"].contains(text) ? outside : now
  }

  private mutating func ends(
    ofMany part: Grammar.Node, _ place: Int, _ isHeader: Bool, _ least: Int, _ isEndless: Bool
  ) -> [Int] {
    var found = least == 0 ? [place] : []
    var fresh = [place]
    while !fresh.isEmpty {
      let starts = fresh
      fresh = []
      for start in starts {
        for end in ends(part, start, isHeader) where !found.contains(end) {
          found.append(end)
          fresh.append(end)
        }
      }
      if !isEndless { break }
    }
    return found
  }

  private mutating func ends(ofRule name: String, _ place: Int, _ isHeader: Bool) -> [Int] {
    if Grammar.isToken(name) { return ends(ofToken: name, place) }
    if name == "Statement", let form = formOfStatement(at: place) {
      return ends(ofRule: form, place, isHeader)
    }
    if isHeader, Self.notInHeaders.contains(name) { return [] }
    if Self.onTheirLine.contains(name), place < items.count, case .lineEnd = items[place] {
      return []
    }
    let isHeader = isHeader || name == "Header"
    let key = Key(rule: name, place: place, isHeader: isHeader)
    if let found = known[key] { return found }
    let found = grammar.rules[name].map { ends($0, place, isHeader) } ?? []
    known[key] = found
    return found
  }

  /// Words that begin a statement whenever an expression may follow them.
  private static let effects = ["print": "Print", "minimize": "Minimize", "expect": "Expect"]

  private func formOfStatement(at place: Int) -> String? {
    guard place + 1 < items.count, case .token(_, let word) = items[place],
      case .token(let next, _) = items[place + 1]
    else { return nil }
    let begins: Set<Token.Kind> = [
      .integer, .number, .quantity, .stringStart, .leftParen, .leftBracket, .leftBrace, .minus,
      .not,
      .true, .false, .none, .if,
    ]
    return begins.contains(next) || Self.isName(next) ? Self.effects[word] : nil
  }

  private func ends(of text: String, _ place: Int, mayBreak: Bool) -> [Int] {
    guard place < items.count else { return [] }
    switch items[place] {
    case .lineEnd:
      let mayFollow = ["{", "else", "catch", "join", "accept", "carrying"].contains(text)
      return mayFollow && mayBreak ? ends(of: text, place + 1, mayBreak: false) : []
    case .token(let kind, let spelling):
      let isPlain = ![.stringText, .formatText].contains(kind)
      return isPlain && spelling == text ? [place + 1] : []
    }
  }

  private func ends(ofToken name: String, _ place: Int) -> [Int] {
    guard place < items.count else { return [] }
    guard case .token(let kind, _) = items[place] else { return name == "END" ? [place + 1] : [] }
    let fits =
      switch name {
      case "END": kind == .semicolon
      case "NAME": Self.isName(kind)
      case "WORD": Self.isWord(kind)
      case "INTEGER": kind == .integer
      case "DECIMAL": kind == .number
      case "QUANTITY": kind == .quantity
      case "TEXT", "LINES": kind == .stringText
      case "FORMAT": kind == .formatText
      default: false
      }
    return fits ? [place + 1] : []
  }

  // MARK: Derivation

  /// Marks the alternatives of the first way in which the node covers the items from `place` to `end`.
  private mutating func derive(
    _ node: Grammar.Node, _ place: Int, _ end: Int, _ isHeader: Bool, path: String
  ) {
    switch node {
    case .terminal: break
    case .rule(let name):
      guard !Grammar.isToken(name), let body = grammar.rules[name] else { return }
      used.insert(name)
      derive(body, place, end, isHeader || name == "Header", path: name)
    case .sequence(let parts):
      derive(parts[...], place, end, isHeader, outside: isHeader, path: path)
    case .choice(let parts):
      for (number, part) in parts.enumerated() where ends(part, place, isHeader).contains(end) {
        used.insert("\(path)/\(number)")
        return derive(part, place, end, isHeader, path: "\(path)/\(number)")
      }
    case .repetition(let part, _, let isEndless):
      if !isEndless, place < end { return derive(part, place, end, isHeader, path: path) }
      derive(repeating: part, place, end, isHeader, path: path)
    }
  }

  private mutating func derive(
    _ parts: ArraySlice<Grammar.Node>, _ place: Int, _ end: Int, _ isHeader: Bool, outside: Bool,
    path: String
  ) {
    guard let part = parts.first else { return }
    let rest = parts.dropFirst()
    let next = Self.isHeader(behind: part, isHeader, outside)
    for middle in ends(part, place, isHeader)
    where ends(of: rest, [middle], next, outside).contains(end) {
      derive(part, place, middle, isHeader, path: "\(path).\(parts.startIndex)")
      return derive(rest, middle, end, next, outside: outside, path: path)
    }
  }

  private mutating func derive(
    repeating part: Grammar.Node, _ place: Int, _ end: Int, _ isHeader: Bool, path: String
  ) {
    var place = place
    while place < end {
      let middle = ends(part, place, isHeader).first { middle in
        middle > place
          && (middle == end
            || ends(ofMany: part, middle, isHeader, 1, true).contains(end))
      }
      guard let middle else { return }
      derive(part, place, middle, isHeader, path: path)
      place = middle
    }
  }

  /// All alternatives of the rules that describe how tokens follow one another.
  static func alternatives(of grammar: Grammar) -> Set<String> {
    var all: Set<String> = []
    func collect(_ node: Grammar.Node, _ path: String) {
      switch node {
      case .terminal, .rule: break
      case .sequence(let parts):
        for (number, part) in parts.enumerated() { collect(part, "\(path).\(number)") }
      case .choice(let parts):
        for (number, part) in parts.enumerated() {
          // An escape is part of the token around it.
          if case .rule("ESCAPE") = part { continue }
          all.insert("\(path)/\(number)")
          collect(part, "\(path)/\(number)")
        }
      case .repetition(let part, _, _): collect(part, path)
      }
    }
    for (name, rule) in grammar.rules where !Grammar.isToken(name) && name != "Trivia" {
      all.insert(name)
      collect(rule, name)
    }
    return all
  }
}
