/// A change of a script's text that mends what a diagnostic says.
public struct FixIt: Sendable, Hashable {
  /// What stands in place of a span; an empty span inserts.
  public struct Edit: Sendable, Hashable {
    public var span: Span
    public var text: String

    public init(span: Span, text: String) {
      self.span = span
      self.text = text
    }
  }

  /// What it does, as an order: `write 'and'`.
  public var title: String
  /// All of them or none.
  public var edits: [Edit]

  public init(_ title: String, _ edits: [Edit]) {
    self.title = title
    self.edits = edits
  }

  /// Writes `text` in place of the span.
  public static func replace(_ span: Span, with text: String) -> FixIt {
    FixIt("write '\(text)'", [Edit(span: span, text: text)])
  }

  /// Writes `text` before a byte.
  public static func insert(_ text: String, at offset: Int, in source: UInt16) -> FixIt {
    let shown = text.filter { $0 != " " }
    return FixIt(
      "insert '\(shown)'",
      [Edit(span: Span(source: source, start: offset, end: offset), text: text)])
  }

  /// Removes the span.
  public static func remove(_ span: Span, _ title: String) -> FixIt {
    FixIt(title, [Edit(span: span, text: "")])
  }
}

extension Sequence<Diagnostic> {
  /// Makes the fixes of these diagnostics in a text, those that come first before those they overlap.
  ///
  /// - Parameter source: The id of the text; fixes of other texts are left alone.
  /// - Returns: the new text and the diagnostics whose fixes it has, in the order of the text.
  /// - Complexity: O(*n* log *n*) in the edits, and linear in the text.
  public func fixing(_ bytes: [UInt8], source: UInt16) -> (bytes: [UInt8], fixed: [Diagnostic]) {
    var taken: [FixIt.Edit] = []
    var fixed: [Diagnostic] = []
    for diagnostic in self {
      guard let fix = diagnostic.fix, !fix.edits.isEmpty,
        fix.edits.allSatisfy({ $0.span.source == source && Int($0.span.end) <= bytes.count }),
        !fix.edits.contains(where: { edit in taken.contains { $0.conflicts(with: edit) } })
      else { continue }
      taken += fix.edits
      fixed.append(diagnostic)
    }
    var result = bytes
    for edit in taken.sorted(by: { $0.span.start > $1.span.start }) {
      result.replaceSubrange(edit.range(in: result), with: Array(edit.text.utf8))
    }
    return (result, fixed)
  }
}

extension FixIt.Edit {
  /// The bytes it replaces: what is alone on its line is removed with the line.
  fileprivate func range(in bytes: [UInt8]) -> Range<Int> {
    let range = Int(span.start)..<Int(span.end)
    guard text.isEmpty else { return range }
    func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
    let start = bytes[..<range.lowerBound].lastIndex { !isBlank($0) }.map { $0 + 1 } ?? 0
    let end = bytes[range.upperBound...].firstIndex { !isBlank($0) } ?? bytes.count
    let newline = UInt8(ascii: "\n")
    guard start == 0 || bytes[start - 1] == newline, end < bytes.count, bytes[end] == newline else {
      return range
    }
    return start..<end + 1
  }

  /// Whether both cannot be made. Two that touch could mean the same, such as two insertions at one place.
  fileprivate func conflicts(with other: FixIt.Edit) -> Bool {
    span.start <= other.span.end && other.span.start <= span.end
  }
}
