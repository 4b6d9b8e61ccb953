/// A piece of text that formatting moves as a whole: a token, a comment, or a string with all in it.
struct FormatUnit {
  var kind: Token.Kind
  /// The bytes of the source.
  var range: Range<Int>
  /// How many lines end before it; more than one when an empty line stands there.
  var breaks: Int
  /// The column in the source, from 0.
  var column: Int
  /// How wide its last line is, in characters.
  var width: Int
  /// It holds line breaks of its own.
  var isMultiline: Bool
  /// Left out: a `;` that separates nothing.
  var isDropped = false

  var isComment: Bool {
    kind == .lineComment || kind == .docComment || kind == .blockComment
  }

  /// A comment that the line ends with.
  var isLineComment: Bool { kind == .lineComment || kind == .docComment }

  var isOpening: Bool { kind == .leftParen || kind == .leftBracket || kind == .leftBrace }
  var isClosing: Bool { kind == .rightParen || kind == .rightBracket || kind == .rightBrace }
}

extension FormatUnit {
  /// The units of a text, in order.
  static func all(of bytes: [UInt8], _ tokens: [Token]) -> [FormatUnit] {
    var units: [FormatUnit] = []
    // Up to where the column is known, so that each byte is looked at once.
    var measured = 0
    var column = 0
    var breaks = 0
    var place = 0
    while place < tokens.count {
      let token = tokens[place]
      switch token.kind {
      case .newline:
        breaks += 1
        measured = token.range.upperBound
        column = 0
      case .whitespace, .unexpected, .endOfFile: break
      default:
        let last = token.kind == .stringStart ? endOfString(tokens, from: place) : place
        let range = token.range.lowerBound..<tokens[last].range.upperBound
        column += width(measured..<range.lowerBound, bytes)
        measured = range.lowerBound
        let unit = unit(token.kind, range, bytes, column: column, breaks: breaks)
        units.append(unit)
        if unit.isMultiline {
          measured = lastLine(of: range, bytes)
          column = 0
        }
        breaks = 0
        place = last
      }
      place += 1
    }
    return units
  }

  private static func unit(
    _ kind: Token.Kind, _ range: Range<Int>, _ bytes: [UInt8], column: Int, breaks: Int
  ) -> FormatUnit {
    let lastLine = lastLine(of: range, bytes)
    // A line comment ends at its last visible character.
    let isLineComment = kind == .lineComment || kind == .docComment
    var end = range.upperBound
    while isLineComment, end > range.lowerBound, isSpace(bytes[end - 1]) { end -= 1 }
    return FormatUnit(
      kind: kind, range: range.lowerBound..<end, breaks: breaks, column: column,
      width: width(max(lastLine, range.lowerBound)..<end, bytes),
      isMultiline: lastLine > range.lowerBound)
  }

  /// The token that ends the string that begins at `start`.
  private static func endOfString(_ tokens: [Token], from start: Int) -> Int {
    var open = 0
    for place in start..<tokens.count {
      if tokens[place].kind == .stringStart { open += 1 }
      if tokens[place].kind == .stringEnd { open -= 1 }
      if open == 0 { return place }
    }
    return tokens.count - 1
  }

  /// Where the last line within the range begins.
  private static func lastLine(of range: Range<Int>, _ bytes: [UInt8]) -> Int {
    let end = bytes[range].lastIndex { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") }
    return end.map { $0 + 1 } ?? range.lowerBound
  }

  private static func isSpace(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t")
  }

  /// Characters, not bytes; combining ones are rare enough to be counted too.
  private static func width(_ range: Range<Int>, _ bytes: [UInt8]) -> Int {
    bytes[range].reduce(0) { $0 + ($1 & 0xC0 == 0x80 ? 0 : 1) }
  }
}
