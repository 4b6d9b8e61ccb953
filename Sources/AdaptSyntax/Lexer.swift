// Goals, in order: never crash and never lose a byte, whatever the bytes are; one complaint for one
// mistake; speed (bytes are compared, no text is made for a token).

/// Cuts source text into tokens and trivia.
struct Lexer {
  let bytes: UnsafeBufferPointer<UInt8>
  let source: UInt16
  let mostDiagnostics: Int
  var position = 0
  /// Tokens and trivia in order.
  var tokens: [Token] = []
  /// Where in `tokens` those are that the parser sees.
  var significant: [UInt32] = []
  var diagnostics: [Diagnostic] = []
  /// The text ended inside a block comment or a string of several lines.
  var endedInside = false
  /// Strings and interpolations that are open here, the outermost first.
  var modes: [Mode] = []
  var pending: Token.Flags = []
  /// Odd characters of this line that were complained about.
  var complaints: Set<Unicode.Scalar> = []

  enum Mode {
    /// `isBlock` for a string between `"""`, which may go over several lines.
    case string(start: Int, isBlock: Bool)
    /// `depth` counts the brackets that are open inside.
    case interpolation(start: Int, depth: Int)
  }

  init(bytes: UnsafeBufferPointer<UInt8>, source: UInt16, mostDiagnostics: Int) {
    self.bytes = bytes
    self.source = source
    self.mostDiagnostics = mostDiagnostics
    tokens.reserveCapacity(bytes.count / 3 + 8)
    significant.reserveCapacity(bytes.count / 6 + 8)
  }

  /// Cuts everything.
  mutating func run() {
    if let invalid = firstInvalidByte(bytes) { reportInvalidUTF8(at: invalid) }
    while position < bytes.count {
      if case .string(_, let isBlock)? = modes.last {
        lexStringPart(isBlock: isBlock)
      } else {
        lexToken()
      }
    }
    closeStrings(from: 0)
    emit(.endOfFile, length: 0)
  }

  /// The byte `distance` ahead; 0 past the end.
  func byte(_ distance: Int = 0) -> UInt8 {
    let offset = position + distance
    return offset < bytes.count ? bytes[offset] : 0
  }

  /// Adds the next `length` bytes as a token.
  mutating func emit(_ kind: Token.Kind, length: Int, flags: Token.Flags = []) {
    let end = position + length
    if kind.isTrivia {
      tokens.append(Token(kind: kind, start: position, end: end))
    } else {
      significant.append(UInt32(truncatingIfNeeded: tokens.count))
      tokens.append(Token(kind: kind, start: position, end: end, flags: flags.union(pending)))
      pending = []
    }
    position = end
  }

  func span(_ start: Int, _ end: Int) -> Span {
    Span(source: source, start: start, end: end)
  }

  private mutating func lexToken() {
    let first = byte()
    switch first {
    case UInt8(ascii: " "), UInt8(ascii: "\t"): lexSpace()
    case UInt8(ascii: "\n"), UInt8(ascii: "\r"): lexNewline()
    case UInt8(ascii: "0")...UInt8(ascii: "9"): lexNumber()
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "_"):
      lexWord()
    case UInt8(ascii: "\""): beginString()
    case UInt8(ascii: "/") where byte(1) == UInt8(ascii: "/"): lexLineComment()
    case UInt8(ascii: "/") where byte(1) == UInt8(ascii: "*"): lexBlockComment()
    case 0x80...: lexUnicode()
    default: lexPunctuation()
    }
  }

  // MARK: Words

  /// A name or keyword whose first character is known to be right.
  mutating func lexWord() {
    var end = position
    while end < bytes.count {
      if isWordByte(bytes[end]) {
        end += 1
      } else if bytes[end] >= 0x80 {
        let decoded = decodeScalar(bytes, at: end)
        guard let scalar = decoded.scalar, scalar.properties.isXIDContinue else { break }
        end += decoded.length
      } else {
        break
      }
    }
    let length = end - position
    let kind = WordTable.shared.kind(of: bytes, from: position, length: length)
    let isName = kind.map { !WordTable.shared.isKeyword($0) } ?? true
    emit(kind ?? .identifier, length: length, flags: isName ? [.word, .name] : .word)
  }

  private mutating func lexUnicode() {
    let decoded = decodeScalar(bytes, at: position)
    guard let scalar = decoded.scalar else {
      // Complained about once for the whole file.
      return emitUnexpected(length: decoded.length)
    }
    if scalar.properties.isXIDStart { return lexWord() }
    if scalar.value == 0xFEFF, position == 0 {
      return emit(.whitespace, length: decoded.length)
    }
    unexpectedCharacter(scalar, length: decoded.length)
  }

  // MARK: Punctuation

  private mutating func lexPunctuation() {
    guard let (kind, length) = PunctuationTable.longestMatch(byte(), byte(1), byte(2)) else {
      return unexpectedCharacter(Unicode.Scalar(byte()), length: 1)
    }
    guard case .interpolation(let start, let depth)? = modes.last else {
      return emit(kind, length: length)
    }
    lexInInterpolation(kind, length: length, start: start, depth: depth)
  }

  // MARK: Mistakes

  /// Keeps a complaint; there is no use for more than the limit.
  mutating func complain(_ diagnostic: Diagnostic) {
    if diagnostics.count < mostDiagnostics { diagnostics.append(diagnostic) }
  }

  /// Bytes that no token begins with are trivia, so that the parser does not stumble over them too.
  private mutating func emitUnexpected(length: Int) {
    pending.insert(.afterUnexpected)
    if let last = tokens.last, last.kind == .unexpected {
      position += length
      tokens[tokens.count - 1].end = UInt32(truncatingIfNeeded: position)
    } else {
      emit(.unexpected, length: length)
    }
  }

  private mutating func unexpectedCharacter(_ scalar: Unicode.Scalar, length: Int) {
    // One complaint for a run of such characters, and for a pair of wrong quotes.
    if tokens.last?.kind != .unexpected, complaints.insert(scalar).inserted {
      let (title, hint) = UnexpectedCharacter.explain(scalar)
      complain(
        Diagnostic(.unexpectedCharacter, title, at: span(position, position + length), hint: hint))
    }
    emitUnexpected(length: length)
  }

  private mutating func reportInvalidUTF8(at offset: Int) {
    let value = String(bytes[offset], radix: 16, uppercase: true)
    complain(
      Diagnostic(
        .notUTF8, "the text is not UTF-8", at: span(offset, offset + 1),
        label: "byte 0x\(value) has no meaning here", hint: "save the file as UTF-8"))
  }
}

/// Whether an ASCII byte may be within a name.
func isWordByte(_ byte: UInt8) -> Bool {
  switch byte {
  case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
    true
  default: false
  }
}

func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }
