import AdaptGraph
import AdaptPlatform
import AdaptTensor

/// What decides in the routing that an oracle searches.
public enum OracleUnit: String, Sendable, CaseIterable {
  /// Every row for itself, found by improving one site after the other from the trained routing.
  case token
  /// All rows of a sequence together, found by trying every combination of one path a site.
  case sequence
}

/// What the best routing would have been.
public struct OracleResult: Sendable {
  /// A way to route: what it costs and how well the model does.
  public struct Score: Sendable, Hashable {
    public var bitsPerByte: Double
    /// Executed operations relative to the costliest paths everywhere.
    public var executedShare: Double
  }

  public var unit: OracleUnit
  /// Routings of the whole batch that were tried.
  public var runs: Int
  /// Operations that were executed to try them; what routings share counts as often as it was computed.
  public var operations: Double
  public var sequences: Int
  /// The router as trained.
  public var trained: Score
  /// The best path at each site for each sequence, within the budget on average.
  public var best: Score
  /// The same without a budget.
  public var unlimited: Score
  /// Bits a byte that the trained router loses against the best routing found at its own cost. For
  /// sequences it is below zero when deciding token by token is worth more than deciding for all at once.
  public var regret: Double
  /// For each unit, the bits that its best routing saves against the cheapest: what it gains from more
  /// compute.
  public var difficulty: [Double]
  public var sites: [String]
  /// For each unit, the name of the path taken at each site within the budget: labels to train a router
  /// by.
  public var labels: [[String]]
}

/// Searches the best routing of a batch, as Duo-LLM compares its routers with (Alizadeh et al. 2024, §3).
///
/// Weights follow from the router's scores, as under any override.
public final class Oracle {
  /// Combinations beyond which the search refuses.
  public static let mostCombinations = 20_000

  let executor: Executor
  let sites: [Site]
  let costs: RegionCosts
  let full: Double
  let unit: OracleUnit
  /// What decides at the sites that are not searched, by site name.
  let fixed: [String: Policy]
  /// For sequences, where combinations can share what they have in common.
  private let tree: OracleTree?

  /// - Parameters:
  ///   - length: bytes in a sequence.
  ///   - policies: what decides at sites that are not to be searched.
  /// - Throws: ``RuntimeError/badInput(_:)`` when the model has no site, too many combinations for an
  ///   exhaustive search, or sites inside paths where tokens are to be routed one by one.
  public init(
    _ model: ModelGraph, each unit: OracleUnit = .token, length: Int,
    policies: [String: Policy] = [:],
    cpu: CPU
  ) throws {
    var model = model
    let target = try model.addTarget()
    let losses = try model.graph.add(.logLoss, [model.output, target])[0]
    executor = try Executor(model.graph, outputs: [losses, model.output], cpu: cpu)
    fixed = policies
    sites = model.graph.sites.filter { policies[$0.name] == nil }
    costs = model.graph.costs(of: model.output, length: Double(length))
    full = max(costs.full(RegionID(0)), .leastNormalMagnitude)
    self.unit = unit
    tree = unit == .sequence ? OracleTree(executor, sites, fixed: fixed) : nil
    guard !sites.isEmpty else { throw RuntimeError.badInput("the model has no site to route at") }
    switch unit {
    case .sequence: try checkCombinations()
    case .token:
      guard sites.allSatisfy({ $0.region == RegionID(0) && $0.selection == .top(1) }) else {
        throw RuntimeError.badInput(
          "tokens are routed one by one at sites of one path a token that are not inside a path or a "
            + "scan")
      }
    }
  }

  /// The executed share of the cheapest routing: no budget below it can be met.
  public var cheapestShare: Double { costs.cheapest(RegionID(0)) / full }

  private func checkCombinations() throws {
    let count = sites.reduce(1.0) { $0 * Double($1.paths.count) }
    guard count <= Double(Oracle.mostCombinations) else {
      throw RuntimeError.badInput(
        "\(sites.count) sites have \(String(printf: "%.0f", count)) combinations of paths; at most "
          + "\(Oracle.mostCombinations) are searched")
    }
  }

  /// - Parameters:
  ///   - data: sequences with a class a row.
  ///   - windows: how many of them, from the start.
  ///   - budget: the largest mean executed share, or nil.
  ///   - onRun: called after each run with how many are done and at most are to come; throwing stops.
  /// - Throws: ``RuntimeError/badInput(_:)`` when no routing is as cheap as the budget.
  public func search(
    _ data: any Dataset, _ parameters: ParameterStore, windows: Int, budget: Double? = nil,
    onRun: @escaping (Int, Int) throws -> Void = { _, _ in }
  ) throws -> OracleResult {
    let batch = data.batch(0..<max(1, min(windows, data.count)))
    switch unit {
    case .sequence: return try searchSequences(batch, parameters, budget, onRun)
    case .token:
      let search = try TokenSearch(self, batch, parameters, onRun)
      return try search.result(budget: budget)
    }
  }

