import AdaptSyntax

extension Trial {
  /// Formatting refuses what has errors, and else keeps all that is said and changes nothing twice.
  func formatViolations(_ bytes: [UInt8], _ tree: SyntaxTree) -> [Violation] {
    let isRight = !tree.diagnostics.contains { $0.severity == .error }
    guard let new = format(bytes: bytes, as: tree) else {
      return isRight ? [Violation(kind: "a script is not formatted", detail: "")] : []
    }
    guard isRight else { return [Violation(kind: "a wrong script is formatted", detail: "")] }
    let again = parse(bytes: new, source: 0)
    var found: [Violation] = []
    if let error = again.diagnostics.first(where: { $0.severity == .error }) {
      found.append(Violation(kind: "a formatted script is wrong", detail: error.title))
    }
    if Trial.said(bytes, tree) != Trial.said(new, again) {
      found.append(Violation(kind: "formatting changes what is said", detail: ""))
    }
    if format(bytes: new, as: again) != new {
      found.append(Violation(kind: "formatting twice is not formatting once", detail: ""))
    }
    return found
  }

  /// The texts of tokens and comments, without what only lays them out.
  private static func said(_ bytes: [UInt8], _ tree: SyntaxTree) -> [[UInt8]] {
    tree.tokens.compactMap { token in
      switch token.kind {
      case .whitespace, .newline, .semicolon, .endOfFile: return nil
      case .lineComment, .docComment:
        // Blanks at the end of a line go.
        let text = bytes[token.range]
        return Array(text.prefix(through: text.lastIndex { $0 > 0x20 } ?? text.startIndex))
      // The lines of a comment move with its beginning.
      case .blockComment: return bytes[token.range].filter { $0 > 0x20 }
      default: return Array(bytes[token.range])
      }
    }
  }
}
