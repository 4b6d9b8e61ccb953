import AdaptSyntax

/// A script that is parsed again and again, in this process.
final class ParseWorkload: Measurement {
  private let bytes: [UInt8]

  init(_ path: String) throws { bytes = try contents(of: path) }

  /// What is to be known before any timing: a script with errors would be parsed in part only.
  func facts() -> [String: Any] {
    let tree = parse(bytes: bytes, source: 0)
    return [
      "bytes": bytes.count, "tokens": tree.tokens.count, "statements": tree.block.statements.count,
      "errors": tree.diagnostics.count,
    ]
  }

  /// Seconds to make the tree; freeing it is not counted.
  func step() -> Double {
    let start = ContinuousClock.now
    let tree = parse(bytes: bytes, source: 0)
    let seconds = (ContinuousClock.now - start) / .seconds(1)
    withExtendedLifetime(tree) {}
    return seconds
  }
}
