import AdaptGraph
import AdaptPlatform
import AdaptTensor

// Paths of a site at once: a thread each, or all threads on one after the other.

extension Plan.Step {
  /// Whether it changes nothing but the memory of its own results.
  var mayRunBeside: Bool {
    switch self {
    case .rows: true
    case .paths, .memory: false
    case .node(let node): node.op.kind.mayRunBeside
    }
  }
}

extension OpKind {
  fileprivate var mayRunBeside: Bool {
    switch self {
    case .matmul, .batchMatmul, .unary, .unaryGradient, .binary, .select, .sumRows, .expandRows,
      .sumColumns, .expandColumns, .softmax, .softmaxGradient, .normalize, .normalizeGradient,
      .slice, .pad, .concat, .permute, .broadcast, .reduce, .cumulativeSum:
      true
    default: false
    }
  }
}

extension Executor {
  /// Runs steps of sibling paths in the way that takes less time with the rows that the paths have.
  ///
  /// Which way depends on the numbers of rows alone, so the same batch gives the same bits.
  func run(_ steps: [Plan.Step]) throws {
    let work = steps.map(microseconds)
    guard isFasterAtOnce(work) else {
      for step in steps { try run(step) }
      return
    }
    for case .rows(let program) in steps { try keepMatrices(of: program, cut(of: program)) }
    let starts = try reserveScratch(steps)
    // The longest first, so that no thread begins with it when others are done.
    let order = work.indices.sorted { (work[$1], $0) < (work[$0], $1) }
    let failure = FirstError()
    cpu.split(order.count, into: order.count) { part, _ in
      let number = order[part]
      failure.note { try self.run(steps[number], at: starts[number]) }
    }
    try failure.check()
  }

  /// What it takes to have all threads begin and wait for the last, in µs.
  private static let wake = 4.0

  func isFasterAtOnce(_ steps: [Plan.Step]) -> Bool { isFasterAtOnce(steps.map(microseconds)) }

  private func isFasterAtOnce(_ work: [Double]) -> Bool {
    guard cpu.threads > 1 else { return false }
    let (total, threads) = (work.reduce(0, +), Double(cpu.threads))
    let atOnce = Executor.wake + max(total / threads, work.max() ?? 0)
    let inTurn = work.reduce(0) { $0 + min($1, Executor.wake + $1 / threads) }
    return atOnce < inTurn
  }

  /// About how long a step takes one thread: by what a thread of a current processor does in a µs.
  private func microseconds(_ step: Plan.Step) -> Double {
    switch step {
    case .rows(let program): Double(counts[program.rows.index] * program.cost) / 8192
    case .paths(let steps): steps.reduce(0) { $0 + microseconds($1) }
    case .memory: 0
    case .node(let node):
      node.op.kind == .matmul
        ? multiplications(node) / 50_000
        : Double(elements(graph.type(node.outputs[0]))) / 4096
    }
  }

  private func multiplications(_ node: Node) -> Double {
    guard case .matmul(_, let transposeB) = node.op else { return 0 }
    let b = MatrixView(firstAxisOf: graph.type(node.inputs[1]), self)
    let columns = transposeB ? b.rows : b.columns
    return Double(elements(graph.type(node.inputs[0]))) * Double(columns)
  }

  private func run(_ step: Plan.Step, at start: Int) throws {
    switch step {
    case .rows(let program):
      program.run(self, cut(of: program), memory: scratchMemory + start)
    case .node, .paths, .memory: try run(step)
    }
  }

  /// Makes room for all groups of ops among the steps, and says where that of each begins.
  private func reserveScratch(_ steps: [Plan.Step]) throws -> [Int] {
    var size = 0
    let starts = steps.map { step in
      defer {
        if case .rows(let program) = step {
          size += memory(of: program, cut(of: program))
        }
      }
      return size
    }
    try reserveScratch(floats: size)
    return starts
  }
}

/// The first error of work on several threads.
final class FirstError: @unchecked Sendable {
  private let lock = Lock()
  private var error: (any Error)?

  func note(_ body: () throws -> Void) {
    do { try body() } catch { lock.withLock { self.error = self.error ?? error } }
  }

  func check() throws {
    if let error { throw error }
  }
}
