import AdaptGraph

/// How rows form groups: which consecutive rows are one sequence, and where each row stood in it.
///
/// Lengths may differ; no row is ever padding.
public struct RowLayout: Sendable, Hashable {
  /// One more than there are groups; group g owns rows `offsets[g]..<offsets[g + 1]`.
  public private(set) var offsets: [Int32]
  /// The place of each row in its group as the data had it. Ascends within a group.
  public internal(set) var positions: [Int32]
  /// For each group, which group of the data it was; ascends.
  private(set) var numbers: [Int32]

  /// Groups of the given lengths; positions count from 0. Negative lengths count as 0.
  public init(lengths: [Int]) {
    (offsets, positions, numbers) = ([0], [], [])
    for length in lengths { append(length) }
  }

  /// So many groups of one length.
  public init(groups: Int, length: Int) {
    self.init(lengths: Array(repeating: length, count: max(0, groups)))
  }

  public var rows: Int { positions.count }
  public var groups: Int { offsets.count - 1 }

  /// Pairs of a row and a row of its group: all, or those not after it.
  public func pairs(causal: Bool) -> Double {
    var total = 0.0
    for group in 0..<groups {
      let length = Double(offsets[group + 1] - offsets[group])
      total += causal ? length * (length + 1) / 2 : length * length
    }
    return total
  }

  /// Pairs of a row of a group here and a row of the same group there: all, or those not after it.
  func pairs(with other: RowLayout, causal: Bool) -> Double {
    if other.positions == positions, other.offsets == offsets { return pairs(causal: causal) }
    var total = 0.0
    for (group, keys) in matches(in: other).enumerated() {
      let rows = range(of: group)
      guard causal else {
        total += Double(rows.count * keys.count)
        continue
      }
      var seen = keys.lowerBound
      for row in rows {
        while seen < keys.upperBound, other.positions[seen] <= positions[row] { seen += 1 }
        total += Double(seen - keys.lowerBound)
      }
    }
    return total
  }

  /// For each group here the rows of the same group there; none where it is not among them.
  func matches(in other: RowLayout) -> [Range<Int>] {
    var place = 0
    return numbers.map { number in
      while place < other.groups, other.numbers[place] < number { place += 1 }
      return place < other.groups && other.numbers[place] == number ? other.range(of: place) : 0..<0
    }
  }

  private mutating func append(_ length: Int) {
    numbers.append(Int32(clamping: groups))
    let count = Int32(clamping: max(0, length))
    positions.append(contentsOf: 0..<count)
    offsets.append(Int32(clamping: positions.count))
  }

  /// Becomes the groups of `parent` at `index`, each with all its rows; keeps its memory.
  mutating func selectGroups(_ index: UnsafeBufferPointer<Int32>, of parent: RowLayout) {
    offsets.removeAll(keepingCapacity: true)
    positions.removeAll(keepingCapacity: true)
    offsets.append(0)
    numbers.removeAll(keepingCapacity: true)
    for group in index {
      numbers.append(parent.numbers[Int(group)])
      positions.append(contentsOf: parent.positions[parent.range(of: Int(group))])
      offsets.append(Int32(positions.count))
    }
  }

  /// The rows of a group.
  func range(of group: Int) -> Range<Int> { Int(offsets[group])..<Int(offsets[group + 1]) }

  /// Becomes the rows of `parent` at `index`, which ascends; keeps its memory.
  mutating func select(_ index: UnsafeBufferPointer<Int32>, of parent: RowLayout) {
    offsets.removeAll(keepingCapacity: true)
    positions.removeAll(keepingCapacity: true)
    offsets.append(0)
    var group = 0
    for (number, row) in index.enumerated() {
      while row >= parent.offsets[group + 1] {
        offsets.append(Int32(number))
        group += 1
      }
      positions.append(parent.positions[Int(row)])
    }
    while offsets.count < parent.offsets.count { offsets.append(Int32(index.count)) }
    numbers.replaceSubrange(numbers.indices, with: parent.numbers)
  }

  /// Becomes groups of these lengths, whose rows and groups had these places and numbers.
  mutating func join(_ rows: RowJoin, numbers: [Int32]) {
    self.numbers = numbers
    positions = rows.positions.map { Int32(clamping: $0) }
    offsets = rows.lengths.reduce(into: [0]) { $0.append(($0.last ?? 0) + Int32($1)) }
  }

  /// For each row the number of its group.
  var groupNumbers: [Int] {
    (0..<groups).flatMap { group in
      Array(repeating: Int(numbers[group]), count: range(of: group).count)
    }
  }

  /// Becomes these rows of `parent`, each a group of its own; keeps its memory.
  mutating func stand(alone rows: [Int32], of parent: RowLayout) {
    offsets.removeAll(keepingCapacity: true)
    positions.removeAll(keepingCapacity: true)
    offsets.append(contentsOf: 0...Int32(clamping: rows.count))
    numbers.replaceSubrange(numbers.indices, with: 0..<Int32(clamping: rows.count))
    positions.append(contentsOf: rows.lazy.map { parent.positions[Int($0)] })
  }
}

/// What one run is fed: the layout of its rows and the inputs by name, row-major.
public struct Batch: Sendable {
  public var layout: RowLayout
  public var ints: [String: [Int32]]
  public var floats: [String: [Float]]

  public init(layout: RowLayout, ints: [String: [Int32]] = [:], floats: [String: [Float]] = [:]) {
    self.layout = layout
    self.ints = ints
    self.floats = floats
  }
}
