/// Where the time of runs went, by op.
public struct Profile: Sendable {
  public struct Entry: Sendable {
    /// An op, or `rows` for ops that ran together, row by row.
    public var op: String
    public var calls = 0
    public var seconds = 0.0
    public var flops = 0.0
  }

  private var entries: [String: Entry] = [:]

  public init() {}

  mutating func add(_ op: String, seconds: Double, flops: Double) {
    var entry = entries[op] ?? Entry(op: op)
    entry.calls += 1
    entry.seconds += seconds
    entry.flops += flops
    entries[op] = entry
  }

  /// The ops by time, longest first.
  public var table: [Entry] {
    entries.values.sorted { ($1.seconds, $0.op) < ($0.seconds, $1.op) }
  }
}
