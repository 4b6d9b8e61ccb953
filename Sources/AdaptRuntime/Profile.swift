import AdaptGraph

/// Where the time of runs went, by op.
public struct Profile: Sendable {
  public struct Entry: Sendable {
    public var op: OpKind
    public var calls = 0
    public var seconds = 0.0
    public var flops = 0.0
  }

  private var entries: [OpKind: Entry] = [:]

  public init() {}

  mutating func add(_ node: Node, seconds: Double, flops: Double) {
    var entry = entries[node.op.kind] ?? Entry(op: node.op.kind)
    entry.calls += 1
    entry.seconds += seconds
    entry.flops += flops
    entries[node.op.kind] = entry
  }

  /// The ops by time, longest first.
  public var table: [Entry] {
    entries.values.sorted { ($1.seconds, $0.op.rawValue) < ($0.seconds, $1.op.rawValue) }
  }
}
