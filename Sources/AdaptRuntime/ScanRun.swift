import AdaptGraph
import AdaptTensor

/// Runs the body of one scan, step by step.
///
/// The rows of a step are one of each sequence that is long enough: no row is ever padding. The body has
/// an arena of its own, as large as one step needs. What rows are handed lies in the scan's own outputs,
/// each row's where a gradient finds it again.
final class ScanRun {
  private let body: ScanBody
  private let inner: Executor
  private let steps: [Plan.Step]
  /// Inputs that some node of the body reads.
  private let read: Set<ValueID>
  /// Row sets that are born inside: their counts add up over the steps.
  private let innerRows: [RowSetID]
  private let sites: [SiteID]
  /// The sequences that go on, and the row of each at the current step.
  private var going: [Int32] = []
  private var rows: [Int32] = []

  init(_ body: ScanBody, cpu: CPU) throws {
    self.body = body
    let parts = body.parts
    inner = try Executor(
      body.graph, outputs: parts.results + parts.next + parts.totals, cpu: cpu,
      external: Set(parts.outers))
    steps = inner.plan.steps.filter { step in
      if case .node(let node) = step { node.op.kind != .input } else { true }
    }
    let nodes = inner.graph.nodes.filter { $0.op.kind != .input }
    read = Set(inner.graph.nodes.flatMap(\.outputs))
    let sets = nodes.flatMap(\.outputs).compactMap { body.graph.type($0).rows }
    innerRows = Array(Set(sets).subtracting([body.rows]))
    sites = body.sites
  }

  /// Runs the scan that `node` is, on the memory of `outer`.
  /// - Parameter memory: where sequences that ran before go on from.
  func run(_ node: Node, _ outer: Executor, memory: ScanMemory? = nil) throws {
    guard let over = outer.graph.type(node.inputs[0]).rows else { return }
    let layout = outer.layouts[over.index]
    begin(node, outer)
    going = (0..<Int32(layout.groups)).filter { layout.length($0) > 0 }
    if let memory { resume(node, outer, layout, memory) }
    try inner.prepare(going.count, of: body.rows, external: external(node, outer))
    var step = 0
    while !going.isEmpty {
      rows = going.map { layout.row(step, of: $0, isReversed: body.isReversed) }
      openStep(layout, outer, over)
      bring(node, outer)
      try runStep(step)
      step += 1
      collect(node, outer, layout, step)
      if let memory { keep(layout, step, memory) }
      count(outer)
      going.removeAll { layout.length($0) <= step }
    }
    outer.stepCounts[body.rows.index] = step
    for site in sites {
      try outer.policies.checkReplayed(outer.graph[site], units: inner.decided[site.index])
    }
    report(outer)
  }

  // MARK: Before the steps

  private func begin(_ node: Node, _ outer: Executor) {
    inner.policies = outer.policies
    inner.isRecording = outer.isRecording
    (inner.tracksOrigins, inner.noise) = (outer.tracksOrigins, outer.noise)
    inner.decisions = []
    inner.decided = inner.graph.sites.map { _ in 0 }
    for site in sites {
      outer.pathCounts[site.index] = outer.pathCounts[site.index].map { _ in 0 }
    }
    for rows in innerRows { outer.counts[rows.index] = 0 }
    for total in totals(node) {
      outer.cpu.fill(outer.floats(total), value: 0, count: outer.elements(outer.graph.type(total)))
    }
    for (start, state) in zip(node.inputs.suffix(body.parts.states.count), states(node)) {
      fill(state, from: start, outer)
    }
  }

  /// Every row of a state as the first of a sequence finds it; later steps write over the others.
  private func fill(_ state: ValueID, from start: ValueID, _ outer: Executor) {
    let view = MatrixView(firstAxisOf: outer.graph.type(state), outer)
    var one: Float = 1
    outer.cpu.binary(
      .multiply, Operand(outer.floats(start), .row), Operand(&one, .scalar), outer.floats(state),
      rows: view.rows, columns: view.columns)
  }

  /// The first rows of sequences that had rows before are handed what the last of those handed on.
  private func resume(
    _ node: Node, _ outer: Executor, _ layout: RowLayout, _ memory: ScanMemory
  ) {
    for (number, state) in states(node).enumerated() {
      let (sink, columns) = (outer.floats(state), outer.graph.type(state).count)
      for group in going {
        let row = layout.row(0, of: group, isReversed: body.isReversed)
        memory.hand(number, of: Int(group), to: sink + Int(row) * columns)
      }
    }
  }

