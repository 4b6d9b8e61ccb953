/// What every combination costs and loses on every sequence.
struct RoutingTable {
  /// By combination.
  private(set) var costs: [Double] = []
  /// By combination and sequence, bits a byte.
  private var losses: [[Double]] = []

  mutating func add(_ run: (losses: [Double], share: Double)) {
    costs.append(run.share)
    losses.append(run.losses)
  }

  private var sequences: Range<Int> { 0..<(losses.first?.count ?? 0) }

  /// The combination for each sequence that is best within a mean cost; nil when none is.
  ///
  /// Each sequence takes the least loss + price · cost; the price is the least that meets the budget
  /// (Everett 1963), so no other choice of that mean cost is better.
  func best(budget: Double?) -> [Int]? {
    let free = choice(price: 0)
    guard let budget, mean(of: free) > budget else { return free }
    // The cheapest of all is what any high price comes to.
    guard let least = costs.min(), least <= budget else { return nil }
    var (low, high) = (0.0, 1.0)
    while mean(of: choice(price: high)) > budget, high < 1e12 { high *= 2 }
    for _ in 0..<60 {
      let price = (low + high) / 2
      if mean(of: choice(price: price)) > budget { low = price } else { high = price }
    }
    return choice(price: high)
  }

  private func choice(price: Double) -> [Int] {
    sequences.map { sequence in
      var best = 0
      for combination in costs.indices.dropFirst()
      where losses[combination][sequence] + price * costs[combination]
        < losses[best][sequence] + price * costs[best]
      {
        best = combination
      }
      return best
    }
  }

  private func mean(of choice: [Int]) -> Double {
    choice.reduce(0) { $0 + costs[$1] } / Double(max(1, choice.count))
  }

  func score(_ choice: [Int]) -> OracleResult.Score {
    let bits = choice.enumerated().reduce(0) { $0 + losses[$1.element][$1.offset] }
    return OracleResult.Score(
      bitsPerByte: bits / Double(max(1, choice.count)), executedShare: mean(of: choice))
  }

  func difficulty(_ best: [Int]) -> [Double] {
    let cheapest = costs.indices.min { costs[$0] < costs[$1] } ?? 0
    return best.enumerated().map { losses[cheapest][$0] - losses[$1][$0] }
  }
}
