import AdaptSyntax

/// Makes an input smaller while it still fails.
public struct Minimizer {
  private let stillFails: ([UInt8]) -> Bool
  private var attempts: Int

  /// - Parameters:
  ///   - attempts: how often an input may be tried.
  public init(attempts: Int, stillFails: @escaping ([UInt8]) -> Bool) {
    self.attempts = attempts
    self.stillFails = stillFails
  }

  /// A smaller input that fails; the input itself when none is found.
  public mutating func minimized(_ bytes: [UInt8]) -> [UInt8] {
    let lines = reduced(Minimizer.lines(bytes))
    let tokens = parse(bytes: Array(lines.joined()), source: 0).tokens.map { token in
      Array(Array(lines.joined())[token.range])
    }
    return Array(reduced(tokens.filter { !$0.isEmpty }).joined())
  }

  private static func lines(_ bytes: [UInt8]) -> [[UInt8]] {
    bytes.split(separator: 10, omittingEmptySubsequences: false).map { Array($0) + [10] }
  }

  /// Leaves out runs of parts, long runs first.
  private mutating func reduced(_ parts: [[UInt8]]) -> [[UInt8]] {
    var parts = parts
    var size = parts.count / 2
    while size > 0 {
      var start = 0
      while start < parts.count, attempts > 0 {
        var fewer = parts
        fewer.removeSubrange(start..<min(parts.count, start + size))
        attempts -= 1
        if stillFails(Array(fewer.joined())) { parts = fewer } else { start += size }
      }
      size /= 2
    }
    return parts
  }
}
