import AdaptSyntax
import Foundation
import Testing

/// Holds `grammar/adapt.tmLanguage.json` against the lexer and the parser.
struct HighlightingTests {
  enum Class: String { case plain, comment, string, number, keyword, constant, format, embedded }

  /// What scopes say, from the innermost interpolation on.
  private func classOf(_ scopes: [String]) -> Class {
    let inner = scopes.lastIndex { $0.hasPrefix("meta.interpolation") }
    let scopes = inner.map { scopes[($0 + 1)...] } ?? scopes[...]
    let kinds: [(prefix: String, kind: Class)] = [
      ("comment", .comment), ("constant.other.format", .format), ("constant.numeric", .number),
      ("punctuation.section.embedded", .embedded), ("constant.language", .constant),
      ("constant.character", .string), ("keyword.operator.adapt", .plain),
      ("keyword", .keyword), ("storage", .keyword), ("string", .string), ("invalid", .plain),
    ]
    for scope in scopes.reversed() {
      if let kind = kinds.first(where: { scope.hasPrefix($0.prefix) }) { return kind.kind }
    }
    return .plain
  }

  /// What the token is, where `words` are the places of words that a form consists of.
  private func classOf(_ token: Token, member: Bool, label: Bool, _ words: Set<Int>) -> Class {
    switch token.kind {
    case .lineComment, .docComment, .blockComment: .comment
    case .stringStart, .stringText, .stringEnd: .string
    case .interpolationStart, .interpolationEnd: .embedded
    case .formatText: .format
    case .integer, .number, .quantity: .number
    case .true, .false, .none: member ? .plain : .constant
    case _ where Token.Kind.keywords.contains(token.kind): member || label ? .plain : .keyword
    default: words.contains(token.range.lowerBound) ? .keyword : .plain
    }
  }

  private func check(_ bytes: [UInt8], _ name: String, _ grammar: TextMate) throws {
    let tree = parse(bytes: bytes, source: 0)
    guard tree.diagnostics.isEmpty else { return }
    let scopes = try grammar.scopes(of: bytes)
    let words = FormWords(tree).places
    let tokens = tree.tokens.filter { ![.whitespace, .newline, .endOfFile].contains($0.kind) }
    for (place, token) in tokens.enumerated() {
      let isMember = place > 0 && tokens[place - 1].kind == .dot
      let isLabel = place + 1 < tokens.count && tokens[place + 1].kind == .colon
      let expected = classOf(token, member: isMember, label: isLabel, words)
      let found = token.range.filter { bytes[$0] != 10 }.map { classOf(scopes[$0]) }
      let isRight = found.allSatisfy { $0 == expected }
      let text = String(decoding: bytes[token.range], as: UTF8.self)
      let line = bytes[..<token.range.lowerBound].reduce(1) { $0 + ($1 == 10 ? 1 : 0) }
      #expect(isRight, "\(name):\(line): '\(text)' is \(expected), not \(Set(found))")
    }
  }

  private func grammar() throws -> TextMate {
    let file = Scripts.root.appendingPathComponent("grammar/adapt.tmLanguage.json")
    return try TextMate(json: Data(contentsOf: file))
  }

  @Test func everyTokenOfEveryScriptHasTheScopeOfItsClass() throws {
    let grammar = try grammar()
    for script in Scripts.all { try check(script.bytes, script.path, grammar) }
  }

  @Test(arguments: Corpus.all.indices)
  func everyTokenOfTheCorpusHasTheScopeOfItsClass(_ index: Int) throws {
    try check(Array(Corpus.all[index].utf8), "corpus \(index)", grammar())
  }

  @Test func formWordsAreNamesInDeclarations() throws {
    let grammar = try grammar()
    // Behind another word these are taken for what goes on with a form: `import layer as other`.
    let goOn: Set<Token.Kind> = [.as, .by, .catch, .join]
    for kind in Token.Kind.contextualWords where !goOn.contains(kind) {
      let word = kind.rawValue
      let text = """
        fn \(word)(x) { x }
        layer \(word)(x) { pass }
        router \(word)(x) { select x }
        optimizer \(word)(x) { state \(word) = x }
        """
      #expect(parse(text).diagnostics.isEmpty, "\(word)")
      try check(Array(text.utf8), word, grammar)
    }
  }

  @Test func wordsBeforeABlockCommentAreThoseOfForms() throws {
    let text =
      "print /* a */ 1\nprint /* b */\nexpect /* c */ (true)\nlet print = 1\nprint /* d */ + 1\n"
    #expect(parse(text).diagnostics.isEmpty)
    try check(Array(text.utf8), "comments", grammar())
  }

  @Test func formWordsAreNamesElsewhere() throws {
    let grammar = try grammar()
    for kind in Token.Kind.contextualWords {
      let word = kind.rawValue
      let text = "let \(word) = 1\n\(word) = f(\(word), \(word): 2).\(word) + \(word)\n"
      try check(Array(text.utf8), word, grammar)
    }
  }
}

