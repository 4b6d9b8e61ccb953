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
  /// What the mean executed share of new windows does not exceed at 95 % confidence (Hoeffding 1963,
  /// theorem 1), whatever their distribution, as long as they come independently from the one that was
  /// checked on.
  public var bound: Double
}

/// Moves the thresholds of a model's sites, and the shares that its sites keep, until a budget is met.
///
/// All sites stand at one common quantile of the numbers that they decide by, so one number is searched,
/// by bisection on what is executed.
public final class Calibrator {
  /// Of how many calibrations the bound may fail in one.
  static let risk = 0.05
  /// Halvings of the quantile.
  private static let halvings = 12

  private let executor: Executor
  private let parameters: ParameterStore
  private let full: Double
  private let fixed: [String: Policy]
  /// The sites that are moved.
  private let sites: [Site]
  /// The numbers of each, ascending.
  private var numbers: [String: [Float]] = [:]
  /// Whether more is executed the higher a site's threshold is.
  private var isInverse: Set<String> = []

  /// - Parameters:
  ///   - model: traced for inference.
  ///   - length: rows in a group.
  ///   - policies: what decides at sites that are to stay as they are.
  /// - Throws: ``RuntimeError/badInput(_:)`` when no site has a threshold or a share to move.
  public init(
    _ model: ModelGraph, _ parameters: ParameterStore, length: Double,
    policies: [String: Policy] = [:],
    cpu: CPU
  ) throws {
    executor = try Executor(model.graph, outputs: [model.output], cpu: cpu)
    full = max(
      model.graph.costs(of: model.output, length: length).full(RegionID(0)),
      .leastNormalMagnitude)
    self.parameters = parameters
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
  /// - Throws: ``RuntimeError/badInput(_:)`` when no threshold is as cheap as the budget.
  public func calibrate(
    _ batches: [Batch], check: [Batch], budget: Double, onRun: () throws -> Void = {}
  ) throws -> Calibration {
    try findDirections(batches, onRun)
    try collect(batches, onRun)
    let cheapest = try share(batches, at: 0, onRun)
    guard cheapest <= budget else {
      throw RuntimeError.badInput(
        String(
          printf: "no threshold is within the budget: the cheapest executes %.1f%%", cheapest * 100)
      )
    }
    var (low, high, fitted) = (0.0, 1.0, cheapest)
    let most = try share(batches, at: 1, onRun)
    if most <= budget { (low, fitted) = (1, most) }
    for _ in 0..<Calibrator.halvings where low < 1 {
      let middle = (low + high) / 2
      let found = try share(batches, at: middle, onRun)
      if found <= budget { (low, fitted) = (middle, found) } else { high = middle }
    }
    let policies = policies(at: low)
    let shares = try check.map { batch in
      let share = try share([batch], policies)
      try onRun()
      return share
    }
    return result(budget, policies, fitted, shares)
  }

  private func result(
    _ budget: Double, _ policies: [String: Policy], _ fitted: Double, _ shares: [Double]
  ) -> Calibration {
    let mean = shares.reduce(0, +) / Double(max(1, shares.count))
    return Calibration(
      budget: budget, policies: policies.filter { fixed[$0.key] == nil }, fitted: fitted,
      checked: mean, windows: shares.count,
      bound: Calibrator.bound(mean: mean, count: shares.count, most: max(1, shares.max() ?? 1)))
  }

  /// mean + most · √(ln(1/risk) / 2n), for n numbers from 0 to `most`.
  public static func bound(mean: Double, count: Int, most: Double = 1) -> Double {
    guard count > 0 else { return most }
    return min(most, mean + most * (log(1 / risk) / (2 * Double(count))).squareRoot())
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

  /// Every site's policy when the share `openness` of its numbers takes what costs more.
  private func policies(at openness: Double) -> [String: Policy] {
    var result = fixed
    for site in sites {
      guard site.selection.hasThreshold else {
        result[site.name] = .capacity(openness)
        continue
      }
      let isInverse = isInverse.contains(site.name)
      result[site.name] = .threshold(
        quantile(numbers[site.name] ?? [], isInverse ? openness : 1 - openness))
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
