import AdaptGraph

/// What decides at a site, in place of or together with what the router learned.
public enum Policy: Sendable, Hashable {
  /// The router's own selection.
  case learned
  /// The path of this name for every unit.
  case always(String)
  /// As many paths as the router would take, drawn evenly; the same seed gives the same draw.
  case random(seed: UInt64)
  /// Each path in turn: of n paths, unit i takes path i mod n and, where the rule is to take several,
  /// those behind it.
  case uniform
  /// The router's rule with its threshold moved: for a site that takes what is above one.
  case threshold(Double)
  /// The router's rule with another share of the units that a path keeps, or another capacity factor.
  case capacity(Double)
  /// The router's rule moved in each run so that at most this share is executed: a threshold to a
  /// quantile of the run's numbers, the share that is kept to the budget, the best paths by a price on
  /// their cost.
  case budget(Double)
  /// These selections: 0/1 of `[units, paths]`, from the given unit on; all of them exactly where that
  /// is nil. Weights are computed anew, so the router keeps its gradient. A site inside of a scan decides step by step, and is recorded so.
  case replay([Float], from: Int? = nil)
  /// The path of each unit by its name, from the given unit on, such as an oracle's labels.
  case labels([String], from: Int? = nil)
  /// A host decides.
  case callback(SiteCallback)

  /// What is wrong with the policy at a site; nil when it can decide there.
  public func objection(at site: Site) -> RuntimeError? {
    switch self {
    case .learned, .random, .uniform, .replay, .callback: return nil
    case .always(let path): return Policy.unknownPath(path, site)
    case .labels(let names, _):
      return Set(names).sorted().lazy.compactMap { Policy.unknownPath($0, site) }.first
    case .threshold(let limit):
      guard !limit.isNaN else { return .badInput("a threshold is a number") }
      return site.selection.moving(threshold: limit) == nil
        ? .badInput("site \(site.name) has no threshold; it takes \(site.selection.rule)") : nil
    case .capacity(let size):
      guard size.isFinite, size >= 0 else { return .badInput("a capacity is a number from 0") }
      return site.selection.moving(capacity: size) == nil
        ? .badInput("site \(site.name) has no capacity; it takes \(site.selection.rule)") : nil
    case .budget(let share):
      guard share >= 0, share <= 1 else { return .badInput("a budget is a share from 0% to 100%") }
      return site.selection.isBudgeted
        ? nil : .badInput("site \(site.name) has no budget; it takes \(site.selection.rule)")
    }
  }

  private static func unknownPath(_ path: String, _ site: Site) -> RuntimeError? {
    guard !site.paths.contains(where: { $0.name == path }) else { return nil }
    let known = site.paths.map(\.name).joined(separator: ", ")
    return .unknownSite("site \(site.name) has no path '\(path)'; it has \(known)")
  }

  /// The policy in the next run of a series, `units` of which decided in the last one.
  ///
  /// What is replayed goes on where the last run ended.
  func following(_ units: Int) -> Policy {
    switch self {
    case .replay(let mask, let start?): .replay(mask, from: start + units)
    case .labels(let names, let start?): .labels(names, from: start + units)
    default: self
    }
  }

  /// The policy in one step of a training, in which draws are not the same each time.
  func drawn(in step: Int) -> Policy {
    guard case .random(let seed) = self else { return self }
    return .random(seed: seed &+ UInt64(truncatingIfNeeded: step))
  }
}

/// What a host is asked at a site.
public struct SiteQuestion: Sendable {
  /// The dotted name of the site, and its paths, the one for the rest last.
  public var site: String
  public var paths: [String]
  public var units: Int
  /// What the rule decides by: `[units, paths]`, without a column for the rest.
  public var scores: [Float]
}

/// Decides at a site for a host.
public final class SiteCallback: Sendable, Hashable {
  /// Gives 0/1 of `[units, paths]`, of all paths.
  public let decide: @Sendable (SiteQuestion) throws -> [Float]

  public init(_ decide: @escaping @Sendable (SiteQuestion) throws -> [Float]) {
    self.decide = decide
  }

  public static func == (first: SiteCallback, second: SiteCallback) -> Bool { first === second }

  public func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }
}

/// What a site decided in one run.
public struct SiteDecision: Sendable, Hashable {
  public var site: String
  public var paths: [String]
  /// For each unit that decided, the row of the batch it came from.
  public var rows: [Int32]
  /// 0/1 of `[rows, paths]`.
  public var mask: [Float]

  /// How many units took each path.
  public var counts: [Int] {
    var counts = Array(repeating: 0, count: paths.count)
    for (index, taken) in mask.enumerated() where taken != 0 { counts[index % paths.count] += 1 }
    return counts
  }
}

extension Selection {
  /// The rule in words, for messages.
  var rule: String {
    switch self {
    case .top(let k): "the \(k) best paths"
    case .all: "every path"
    case .above(let limit): "the paths above \(limit)"
    case .given: "what its router gives"
    case .best(.count(let count)): "the \(count) best units"
    case .best(.share(let share)): "the best \(share * 100)% of the units"
    case .pairs(.count(let count)): "the \(count) best pairs of a unit and a path"
    case .pairs(.share(let share)): "the best \(share * 100)% of the pairs of a unit and a path"
    case .amongBatch(let inner): inner.rule + " of the batch"
    case .capped(let inner, _): inner.rule + ", as far as there is room"
    }
  }

  /// The rule with another threshold; nil when it has none.
  func moving(threshold: Double) -> Selection? {
    switch self {
    case .above: .above(threshold)
    case .capped(let inner, let capacity):
      inner.moving(threshold: threshold).map { .capped($0, capacity) }
    case .amongBatch(let inner): inner.moving(threshold: threshold).map { .amongBatch($0) }
    case .top, .all, .given, .best, .pairs: nil
    }
  }

  /// The rule with another share that is kept, or another capacity factor; nil when it has none.
  func moving(capacity: Double) -> Selection? {
    switch self {
    case .best: .best(.share(capacity))
    case .pairs: .pairs(.share(capacity))
    case .amongBatch(let inner): inner.moving(capacity: capacity).map { .amongBatch($0) }
    case .capped(let inner, let old):
      .capped(inner, Capacity(factor: capacity, order: old.order))
    case .top, .all, .above, .given: nil
    }
  }

  /// Whether a budget can move the rule.
  var isBudgeted: Bool {
    switch self {
    case .top, .above, .best, .pairs: true
    case .capped(let inner, _), .amongBatch(let inner): inner.isBudgeted
    case .all, .given: false
    }
  }
}
