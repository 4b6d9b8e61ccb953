import AdaptGraph

/// What goes wrong at sites without anything failing.
public struct Symptom: Sendable, Hashable {
  public enum Kind: Sendable, Hashable {
    /// Paths that nothing takes.
    case dead([String])
    /// As many paths as a unit takes get nearly all, of more; their names, and their share.
    case collapsed([String], share: Double)
    /// Nobody stops before the end.
    case neverStops
    /// All stop at the first chance.
    case stopsAtOnce
  }

  public var kind: Kind
  /// The site, or the first of a chain of chances to stop.
  public var site: Site
  /// Sites that it was seen at: 1, or all of the chain.
  public var chances: Int
  /// Steps in a row that it lasted; 1 for a whole evaluation.
  public var steps: Int
  /// Units that decided meanwhile.
  public var units: Int
}

/// Watches from step to step how many units sites send where.
///
/// It reads counts that a run has anyway, and says something once when it has held for so many steps in a
/// row and ``leastUnits`` units; a step in which nothing reaches a site does not count.
public struct Watchdog: Sendable {
  /// Steps in a row after which something is said.
  public struct Patience: Sendable {
    /// With paths that lie idle.
    public var paths: Int
    /// With chances to stop, which routers of the literature learn to take late.
    public var stops: Int

    /// Through a training.
    public static let training = Patience(paths: 100, stops: 500)
    /// Where all is counted together.
    public static let evaluation = Patience(paths: 1, stops: 1)
  }

  /// Units that must have decided, so that chance is no explanation.
  public static let leastUnits = 500
  /// The share from which paths have nearly all.
  static let nearlyAll = 0.99

  /// How long something has lasted.
  private struct Streak: Sendable {
    var steps = 0
    var units = 0
    private var isTold = false

    mutating func count(_ holds: Bool, _ reached: Int) {
      if holds {
        steps += 1
        units += reached
      } else {
        (steps, units) = (0, 0)
      }
    }

    func isLong(_ least: Int) -> Bool { steps >= least && units >= Watchdog.leastUnits }

    /// Whether it is long enough to be told, for the first time.
    mutating func isDue(_ least: Int) -> Bool {
      guard !isTold, isLong(least) else { return false }
      isTold = true
      return true
    }
  }

  /// A site that sends units to paths.
  private struct Fork: Sendable {
    let index: Int
    var idle: [Streak]
    var collapsed = Streak()
  }

  /// Sites that are chances to stop of one loop or cascade, or all exits.
  private struct Chain: Sendable {
    var sites: [Int]
    var never = Streak()
    var atOnce = Streak()
  }

  private let sites: [Site]
  private let patience: Patience
  private var forks: [Fork] = []
  private var chains: [Chain] = []

  /// - Parameters:
  ///   - forced: sites that something else than their router decides at, by name; they are left out.
  public init(_ graph: Graph, forced: Set<String> = [], patience: Patience) {
    sites = graph.sites
    self.patience = patience
    var places: [Stop: Int] = [:]
    var skipped: Set<Stop> = []
    for (index, site) in graph.sites.enumerated() {
      let isForced = forced.contains(site.name) || site.selection == .above(.infinity)
      guard let stop = site.stop else {
        guard !isForced, !site.router.isEmpty, site.selection.canStarve else { continue }
        forks.append(Fork(index: index, idle: Array(repeating: Streak(), count: site.decided)))
        continue
      }
      let chain = Stop(stop.kind, of: stop.chain, number: 0)
      if isForced { skipped.insert(chain) }
      if let place = places[chain] {
        chains[place].sites.append(index)
      } else {
        places[chain] = chains.count
        chains.append(Chain(sites: [index]))
      }
    }
    let idle = Set(skipped.compactMap { places[$0] })
    chains = chains.enumerated().filter { !idle.contains($0.offset) }.map(\.element)
  }