  private func searchSequences(
    _ batch: Batch, _ parameters: ParameterStore, _ budget: Double?,
    _ onRun: (Int, Int) throws -> Void
  ) throws -> OracleResult {
    let trained = try sequenceLosses(batch, parameters, [:])
    let combinations = self.combinations()
    let (table, operations) = try table(of: combinations, batch, parameters) {
      try onRun($0, combinations.count)
    }
    let unlimited = table.best(budget: nil)
    guard let unlimited, let best = table.best(budget: budget) else {
      throw Oracle.tooCheap(table.costs.min() ?? 0)
    }
    let same = table.best(budget: max(trained.share, table.costs.min() ?? 0)) ?? best
    let bits = trained.losses.reduce(0, +) / Double(max(1, trained.losses.count))
    return OracleResult(
      unit: unit, runs: combinations.count, operations: operations,
      sequences: batch.layout.groups,
      trained: OracleResult.Score(bitsPerByte: bits, executedShare: trained.share),
      best: table.score(best), unlimited: table.score(unlimited),
      regret: bits - table.score(same).bitsPerByte,
      difficulty: table.difficulty(unlimited), sites: sites.map(\.name),
      labels: best.map { choice in
        zip(sites, combinations[choice]).map { $0.paths[$1].name }
      })
  }

  /// What every combination comes to, and the operations that it took to know.
  private func table(
    of combinations: [[Int]], _ batch: Batch, _ parameters: ParameterStore,
    _ onRun: (Int) throws -> Void
  ) throws -> (RoutingTable, operations: Double) {
    if let tree {
      do {
        let result = try tree.run(batch, parameters, onRun: onRun)
        return (table(of: result, batch), result.executed)
      } catch RuntimeError.notFinite {
        // Runs of the batch itself come to the same error, and know its row.
      }
    }
    return try plainTable(of: combinations, batch, parameters, onRun)
  }

  /// Each combination in a run of its own.
  private func plainTable(
    of combinations: [[Int]], _ batch: Batch, _ parameters: ParameterStore,
    _ onRun: (Int) throws -> Void
  ) throws -> (RoutingTable, operations: Double) {
    var (table, operations) = (RoutingTable(), 0.0)
    for (number, combination) in combinations.enumerated() {
      let policies = zip(sites, combination).map { site, path in
        (site.name, Policy.always(site.paths[path].name))
      }
      table.add(try sequenceLosses(batch, parameters, Dictionary(uniqueKeysWithValues: policies)))
      operations += executor.flops(for: [0])
      try onRun(number + 1)
    }
    return (table, operations)
  }

  private func table(of result: OracleTree.Result, _ batch: Batch) -> RoutingTable {
    var table = RoutingTable()
    for (losses, flops) in zip(result.losses, result.flops) {
      table.add((losses, share(flops, batch)))
    }
    return table
  }

  static func tooCheap(_ least: Double) -> RuntimeError {
    .badInput(
      String(printf: "no routing is within the budget: the cheapest executes %.1f%%", least * 100))
  }

  /// One path a site, in every way; the last site changes fastest.
  private func combinations() -> [[Int]] {
    sites.reduce([[]]) { prefixes, site in
      prefixes.flatMap { prefix in site.paths.indices.map { prefix + [$0] } }
    }
  }

  /// Bits of each row, and the executed share.
  func rowLosses(_ batch: Batch, _ parameters: ParameterStore, _ policies: [String: Policy]) throws
    -> (losses: [Double], share: Double)
  {
    let share = try run(batch, parameters, policies)
    return (executor.withFloats(0) { $0.map { Double($0) / log(2) } }, share)
  }

  /// Runs a batch; gives the executed share.
  private func run(_ batch: Batch, _ parameters: ParameterStore, _ policies: [String: Policy])
    throws -> Double
  {
    try executor.run(
      batch, parameters, policies: policies.merging(fixed) { searched, _ in searched })
    return share(executor.flops(for: [1]), batch)
  }

  /// Operations of a batch, relative to the costliest paths everywhere.
  private func share(_ flops: Double, _ batch: Batch) -> Double {
    flops / Double(max(1, batch.layout.rows)) / full
  }

  /// Bits a byte of each sequence, and the executed share.
  private func sequenceLosses(
    _ batch: Batch, _ parameters: ParameterStore, _ policies: [String: Policy]
  ) throws -> (losses: [Double], share: Double) {
    let share = try run(batch, parameters, policies)
    return (executor.bitsPerRow(of: batch.layout), share)
  }
}

extension Executor {
  /// The first output in bits, on average over the rows of each group.
  func bitsPerRow(of layout: RowLayout) -> [Double] {
    withFloats(0) { losses in
      (0..<layout.groups).map { group in
        let range = layout.range(of: group)
        let sum = losses[range].reduce(0) { $0 + Double($1) / log(2) }
        return sum / Double(max(1, range.count))
      }
    }
  }
}
