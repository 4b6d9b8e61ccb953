import AdaptGraph
import AdaptTensor

/// Runs a causal model over sequences as their rows come, a few at a time.
///
/// What the new rows need of earlier ones is kept: keys and values of attention, the last rows of a delay,
/// what scans carry. So a row costs what that row costs, however long its sequence is, but for
/// attention's look at what was kept. The first rows of a sequence, a prompt, run all at once. Results
/// are those of a run over the whole sequences, to rounding: products of few rows add in another order.
///
/// A decision about a unit must need nothing but that unit, and no row may see later ones; other models
/// run over whole sequences only. Not to be used from two threads at once.
public final class StepwiseRun {
  private let executor: Executor
  private let policies: [String: Policy]
  private let memories: [(any RowMemory)?]
  /// How many rows each sequence has had.
  public private(set) var lengths: [Int]

  /// A run of so many sequences without rows; nil where the model needs whole sequences, because of its
  /// graph or of a policy.
  ///
  /// The executor serves whole runs as well.
  /// - Parameters:
  ///   - expected: rows that each sequence is expected to have, for which room is made at once.
  ///   - policies: what decides at a site instead of its router, by site name.
  public init?(
    _ executor: Executor, sequences: Int, expected: Int = 0, policies: [String: Policy] = [:]
  ) {
    guard executor.graph.wholeNode(for: executor.outputs) == nil,
      policies.values.allSatisfy(\.isStepwise)
    else { return nil }
    (self.executor, self.policies) = (executor, policies)
    lengths = Array(repeating: 0, count: max(0, sequences))
    memories = executor.graph.rowMemories(sequences: lengths.count, expected: expected)
  }

  /// Bytes that are kept of earlier rows.
  public var memory: Int { memories.reduce(0) { $0 + ($1?.byteCount ?? 0) } }

  /// Runs the rows that are new; the executor's outputs and decisions are theirs.
  ///
  /// The parameters must be those of the rows before. After an error all rows are forgotten.
  /// - Parameters:
  ///   - rows: a group for each sequence, with its new rows, or none; positions go on by themselves.
  ///   - record: keep every decision, see ``Executor/decisions``.
  /// - Throws: ``RuntimeError`` as ``Executor/run(_:_:policies:record:noise:)``.
  public func run(_ rows: Batch, _ parameters: ParameterStore, record: Bool = false) throws {
    guard rows.layout.groups == lengths.count else {
      throw RuntimeError.badInput(
        "the run has \(lengths.count) sequences and was given rows of \(rows.layout.groups)")
    }
    var batch = rows
    batch.layout.move(by: lengths)
    executor.memories = memories
    defer { executor.memories = [] }
    do {
      try executor.run(batch, parameters, policies: policies, record: record)
    } catch {
      forget()
      throw error
    }
    for sequence in lengths.indices { lengths[sequence] += rows.layout.range(of: sequence).count }
  }

  /// Forgets all rows: the sequences begin anew.
  public func forget() {
    for memory in memories { memory?.forget() }
    lengths = lengths.map { _ in 0 }
  }
}

extension RowLayout {
  /// Moves the rows of each group so many places on.
  mutating func move(by places: [Int]) {
    for group in 0..<groups where places[group] != 0 {
      for row in range(of: group) { positions[row] += Int32(clamping: places[group]) }
    }
  }
}
