/// A piece of source text: its kind and where it stands.
///
/// Tokens and the trivia between them are one sequence. The texts of all of them, one after
/// another, are the source, byte for byte; nothing is left out, whatever the source holds.
public struct Token: Sendable, Hashable {
  public var kind: Kind
  /// The first byte.
  public var start: UInt32
  /// One past the last byte.
  public var end: UInt32
  var flags: Flags

  init(kind: Kind, start: Int, end: Int, flags: Flags = []) {
    self.kind = kind
    self.start = UInt32(truncatingIfNeeded: start)
    self.end = UInt32(truncatingIfNeeded: end)
    self.flags = flags
  }

  /// The bytes of the token in its source.
  public var range: Range<Int> { Int(start)..<Int(end) }

  /// What the parser asks of a token besides its kind.
  struct Flags: OptionSet, Sendable, Hashable {
    var rawValue: UInt8
    /// A line ended between the token before and this one.
    static let afterNewline = Flags(rawValue: 1)
    /// Characters that no token begins with stand before it; the lexer has complained about them.
    static let afterUnexpected = Flags(rawValue: 2)
    /// Letters: a name or a keyword. Labels and members may be any word.
    static let word = Flags(rawValue: 4)
    /// A name; contextual words are names too.
    static let name = Flags(rawValue: 8)
  }

  var isAfterNewline: Bool { flags.contains(.afterNewline) }
  var isWord: Bool { flags.contains(.word) }
  var isName: Bool { flags.contains(.name) }

  /// The sort of a token. The raw value is its spelling, or what to call it in a message.
  public enum Kind: String, Sendable, CaseIterable {
    case identifier = "name"
    case integer, number, quantity
    case stringStart = "start of string"
    case stringText = "string text"
    case stringEnd = "end of string"
    case interpolationStart = "\\("
    case interpolationEnd = "end of interpolation"
    case formatText = "format"
    case endOfFile = "end of file"
    /// An operator of other languages; the parser says what to write instead.
    case foreignOperator = "foreign operator"

    // Trivia
    case whitespace, newline
    case lineComment = "comment"
    case docComment = "documentation"
    case blockComment = "block comment"
    case unexpected = "unexpected text"

    // Punctuation and operators
    case leftParen = "("
    case rightParen = ")"
    case leftBracket = "["
    case rightBracket = "]"
    case leftBrace = "{"
    case rightBrace = "}"
    case comma = ","
    case semicolon = ";"
    case colon = ":"
    case dot = "."
    case range = ".."
    case closedRange = "..."
    case arrow = "->"
    case assign = "="
    case addAssign = "+="
    case subtractAssign = "-="
    case multiplyAssign = "*="
    case divideAssign = "/="
    case plus = "+"
    case minus = "-"
    case star = "*"
    case slash = "/"
    case at = "@"
    case caret = "^"
    case equal = "=="
    case notEqual = "!="
    case less = "<"
    case lessOrEqual = "<="
    case greater = ">"
    case greaterOrEqual = ">="
    case compose = ">>"
    case pipe = "|"

    // Keywords
    case and, or, not, mod
    case `true`, `false`, none
    case `let`, `var`, fn
    case `if`, `else`, `for`, `in`, `while`
    case `return`, `break`, `continue`

    // Contextual words: names, except where their form begins or goes on
    case layer, model, router, objective, optimizer
    case param, state
    case `import`, print, minimize
    case residual, recompute, parallel, join
    case `repeat`, loop
    case route, each, by
    case scores, select, weigh, loss
    case training, inference
    case match, `try`, `catch`, `as`
    case expect, test
    case always, update
    case keep, of, top, above, drop, merge
    case up, to, until, carrying, scan, over, reverse
    case exit, when, through, cascade, accept, reuse
    case knob
  }
}

extension Token.Kind {
  /// Words that cannot be names.
  public static let keywords: [Token.Kind] = [
    .and, .or, .not, .mod, .true, .false, .none, .let, .var, .fn, .if, .else, .for, .in, .while,
    .return, .break, .continue,
  ]

  /// Words that mean something in one place and are names elsewhere.
  public static let contextualWords: [Token.Kind] = [
    .layer, .model, .router, .objective, .optimizer, .param, .state, .import, .print, .minimize,
    .residual, .recompute, .parallel, .join, .repeat, .loop, .route, .each, .by, .scores, .select,
    .weigh, .loss, .training, .inference, .match, .try, .catch, .as, .expect, .test,
    .always, .update, .keep, .of, .top, .above, .drop, .merge, .up, .to, .until, .carrying, .scan,
    .over, .reverse, .exit, .when, .through, .cascade, .accept, .reuse, .knob,
  ]

  /// Brackets, separators and operators.
  public static let punctuation: [Token.Kind] = [
    .leftParen, .rightParen, .leftBracket, .rightBracket, .leftBrace, .rightBrace, .comma,
    .semicolon, .colon, .dot, .range, .closedRange, .arrow, .assign, .addAssign, .subtractAssign,
    .multiplyAssign, .divideAssign, .plus, .minus, .star, .slash, .at, .caret, .equal, .notEqual,
    .less, .lessOrEqual, .greater, .greaterOrEqual, .compose, .pipe,
  ]

  /// Text that has no part in the tree.
  public var isTrivia: Bool {
    switch self {
    case .whitespace, .newline, .lineComment, .docComment, .blockComment, .unexpected: true
    default: false
    }
  }

  /// The kind that closes what this one opens.
  var closing: Token.Kind? {
    switch self {
    case .leftParen: .rightParen
    case .leftBracket: .rightBracket
    case .leftBrace: .rightBrace
    case .interpolationStart: .interpolationEnd
    default: nil
    }
  }

  var isClosing: Bool {
    switch self {
    case .rightParen, .rightBracket, .rightBrace, .interpolationEnd: true
    default: false
    }
  }
}
