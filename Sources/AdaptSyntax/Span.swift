/// A range of UTF-8 bytes in one source file.
///
/// Spans are small so that every node of a tree can carry one; the file itself is looked up in a
/// ``SourceMap`` when a diagnostic is rendered.
public struct Span: Hashable, Sendable {
  /// Which file of the ``SourceMap``.
  public var source: UInt16
  /// The first byte.
  public var start: UInt32
  /// One past the last byte.
  public var end: UInt32

  public init(source: UInt16 = 0, start: Int, end: Int) {
    self.source = source
    self.start = UInt32(clamping: start)
    self.end = UInt32(clamping: end)
  }

  /// The smallest span that holds both. They must be of one file.
  public func union(_ other: Span) -> Span {
    var result = self
    result.start = min(start, other.start)
    result.end = max(end, other.end)
    return result
  }
}
