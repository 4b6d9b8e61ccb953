/// Which paths a unit takes, given one number a path to decide by.
public indirect enum Selection: Hashable, Sendable {
  /// The k best; ties go to the lower path.
  case top(Int)
  /// Every path.
  case all
  /// Every path whose number is greater than this.
  case above(Double)
  /// Every path whose number is not 0: the router decided by itself.
  case given
  /// Each path takes its best units of a group (Zhou et al. 2022); ties go to the earlier unit.
  case best(Amount)
  /// The greatest numbers of all pairs of a unit of a group and a path (Ayonrinde 2024, "mutual choice");
  /// ties go to the earlier unit, then to the lower path.
  case pairs(Amount)
  /// As the inner rule says, but a path takes only so many units of a group.
  case capped(Selection, Capacity)
  /// As the inner rule says, with all units of the batch as one group.
  case amongBatch(Selection)

  /// How many paths a unit takes at most, of so many.
  public func taken(of paths: Int) -> Int {
    switch self {
    case .top(let k): max(0, min(k, paths))
    case .all, .above, .given, .best, .pairs: paths
    case .capped(let inner, _), .amongBatch(let inner): inner.taken(of: paths)
    }
  }

  /// Whether a unit's paths depend on the numbers of other units of its group.
  public var isJoint: Bool {
    switch self {
    case .top, .all, .above, .given: false
    case .best, .pairs, .capped, .amongBatch: true
    }
  }

  /// Whether it says how many of a group are taken, and not which of its paths a unit takes.
  public var isShare: Bool {
    switch self {
    case .best, .pairs: true
    case .amongBatch(let inner), .capped(let inner, _): inner.isShare
    case .top, .all, .above, .given: false
    }
  }

  /// Whether a unit's paths depend on the numbers of other groups too.
  public var isAmongBatch: Bool {
    if case .amongBatch = self { return true }
    return false
  }
}

/// How many units of a group: a number, or a share.
public enum Amount: Hashable, Sendable {
  case count(Int)
  /// Rounded up, so that a share of a small group is not nothing.
  case share(Double)

  /// Of `total` units.
  public func of(_ total: Int) -> Int {
    switch self {
    case .count(let count): return max(0, min(count, total))
    case .share(let share):
      // A share such as 7 % has no exact binary form; its error must not add a unit.
      let exact = (share * Double(total) - 1e-9).rounded(.up)
      return max(0, min(Int(exact), total))
    }
  }

  /// The share of `total` units, which may be a mean.
  func share(of total: Double) -> Double {
    switch self {
    case .count(let count): total > 0 ? min(1, Double(count) / total) : 0
    case .share(let share): min(1, max(0, share))
    }
  }
}

/// How many units a path has room for (Lepikhin et al. 2021, algorithm 1).
public struct Capacity: Hashable, Sendable {
  /// Who stays when there are more.
  public enum Order: String, Hashable, Sendable, CaseIterable {
    /// The first of the group.
    case position
    /// Those with the greatest numbers (Riquelme et al. 2021, "batch prioritized routing").
    case score
  }

  /// Room, relative to an even share: 1 is units × paths taken / paths.
  public var factor: Double
  public var order: Order

  public init(factor: Double, order: Order) {
    self.factor = factor
    self.order = order
  }

  /// Units that fit on each of `paths` when each of `total` takes `taken`.
  public func room(total: Int, taken: Int, paths: Int) -> Int {
    Amount.share(factor * Double(taken) / Double(max(1, paths))).of(total)
  }
}