  /// Keeps what sequences that end behind this step hand on.
  private func keep(_ layout: RowLayout, _ step: Int, _ memory: ScanMemory) {
    for (place, group) in going.enumerated() where layout.length(group) == step {
      for (number, value) in body.parts.next.enumerated() {
        let columns = body.graph.type(value).count
        memory.keep(number, of: Int(group), from: inner.floats(value) + place * columns)
      }
      memory.close(Int(group))
    }
  }

  private func external(_ node: Node, _ outer: Executor) -> [ValueID: UnsafeMutableRawPointer] {
    let values = node.inputs.dropFirst(body.parts.steps.count)
    return Dictionary(
      zip(body.parts.outers, values).map { ($0, UnsafeMutableRawPointer(outer.floats($1))) },
      uniquingKeysWith: { first, _ in first })
  }

  // MARK: One step

  private func runStep(_ step: Int) throws {
    do {
      for step in steps { try inner.run(step) }
    } catch RuntimeError.notFinite(let place, let row) {
      throw RuntimeError.notFinite(place: "\(place), in step \(step + 1) of its scan,", row: row)
    }
  }

  private func openStep(_ layout: RowLayout, _ outer: Executor, _ over: RowSetID) {
    inner.counts[body.rows.index] = rows.count
    inner.layouts[body.rows.index].stand(alone: rows, of: layout)
    inner.origins[body.rows.index] = outer.origins[over.index].map { origins in
      rows.map { origins[Int($0)] }
    }
    inner.unfold(body.rows)
  }

  /// Gathers what the step reads.
  private func bring(_ node: Node, _ outer: Executor) {
    let sources = Array(node.inputs.prefix(body.parts.steps.count)) + states(node)
    for (source, input) in zip(sources, body.parts.steps + body.parts.states)
    where read.contains(input) {
      outer.cpu.gather(
        outer.floats(source), rows, inner.floats(input), count: rows.count,
        columns: outer.graph.type(source).count)
    }
  }

  /// Writes what the step gave: results to its rows, carried values to the rows behind them.
  private func collect(_ node: Node, _ outer: Executor, _ layout: RowLayout, _ step: Int) {
    let everyRow = Array(0..<Int32(rows.count))
    for (value, result) in zip(body.parts.results, node.outputs) {
      move(value, everyRow, to: result, rows, outer)
    }
    let staying = everyRow.filter { layout.length(going[Int($0)]) > step }
    let next = staying.map { layout.row(step, of: going[Int($0)], isReversed: body.isReversed) }
    for (value, state) in zip(body.parts.next, states(node)) {
      move(value, staying, to: state, next, outer)
    }
    for (value, total) in zip(body.parts.totals, totals(node)) {
      outer.cpu.binary(
        .add, Operand(outer.floats(total), .full), Operand(inner.floats(value), .full),
        outer.floats(total), rows: 1, columns: outer.elements(outer.graph.type(total)))
    }
  }

  private func move(
    _ value: ValueID, _ from: [Int32], to target: ValueID, _ to: [Int32], _ outer: Executor
  ) {
    let columns = outer.graph.type(target).count
    let (source, sink) = (inner.floats(value), outer.floats(target))
    outer.cpu.parallel(from.count, grain: max(1, 16384 / max(columns, 1))) { range in
      for place in range {
        (sink + Int(to[place]) * columns)
          .update(from: source + Int(from[place]) * columns, count: columns)
      }
    }
  }

  // MARK: What sites decided

  private func count(_ outer: Executor) {
    for rows in innerRows { outer.counts[rows.index] += inner.counts[rows.index] }
    for site in sites {
      let counts = inner.pathCounts[site.index]
      for (path, count) in counts.enumerated() { outer.pathCounts[site.index][path] += count }
    }
  }

  /// One record for each site, its units in the order of the steps.
  private func report(_ outer: Executor) {
    guard outer.isRecording else { return }
    for site in sites {
      let name = outer.graph[site].name
      let parts = inner.decisions.filter { $0.site == name }
      guard var whole = parts.first else { continue }
      whole.rows = parts.flatMap(\.rows)
      whole.mask = parts.flatMap(\.mask)
      outer.decisions.append(whole)
    }
  }

  private func states(_ node: Node) -> ArraySlice<ValueID> {
    node.outputs[body.parts.results.count...].prefix(body.parts.states.count)
  }

  private func totals(_ node: Node) -> ArraySlice<ValueID> {
    node.outputs.suffix(body.parts.totals.count)
  }
}

extension RowLayout {
  func length(_ group: Int32) -> Int {
    Int(offsets[Int(group) + 1] - offsets[Int(group)])
  }

  /// The row of a group at a step, counted from its end when reversed.
  fileprivate func row(_ step: Int, of group: Int32, isReversed: Bool) -> Int32 {
    isReversed
      ? offsets[Int(group) + 1] - 1 - Int32(step) : offsets[Int(group)] + Int32(step)
  }
}
