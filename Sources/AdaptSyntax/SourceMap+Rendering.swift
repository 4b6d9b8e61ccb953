extension SourceMap {
  /// The picture of a diagnostic: title, place, line with carets, notes and hint.
  ///
  /// Several lines without a line break at the end. Never fails: a span that points outside its
  /// text is moved to the end of it, and one without a text shows no picture. What came from a
  /// script is shown with its control characters made visible.
  ///
  /// - Parameter color: Whether to use the colours of ANSI terminals.
  public func render(_ d: Diagnostic, color: Bool = false) -> String {
    let paint = Paint(isOn: color)
    let accent: Paint.Style = d.severity == .error ? .error : .warning
    var lines = [
      paint("\(d.severity.rawValue)[\(d.id.rawValue)]", accent)
        + paint(": " + visible(d.title), .strong)
    ]
    let gutter = gutterWidth(d)
    if let span = d.span {
      lines += picture(span, label: d.label, gutter: gutter, style: accent, paint)
    } else if !d.label.isEmpty {
      lines.append("  " + visible(d.label))
    }
    for note in d.notes {
      lines.append(paint("note", .note) + ": " + visible(note.text))
      lines += picture(note.span, label: "", gutter: gutter, style: .note, paint)
    }
    if !d.hint.isEmpty { lines += hint(d.hint, paint) }
    return lines.joined(separator: "\n")
  }

  /// One width for all pictures of a diagnostic, so that their lines stand below one another.
  private func gutterWidth(_ d: Diagnostic) -> Int {
    let spans = [d.span].compactMap { $0 } + d.notes.map(\.span)
    let numbers = spans.map { span in
      String(file(span.source)?.lineNumber(of: Int(span.start)) ?? 1).utf8.count
    }
    return numbers.max() ?? 1
  }

  private func picture(
    _ span: Span, label: String, gutter: Int, style: Paint.Style, _ paint: Paint
  ) -> [String] {
    guard let file = file(span.source) else {
      return label.isEmpty ? [] : ["  " + visible(label)]
    }
    let cause = clamp(span, file)
    let (line, column) = position(of: cause.lowerBound, in: span.source)
    let range = file.line(line)
    let shown = min(cause.lowerBound, range.upperBound)..<min(cause.upperBound, range.upperBound)
    let display = DisplayLine(bytes: file.bytes, range: range, cause: shown)
    let underline = display.underline(shown)
    let number = String(line)
    let blank = String(repeating: " ", count: gutter)
    let bar = paint("\(blank) |", .gutter)
    let mark = String(repeating: "^", count: underline.count)
    let beside = label.isEmpty ? "" : " " + visible(label)
    let text = display.text
    var lines = [
      paint("\(blank)-->", .gutter) + " \(visible(file.name)):\(line):\(column)",
      bar,
      paint(pad(number, gutter) + " |", .gutter) + (text.isEmpty ? "" : " " + text),
      bar + String(repeating: " ", count: underline.indent + 1) + paint(mark + beside, style),
    ]
    let last = file.lineNumber(of: max(cause.lowerBound, cause.upperBound - 1))
    if last > line {
      lines.append(paint("\(blank) …", .gutter) + paint(" up to line \(last)", style))
    }
    return lines
  }

  /// The bytes of a span within its file, in order.
  private func clamp(_ span: Span, _ file: SourceFile) -> Range<Int> {
    let start = min(Int(span.start), file.bytes.count)
    return start..<min(max(start, Int(span.end)), file.bytes.count)
  }

  /// The hint, which a host may have written on several lines.
  private func hint(_ text: String, _ paint: Paint) -> [String] {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    return lines.enumerated().map { index, line in
      (index == 0 ? paint("help", .help) + ": " : "      ") + visible(String(line))
    }
  }

  private func pad(_ number: String, _ width: Int) -> String {
    String(repeating: " ", count: max(0, width - number.utf8.count)) + number
  }
}

/// Puts text between the codes of ANSI terminals, or leaves it alone.
private struct Paint {
  enum Style: String {
    case error = "1;31"
    case warning = "1;33"
    case note = "1;36"
    case help = "1;32"
    case gutter = "1;34"
    case strong = "1"
  }

  var isOn: Bool

  func callAsFunction(_ text: String, _ style: Style) -> String {
    isOn ? "\u{1B}[\(style.rawValue)m\(text)\u{1B}[0m" : text
  }
}
