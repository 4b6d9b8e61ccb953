import AdaptGraph
import AdaptPlatform
import AdaptTensor

/// What calibrating a model to a budget came to.
public struct Calibration: Sendable {
  /// The largest share that was to be executed.
  public var budget: Double
  /// What decides at the sites that were calibrated, by site name.
  public var policies: [String: Policy]
  /// Executed operations relative to the costliest paths everywhere, on the data that the thresholds
  /// were set by.
  public var fitted: Double
  /// The same on data that had no part in it, the mean of `windows` windows.
  public var checked: Double
  public var windows: Int
  /// What the mean executed share of new windows does not exceed with the confidence that was asked for,
  /// as long as they come independently from the distribution that was checked on.
  public var bound: Double
  /// How sure the bound is: 0.95.
  public var confidence: Double
}

/// Moves the thresholds of a model's sites, and the shares that its sites keep, so that a budget is kept on
/// new data.
///
/// In order:
/// 1. Settings from the cheapest to the costliest are a line: at `openness` t a site stands at the quantile
///    t^slope of the numbers that it decides by. Slopes are 1, or with labels what serves the loss best at the
///    budget, found site by site on one part of the data.
/// 2. From the setting that meets the budget there, some steps towards the cheapest are taken. On the other
///    part they are tested from the cheapest on whether their mean cost is above the budget, until one is not
///    refuted: the last that was, is kept. Tests in a fixed order need no correction for their number
///    (Angelopoulos et al. 2021, "Learn then Test": fixed sequence testing).
public final class Calibrator {
  /// What is asked of a calibration.
  public struct Goal: Sendable {
    /// The largest share of the costliest paths that may be executed.
    public var budget: Double
    /// With which probability it is to hold.
    public var confidence: Double

    public init(budget: Double, confidence: Double = 0.95) {
      (self.budget, self.confidence) = (budget, confidence)
    }
  }

  /// Halvings of the openness.
  private static let halvings = 12
  /// How much more closed than what fits the settings are that are tested, from the cheapest on.
  private static let margins = [0.4, 0.2, 0.1, 0.05, 0.025, 0.0125, 0]
  /// What slopes are multiplied with, to see whether the loss gets less.
  private static let tilts = [0.5, 2]
  /// With more sites than these all keep one quantile: each would be tried at its own.
  private static let mostTilted = 12

  private let executor: Executor
  /// Measures the loss, where there are labels.
  private let evaluator: Evaluator?
  private let parameters: ParameterStore
  private let full: Double
  private let fixed: [String: Policy]
  /// The sites that are moved.
  private let sites: [Site]
  /// The numbers of each, ascending.
  private var numbers: [String: [Float]] = [:]
  /// Whether more is executed the higher a site's threshold is.
  private var isInverse: Set<String> = []
  private var slopes: [String: Double] = [:]

  /// - Parameters:
  ///   - model: traced for inference.
  ///   - length: rows in a group.
  ///   - policies: what decides at sites that are to stay as they are.
  ///   - evaluator: of the same model, which sites have slopes of their own by; without it they have none.
  /// - Throws: ``RuntimeError/badInput(_:)`` when no site has a threshold or a share to move.
  public init(
    _ model: ModelGraph, _ parameters: ParameterStore, length: Double,
    policies: [String: Policy] = [:], evaluator: Evaluator? = nil, cpu: CPU
  ) throws {
    executor = try Executor(model.graph, outputs: [model.output], cpu: cpu)
    full = max(
      model.graph.costs(of: model.output, length: length).full(RegionID(0)),
      .leastNormalMagnitude)
    self.parameters = parameters
    self.evaluator = evaluator
    fixed = policies
    sites = model.graph.sites.filter { policies[$0.name] == nil && $0.selection.isMoved }
    guard !sites.isEmpty else {
      throw RuntimeError.badInput("the model has no site with a threshold or a share to calibrate")
    }
  }

  /// - Parameters:
  ///   - batches: what the thresholds are set by.
  ///   - check: what the result is checked on, window by window.
  ///   - onRun: called after each run over a part of the data; throwing stops.
  /// - Throws: ``RuntimeError/badInput(_:)`` when no threshold is as cheap as the budget, or none can be
  ///   shown to be.
  public func calibrate(
    _ batches: [Batch], check: [Batch], goal: Goal, onRun: () throws -> Void = {}
  ) throws -> Calibration {
    try findDirections(batches, onRun)
    try collect(batches, onRun)
    let cheapest = try share(batches, at: 0, onRun)
    guard cheapest <= goal.budget else {
      throw RuntimeError.badInput(
        "no threshold is within the budget: the cheapest executes \(percent(cheapest))")
    }
    try tilt(batches, goal.budget, onRun)
    let fit = try openness(batches, goal.budget, onRun)
    let kept = try tested(check, fit.openness, goal, onRun)
    let policies = policies(at: kept.openness)
    return Calibration(
      budget: goal.budget, policies: policies.filter { fixed[$0.key] == nil },
      fitted: try share(batches, policies), checked: kept.mean, windows: check.count,
      bound: kept.bound, confidence: goal.confidence)
  }

  // MARK: Settings

  /// The most open setting that is within the budget on the batches, and what it executes.
  private func openness(_ batches: [Batch], _ budget: Double, _ onRun: () throws -> Void) throws
    -> (openness: Double, share: Double)
  {
    let most = try share(batches, at: 1, onRun)
    if most <= budget { return (1, most) }
    var (low, high, fitted) = (0.0, 1.0, 0.0)
    for _ in 0..<Calibrator.halvings {
      let middle = (low + high) / 2
      let found = try share(batches, at: middle, onRun)
      if found <= budget { (low, fitted) = (middle, found) } else { high = middle }
    }
    return (low, fitted)
  }

