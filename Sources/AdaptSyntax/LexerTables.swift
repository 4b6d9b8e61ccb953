/// Finds keywords and contextual words by their bytes.
struct WordTable: Sendable {
  static let shared = WordTable()

  /// For each length the words of that length, as two numbers of eight bytes.
  private let byLength: [[(low: UInt64, high: UInt64, kind: Token.Kind)]]
  private let keywords: Set<Token.Kind>

  private init() {
    var table: [[(low: UInt64, high: UInt64, kind: Token.Kind)]] = Array(repeating: [], count: 17)
    for kind in Token.Kind.keywords + Token.Kind.contextualWords {
      let letters = Array(kind.rawValue.utf8)
      guard letters.count < table.count else { continue }
      let packed = letters.withUnsafeBufferPointer {
        WordTable.pack($0, from: 0, length: letters.count)
      }
      table[letters.count].append((packed.low, packed.high, kind))
    }
    byLength = table
    keywords = Set(Token.Kind.keywords)
  }

  func kind(of bytes: UnsafeBufferPointer<UInt8>, from start: Int, length: Int) -> Token.Kind? {
    guard length < byLength.count, !byLength[length].isEmpty else { return nil }
    let packed = WordTable.pack(bytes, from: start, length: length)
    for entry in byLength[length] where entry.low == packed.low && entry.high == packed.high {
      return entry.kind
    }
    return nil
  }

  func isKeyword(_ kind: Token.Kind) -> Bool { keywords.contains(kind) }

  private static func pack(
    _ bytes: UnsafeBufferPointer<UInt8>, from start: Int, length: Int
  ) -> (low: UInt64, high: UInt64) {
    var low: UInt64 = 0
    var high: UInt64 = 0
    for index in 0..<length {
      if index < 8 {
        low = low << 8 | UInt64(bytes[start + index])
      } else {
        high = high << 8 | UInt64(bytes[start + index])
      }
    }
    return (low, high)
  }
}

enum PunctuationTable {
  /// The longest token of punctuation that begins with these bytes.
  static func longestMatch(_ a: UInt8, _ b: UInt8, _ c: UInt8) -> (Token.Kind, Int)? {
    let second = Unicode.Scalar(b)
    switch Unicode.Scalar(a) {
    case "(": return (.leftParen, 1)
    case ")": return (.rightParen, 1)
    case "[": return (.leftBracket, 1)
    case "]": return (.rightBracket, 1)
    case "{": return (.leftBrace, 1)
    case "}": return (.rightBrace, 1)
    case ",": return (.comma, 1)
    case ";": return (.semicolon, 1)
    case ":": return second == "=" ? (.foreignOperator, 2) : (.colon, 1)
    case ".":
      guard second == "." else { return (.dot, 1) }
      return c == UInt8(ascii: ".") ? (.closedRange, 3) : (.range, 2)
    case "+": return second == "=" ? (.addAssign, 2) : (.plus, 1)
    case "-":
      if second == ">" { return (.arrow, 2) }
      return second == "=" ? (.subtractAssign, 2) : (.minus, 1)
    case "*":
      if second == "*" { return (.foreignOperator, 2) }
      return second == "=" ? (.multiplyAssign, 2) : (.star, 1)
    case "/": return second == "=" ? (.divideAssign, 2) : (.slash, 1)
    case "@": return (.at, 1)
    case "^": return (.caret, 1)
    default: return comparison(a, second)
    }
  }

  private static func comparison(_ a: UInt8, _ second: Unicode.Scalar) -> (Token.Kind, Int)? {
    switch (Unicode.Scalar(a), second) {
    case ("=", "="): (.equal, 2)
    case ("=", ">"): (.foreignOperator, 2)
    case ("=", _): (.assign, 1)
    case ("!", "="): (.notEqual, 2)
    case ("!", _): (.foreignOperator, 1)
    case ("<", "="): (.lessOrEqual, 2)
    case ("<", _): (.less, 1)
    case (">", "="): (.greaterOrEqual, 2)
    case (">", ">"): (.compose, 2)
    case (">", _): (.greater, 1)
    case ("&", "&"), ("|", "|"): (.foreignOperator, 2)
    case ("|", _): (.pipe, 1)
    case ("%", _): (.foreignOperator, 1)
    default: nil
    }
  }
}

enum UnexpectedCharacter {
  /// What to say about a character that no token begins with.
  static func explain(_ scalar: Unicode.Scalar) -> (title: String, hint: String) {
    switch scalar.value {
    case 0:
      return ("a NUL character in the script", "is this a text file?")
    case 0xA0, 0x2000...0x200A, 0x202F, 0x3000:
      return ("\(scalar.codePoint) looks like a space but is not one", "use a plain space")
    case 0x200B...0x200F, 0x202A...0x202E, 0x2060...0x2069, 0xFEFF:
      return ("invisible character \(scalar.codePoint)", "remove it")
    case 0x2018...0x201F, 0xAB, 0xBB, 0x27, 0x60:
      return ("unexpected quotation mark \(scalar)", "write strings between plain \" quotes")
    case 0x2013, 0x2014, 0x2212:
      return ("unexpected \(scalar) (\(scalar.codePoint))", "write minus as -")
    case 0xD7:
      return ("unexpected \(scalar)", "write multiplication as *")
    case 0x23:
      return ("unexpected '#'", "comments begin with //")
    case 0x3F:
      return ("unexpected '?'", "write a choice as: if c { a } else { b }")
    case 0x5C:
      return ("unexpected '\\' outside of a string", "")
    case 0..<0x20, 0x7F..<0xA0:
      return ("unexpected control character \(scalar.codePoint)", "remove it")
    default:
      let number = scalar.isASCII ? "" : " (\(scalar.codePoint))"
      return ("unexpected character '\(scalar)'\(number)", "")
    }
  }
}
