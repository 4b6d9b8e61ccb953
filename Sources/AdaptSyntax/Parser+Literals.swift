extension Parser {
  // MARK: Numbers

  @inline(never)
  mutating func parseNumber() -> Expression {
    let token = current
    let span = span(token)
    advance()
    let digits = numberText(token)
    guard token.kind != .integer else { return integer(digits, span) }
    let value = Double(digits) ?? 0
    if !value.isFinite {
      report(.invalidNumber, "this number is too large", at: span, label: "beyond 1.8e308")
    }
    guard token.kind == .quantity else { return Expression(.number(value), span: span) }
    return Expression(.quantity(value, unit: unit(of: token) ?? .percent), span: span)
  }

  private mutating func integer(_ digits: String, _ span: Span) -> Expression {
    if let value = Int(digits) { return Expression(.integer(value), span: span) }
    report(
      .invalidNumber, "this integer is too large", at: span,
      label: "the largest is \(Int.max)", hint: "write it as \(digits).0 for a number with rounding"
    )
    return Expression(.number(Double(digits) ?? 0), span: span)
  }

  /// The number without unit and underscores.
  private func numberText(_ token: Token) -> String {
    var characters: [UInt8] = []
    for offset in token.range {
      let byte = bytes[offset]
      let next = offset + 1 < token.range.upperBound ? bytes[offset + 1] : 0
      switch byte {
      case UInt8(ascii: "_"): continue
      case UInt8(ascii: "."): characters.append(byte)
      case UInt8(ascii: "e"), UInt8(ascii: "E"):
        // `1e5`, but not the unit of `1east`.
        guard isDigit(next) || next == UInt8(ascii: "-") || next == UInt8(ascii: "+") else {
          return String(decoding: characters, as: UTF8.self)
        }
        characters.append(byte)
      case UInt8(ascii: "-"), UInt8(ascii: "+"): characters.append(byte)
      case _ where isDigit(byte): characters.append(byte)
      default: return String(decoding: characters, as: UTF8.self)
      }
    }
    return String(decoding: characters, as: UTF8.self)
  }

  private func unit(of token: Token) -> Unit? {
    if bytes[token.range.upperBound - 1] == UInt8(ascii: "%") { return .percent }
    var first = token.range.upperBound
    // Letters from the end back to the last digit; no unit holds a digit.
    while first > token.range.lowerBound, !isDigit(bytes[first - 1]),
      bytes[first - 1] != UInt8(ascii: " "), bytes[first - 1] != UInt8(ascii: "_")
    {
      first -= 1
    }
    return Unit(rawValue: String(decoding: bytes[first..<token.range.upperBound], as: UTF8.self))
  }

  // MARK: Strings

  @inline(never)
  mutating func parseString() -> Expression {
    if current.range.count == 3 { return parseBlockString() }
    let first = start
    advance()
    var segments: [StringSegment] = []
    while true {
      switch current.kind {
      case .stringText:
        segments.append(.text(unescape(current.range)))
        advance()
      case .interpolationStart:
        segments.append(parseInterpolation())
      case .stringEnd:
        advance()
        return Expression(.string(segments), span: span(from: first))
      default:
        // Not reached: the lexer closes every string. Ends the loop whatever happens.
        return Expression(.string(segments), span: span(from: first))
      }
    }
  }

  mutating func parseInterpolation() -> StringSegment {
    var value = Expression(.missing, span: span(current))
    var format: String?
    bracketed(newlinesMatter: false) { parser in
      value = parser.parseExpression()
      if parser.current.kind == .colon {
        parser.advance()
        format = parser.parseFormat()
      } else if parser.current.kind != .interpolationEnd {
        parser.reportMissing("')' after the interpolated expression")
        parser.skipInterpolation()
      }
    }
    return .interpolation(value, format: format)
  }

  private mutating func parseFormat() -> String {
    guard current.kind == .formatText else {
      reportMissing("a format", hint: "for example \\(x: .3)")
      return ""
    }
    let text = text(current)
    advance()
    return text
  }

  /// Skips to the end of the interpolation, over strings inside.
  private mutating func skipInterpolation() {
    var open = 0
    while current.kind != .endOfFile {
      if current.kind == .interpolationStart { open += 1 }
      if current.kind == .interpolationEnd {
        if open == 0 { return }
        open -= 1
      }
      advance()
    }
  }
}