  /// Gives each site in turn the slope with which the loss at the budget is least.
  private func tilt(_ batches: [Batch], _ budget: Double, _ onRun: () throws -> Void) throws {
    guard let evaluator, sites.count > 1, sites.count <= Calibrator.mostTilted else { return }
    func loss() throws -> Double {
      let setting = policies(at: try openness(batches, budget, onRun).openness)
      return try evaluator.measure(batches, parameters, setting).loss
    }
    var best = try loss()
    for site in sites {
      let before = slopes[site.name] ?? 1
      for tilt in Calibrator.tilts {
        let kept = slopes[site.name]
        slopes[site.name] = before * tilt
        let found = try loss()
        if found < best { best = found } else { slopes[site.name] = kept }
      }
    }
  }

  /// Tests settings from a cheap one up to `openness`; the last whose cost is shown to be within the budget.
  private func tested(
    _ check: [Batch], _ openness: Double, _ goal: Goal, _ onRun: () throws -> Void
  ) throws -> (openness: Double, mean: Double, bound: Double) {
    let most = try check.reduce(1.0) { max($0, try share([$1], at: 1, onRun)) }
    var kept: (openness: Double, mean: Double, bound: Double)?
    for margin in [1] + Calibrator.margins {
      let place = openness * (1 - margin)
      let setting = policies(at: place)
      let shares = try check.map { batch in
        let share = try share([batch], setting)
        try onRun()
        return share
      }
      let bound = MeanBound.above(shares, most: most, risk: 1 - goal.confidence)
      let mean = shares.reduce(0, +) / Double(max(1, shares.count))
      guard bound <= goal.budget else {
        if let kept { return kept }
        throw RuntimeError.badInput(
          "\(shares.count) windows cannot show that the budget is kept: the cheapest threshold executes "
            + "\(percent(mean)), which may be up to \(percent(bound))")
      }
      kept = (place, mean, bound)
    }
    return kept ?? (0, 0, most)
  }

  private func percent(_ share: Double) -> String {
    "\((share * 1000).rounded() / 10)%"
  }

  // MARK: Numbers

  /// Gathers what each site decides by. Every unit goes where most is executed meanwhile, so that a site
  /// inside of a path, or behind an exit, meets all of them.
  private func collect(_ batches: [Batch], _ onRun: () throws -> Void) throws {
    let box = NumberBox()
    var policies = fixed
    for site in sites {
      let (decided, all) = (site.decided, site.paths.count)
      let isInverse = isInverse.contains(site.name)
      policies[site.name] = .callback(
        SiteCallback { question in
          box.add(question.scores, at: question.site)
          return (0..<question.units * all).map { ($0 % all < decided) != isInverse ? 1 : 0 }
        })
    }
    for batch in batches {
      try executor.run(batch, parameters, policies: policies)
      try onRun()
    }
    numbers = box.numbers.mapValues { $0.sorted() }
  }

  /// Finds out which way a site saves work: leaving early is what costs nothing.
  private func findDirections(_ batches: [Batch], _ onRun: () throws -> Void) throws {
    guard let first = batches.first else { return }
    for site in sites where site.selection.hasThreshold {
      var ends: [Double] = []
      for limit in [-Double.infinity, .infinity] {
        var policies = fixed
        policies[site.name] = .threshold(limit)
        ends.append(try share([first], policies))
        try onRun()
      }
      if ends[0] < ends[1] { isInverse.insert(site.name) }
    }
  }

  /// Every site's policy when the share `openness`, to its slope, of its numbers takes what costs more.
  private func policies(at openness: Double) -> [String: Policy] {
    var result = fixed
    for site in sites {
      let own = pow(openness, slopes[site.name] ?? 1)
      guard site.selection.hasThreshold else {
        result[site.name] = .capacity(own)
        continue
      }
      let isInverse = isInverse.contains(site.name)
      result[site.name] = .threshold(
        quantile(numbers[site.name] ?? [], isInverse ? own : 1 - own))
    }
    return result
  }

  /// The number that a share of the sorted ones does not exceed; below all of them at 0.
  private func quantile(_ sorted: [Float], _ share: Double) -> Double {
    let place = Int((share * Double(sorted.count)).rounded(.up)) - 1
    guard place >= 0, let last = sorted.last else { return -.infinity }
    return Double(place < sorted.count ? sorted[place] : last)
  }

  private func share(
    _ batches: [Batch], at openness: Double, _ onRun: () throws -> Void
  ) throws -> Double {
    let share = try share(batches, policies(at: openness))
    try onRun()
    return share
  }

  private func share(_ batches: [Batch], _ policies: [String: Policy]) throws -> Double {
    var (flops, rows) = (0.0, 0)
    for batch in batches {
      try executor.run(batch, parameters, policies: policies)
      flops += executor.flops(for: [0])
      rows += batch.layout.rows
    }
    return flops / Double(max(1, rows)) / full
  }
}

/// Numbers by site, filled by callbacks on the one thread that runs the graph.
private final class NumberBox: @unchecked Sendable {
  private(set) var numbers: [String: [Float]] = [:]

  func add(_ more: [Float], at site: String) { numbers[site, default: []] += more }
}

extension Selection {
  /// Whether calibrating moves the rule.
  var isMoved: Bool {
    isShare || hasThreshold
  }

  var hasThreshold: Bool { moving(threshold: 0) != nil }
}
