extension Parser {
  /// The text of a string, or of a part of it, with its escapes resolved. A wrong escape stays as
  /// written.
  mutating func unescape(_ range: Range<Int>) -> String {
    guard bytes[range].contains(UInt8(ascii: "\\")) else {
      return String(decoding: bytes[range], as: UTF8.self)
    }
    var result: [UInt8] = []
    result.reserveCapacity(range.count)
    var offset = range.lowerBound
    while offset < range.upperBound {
      if bytes[offset] == UInt8(ascii: "\\") {
        offset = unescapeOne(at: offset, end: range.upperBound, into: &result)
      } else {
        result.append(bytes[offset])
        offset += 1
      }
    }
    return String(decoding: result, as: UTF8.self)
  }

  /// Resolves the escape at `offset` and returns where the text goes on.
  private mutating func unescapeOne(
    at offset: Int, end: Int, into result: inout [UInt8]
  ) -> Int {
    let letter = offset + 1 < end ? bytes[offset + 1] : 0
    switch letter {
    case UInt8(ascii: "n"): result.append(UInt8(ascii: "\n"))
    case UInt8(ascii: "t"): result.append(UInt8(ascii: "\t"))
    case UInt8(ascii: "r"): result.append(UInt8(ascii: "\r"))
    case UInt8(ascii: "\""), UInt8(ascii: "\\"): result.append(letter)
    case UInt8(ascii: "u"): return unescapeScalar(at: offset, end: end, into: &result)
    default:
      reportEscape("unknown escape", from: offset, to: characterEnd(after: offset + 1, end: end))
      result.append(UInt8(ascii: "\\"))
      return offset + 1
    }
    return offset + 2
  }

  /// `\u{1F600}`.
  private mutating func unescapeScalar(
    at offset: Int, end: Int, into result: inout [UInt8]
  ) -> Int {
    let open = offset + 2
    guard open < end, bytes[open] == UInt8(ascii: "{"),
      let close = bytes[open..<end].firstIndex(of: UInt8(ascii: "}"))
    else {
      reportEscape("'\\u' needs a number between { and }", from: offset, to: min(open, end))
      result.append(UInt8(ascii: "\\"))
      return offset + 1
    }
    let digits = String(decoding: bytes[open + 1..<close], as: UTF8.self)
    let isNumber = (1...8).contains(digits.utf8.count) && digits.utf8.allSatisfy(isWordByte)
    guard isNumber, let value = UInt32(digits, radix: 16), let scalar = Unicode.Scalar(value)
    else {
      reportEscape("no such Unicode character", from: offset, to: close + 1)
      return close + 1
    }
    result.append(contentsOf: Array(String(Character(scalar)).utf8))
    return close + 1
  }

  private mutating func reportEscape(_ title: String, from start: Int, to end: Int) {
    report(
      .invalidEscape, title, at: Span(source: source, start: start, end: end),
      hint: "escapes are \\n \\t \\r \\\" \\\\ \\u{…} and \\(…)")
  }

  private func characterEnd(after offset: Int, end: Int) -> Int {
    var next = min(offset + 1, end)
    while next < end, bytes[next] & 0xC0 == 0x80 { next += 1 }
    return next
  }
}
