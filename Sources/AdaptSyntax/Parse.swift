/// How much a parser takes on before it says no.
public struct ParseLimits: Sendable {
  /// Bytes of source text.
  public var bytes: Int
  /// How deep brackets, blocks and operators may nest.
  public var depth: Int
  /// How many nodes may stand above one another, as in `a + a + a …` or `f()()() …`. Who walks the
  /// tree by recursion needs no more stack than for this.
  public var height: Int
  /// Errors reported; then parsing ends.
  public var diagnostics: Int

  /// What scripts written by people never reach.
  public static let `default` = ParseLimits()

  public init(
    bytes: Int = 16 << 20, depth: Int = 256, height: Int = 1000, diagnostics: Int = 100
  ) {
    self.bytes = bytes
    self.depth = depth
    self.height = height
    self.diagnostics = diagnostics
  }
}

/// What parsing gives: always a tree, and beside it what is wrong with the text.
public struct SyntaxTree: Sendable {
  public var block: Block
  /// Tokens and trivia in order. Their texts together are the source; empty only when the source is
  /// larger than the limit.
  public var tokens: [Token]
  /// In the order of the text.
  public var diagnostics: [Diagnostic]
  /// The text ended inside an open construct and is otherwise well: a prompt should ask for more.
  public var isIncomplete: Bool
}

/// Parses a script. Never fails: what could not be understood is in `diagnostics`.
///
/// - Parameters:
///   - bytes: The text in UTF-8.
///   - source: The number that ``SourceMap/add(name:bytes:)`` gave the text.
/// - Complexity: linear in the number of bytes.
public func parse(
  bytes: [UInt8], source: UInt16, limits: ParseLimits = .default
) -> SyntaxTree {
  // Offsets are 32 bits wide, whatever the host allows.
  let most = min(limits.bytes, Int(Int32.max))
  guard bytes.count <= most else { return tooLarge(bytes, most, source) }
  let lexer = bytes.withUnsafeBufferPointer { buffer in
    var lexer = Lexer(
      bytes: buffer, source: source, mostDiagnostics: max(1, limits.diagnostics))
    lexer.run()
    return LexerResult(lexer)
  }
  var parser = Parser(bytes: bytes, source: source, limits: limits, lexed: lexer)
  let block = parser.parseFile()
  let diagnostics = merge(lexer.diagnostics, parser.diagnostics, most: limits.diagnostics)
  let isOtherwiseWell = diagnostics.count == (lexer.endedInside ? 1 : parser.errorsAtEnd)
  return SyntaxTree(
    block: block, tokens: lexer.tokens, diagnostics: diagnostics,
    isIncomplete: (lexer.endedInside || parser.wantsMore) && isOtherwiseWell)
}

/// What is left of a lexer when the bytes it looked at are out of reach.
struct LexerResult {
  var tokens: [Token]
  var significant: [UInt32]
  var diagnostics: [Diagnostic]
  var endedInside: Bool

  init(_ lexer: Lexer) {
    tokens = lexer.tokens
    significant = lexer.significant
    diagnostics = lexer.diagnostics
    endedInside = lexer.endedInside
  }
}

private func tooLarge(_ bytes: [UInt8], _ most: Int, _ source: UInt16) -> SyntaxTree {
  let start = max(0, most)
  let diagnostic = Diagnostic(
    .sourceTooLarge, "the script has \(bytes.count) bytes, more than the limit of \(most)",
    at: Span(source: source, start: start, end: start + 1), label: "the limit is reached here",
    hint: "read data from a file instead of writing it into the script")
  let block = Block(statements: [], span: Span(source: source, start: 0, end: 0))
  return SyntaxTree(block: block, tokens: [], diagnostics: [diagnostic], isIncomplete: false)
}

private func merge(_ a: [Diagnostic], _ b: [Diagnostic], most: Int) -> [Diagnostic] {
  // `sorted` keeps the order of equals, so lexer errors come before parser errors at one place.
  let all = (a + b).sorted { ($0.span?.start ?? 0) < ($1.span?.start ?? 0) }
  return Array(all.prefix(max(1, most)))
}
