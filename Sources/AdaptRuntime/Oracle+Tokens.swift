import AdaptGraph
import AdaptTensor

/// Improves the routing of every token, one site after the other, from the trained routing on.
///
/// At a site each path is tried for all tokens at once, with the other sites as they are; then every token
/// takes the path with the least loss of its own next byte plus price times cost. What its choice does to
/// later tokens is not foreseen, so a change is kept only where the whole batch is better for it.
final class TokenSearch {
  private let oracle: Oracle
  private let batch: Batch
  private let parameters: ParameterStore
  private let onRun: (Int, Int) throws -> Void
  private var runs = 0
  private var operations = 0.0
  private let trained: State

  /// Prices that are tried between the best and the cheapest routing, and rounds over the sites for each.
  private static let (prices, rounds) = (9, 2)

  /// A routing of the batch and what it comes to.
  private struct State {
    /// The path of each row, by site.
    var choices: [[Int]]
    var losses: [Double]
    var share: Double

    var bits: Double { losses.reduce(0, +) / Double(max(1, losses.count)) }
    var score: OracleResult.Score { OracleResult.Score(bitsPerByte: bits, executedShare: share) }
    func price(_ price: Double) -> Double { bits + price * share }
  }

  init(
    _ oracle: Oracle, _ batch: Batch, _ parameters: ParameterStore,
    _ onRun: @escaping (Int, Int) throws -> Void
  ) throws {
    self.oracle = oracle
    self.batch = batch
    self.parameters = parameters
    self.onRun = onRun
    try oracle.executor.run(batch, parameters, policies: oracle.fixed, record: true)
    let choices = oracle.sites.map { site in
      let decision = oracle.executor.decisions.first { $0.site == site.name }
      let found = TokenSearch.choices(decision?.mask ?? [], paths: site.paths.count)
      // A site that is left out, since nothing of it reaches the result, decides nothing.
      return found.count == batch.layout.rows
        ? found : Array(repeating: 0, count: batch.layout.rows)
    }
    let run = try oracle.rowLosses(batch, parameters, [:])
    trained = State(choices: choices, losses: run.losses, share: run.share)
  }

  func result(budget: Double?) throws -> OracleResult {
    let cheapest = try run(cheapestChoices())
    if let budget, cheapest.share > budget { throw Oracle.tooCheap(cheapest.share) }
    let unlimited = try improve(trained, price: 0)
    let same = try search(within: trained.share, from: unlimited, cheapest)
    let best = try budget.map { try search(within: $0, from: unlimited, cheapest) } ?? unlimited
    return OracleResult(
      unit: .token, runs: runs, operations: operations, sequences: batch.layout.groups,
      trained: trained.score,
      best: best.score, unlimited: unlimited.score,
      regret: trained.bits - min(same.bits, trained.bits),
      difficulty: zip(cheapest.losses, unlimited.losses).map { $0 - $1 },
      sites: oracle.sites.map(\.name),
      labels: (0..<batch.layout.rows).map { row in
        zip(oracle.sites, best.choices).map { $0.paths[$1[row]].name }
      })
  }

  /// The best routing found within a budget: the price of cost is raised until it is met.
  private func search(within budget: Double, from start: State, _ cheapest: State) throws -> State {
    var found = [start, trained, cheapest].filter { $0.share <= budget + 1e-12 }
    guard start.share > budget else { return start }
    var (low, high) = (0.0, Double.infinity)
    for _ in 0..<TokenSearch.prices {
      // Doubled until it is high enough, then halved between too low and high enough.
      let price = high.isFinite ? (low + high) / 2 : max(2, low * 2)
      // From the best routing each time: one that has become cheap finds no way back.
      let state = try improve(start, price: price)
      if state.share <= budget {
        found.append(state)
        high = price
      } else {
        low = price
      }
    }
    return found.min { $0.bits < $1.bits } ?? cheapest
  }

  private func improve(_ start: State, price: Double) throws -> State {
    var state = start
    for _ in 0..<TokenSearch.rounds {
      let before = state.price(price)
      for site in oracle.sites.indices { state = try improve(state, at: site, price: price) }
      if state.price(price) >= before { break }
    }
    return state
  }

  private func improve(_ state: State, at site: Int, price: Double) throws -> State {
    let paths = oracle.sites[site].paths
    let losses = try paths.indices.map { path in
      var choices = state.choices
      choices[site] = Array(repeating: path, count: batch.layout.rows)
      return try run(choices).losses
    }
    let prices = paths.map { price * oracle.costs.full($0.region) / oracle.full }
    var choices = state.choices
    choices[site] = (0..<batch.layout.rows).map { row in
      paths.indices.min { losses[$0][row] + prices[$0] < losses[$1][row] + prices[$1] } ?? 0
    }
    let changed = try run(choices)
    return changed.price(price) < state.price(price) ? changed : state
  }

  private func run(_ choices: [[Int]]) throws -> State {
    let policies = zip(oracle.sites, choices).map { site, choice in
      (site.name, Policy.replay(TokenSearch.mask(choice, paths: site.paths.count)))
    }
    let result = try oracle.rowLosses(
      batch, parameters, Dictionary(uniqueKeysWithValues: policies))
    runs += 1
    operations += oracle.executor.flops(for: [0])
    try onRun(runs, max(runs, most))
    return State(choices: choices, losses: result.losses, share: result.share)
  }

  /// At most so many runs.
  private var most: Int {
    let round = oracle.sites.reduce(0) { $0 + $1.paths.count + 1 }
    return 1 + round * TokenSearch.rounds * (1 + 2 * TokenSearch.prices)
  }

  private func cheapestChoices() -> [[Int]] {
    oracle.sites.map { site in
      let costs = site.paths.map { oracle.costs.full($0.region) }
      let path = costs.indices.min { costs[$0] < costs[$1] } ?? 0
      return Array(repeating: path, count: batch.layout.rows)
    }
  }

  private static func choices(_ mask: [Float], paths: Int) -> [Int] {
    stride(from: 0, to: mask.count, by: paths).map { start in
      mask[start..<start + paths].firstIndex { $0 != 0 }.map { $0 - start } ?? 0
    }
  }

  private static func mask(_ choices: [Int], paths: Int) -> [Float] {
    var mask = [Float](repeating: 0, count: choices.count * paths)
    for (row, path) in choices.enumerated() { mask[row * paths + path] = 1 }
    return mask
  }
}
