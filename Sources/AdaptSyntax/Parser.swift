// Recursive descent, a file for each area of the grammar. Goals, in order: never crash, whatever the
// text; one error for one mistake; a tree that is as complete as the text allows.
//
// Recovery has two means only: what is missing is reported and left out, what is unexpected is
// reported and skipped. Depth is counted on the way down and height on the way up, so that neither
// this parser nor who walks the tree runs out of stack. What is not on the way of every level is kept
// out of line, so that a level costs about 2 KiB of stack in release builds.

struct Parser {
  let bytes: [UInt8]
  let source: UInt16
  let limits: ParseLimits
  let tokens: [Token]
  let significant: [UInt32]

  /// The place in `significant`, and the token there.
  var index = 0
  var current: Token
  /// One past the last byte of the token before.
  var previousEnd = 0
  var previousKind = Token.Kind.endOfFile

  /// False within ( ) and [ ], where a line's end means nothing.
  var newlinesMatter = true
  /// False in headers, where `{` begins the body.
  var bracesAllowed = true
  /// True between the brackets of an element, where a range may be open: `x[2..]`.
  var openRangesAllowed = false
  /// Brackets that are open here, the outermost first.
  var openers: [Token] = []

  var depth = 0
  /// The height of the tallest expression since the enclosing construct began.
  var height = 0

  var diagnostics: [Diagnostic] = []
  /// Where the last error was: a second one at the same token is a consequence of it.
  var lastErrorIndex = -1
  var errorsAtEnd = 0
  /// Where the innermost statement begins, in `significant`.
  var statementStart = -1
  /// More text could complete what is open.
  var wantsMore = false
  /// A limit was passed; nothing more is reported.
  var isStopped = false

  init(bytes: [UInt8], source: UInt16, limits: ParseLimits, lexed: LexerResult) {
    self.bytes = bytes
    self.source = source
    self.limits = limits
    tokens = lexed.tokens
    significant = lexed.significant
    current = Token(kind: .endOfFile, start: bytes.count, end: bytes.count)
    current = token(at: 0)
  }

  // MARK: Tokens

  /// The token at a place in `significant`; the end of the file for any place beyond.
  func token(at place: Int) -> Token {
    guard place < significant.count else {
      return Token(kind: .endOfFile, start: bytes.count, end: bytes.count)
    }
    return tokens[Int(significant[place])]
  }

  func peek(_ distance: Int = 1) -> Token { token(at: index + distance) }

  mutating func advance() {
    guard current.kind != .endOfFile else { return }
    previousEnd = Int(current.end)
    previousKind = current.kind
    index += 1
    current = token(at: index)
  }

  /// Skips the token if it is of this kind.
  mutating func accept(_ kind: Token.Kind) -> Bool {
    guard current.kind == kind else { return false }
    advance()
    return true
  }

  /// Whether a line ended before the current token, where that means something.
  var isOnNewLine: Bool { newlinesMatter && current.isAfterNewline }

  /// Whether `token`, which is not the current one, stands on the line of the token before it.
  func isOnSameLine(_ token: Token) -> Bool { !(newlinesMatter && token.isAfterNewline) }

  func text(_ token: Token) -> String {
    String(decoding: bytes[token.range], as: UTF8.self)
  }

  func span(_ token: Token) -> Span {
    Span(source: source, start: Int(token.start), end: Int(token.end))
  }

  /// From a first byte to the end of the last token.
  func span(from start: Int) -> Span {
    Span(source: source, start: start, end: max(start, previousEnd))
  }

  var start: Int { Int(current.start) }

  // MARK: Depth

  /// Parses something one level deeper.
  mutating func nested<Result>(_ parse: (inout Parser) -> Result) -> Result {
    depth += 1
    if depth > limits.depth { stopTooDeep("nested too deep", limits.depth) }
    let outer = height
    height = 0
    let result = parse(&self)
    grow()
    height = max(outer, height)
    depth -= 1
    return result
  }

  /// Counts one more node above what was parsed last.
  mutating func grow() {
    height += 1
    if height > limits.height { stopTooDeep("this chain is too long", limits.height) }
  }

  private mutating func stopTooDeep(_ title: String, _ limit: Int) {
    guard !isStopped else { return }
    let place =
      current.kind == .endOfFile
      ? Span(source: source, start: max(0, previousEnd - 1), end: previousEnd) : span(current)
    diagnostics.append(
      Diagnostic(
        .nestingTooDeep, title, at: place, label: "this is level \(limit + 1)",
        hint: "give parts of it names with let"))
    stop()
  }

  /// Gives up the rest of the file.
  mutating func stop() {
    isStopped = true
    wantsMore = false
    index = significant.count
    current = token(at: index)
  }
}
