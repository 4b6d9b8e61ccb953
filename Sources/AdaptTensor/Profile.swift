import AdaptPlatform

/// Where the time of runs went: by op, by the way it was computed, and by place in the model.
///
/// Any thread may add to it.
public final class Profile: @unchecked Sendable {
  /// One piece of work.
  public struct Event: Sendable {
    /// An op, or `rows` for ops that ran together, rows by rows.
    public var op: String
    /// The path of a site, as in `blocks[0].duo.route.big`; empty outside of sites.
    public var place: String
    /// How it was computed, where there is a choice.
    public var way: String
    /// Seconds since the profile was made.
    public var start: Double
    public var seconds: Double
    public var flops: Double
    /// Of operands and results, each once.
    public var bytes: Double

    public init(
      op: String, place: String = "", way: String = "", start: Double = 0, seconds: Double,
      flops: Double, bytes: Double = 0
    ) {
      (self.op, self.place, self.way) = (op, place, way)
      (self.start, self.seconds, self.flops, self.bytes) = (start, seconds, flops, bytes)
    }
  }

  /// What several pieces of work took together.
  public struct Entry: Sendable {
    public var op: String
    public var place: String
    public var way: String
    public var calls = 0
    public var seconds = 0.0
    public var flops = 0.0
    public var bytes = 0.0

    mutating func add(_ other: Event) {
      calls += 1
      seconds += other.seconds
      flops += other.flops
      bytes += other.bytes
    }

    mutating func add(_ other: Entry) {
      calls += other.calls
      seconds += other.seconds
      flops += other.flops
      bytes += other.bytes
    }
  }

  private struct Key: Hashable {
    var op: String
    var place: String
    var way: String
  }

  /// Events that are kept at most; later ones are counted only.
  public static let mostEvents = 500_000

  private let lock = Lock()
  private let begin = ContinuousClock.now
  private let keepsEvents: Bool
  private var sums: [Key: Entry] = [:]
  private var kept: [Event] = []
  private var lost = 0

  /// - Parameter keepsEvents: keep each piece of work, for a picture of their order.
  public init(keepsEvents: Bool = false) { self.keepsEvents = keepsEvents }

  /// Seconds since the profile was made.
  public var now: Double { (ContinuousClock.now - begin) / .seconds(1) }

  public func add(_ event: Event) {
    let key = Key(op: event.op, place: event.place, way: event.way)
    lock.withLock {
      sums[key, default: Entry(op: event.op, place: event.place, way: event.way)].add(event)
      guard keepsEvents else { return }
      if kept.count < Profile.mostEvents { kept.append(event) } else { lost += 1 }
    }
  }

  /// The pieces of work in the order in which they ended, and how many were too many to be kept.
  public var events: (kept: [Event], lost: Int) { lock.withLock { (kept, lost) } }

  /// By op and way, longest first.
  public var table: [Entry] { grouped { Key(op: $0.op, place: "", way: $0.way) } }

  /// By place, longest first.
  public var places: [Entry] { grouped { Key(op: "", place: $0.place, way: "") } }

  private func grouped(_ key: (Entry) -> Key) -> [Entry] {
    var groups: [Key: Entry] = [:]
    for entry in lock.withLock({ Array(sums.values) }) {
      let key = key(entry)
      groups[key, default: Entry(op: key.op, place: key.place, way: key.way)].add(entry)
    }
    return groups.values.sorted {
      ($1.seconds, $0.op, $0.place, $0.way) < ($0.seconds, $1.op, $1.place, $1.way)
    }
  }
}
