import AdaptGraph
import AdaptTensor

/// What one node keeps of the rows that its sequences have had.
protocol RowMemory: AnyObject {
  /// Computes the node for new rows, and keeps of them what later ones need.
  func run(_ node: Node, _ run: Executor) throws
  /// Forgets all rows.
  func forget()
  /// Bytes that are kept.
  var byteCount: Int { get }
}

extension Graph {
  /// A memory for each node that needs one, at the place of its first output.
  /// - Parameters:
  ///   - sequences: how many there are.
  ///   - expected: rows that each is expected to have.
  func rowMemories(sequences: Int, expected: Int) -> [(any RowMemory)?] {
    var memories = [(any RowMemory)?](repeating: nil, count: values.count)
    for node in nodes where remembers(node) {
      memories[node.outputs[0].index] = memory(for: node, sequences, expected)
    }
    return memories
  }

  private func memory(for node: Node, _ sequences: Int, _ expected: Int) -> (any RowMemory)? {
    switch node.op {
    case .attention(let heads, _):
      let headSize = type(node.inputs[1]).columns / max(1, heads)
      return AttentionMemory(
        KeyValueCache(sequences: sequences, heads: heads, headSize: headSize, expected: expected))
    case .shift(let count):
      return ShiftMemory(
        RowHistory(sequences: sequences, columns: type(node.inputs[0]).count), count)
    case .convolution(let window):
      return ConvolutionMemory(
        window, sequences: sequences, columns: type(node.inputs[0]).count)
    case .scan(let body):
      return ScanMemory(body, sequences: sequences)
    default:
      return nil
    }
  }
}

/// The keys and values of earlier rows.
final class AttentionMemory: RowMemory {
  private let cache: KeyValueCache

  init(_ cache: KeyValueCache) { self.cache = cache }

  var byteCount: Int { cache.byteCount }
  func forget() { cache.removeAll() }

  func run(_ node: Node, _ run: Executor) throws {
    guard let queries = run.graph.type(node.inputs[0]).rows,
      let keys = run.graph.type(node.inputs[1]).rows
    else { return }
    // The first rows see only one another: many at once are computed as in a whole run.
    let isFirst = cache.isEmpty
    let layout = run.layouts[keys.index]
    try run.cpu.append(
      k: run.floats(node.inputs[1]), v: run.floats(node.inputs[2]), offsets: layout.offsets,
      positions: layout.positions, to: cache)
    guard !isFirst else { return Kernels.attention(node, run) }
    let asking = run.layouts[queries.index]
    run.cpu.attention(
      q: run.floats(node.inputs[0]), over: cache, o: run.floats(node.outputs[0]),
      lse: run.floats(node.outputs[1]), offsets: asking.offsets, positions: asking.positions)
  }
}

/// The last rows of each sequence.
final class ShiftMemory: RowMemory {
  private let history: RowHistory
  private let count: Int

  init(_ history: RowHistory, _ count: Int) { (self.history, self.count) = (history, count) }

  var byteCount: Int { history.byteCount }
  func forget() { history.removeAll() }

  func run(_ node: Node, _ run: Executor) throws {
    guard let rows = run.graph.type(node.inputs[0]).rows else { return }
    let (layout, columns) = (run.layouts[rows.index], run.graph.type(node.inputs[0]).count)
    let (source, target) = (run.floats(node.inputs[0]), run.floats(node.outputs[0]))
    for sequence in 0..<layout.groups {
      let range = layout.range(of: sequence)
      try history.append(source + range.lowerBound * columns, rows: range.count, to: sequence)
      for (place, row) in range.enumerated() {
        let back = range.count - place - 1 + count
        history.read(sequence, back: back, into: target + row * columns)
      }
      history.keep(last: count, of: sequence)
    }
  }
}

/// What the last row of each sequence handed on.
final class ScanMemory: RowMemory {
  private let body: ScanBody
  /// For each state the rows of the sequences, one each.
  private var handed: [[Float]]
  private let columns: [Int]
  private var hasRows: [Bool]

  init(_ body: ScanBody, sequences: Int) {
    self.body = body
    columns = body.parts.states.map { body.graph.type($0).count }
    handed = columns.map { Array(repeating: 0, count: $0 * sequences) }
    hasRows = Array(repeating: false, count: sequences)
  }

  var byteCount: Int { handed.reduce(0) { $0 + 4 * $1.count } }
  func forget() { hasRows = hasRows.map { _ in false } }

  func run(_ node: Node, _ run: Executor) throws {
    try run.scans[ObjectIdentifier(body)]?.run(node, run, memory: self)
  }

  /// Writes what a sequence goes on from over what it would start from.
  func hand(_ state: Int, of sequence: Int, to row: UnsafeMutablePointer<Float>) {
    guard hasRows[sequence] else { return }
    let (count, first) = (columns[state], sequence * columns[state])
    handed[state].withUnsafeBufferPointer { values in
      for column in 0..<count { row[column] = values[first + column] }
    }
  }

  /// Takes what the last row of a sequence hands on.
  func keep(_ state: Int, of sequence: Int, from row: UnsafePointer<Float>) {
    let (count, first) = (columns[state], sequence * columns[state])
    for column in 0..<count { handed[state][first + column] = row[column] }
  }

  /// Notes that a sequence goes on from what was kept.
  func close(_ sequence: Int) { hasRows[sequence] = true }
}