/// Where the words of forms stand that are names elsewhere.
private struct FormWords {
  var places: Set<Int> = []
  private let tokens: [Token]

  init(_ tree: SyntaxTree) {
    tokens = tree.tokens.filter { !$0.kind.isTrivia }
    tree.block.walk { node in
      switch node {
      case .statement(let statement): add(statement)
      case .expression(let expression): add(expression)
      case .block, .pattern: break
      }
      return true
    }
  }

  private mutating func add(_ statement: Statement) {
    switch statement.kind {
    case .layer, .objective, .optimizer, .parameter, .state, .print, .minimize, .expect, .test:
      places.insert(Int(statement.span.start))
    case .knob(let knob):
      places.insert(Int(statement.span.start))
      guard let unit = knob.decision?.unit else { break }
      addBefore(Int(unit.span.start))
      addFrom(Int(unit.span.end))
    case .router(let router):
      places.insert(Int(statement.span.start))
      for clause in router.clauses {
        places.insert(Int(clause.span.start))
        if clause.mode != nil { addBefore(Int(clause.span.end)) }
      }
    case .importModule(let module):
      places.insert(Int(statement.span.start))
      let aliases = [module.alias] + (module.names ?? []).map(\.alias)
      for case let alias? in aliases { addBefore(Int(alias.span.start)) }
    default: break
    }
  }

  private mutating func add(_ expression: AdaptSyntax.Expression) {
    let start = Int(expression.span.start)
    switch expression.kind {
    case .residual, .recompute, .repeated, .match: places.insert(start)
    case .parallel(_, let join):
      places.insert(start)
      if let join { addBefore(Int(join.span.start)) }
    case .attempt(let body, _, _):
      places.insert(start)
      addFrom(Int(body.span.end))
    case .loop(let loop): add(loop, start)
    case .route(let route):
      addEach(start, route.unit)
      addFrom(Int(route.unit.span.end))
      for case .always(let word) in route.paths.map(\.role) { places.insert(Int(word.start)) }
    case .keep(let keep): add(keep, start)
    case .scan(let scan):
      addEach(start, scan.axis)
      add(scan.carried)
      if let reverse = scan.reverse { places.insert(Int(reverse.start)) }
    case .exit(let exit):
      addEach(start, exit.unit)
      places.insert(Int(exit.criterion.word.start))
      if let head = exit.head { addBefore(Int(head.span.start)) }
    case .cascade(let cascade):
      addEach(start, cascade.unit)
      for word in cascade.stages.compactMap(\.acceptance?.word) {
        places.insert(Int(word.start))
        addBefore(Int(word.start))
      }
    case .reuse(let reuse):
      addEach(start, reuse.unit)
      places.insert(Int(reuse.criterion.word.start))
    default: break
    }
  }

  /// The first word of a form, and `each` or `over` before what it is about.
  private mutating func addEach(_ start: Int, _ unit: Identifier) {
    places.insert(start)
    addBefore(Int(unit.span.start))
  }

  private mutating func add(_ loop: Loop, _ start: Int) {
    places.insert(start)
    if case .upTo(let limit, let unit, let until) = loop.rounds {
      let to = Int(limit.span.start)
      addBefore(to)
      if let word = tokens.last(where: { $0.range.upperBound < to }) {
        addBefore(word.range.lowerBound)
      }
      if let unit { addBefore(Int(unit.span.start)) }
      addBefore(Int(until.span.start))
    }
    add(loop.carried)
    if let join = loop.join { addBefore(Int(join.span.start)) }
  }

  /// The word before the parenthesis.
  private mutating func add(_ carried: [Carried]) {
    guard let first = carried.first,
      let open = tokens.last(where: {
        $0.kind == .leftParen && $0.range.upperBound <= Int(first.name.span.start)
      })
    else { return }
    addBefore(open.range.lowerBound)
  }

  private mutating func add(_ keep: Keep, _ start: Int) {
    places.insert(start)
    if keep.amount.kind != .share { places.insert(Int(keep.amount.span.start)) }
    addBefore(Int(keep.unit.span.start))
    if let group = keep.group { addBefore(Int(group.span.start)) }
    addFrom(Int((keep.group ?? keep.unit).span.end))
    if case .drop(let word) = keep.otherwise { places.insert(Int(word.start)) }
    if case .merge(let word) = keep.otherwise { places.insert(Int(word.start)) }
  }

  /// The last token that begins before `place`.
  private mutating func addBefore(_ place: Int) {
    if let token = tokens.last(where: { $0.range.lowerBound < place }) {
      places.insert(token.range.lowerBound)
    }
  }

  private mutating func addFrom(_ place: Int) {
    if let token = tokens.first(where: { $0.range.lowerBound >= place }) {
      places.insert(token.range.lowerBound)
    }
  }
}
