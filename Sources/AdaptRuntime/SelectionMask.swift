import AdaptGraph
import AdaptTensor

/// The 0/1 of `[units, paths]` that a selection fills.
///
/// Where the last path is for the rest, one column fewer is decided about.
struct SelectionMask {
  private let memory: UnsafeMutablePointer<Float>
  let units: Int
  let paths: Int
  /// Paths that the numbers count.
  let decided: Int

  init(_ memory: UnsafeMutablePointer<Float>, units: Int, paths: Int, decided: Int) {
    self.memory = memory
    self.units = units
    self.paths = paths
    self.decided = decided
  }

  subscript(unit: Int, path: Int) -> Float {
    get { memory[unit * paths + path] }
    nonmutating set { memory[unit * paths + path] = newValue }
  }

  var values: [Float] { Array(UnsafeBufferPointer(start: memory, count: units * paths)) }

  /// Fills the mask as the rule says; whoever takes no path takes the one for the rest.
  /// - Parameters:
  ///   - numbers: finite, `[units, decided]`.
  ///   - groups: the units that a joint rule chooses among.
  func fill(
    _ selection: Selection, _ numbers: UnsafePointer<Float>, groups: [Range<Int>], cpu: CPU
  ) {
    if case .top(let k) = selection, decided == paths {
      // A row that is not finite was refused before, or is marked by nobody.
      _ = cpu.topK(numbers, memory, rows: units, columns: paths, k: k)
      return
    }
    fillDecided(selection, numbers, groups)
    fillRest()
  }

  func fillRest() {
    guard decided < paths else { return }
    for unit in 0..<units {
      self[unit, decided] = (0..<decided).allSatisfy { self[unit, $0] == 0 } ? 1 : 0
    }
  }

  private func fillDecided(
    _ selection: Selection, _ numbers: UnsafePointer<Float>, _ groups: [Range<Int>]
  ) {
    switch selection {
    case .all: setDecided { _, _ in true }
    case .above(let limit): setDecided { numbers[$0 * decided + $1] > Float(limit) }
    case .given: setDecided { numbers[$0 * decided + $1] != 0 }
    case .top(let k): fillTop(k, numbers)
    case .best(let amount):
      setDecided { _, _ in false }
      for group in groups {
        for path in 0..<decided {
          for unit in greatest(amount.of(group.count), of: group, path, numbers) {
            self[unit, path] = 1
          }
        }
      }
    case .pairs(let amount):
      setDecided { _, _ in false }
      for group in groups {
        let places = group.lowerBound * decided..<group.upperBound * decided
        let keys = Ranking(places) { numbers[$0] }
        for place in keys.first(amount.of(places.count)) {
          self[place / decided, place % decided] = 1
        }
      }
    // Whoever runs the rule gives it the batch as its group.
    case .amongBatch(let inner): fillDecided(inner, numbers, groups)
    case .capped(let inner, let capacity):
      fillDecided(inner, numbers, groups)
      cap(inner, capacity, numbers, groups)
    }
  }

  /// Sets the paths that are decided about, and leaves the one for the rest.
  func setDecided(_ isTaken: (Int, Int) -> Bool) {
    for unit in 0..<units {
      for path in 0..<decided { self[unit, path] = isTaken(unit, path) ? 1 : 0 }
    }
  }

  /// Sets all paths.
  func setAll(_ isTaken: (Int, Int) -> Bool) {
    for unit in 0..<units {
      for path in 0..<paths { self[unit, path] = isTaken(unit, path) ? 1 : 0 }
    }
  }

  /// Gives every unit the paths of one drawn at random, so that each path keeps its number of units.
  func shuffleUnits(_ random: inout Philox) {
    guard units > 1 else { return }
    for unit in 0..<units - 1 {
      let other = unit + random.next(below: units - unit)
      for path in 0..<paths {
        (self[unit, path], self[other, path]) = (self[other, path], self[unit, path])
      }
    }
  }

  /// Lets each path keep only as many units of a group as it has room for.
  func cap(
    _ inner: Selection, _ capacity: Capacity, _ numbers: UnsafePointer<Float>,
    _ groups: [Range<Int>]
  ) {
    let taken = inner.taken(of: decided)
    for group in groups {
      let room = capacity.room(total: group.count, taken: taken, paths: decided)
      for path in 0..<decided { cap(path, group, room, capacity.order, numbers) }
    }
  }

  private func fillTop(_ k: Int, _ numbers: UnsafePointer<Float>) {
    setDecided { _, _ in false }
    for unit in 0..<units {
      let row = numbers + unit * decided
      let order = (0..<decided).sorted { row[$0] > row[$1] || row[$0] == row[$1] && $0 < $1 }
      for path in order.prefix(max(0, k)) { self[unit, path] = 1 }
    }
  }

  private func cap(
    _ path: Int, _ group: Range<Int>, _ room: Int, _ order: Capacity.Order,
    _ numbers: UnsafePointer<Float>
  ) {
    let takers = group.filter { self[$0, path] != 0 }
    guard takers.count > room else { return }
    for unit in takers { self[unit, path] = 0 }
    let kept =
      order == .position
      ? Array(takers.prefix(room)) : greatest(room, of: takers, path, numbers)
    for unit in kept { self[unit, path] = 1 }
  }

  /// Places of `[units, decided]` by their numbers, the greatest first, of equal ones the earlier.
  func rankedPairs(_ group: Range<Int>, _ numbers: UnsafePointer<Float>) -> [Int] {
    let places = group.lowerBound * decided..<group.upperBound * decided
    return Ranking(places) { numbers[$0] }.sorted()
  }

  /// The units with the greatest numbers for a path, of equal ones the earlier, in any order.
  private func greatest(
    _ count: Int, of units: some Collection<Int>, _ path: Int, _ numbers: UnsafePointer<Float>
  ) -> [Int] {
    Ranking(units) { numbers[$0 * decided + path] }.first(count)
  }
}
