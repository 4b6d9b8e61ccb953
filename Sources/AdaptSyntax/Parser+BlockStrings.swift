// A string of several lines between `"""`. The line of the opening quotes and that of the closing ones
// hold no text; the indentation of the latter is taken from every line.
extension Parser {
  mutating func parseBlockString() -> Expression {
    let first = start
    let opener = current
    advance()
    var pieces: [BlockStringPiece] = []
    while current.kind == .stringText || current.kind == .interpolationStart {
      if current.kind == .stringText {
        pieces.append(.text(lines(of: current.range)))
        advance()
      } else {
        pieces.append(.value(parseInterpolation()))
      }
    }
    // A string without an end was reported by the lexer.
    let isClosed = current.kind == .stringEnd && current.range.count == 3
    let segments = isClosed ? segments(of: pieces, opener: opener) : []
    if current.kind == .stringEnd { advance() }
    return Expression(.string(segments), span: span(from: first))
  }

  /// The bytes of each line, without the line's end.
  private func lines(of range: Range<Int>) -> [Range<Int>] {
    var lines: [Range<Int>] = []
    var start = range.lowerBound
    var place = start
    while place < range.upperBound {
      let byte = bytes[place]
      guard byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") else {
        place += 1
        continue
      }
      lines.append(start..<place)
      let isPair = byte == UInt8(ascii: "\r") && place + 1 < range.upperBound
      place += isPair && bytes[place + 1] == UInt8(ascii: "\n") ? 2 : 1
      start = place
    }
    lines.append(start..<place)
    return lines
  }

  private func isBlank(_ range: Range<Int>) -> Bool {
    bytes[range].allSatisfy { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
  }

  /// The text between the lines of the quotes, less the indentation of the closing ones.
  private mutating func segments(
    of pieces: [BlockStringPiece], opener: Token
  ) -> [StringSegment] {
    var pieces = pieces
    guard case .text(var head)? = pieces.first, head.count > 1, isBlank(head[0]) else {
      report(
        .unexpectedToken, "text on the line of the opening quotes", at: span(opener),
        hint: "the text of such a string begins on the next line")
      return []
    }
    head.removeFirst()
    pieces[0] = .text(head)
    guard case .text(var tail)? = pieces.last, let closing = tail.last, isBlank(closing),
      tail.count > 1 || pieces.count == 1
    else {
      report(
        .unexpectedToken, "text on the line of the closing quotes", at: span(current),
        hint: "such a string ends on a line of its own")
      return []
    }
    tail.removeLast()
    pieces[pieces.count - 1] = .text(tail)
    return segments(of: pieces, indentation: closing)
  }

  private mutating func segments(
    of pieces: [BlockStringPiece], indentation: Range<Int>
  ) -> [StringSegment] {
    var segments: [StringSegment] = []
    var text = ""
    var isFirst = true
    for piece in pieces {
      switch piece {
      case .value(let segment):
        if !text.isEmpty { segments.append(.text(text)) }
        text = ""
        segments.append(segment)
      case .text(let lines):
        for (number, line) in lines.enumerated() {
          // The first part goes on with the line of the value before it.
          let continues = number == 0 && !isFirst
          if !isFirst, !continues { text += "\n" }
          text += unescape(continues ? line : dedent(line, indentation))
          isFirst = false
        }
      }
    }
    if !text.isEmpty { segments.append(.text(text)) }
    return segments
  }

  private mutating func dedent(_ line: Range<Int>, _ indentation: Range<Int>) -> Range<Int> {
    if bytes[line].starts(with: bytes[indentation]) {
      return line.lowerBound + indentation.count..<line.upperBound
    }
    if isBlank(line) { return line.upperBound..<line.upperBound }
    report(
      .unexpectedToken, "this line stands further left than the closing quotes",
      at: Span(source: source, start: line.lowerBound, end: line.upperBound),
      hint: "every line begins with the indentation of the closing quotes")
    return line
  }
}

/// A part of a string of several lines, as written.
private enum BlockStringPiece {
  /// The lines of text between two values; the first goes on, the last goes further.
  case text([Range<Int>])
  case value(StringSegment)
}
