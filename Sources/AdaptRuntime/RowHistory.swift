import AdaptTensor

/// The last rows of each sequence, row behind row.
final class RowHistory {
  private struct Sequence {
    var memory: Storage?
    var count = 0
  }

  private let columns: Int
  private var sequences: [Sequence]

  init(sequences: Int, columns: Int) {
    self.columns = columns
    self.sequences = Array(repeating: Sequence(), count: sequences)
  }

  var byteCount: Int { sequences.reduce(0) { $0 + ($1.memory?.byteCount ?? 0) } }

  func removeAll() {
    for index in sequences.indices { sequences[index] = Sequence() }
  }

  /// Puts rows behind those that are there; room doubles when it is full.
  func append(_ rows: UnsafePointer<Float>, rows count: Int, to index: Int) throws {
    try reserve(sequences[index].count + count, of: index)
    guard let memory = sequences[index].memory else { return }
    (memory.floats + sequences[index].count * columns).update(from: rows, count: count * columns)
    sequences[index].count += count
  }

  /// The row so many places before the last one, zeros where there is none.
  func read(_ index: Int, back: Int, into row: UnsafeMutablePointer<Float>) {
    let place = sequences[index].count - 1 - back
    guard place >= 0, let memory = sequences[index].memory else {
      return row.update(repeating: 0, count: columns)
    }
    row.update(from: memory.floats + place * columns, count: columns)
  }

  /// So many last rows, or all when there are fewer, one behind the other until the next change.
  func last(_ count: Int, of index: Int) -> (first: UnsafePointer<Float>, count: Int)? {
    guard let memory = sequences[index].memory else { return nil }
    let count = min(count, sequences[index].count)
    return (UnsafePointer(memory.floats + (sequences[index].count - count) * columns), count)
  }

  /// Lets go of rows before the last `count`, now and then, so that each is moved twice at most.
  func keep(last count: Int, of index: Int) {
    let extra = sequences[index].count - count
    guard extra > max(16, count), let memory = sequences[index].memory else { return }
    memory.floats.update(from: memory.floats + extra * columns, count: count * columns)
    sequences[index].count = count
  }

  private func reserve(_ rows: Int, of index: Int) throws {
    let (bytes, overflow) = (4 * columns).multipliedReportingOverflow(by: rows)
    guard !overflow else { throw TensorError.outOfMemory(bytes: nil) }
    let old = sequences[index].memory
    guard bytes > old?.byteCount ?? 0 else { return }
    let memory = try Storage(byteCount: max(bytes, 2 * (old?.byteCount ?? 0)), zeroed: false)
    if let old {
      memory.floats.update(from: old.floats, count: sequences[index].count * columns)
    }
    sequences[index].memory = memory
  }
}