  /// Takes in one run.
  /// - Parameters:
  ///   - units: how many units decided, by site.
  ///   - counts: how many units took each path, by site.
  /// - Returns: what has lasted for the span just now.
  public mutating func observe(units: [Int], counts: [[Int]]) -> [Symptom] {
    var found: [Symptom] = []
    for place in forks.indices { found += observe(&forks[place], units, counts) }
    for place in chains.indices { found += observe(&chains[place], units, counts) }
    return found
  }

  /// Takes in one step of a training.
  public mutating func observe(_ step: StepReport) -> [Symptom] {
    observe(units: step.units, counts: step.paths.map(\.counts))
  }

  private func observe(_ fork: inout Fork, _ units: [Int], _ counts: [[Int]]) -> [Symptom] {
    let (site, reached, rows) = (sites[fork.index], units[fork.index], counts[fork.index])
    guard reached > 0 else { return [] }
    for path in fork.idle.indices { fork.idle[path].count(rows[path] == 0, reached) }
    let favourites = site.favourites(rows)
    fork.collapsed.count((favourites?.share ?? 0) >= Watchdog.nearlyAll, reached)
    if let favourites, fork.collapsed.isLong(patience.paths) {
      guard fork.collapsed.isDue(patience.paths) else { return [] }
      let names = favourites.paths.map { site.paths[$0].name }
      return [symptom(.collapsed(names, share: favourites.share), site, fork.collapsed)]
    }
    // Paths that lie idle side by side are one thing to say.
    let dead = fork.idle.indices.filter { fork.idle[$0].isDue(patience.paths) }
    guard let shortest = dead.map({ fork.idle[$0] }).min(by: { $0.steps < $1.steps }) else {
      return []
    }
    return [symptom(.dead(dead.map { site.paths[$0].name }), site, shortest)]
  }

  private func observe(_ chain: inout Chain, _ units: [Int], _ counts: [[Int]]) -> [Symptom] {
    var (first, later, stopped, stoppedFirst) = (0, 0, 0, 0)
    for index in chain.sites {
      let isFirst = sites[index].stop?.number == 0
      let stops = counts[index][0]
      stopped += stops
      if isFirst {
        first += units[index]
        stoppedFirst += stops
      } else {
        later += units[index]
      }
    }
    guard first > 0, let index = chain.sites.first else { return [] }
    chain.never.count(stopped == 0, first)
    chain.atOnce.count(stoppedFirst == first && later == 0, first)
    if chain.never.isDue(patience.stops) {
      return [symptom(.neverStops, sites[index], chain.never, chances: chain.sites.count)]
    }
    guard chain.atOnce.isDue(patience.stops) else { return [] }
    return [symptom(.stopsAtOnce, sites[index], chain.atOnce, chances: chain.sites.count)]
  }

  private func symptom(
    _ kind: Symptom.Kind, _ site: Site, _ streak: Streak, chances: Int = 1
  ) -> Symptom {
    Symptom(kind: kind, site: site, chances: chances, steps: streak.steps, units: streak.units)
  }
}

extension Selection {
  /// Whether a path may be left without units by what the scores are.
  fileprivate var canStarve: Bool {
    switch self {
    case .all, .best: false
    // 'none' is meant.
    case .above(let limit): limit < .infinity
    case .top, .given, .pairs: true
    case .capped(let inner, _), .amongBatch(let inner): inner.canStarve
    }
  }
}

extension Site {
  /// The paths that take most, as many as one unit takes, with their share of all; nil where the
  /// others are too few to speak of a collapse.
  fileprivate func favourites(_ rows: [Int]) -> (paths: [Int], share: Double)? {
    let taken =
      switch selection {
      // How many a unit takes is open; one that gets all is one too many.
      case .above, .given: 1
      default: selection.taken(of: decided)
      }
    guard decided >= 3, taken < decided else { return nil }
    let total = rows.prefix(decided).reduce(0, +)
    guard total > 0 else { return nil }
    let order = (0..<decided).sorted { rows[$0] > rows[$1] }.prefix(taken).sorted()
    let share = Double(order.reduce(0) { $0 + rows[$1] }) / Double(total)
    return (order, share)
  }
}
