/// Keys and values of the rows that sequences have had, so that attention of the rows to come reads
/// them instead of computing them again.
///
/// For each sequence and head the rows lie behind one another, as a query reads them. Room doubles
/// when it is full, so a row is copied twice at most on average. Not to be used from two threads at
/// once.
public final class KeyValueCache {
  /// The rows of one sequence.
  struct Sequence {
    /// For each head `capacity` keys, then as many values, then room for a score of each.
    var memory: Storage?
    var capacity = 0
    /// Where each row stood in its sequence; ascends.
    var positions: [Int32] = []
  }

  let heads: Int
  let headSize: Int
  private(set) var sequences: [Sequence]
  /// Rows that a sequence gets room for at first.
  private let expected: Int

  /// An empty cache of so many sequences.
  /// - Parameter expected: rows that a sequence is expected to have; memory is promised for them and
  ///   used as they come.
  public init(sequences: Int, heads: Int, headSize: Int, expected: Int = 0) {
    self.heads = max(0, heads)
    self.headSize = max(0, headSize)
    self.expected = max(16, expected)
    self.sequences = Array(repeating: Sequence(), count: max(0, sequences))
  }

  /// Whether no sequence has a row.
  public var isEmpty: Bool { sequences.allSatisfy { $0.positions.isEmpty } }

  /// Bytes of all sequences.
  public var byteCount: Int { sequences.reduce(0) { $0 + ($1.memory?.byteCount ?? 0) } }

  /// Forgets all rows and gives their memory back.
  public func removeAll() {
    for index in sequences.indices { sequences[index] = Sequence() }
  }

  /// Makes room for the rows of a layout behind those that are there, and notes their positions.
  /// - Throws: `TensorError.outOfMemory`
  func open(_ offsets: UnsafePointer<Int32>, _ positions: UnsafePointer<Int32>) throws {
    for index in sequences.indices {
      let (first, last) = (Int(offsets[index]), Int(offsets[index + 1]))
      try reserve(sequences[index].positions.count + max(0, last - first), of: index)
      for row in first..<max(first, last) { sequences[index].positions.append(positions[row]) }
    }
  }

  private func reserve(_ rows: Int, of index: Int) throws {
    let old = sequences[index]
    guard rows > old.capacity else { return }
    let capacity = max(rows, old.capacity == 0 ? expected : 2 * old.capacity)
    let (floats, overflow) = (heads * (2 * headSize + 1)).multipliedReportingOverflow(by: capacity)
    guard !overflow, floats < Int.max / 4 else { throw TensorError.outOfMemory(bytes: nil) }
    // Pages that no row reaches are never touched.
    let memory = try Storage(byteCount: floats * 4, zeroed: false)
    if let source = old.memory {
      for block in 0..<2 * heads {
        (memory.floats + block * capacity * headSize).update(
          from: source.floats + block * old.capacity * headSize,
          count: old.positions.count * headSize)
      }
    }
    (sequences[index].memory, sequences[index].capacity) = (memory, capacity)
  }
}

extension KeyValueCache.Sequence {
  /// Where the keys of a head begin.
  func keys(_ head: Int, _ cache: KeyValueCache) -> UnsafeMutablePointer<Float>? {
    memory.map { $0.floats + head * capacity * cache.headSize }
  }

  func values(_ head: Int, _ cache: KeyValueCache) -> UnsafeMutablePointer<Float>? {
    keys(cache.heads + head, cache)
  }

  func scores(_ head: Int, _ cache: KeyValueCache) -> UnsafeMutablePointer<Float>? {
    memory.map { $0.floats + capacity * (2 * cache.heads * cache.headSize + head) }
  }

  /// How many rows a row at a position sees: those that do not stand behind it.
  func seen(from position: Int32) -> Int {
    var count = positions.count
    while count > 0, positions[count - 1] > position { count -= 1 }
    return count
  }
}
