extension Lexer {
  mutating func lexSpace() {
    var length = 1
    while byte(length) == UInt8(ascii: " ") || byte(length) == UInt8(ascii: "\t") { length += 1 }
    emit(.whitespace, length: length)
  }

  /// LF, CR LF or CR alone. Strings on one line end with it.
  mutating func lexNewline() {
    if !modes.isEmpty { closeStringsOfLine() }
    let isPair = byte() == UInt8(ascii: "\r") && byte(1) == UInt8(ascii: "\n")
    pending.insert(.afterNewline)
    if !complaints.isEmpty { complaints = [] }
    emit(.newline, length: isPair ? 2 : 1)
  }

  /// `// …`; `/// …` documents what follows, and `//// …` is a line of decoration.
  mutating func lexLineComment() {
    var length = 2
    while position + length < bytes.count, !isLineEnd(bytes[position + length]) { length += 1 }
    let isDocumentation = byte(2) == UInt8(ascii: "/") && byte(3) != UInt8(ascii: "/")
    emit(isDocumentation ? .docComment : .lineComment, length: length)
  }

  /// `/* … */`, nested as often as one likes: the depth is a number, not a stack.
  mutating func lexBlockComment() {
    var depth = 1
    var length = 2
    while depth > 0, position + length < bytes.count {
      switch (byte(length), byte(length + 1)) {
      case (UInt8(ascii: "*"), UInt8(ascii: "/")):
        depth -= 1
        length += 2
      case (UInt8(ascii: "/"), UInt8(ascii: "*")):
        depth += 1
        length += 2
      case (let byte, _):
        if isLineEnd(byte) { pending.insert(.afterNewline) }
        length += 1
      }
    }
    if depth > 0 {
      endedInside = true
      complain(
        Diagnostic(
          .unterminatedComment, "this comment has no end", at: span(position, position + 2),
          hint: "close it with */ (comments nest)"))
    }
    emit(.blockComment, length: length)
  }

  func isLineEnd(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r")
  }
}
