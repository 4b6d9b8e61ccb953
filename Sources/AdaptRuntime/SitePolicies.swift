import AdaptGraph
import AdaptTensor

/// Sites' policies, checked against a graph: by site name.
struct SitePolicies {
  private let byName: [String: Policy]
  /// Operations that a unit takes on each path of the sites under a budget, by site name.
  private let costs: [String: [Double]]

  /// What a site decides by in one run.
  struct Numbers {
    /// Finite, `[units, decided]`.
    let values: UnsafePointer<Float>
    /// The units that a joint rule chooses among.
    let groups: [Range<Int>]
    /// In a scan, the units that decided in earlier steps.
    let decided: Int?
    let cpu: CPU
  }

  /// - Parameter costs: what a row costs in each region; asked for where a budget needs it.
  init(_ policies: [String: Policy], _ graph: Graph, costs: () -> RegionCosts?) throws {
    var prices: [String: [Double]] = [:]
    for (name, policy) in policies {
      guard let site = graph.sites.first(where: { $0.name == name }) else {
        let known = graph.sites.map(\.name).joined(separator: ", ")
        throw RuntimeError.unknownSite("no site '\(name)'; the model has \(known)")
      }
      if let objection = policy.objection(at: site) { throw objection }
      if case .budget = policy, let costs = costs() {
        prices[name] = site.paths.map { costs.full($0.region) }
      }
    }
    byName = policies
    self.costs = prices
  }

  /// Fills `mask` with what decides at the site.
  func select(_ site: Site, _ numbers: Numbers, _ mask: SelectionMask) throws {
    switch byName[site.name] ?? .learned {
    case .learned: fill(mask, site.selection, numbers)
    case .always(let name):
      let path = site.paths.firstIndex { $0.name == name } ?? 0
      mask.setAll { _, other in other == path }
    case .random(let seed): draw(site, seed: seed, numbers, mask)
    case .uniform: takeTurns(site, mask)
    case .threshold(let limit):
      fill(mask, site.selection.moving(threshold: limit) ?? site.selection, numbers)
    case .capacity(let size):
      fill(mask, site.selection.moving(capacity: size) ?? site.selection, numbers)
    case .budget(let share):
      try mask.fill(
        site, budget: share, numbers, costs: costs[site.name] ?? [])
    case .replay(let recorded, let start): try replay(recorded, start, site, numbers, mask)
    case .labels(let names, let start): try follow(names, start, site, numbers, mask)
    case .callback(let callback): try ask(callback, site, numbers, mask)
    }
  }

  private func fill(_ mask: SelectionMask, _ selection: Selection, _ numbers: Numbers) {
    mask.fill(selection, numbers.values, groups: numbers.groups, cpu: numbers.cpu)
  }

  // MARK: Without a router

  private func draw(_ site: Site, seed: UInt64, _ numbers: Numbers, _ mask: SelectionMask) {
    let decided = numbers.decided ?? 0
    let stream = decided == 0 ? site.name : "\(site.name) from \(decided)"
    var random = Philox(seed: seed, stream: stream)
    draw(site.selection, site, numbers, mask, &random)
    mask.fillRest()
  }

  private func draw(
    _ selection: Selection, _ site: Site, _ numbers: Numbers, _ mask: SelectionMask,
    _ random: inout Philox
  ) {
    switch selection {
    case .top(let k):
      // One path where one is for the rest: a unit never takes that and another.
      drawPaths(site.hasElse ? 1 : min(k, mask.paths), mask, &random)
    case .all: fill(mask, .all, numbers)
    case .best, .pairs: fillByChance(selection, numbers, mask, &random)
    case .amongBatch(let inner): draw(inner, site, numbers, mask, &random)
    case .above, .given:
      fill(mask, selection, numbers)
      mask.shuffleUnits(&random)
    case .capped(let inner, let capacity):
      draw(inner, site, numbers, mask, &random)
      let chances = Chances(mask, &random)
      chances.withNumbers { mask.cap(inner, capacity, $0, numbers.groups) }
    }
  }

  private func drawPaths(_ taken: Int, _ mask: SelectionMask, _ random: inout Philox) {
    for unit in 0..<mask.units {
      var order = Array(0..<mask.paths)
      for place in 0..<max(0, taken) {
        order.swapAt(place, place + random.next(below: mask.paths - place))
      }
      let chosen = order.prefix(max(0, taken))
      for path in 0..<mask.paths { mask[unit, path] = chosen.contains(path) ? 1 : 0 }
    }
  }

