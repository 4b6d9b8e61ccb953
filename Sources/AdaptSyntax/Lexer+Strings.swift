// A string is several tokens: its quotes, the text between, and for every interpolation `\(`, the
// tokens of the expression, perhaps `:` and a format, and `)`. Which of them is open is a stack, not
// recursion, so depth costs no machine stack here; the parser limits it. A string between `"""` has
// the same tokens; its text may hold quotes and line ends.
extension Lexer {
  mutating func beginString() {
    let isBlock = isBlockQuote(0)
    modes.append(.string(start: position, isBlock: isBlock))
    emit(.stringStart, length: isBlock ? 3 : 1)
  }

  /// Whether `"""` stands `distance` bytes ahead.
  private func isBlockQuote(_ distance: Int) -> Bool {
    let quote = UInt8(ascii: "\"")
    return byte(distance) == quote && byte(distance + 1) == quote && byte(distance + 2) == quote
  }

  /// Text up to the end of the string, an interpolation, or the end of the line.
  mutating func lexStringPart(isBlock: Bool) {
    switch byte() {
    case UInt8(ascii: "\"") where !isBlock || isBlockQuote(0):
      modes.removeLast()
      emit(.stringEnd, length: isBlock ? 3 : 1)
    case UInt8(ascii: "\\") where byte(1) == UInt8(ascii: "("):
      modes.append(.interpolation(start: position, depth: 0))
      emit(.interpolationStart, length: 2)
    case UInt8(ascii: "\n") where !isBlock, UInt8(ascii: "\r") where !isBlock:
      closeStringsOfLine()
    default:
      lexStringText(isBlock: isBlock)
    }
  }

  private mutating func lexStringText(isBlock: Bool) {
    var length = 0
    while position + length < bytes.count {
      let next = byte(length)
      if isBlock ? isBlockQuote(length) : next == UInt8(ascii: "\"") || isLineEnd(next) { break }
      if next == UInt8(ascii: "\\") {
        let escaped = byte(length + 1)
        if escaped == UInt8(ascii: "(") { break }
        // An escaped quote does not end the string; the parser judges the escape.
        let isPair = escaped == UInt8(ascii: "\"") || escaped == UInt8(ascii: "\\")
        length += isPair ? 2 : 1
      } else {
        length += 1
      }
    }
    emit(.stringText, length: length)
  }

  /// A token of punctuation inside an interpolation, where `)` and `:` may belong to the string.
  mutating func lexInInterpolation(_ kind: Token.Kind, length: Int, start: Int, depth: Int) {
    switch kind {
    case .rightParen where depth == 0:
      modes.removeLast()
      emit(.interpolationEnd, length: length)
    case .colon where depth == 0:
      emit(kind, length: length)
      lexFormat()
    case .leftParen, .leftBracket, .leftBrace:
      modes[modes.count - 1] = .interpolation(start: start, depth: depth + 1)
      emit(kind, length: length)
    case .rightParen, .rightBracket, .rightBrace:
      modes[modes.count - 1] = .interpolation(start: start, depth: max(0, depth - 1))
      emit(kind, length: length)
    default:
      emit(kind, length: length)
    }
  }

  /// What stands behind the colon of `\(x: .3)`.
  private mutating func lexFormat() {
    if byte() == UInt8(ascii: " ") || byte() == UInt8(ascii: "\t") { lexSpace() }
    var length = 0
    while position + length < bytes.count {
      let next = byte(length)
      if next == UInt8(ascii: ")") || next == UInt8(ascii: "\"") || isLineEnd(next) { break }
      length += 1
    }
    if length > 0 { emit(.formatText, length: length) }
  }

  /// Ends the strings that cannot go on in the next line, with what is open inside them.
  mutating func closeStringsOfLine() {
    let outermost = modes.firstIndex { mode in
      if case .string(_, isBlock: false) = mode { return true }
      return false
    }
    if let outermost { closeStrings(from: outermost) }
  }

  /// Ends the strings and interpolations from `level` on with tokens of no length, so that a
  /// forgotten quote harms one line only and the parser needs no rule for it. One complaint for all.
  mutating func closeStrings(from level: Int) {
    guard level < modes.count, case .string(let first, let isBlock) = modes[level] else { return }
    var notes: [Diagnostic.Note] = []
    if level + 1 < modes.count, case .interpolation(let start, _) = modes[level + 1] {
      notes.append(
        Diagnostic.Note(span: span(start, start + 2), text: "this interpolation is open"))
    }
    if isBlock { endedInside = true }
    complain(
      Diagnostic(
        .unterminatedString, "this string has no end",
        at: span(first, first + (isBlock ? 3 : 1)), label: "opened here", notes: notes,
        hint: isBlock
          ? "close it with \"\"\" on a line of its own"
          : "a string ends on its line; write \\n for a line break, or begin it with \"\"\""))
    while modes.count > level, let mode = modes.popLast() {
      if case .string = mode {
        emit(.stringEnd, length: 0)
      } else {
        emit(.interpolationEnd, length: 0)
      }
    }
    hush(from: first)
  }

  /// Keeps the parser from complaining about what stands in a string that was cut off, and about
  /// what the string swallowed.
  private mutating func hush(from start: Int) {
    for place in significant.reversed() {
      let index = Int(place)
      guard Int(tokens[index].start) >= start else { break }
      tokens[index].flags.insert(.afterUnexpected)
    }
    pending.insert(.afterUnexpected)
  }
}
