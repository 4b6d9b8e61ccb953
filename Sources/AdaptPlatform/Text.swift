extension String {
  /// A text as C's `printf` writes it, in the C locale.
  package init(printf format: String, _ arguments: any CVarArg...) {
    self = withVaList(arguments) { list in
      // A list can be walked once: the first walk finds the length.
      var copy = [CChar](repeating: 0, count: 64)
      let length = Int(vsnprintf(&copy, copy.count, format, list))
      guard length >= copy.count else { return String(cString: copy) }
      return withVaList(arguments) { again in
        var whole = [CChar](repeating: 0, count: length + 1)
        vsnprintf(&whole, whole.count, format, again)
        return String(cString: whole)
      }
    }
  }
}

extension StringProtocol {
  /// Without the white space, ends of lines among it, at both ends.
  package func trimmed() -> String {
    let start = self.drop { $0.isWhitespace }
    guard let last = start.lastIndex(where: { !$0.isWhitespace }) else { return "" }
    return String(start[...last])
  }
}
