extension Lexer {
  /// `12`, `1_000`, `0.5`, `3e-4`, and each with a unit: `50%`, `5ms`, `2 GFLOP`.
  mutating func lexNumber() {
    var length = digits(from: 0)
    var isInteger = true
    if byte(length) == UInt8(ascii: "."), isDigit(byte(length + 1)) {
      isInteger = false
      length = digits(from: length + 1)
    }
    if let end = exponent(from: length) {
      isInteger = false
      length = end
    }
    if bytes[position + length - 1] == UInt8(ascii: "_") {
      reportNumber("a number cannot end with '_'", from: position, length: length)
    }
    lexUnit(after: length, otherwise: isInteger ? .integer : .number)
  }

  /// One past the digits and underscores that begin at `start`.
  private func digits(from start: Int) -> Int {
    var end = start
    while isDigit(byte(end)) || byte(end) == UInt8(ascii: "_") { end += 1 }
    return end
  }

  /// One past `e-4`; nil when there is none.
  private func exponent(from start: Int) -> Int? {
    guard byte(start) == UInt8(ascii: "e") || byte(start) == UInt8(ascii: "E") else { return nil }
    let isSigned = byte(start + 1) == UInt8(ascii: "-") || byte(start + 1) == UInt8(ascii: "+")
    let first = start + (isSigned ? 2 : 1)
    return isDigit(byte(first)) ? digits(from: first) : nil
  }

  private mutating func lexUnit(after length: Int, otherwise kind: Token.Kind) {
    if byte(length) == UInt8(ascii: "%") { return emit(.quantity, length: length + 1) }
    let end = wordEnd(from: length)
    if end > length {
      if Unit(rawValue: text(from: length, to: end)) != nil {
        return emit(.quantity, length: end)
      }
      reportUnit(from: length, to: end)
      return emit(kind, length: end)
    }
    // Only FLOP units may stand apart: `5 s` would swallow a name.
    if byte(length) == UInt8(ascii: " ") {
      let wordEnd = wordEnd(from: length + 1)
      if wordEnd - length - 1 == 4 || wordEnd - length - 1 == 5,
        let unit = Unit(rawValue: text(from: length + 1, to: wordEnd)), unit.countsOperations
      {
        return emit(.quantity, length: wordEnd)
      }
    }
    emit(kind, length: length)
  }

  private func wordEnd(from start: Int) -> Int {
    var end = start
    while isWordByte(byte(end)) || byte(end) >= 0x80 { end += 1 }
    return end
  }

  private func text(from start: Int, to end: Int) -> String {
    String(decoding: bytes[position + start..<position + end], as: UTF8.self)
  }

  private mutating func reportUnit(from start: Int, to end: Int) {
    guard diagnostics.count < mostDiagnostics else { return }
    let unit = text(from: start, to: min(end, start + 40))
    let known = Unit.allCases.map(\.rawValue)
    let near = closest(unit, among: known)
    let place = span(position + start, position + end)
    let hint =
      near.map { "did you mean '\($0)'?" }
      ?? "known units are \(known.joined(separator: ", "))"
    complain(
      Diagnostic(
        .invalidNumber, "unknown unit '\(unit)'", at: place, hint: hint,
        fix: near.map { .replace(place, with: $0) }))
  }

  private mutating func reportNumber(_ title: String, from start: Int, length: Int) {
    complain(Diagnostic(.invalidNumber, title, at: span(start, start + length)))
  }
}

extension Unit {
  /// The units that may follow their number after one space.
  var countsOperations: Bool {
    switch self {
    case .flop, .kiloflop, .megaflop, .gigaflop, .teraflop: true
    case .percent, .nanoseconds, .microseconds, .milliseconds, .seconds: false
    }
  }
}
