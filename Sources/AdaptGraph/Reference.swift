import AdaptPlatform

/// A tensor of the reference evaluator: all sizes known, every number a Double.
public struct ReferenceTensor: Sendable, Hashable {
  /// Sizes, the row axis first where the value has rows.
  public var shape: [Int]
  public var values: [Double]

  public init(_ shape: [Int], _ values: [Double]) {
    self.shape = shape
    self.values = values
  }

  public init(zeros shape: [Int]) {
    self.init(shape, Array(repeating: 0, count: shape.reduce(1, *)))
  }
}

/// How rows of a set form groups: the offsets where each group starts and the place of each row in
/// its group as the data had it.
public struct ReferenceRows: Sendable, Hashable {
  /// One more than there are groups; group g owns rows `offsets[g]..<offsets[g + 1]`.
  public var offsets: [Int]
  public var positions: [Int]
  /// For each group, which group of the data it was; ascends.
  public var numbers: [Int]

  public init(offsets: [Int], positions: [Int], numbers: [Int]? = nil) {
    self.offsets = offsets
    self.positions = positions
    self.numbers = numbers ?? Array(0..<max(0, offsets.count - 1))
  }

  /// Groups of so many rows each, whose rows stood at these places.
  init(lengths: [Int], positions: [Int], numbers: [Int]? = nil) {
    self.init(lengths: lengths)
    self.positions = positions
    if let numbers { self.numbers = numbers }
  }

  /// Groups of so many rows each, positions from 0.
  public init(lengths: [Int]) {
    offsets = lengths.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1) }
    positions = lengths.flatMap { Array(0..<$0) }
    numbers = Array(lengths.indices)
  }

  public var count: Int { positions.count }
  var groups: Int { offsets.count - 1 }

  /// The rows at `index`, which ascends, in the same groups.
  func selecting(_ index: [Int]) -> ReferenceRows {
    var lengths = Array(repeating: 0, count: offsets.count - 1)
    var group = 0
    for row in index {
      while row >= offsets[group + 1] { group += 1 }
      lengths[group] += 1
    }
    return ReferenceRows(
      offsets: lengths.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1) },
      positions: index.map { positions[$0] }, numbers: numbers)
  }

  /// For each group here the rows of the same group there.
  public func matches(in other: ReferenceRows) -> [Range<Int>] {
    numbers.map { number in
      other.numbers.firstIndex(of: number).map { other.offsets[$0]..<other.offsets[$0 + 1] }
        ?? 0..<0
    }
  }
}

/// Evaluates a graph by definition: naive loops in Double, one node after the other.
///
/// It defines what every op means; the runtime is held against it.
public struct ReferenceRun {
  public let graph: Graph
  public var values: [ReferenceTensor?]
  /// Layouts by row set.
  public var rows: [ReferenceRows?]
  public var inputs: [String: ReferenceTensor]
  public var parameters: [String: ReferenceTensor]
  /// Selections to use instead of a site's own rule, by site name: 0/1 of `[rows, paths]`.
  public var forced: [String: ReferenceTensor]
  /// Which run random numbers are drawn for.
  public var noise = NoiseKey()

  /// - Parameters:
  ///   - rows: the layout of each row set that the data bring.
  ///   - inputs: by input name; ints as Doubles.
  public init(
    _ graph: Graph, rows: [RowSetID: ReferenceRows], inputs: [String: ReferenceTensor],
    parameters: [String: ReferenceTensor], forced: [String: ReferenceTensor] = [:]
  ) {
    self.graph = graph
    self.inputs = inputs
    self.parameters = parameters
    self.forced = forced
    values = Array(repeating: nil, count: graph.values.count)
    self.rows = Array(repeating: nil, count: graph.rowSets.count)
    for (id, layout) in rows { open(id, layout) }
  }

  /// Says which rows a set has, and with it those that follow from them.
  mutating func open(_ id: RowSetID, _ layout: ReferenceRows) {
    rows[id.index] = layout
    for (index, set) in graph.rowSets.enumerated() {
      switch set.origin {
      case .groups(of: id): open(RowSetID(index), ReferenceRows(lengths: [layout.groups]))
      case .unfolded(from: id, let count):
        let lengths = Array(repeating: count, count: layout.count)
        open(RowSetID(index), ReferenceRows(lengths: lengths))
      default: continue
      }
    }
  }

  /// Runs every node.
  /// - Throws: ``GraphError`` for an input or layout that is missing.
  public mutating func run() throws {
    for node in graph.nodes {
      let operands = try node.inputs.map(value)
      let results = try OpTable[node.op].reference(node, operands, &self)
      for (output, result) in zip(node.outputs, results) { values[output.index] = result }
    }
  }

  /// What a value came to.
  public func value(_ id: ValueID) throws -> ReferenceTensor {
    guard values.indices.contains(id.index), let value = values[id.index] else {
      throw GraphError(.invalid, "value %\(id.index) has not been computed")
    }
    return value
  }

  func layout(_ id: RowSetID?) throws -> ReferenceRows {
    guard let id, let layout = rows[id.index] else {
      throw GraphError(.invalid, "a row set has no layout")
    }
    return layout
  }

  /// The sizes of a type with the number of rows filled in.
  func shape(_ type: TensorType) throws -> [Int] {
    guard let rows = type.rows else { return type.dims }
    return [try layout(rows).count] + type.dims
  }
}
