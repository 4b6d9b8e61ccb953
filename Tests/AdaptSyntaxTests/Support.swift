import AdaptSyntax

func parse(_ text: String, limits: ParseLimits = .default) -> SyntaxTree {
  parse(bytes: Array(text.utf8), source: 0, limits: limits)
}

/// The structure of a text, followed by the ids of its errors.
func structure(_ text: String) -> String {
  let tree = parse(text)
  let errors = tree.diagnostics.map { " !\($0.id.rawValue)" }.joined()
  return dump(tree.block) + errors
}

/// The ids and titles of the errors in a text.
func errors(_ text: String) -> [String] {
  parse(text).diagnostics.map { "\($0.id.rawValue) \($0.title)" }
}

/// Whether tokens and trivia are the bytes of the source.
func isLossless(_ tree: SyntaxTree, _ bytes: [UInt8]) -> Bool {
  var offset = 0
  for token in tree.tokens {
    guard token.range.lowerBound == offset, token.range.upperBound >= offset else { return false }
    offset = token.range.upperBound
  }
  return offset == bytes.count
}