  private func fillByChance(
    _ selection: Selection, _ numbers: Numbers, _ mask: SelectionMask, _ random: inout Philox
  ) {
    Chances(mask, &random).withNumbers {
      mask.fill(selection, $0, groups: numbers.groups, cpu: numbers.cpu)
    }
  }

  private func takeTurns(_ site: Site, _ mask: SelectionMask) {
    let taken: Int
    if case .top(let k) = site.selection, !site.hasElse { taken = k } else { taken = 1 }
    mask.setAll { unit, path in
      (path - unit % mask.paths + mask.paths) % mask.paths < taken
    }
  }

  // MARK: What others decided

  private func replay(
    _ recorded: [Float], _ start: Int?, _ site: Site, _ numbers: Numbers, _ mask: SelectionMask
  ) throws {
    let rows = recorded.count / max(mask.paths, 1)
    let start = SitePolicies.start(start, numbers)
    try checkLength(rows, start, "recording", site, mask)
    let first = (start ?? 0) * mask.paths
    mask.setAll { unit, path in recorded[first + unit * mask.paths + path] != 0 }
  }

  /// Checks that the steps of a scan used up what was recorded of a site.
  func checkReplayed(_ site: Site, units: Int) throws {
    guard case .replay(let whole, nil)? = byName[site.name], whole.count != units * site.paths.count
    else { return }
    throw RuntimeError.badInput(
      "the recording of \(site.name) has \(whole.count / max(site.paths.count, 1)) rows, the run "
        + "has \(units)")
  }

  /// From which unit on a recording is read; nil for all of it exactly.
  private static func start(_ start: Int?, _ numbers: Numbers) -> Int? {
    start == nil && numbers.decided == nil ? nil : (start ?? 0) + (numbers.decided ?? 0)
  }

  private func follow(
    _ names: [String], _ start: Int?, _ site: Site, _ numbers: Numbers, _ mask: SelectionMask
  ) throws {
    let start = SitePolicies.start(start, numbers)
    try checkLength(names.count, start, "list of labels", site, mask)
    let places = site.paths.enumerated().map { ($1.name, $0) }
    let numbers = Dictionary(places) { first, _ in first }
    mask.setAll { unit, path in numbers[names[(start ?? 0) + unit]] == path }
  }

  private func checkLength(
    _ rows: Int, _ start: Int?, _ what: String, _ site: Site, _ mask: SelectionMask
  ) throws {
    let left = rows - (start ?? 0)
    guard start == nil ? left == mask.units : left >= mask.units else {
      throw RuntimeError.badInput(
        "the \(what) of \(site.name) has \(left) rows, the run has \(mask.units)")
    }
  }

  private func ask(
    _ callback: SiteCallback, _ site: Site, _ numbers: Numbers, _ mask: SelectionMask
  ) throws {
    let count = mask.units * mask.decided
    let question = SiteQuestion(
      site: site.name, paths: site.paths.map(\.name), units: mask.units,
      scores: Array(UnsafeBufferPointer(start: numbers.values, count: count)))
    let answer = try callback.decide(question)
    guard answer.count == mask.units * mask.paths else {
      throw RuntimeError.badInput(
        "the callback of \(site.name) gave \(answer.count) numbers, not \(mask.units) × "
          + "\(mask.paths)")
    }
    if let wrong = answer.firstIndex(where: { $0 != 0 && $0 != 1 }) {
      throw RuntimeError.badInput(
        "the callback of \(site.name) gave \(answer[wrong]) at row \(wrong / mask.paths); "
          + "it takes 0 and 1")
    }
    mask.setAll { unit, path in answer[unit * mask.paths + path] != 0 }
  }
}

/// A number by chance for each unit and path that is decided about.
private struct Chances {
  private let values: [Float]

  init(_ mask: SelectionMask, _ random: inout Philox) {
    values = (0..<mask.units * mask.decided).map { _ in random.uniform() }
  }

  func withNumbers(_ body: (UnsafePointer<Float>) -> Void) {
    values.withUnsafeBufferPointer { if let base = $0.baseAddress { body(base) } }
  }
}
