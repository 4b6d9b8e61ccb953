import AdaptGraph

// A router's rule under a budget: what it executes of its decided paths is at most a share of all it
// could. The numbers of one run decide, so the budget holds in every run.

extension SelectionMask {
  /// - Parameter costs: what a unit costs on each path.
  /// - Throws: ``RuntimeError/badInput(_:)`` when the cheapest paths cost more than the budget.
  func fill(_ site: Site, budget: Double, _ numbers: SitePolicies.Numbers, costs: [Double]) throws {
    try fill(site.selection, site, budget, numbers, costs)
    fillRest()
  }

  private func fill(
    _ selection: Selection, _ site: Site, _ budget: Double, _ numbers: SitePolicies.Numbers,
    _ costs: [Double]
  ) throws {
    switch selection {
    case .above: fillAbove(budget, numbers.values)
    case .best:
      fill(.best(.share(budget)), numbers.values, groups: numbers.groups, cpu: numbers.cpu)
    case .pairs: fillPairs(budget, numbers, costs)
    case .amongBatch(let inner): try fill(inner, site, budget, numbers, costs)
    case .top(let k): try fillPriced(k, site, budget, numbers, costs)
    case .capped(let inner, let capacity):
      try fill(inner, site, budget, numbers, costs)
      cap(inner, capacity, numbers.values, numbers.groups)
    case .all, .given: fill(selection, numbers.values, groups: numbers.groups, cpu: numbers.cpu)
    }
  }

  /// Takes the greatest numbers of the run, as many as the budget allows; of equal ones at its end none.
  private func fillAbove(_ budget: Double, _ numbers: UnsafePointer<Float>) {
    let all = UnsafeBufferPointer(start: numbers, count: units * decided)
    // A share such as 30 % has no exact binary form; its error must not cost a unit.
    let allowed = Int(budget * Double(all.count) + 1e-9)
    let limit = allowed < all.count ? all.sorted(by: >)[allowed] : -Float.infinity
    setDecided { numbers[$0 * decided + $1] > limit }
  }

  /// Takes the best pairs of each group, one after the other, until the next is beyond the budget.
  private func fillPairs(_ budget: Double, _ numbers: SitePolicies.Numbers, _ costs: [Double]) {
    setDecided { _, _ in false }
    let prices = costs.count >= decided ? costs : Array(repeating: 1, count: decided)
    for group in numbers.groups {
      // A share such as 30 % has no exact binary form; its error must not cost a pair.
      let full = prices.prefix(decided).reduce(0, +) * Double(group.count)
      var left = (budget + 1e-9) * full
      for place in rankedPairs(group, numbers.values) {
        left -= prices[place % decided]
        guard left >= 0 else { break }
        self[place / decided, place % decided] = 1
      }
    }
  }

  /// Takes the k best by number − price · cost, at the least price that meets the budget.
  private func fillPriced(
    _ k: Int, _ site: Site, _ budget: Double, _ numbers: SitePolicies.Numbers, _ costs: [Double]
  ) throws {
    let most = costs.prefix(decided).max() ?? 0
    guard units > 0, most > 0, decided > 0 else {
      return fill(.top(k), numbers.values, groups: [], cpu: numbers.cpu)
    }
    let relative = costs.prefix(decided).map { Float($0 / most) }
    let ordered = relative.sorted()
    let full = Double(ordered.suffix(k).reduce(0, +)) * Double(units)
    let least = Double(ordered.prefix(k).reduce(0, +)) * Double(units)
    guard least <= budget * full + 1e-6 * full else {
      throw RuntimeError.badInput(
        "site \(site.name) cannot keep to a budget of \(budget * 100)%: its cheapest paths are "
          + "\((least / full * 1000).rounded() / 10)% of the costliest")
    }
    func share(at price: Float) -> Double {
      fillTop(k, numbers.values, price, relative)
      return cost(relative) / full
    }
    let price = SelectionMask.leastPrice { share(at: $0) <= budget + 1e-6 }
    _ = share(at: price)
  }

  private func cost(_ relative: [Float]) -> Double {
    var total = 0.0
    for unit in 0..<units {
      for path in 0..<decided where self[unit, path] != 0 { total += Double(relative[path]) }
    }
    return total
  }

  /// The least price, up to rounding, at which something holds that holds at all higher ones.
  private static func leastPrice(_ holds: (Float) -> Bool) -> Float {
    guard !holds(0) else { return 0 }
    var (low, high) = (Float(0), Float(1))
    while !holds(high), high < 1e30 { (low, high) = (high, high * 2) }
    // As many halvings as a Float has digits tell neighbours apart.
    for _ in 0..<32 {
      let middle = low + (high - low) / 2
      if holds(middle) { high = middle } else { low = middle }
    }
    return high
  }

  private func fillTop(
    _ k: Int, _ numbers: UnsafePointer<Float>, _ price: Float, _ costs: [Float]
  ) {
    setDecided { _, _ in false }
    for unit in 0..<units {
      let worth = (0..<decided).map { numbers[unit * decided + $0] - price * costs[$0] }
      let order = worth.indices.sorted {
        worth[$0] > worth[$1] || worth[$0] == worth[$1] && $0 < $1
      }
      for path in order.prefix(max(0, k)) { self[unit, path] = 1 }
    }
  }
}
