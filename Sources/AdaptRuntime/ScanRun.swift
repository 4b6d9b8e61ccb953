import AdaptGraph
import AdaptTensor

/// Runs the body of one scan, step by step.
///
/// The rows of a step are one of each sequence that is long enough: no row is ever padding. A body that
/// treats rows alike runs on lanes, a thread each, which share out the sequences and never wait for one
/// another; any other runs on one lane, whose kernels all threads share. How many lanes there are depends
/// on sizes alone.
final class ScanRun {
  private let body: ScanBody
  private let cpu: CPU
  /// The lane of all sequences, with all threads.
  private let whole: ScanLane
  /// A lane for each thread, made when first used.
  private var lanes: [ScanLane] = []
  /// Row sets that are born inside: their counts add up over the steps.
  private let innerRows: [RowSetID]
  private let sites: [SiteID]

  init(_ body: ScanBody, cpu: CPU) throws {
    (self.body, self.cpu) = (body, cpu)
    whole = try ScanLane(body, cpu: cpu)
    let nodes = body.graph.nodes.filter { $0.op.kind != .input }
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
    let going = (0..<Int32(layout.groups)).filter { layout.length($0) > 0 }
    let run = ScanLane.Run(node: node, outer: outer, over: over, layout: layout)
    if let memory { resume(run, going, memory) }
    let count = memory == nil ? laneCount(run, going) : 1
    if count > 1 {
      outer.stepCounts[body.rows.index] = try runLanes(run, going, count)
    } else {
      outer.stepCounts[body.rows.index] = try runWhole(run, going, memory)
    }
  }

  private func begin(_ node: Node, _ outer: Executor) {
    for site in sites {
      outer.pathCounts[site.index] = outer.pathCounts[site.index].map { _ in 0 }
    }
    for rows in innerRows { outer.counts[rows.index] = 0 }
    for total in node.outputs.suffix(body.parts.totals.count) {
      outer.cpu.fill(outer.floats(total), value: 0, count: outer.elements(outer.graph.type(total)))
    }
    for (start, state) in zip(node.inputs.suffix(body.parts.states.count), body.states(of: node)) {
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
  private func resume(_ run: ScanLane.Run, _ going: [Int32], _ memory: ScanMemory) {
    for (number, state) in body.states(of: run.node).enumerated() {
      let (sink, columns) = (run.outer.floats(state), run.outer.graph.type(state).count)
      for group in going {
        let row = run.layout.row(0, of: group, isReversed: body.isReversed)
        memory.hand(number, of: Int(group), to: sink + Int(row) * columns)
      }
    }
  }

  // MARK: On one lane

  private func runWhole(_ run: ScanLane.Run, _ going: [Int32], _ memory: ScanMemory?) throws -> Int
  {
    let outer = run.outer
    try whole.start(run, going)
    while !whole.isDone {
      try whole.step(run)
      if let memory { keep(run, memory) }
      for rows in innerRows { outer.counts[rows.index] += whole.inner.counts[rows.index] }
      for site in sites { count(site, outer) }
      whole.close(run)
    }
    for site in sites {
      try outer.policies.checkReplayed(outer.graph[site], units: whole.inner.decided[site.index])
    }
    report(outer)
    return whole.steps
  }

  private func count(_ site: SiteID, _ outer: Executor) {
    for (path, count) in whole.inner.pathCounts[site.index].enumerated() {
      outer.pathCounts[site.index][path] += count
    }
  }

  /// Keeps what sequences that end behind this step hand on.
  private func keep(_ run: ScanLane.Run, _ memory: ScanMemory) {
    for (place, group) in whole.going.enumerated()
    where run.layout.length(group) == whole.steps {
      for (number, value) in body.parts.next.enumerated() {
        let columns = body.graph.type(value).count
        memory.keep(
          number, of: Int(group), from: whole.inner.floats(value) + place * columns)
      }
      memory.close(Int(group))
    }
  }

  /// One record for each site, its units in the order of the steps.
  private func report(_ outer: Executor) {
    guard outer.isRecording else { return }
    for site in sites {
      let name = outer.graph[site].name
      let parts = whole.inner.decisions.filter { $0.site == name }
      guard var all = parts.first else { continue }
      all.rows = parts.flatMap(\.rows)
      all.mask = parts.flatMap(\.mask)
      outer.decisions.append(all)
    }
  }

  // MARK: On several lanes

  /// Bytes of fixed values that every thread may read in each step.
  private static let nearBytes = 1 << 20
  /// Sequences of a lane from which reading larger ones is not what a step takes.
  private static let manyRows = 16

  private func laneCount(_ run: ScanLane.Run, _ going: [Int32]) -> Int {
    let isAlike = sites.isEmpty && innerRows.isEmpty && body.parts.totals.isEmpty
    guard isAlike, cpu.threads > 1, going.count > 1 else { return 1 }
    let lanes = min(cpu.threads, going.count)
    let fixed = body.parts.outers.reduce(0) { $0 + 4 * body.graph.type($1).count }
    return fixed <= ScanRun.nearBytes || going.count / lanes >= ScanRun.manyRows ? lanes : 1
  }

  /// Each lane takes consecutive sequences, about as many rows as the others.
  private func runLanes(_ run: ScanLane.Run, _ going: [Int32], _ count: Int) throws -> Int {
    while lanes.count < count { lanes.append(try ScanLane(body, cpu: cpu.alone)) }
    let cuts = cut(going, run.layout, into: count)
    for part in 0..<count {
      try lanes[part].start(run, Array(going[cuts[part]..<cuts[part + 1]]))
    }
    let failure = FirstError()
    cpu.split(count, into: count) { part, _ in
      failure.note { try self.lanes[part].finish(run) }
    }
    try failure.check()
    return lanes[..<count].map(\.steps).max() ?? 0
  }

  private func cut(_ going: [Int32], _ layout: RowLayout, into count: Int) -> [Int] {
    var (cuts, sum) = ([0], 0)
    for (place, group) in going.enumerated() {
      // A sequence is the next lane's when its middle is.
      if (2 * sum + layout.length(group)) * count >= 2 * cuts.count * layout.rows,
        cuts.count < count
      {
        cuts.append(place)
      }
      sum += layout.length(group)
    }
    return cuts + Array(repeating: going.count, count: count + 1 - cuts.count)
  }
}

extension ScanBody {
  /// The outputs that hold what each row was handed.
  func states(of node: Node) -> ArraySlice<ValueID> {
    node.outputs[parts.results.count...].prefix(parts.states.count)
  }
}

extension RowLayout {
  func length(_ group: Int32) -> Int {
    Int(offsets[Int(group) + 1] - offsets[Int(group)])
  }

  /// The row of a group at a step, counted from its end when reversed.
  func row(_ step: Int, of group: Int32, isReversed: Bool) -> Int32 {
    isReversed
      ? offsets[Int(group) + 1] - 1 - Int32(step) : offsets[Int(group)] + Int32(step)
  }
}
