import AdaptGraph
import AdaptTensor

/// The steps of some sequences of a scan, one after the other.
///
/// It has an arena of its own, as large as one step needs. What rows are handed lies in the scan's own
/// outputs, each row's where a gradient finds it again; different sequences have different rows, so lanes
/// may run at once.
final class ScanLane {
  /// What a run of the scan is about.
  struct Run {
    let node: Node
    let outer: Executor
    /// The rows that the scan goes along.
    let over: RowSetID
    let layout: RowLayout
  }

  /// Rows that a step reads or writes: the body's value and the one of the graph around it.
  private struct Move {
    let inside: UnsafeMutablePointer<Float>
    let outside: UnsafeMutablePointer<Float>
    let columns: Int
  }

  let inner: Executor
  private let body: ScanBody
  private let work: [Plan.Step]
  /// Inputs that some node of the body reads.
  private let read: Set<ValueID>
  /// Whether some op asks for more of a step's rows than how many they are.
  private let needsLayout: Bool
  /// The sequences that go on, and the row of each at the current step.
  private(set) var going: [Int32] = []
  private var rows: [Int32] = []
  /// The places in the step of those that go on behind it.
  private var staying: [Int32] = []
  /// Steps done.
  private(set) var steps = 0
  private var brought: [Move] = []
  private var given: [Move] = []
  private var carried: [Move] = []

  init(_ body: ScanBody, cpu: CPU) throws {
    self.body = body
    let parts = body.parts
    inner = try Executor(
      body.graph, outputs: parts.results + parts.next + parts.totals, cpu: cpu,
      external: Set(parts.outers))
    work = inner.plan.steps.filter { step in
      if case .node(let node) = step { node.op.takesTime } else { true }
    }
    read = Set(inner.graph.nodes.flatMap(\.outputs))
    needsLayout =
      !inner.plan.layoutRows.isEmpty || inner.plan.unfolded[body.rows] != nil || !body.sites.isEmpty
  }

  var isDone: Bool { going.isEmpty }

  // MARK: Before the steps

  /// Makes ready for the steps of some sequences.
  func start(_ run: Run, _ sequences: [Int32]) throws {
    let outer = run.outer
    inner.policies = outer.policies
    inner.isRecording = outer.isRecording
    (inner.tracksOrigins, inner.noise) = (outer.tracksOrigins, outer.noise)
    inner.decisions = []
    inner.decided = inner.graph.sites.map { _ in 0 }
    (going, steps) = (sequences, 0)
    rows.reserveCapacity(going.count)
    staying.reserveCapacity(going.count)
    try inner.prepare(going.count, of: body.rows, external: external(run))
    findMoves(run)
  }

  private func external(_ run: Run) -> [ValueID: UnsafeMutableRawPointer] {
    let values = run.node.inputs.dropFirst(body.parts.steps.count)
    return Dictionary(
      zip(body.parts.outers, values).map { ($0, UnsafeMutableRawPointer(run.outer.floats($1))) },
      uniquingKeysWith: { first, _ in first })
  }

  private func findMoves(_ run: Run) {
    let (parts, states) = (body.parts, Array(body.states(of: run.node)))
    let sources = Array(run.node.inputs.prefix(parts.steps.count)) + states
    brought = zip(parts.steps + parts.states, sources).filter { read.contains($0.0) }
      .map { move($0, $1, run) }
    given = zip(parts.results, run.node.outputs).map { move($0, $1, run) }
    carried = zip(parts.next, states).map { move($0, $1, run) }
  }

  private func move(_ inside: ValueID, _ outside: ValueID, _ run: Run) -> Move {
    Move(
      inside: inner.floats(inside), outside: run.outer.floats(outside),
      columns: run.outer.graph.type(outside).count)
  }

  // MARK: Steps

  /// Runs all steps.
  func finish(_ run: Run) throws {
    while !isDone {
      try step(run)
      close(run)
    }
  }

  /// Runs one step, behind which ``close(_:)`` goes.
  func step(_ run: Run) throws {
    rows.removeAll(keepingCapacity: true)
    for group in going {
      rows.append(run.layout.row(steps, of: group, isReversed: body.isReversed))
    }
    open(run)
    for move in brought {
      inner.cpu.gather(
        move.outside, rows, move.inside, count: rows.count, columns: move.columns)
    }
    do {
      if let profile = inner.profile {
        try inner.runProfiled(work, profile)
      } else {
        for step in work { try inner.run(step) }
      }
    } catch RuntimeError.notFinite(let place, let row) {
      throw RuntimeError.notFinite(place: "\(place), in step \(steps + 1) of its scan,", row: row)
    }
    steps += 1
    collect(run)
  }

  /// Leaves out the sequences that have no further row.
  func close(_ run: Run) {
    if staying.count < going.count { going = staying.map { going[Int($0)] } }
  }

  private func open(_ run: Run) {
    inner.counts[body.rows.index] = rows.count
    if inner.tracksOrigins {
      inner.origins[body.rows.index] = run.outer.origins[run.over.index].map { origins in
        rows.map { origins[Int($0)] }
      }
    }
    guard needsLayout else { return }
    inner.layouts[body.rows.index].stand(alone: rows, of: run.layout)
    inner.unfold(body.rows)
  }

  /// Writes what the step gave: results to its rows, carried values to the rows behind them.
  private func collect(_ run: Run) {
    staying.removeAll(keepingCapacity: true)
    for (place, group) in going.enumerated() where run.layout.length(group) > steps {
      staying.append(Int32(place))
    }
    for move in given { put(move, places: nil) }
    // From here on the rows are those that follow.
    for place in staying {
      rows[Int(place)] = run.layout.row(
        steps, of: going[Int(place)], isReversed: body.isReversed)
    }
    for move in carried { put(move, places: staying) }
    let totals = zip(body.parts.totals, run.node.outputs.suffix(body.parts.totals.count))
    for (value, total) in totals {
      let sum = run.outer.floats(total)
      inner.cpu.binary(
        .add, Operand(sum, .full), Operand(inner.floats(value), .full), sum, rows: 1,
        columns: run.outer.elements(run.outer.graph.type(total)))
    }
  }

  /// Writes the step's rows at these places, or all, to where their rows are.
  private func put(_ move: Move, places: [Int32]?) {
    let (count, columns) = (places?.count ?? rows.count, move.columns)
    inner.cpu.parallel(count, grain: max(1, 16384 / max(columns, 1))) { range in
      for number in range {
        let place = places.map { Int($0[number]) } ?? number
        (move.outside + Int(rows[place]) * columns)
          .update(from: move.inside + place * columns, count: columns)
      }
    }
  }
}

extension Op {
  /// Whether a step has to run it: not what is memory alone, or the same in every step.
  fileprivate var takesTime: Bool {
    switch kind {
    case .input, .parameter, .literal, .reshape, .stopGradient, .fold, .unfold: false
    default: true
    }
  }
}
