import AdaptGraph
import AdaptTensor

/// Runs a batch under every combination of one path a site, and computes once what combinations share.
///
/// The graph runs from one site to the next. Before a site the rows are those of every sequence under
/// every choice of paths at the earlier sites; there each goes on once for each path, and all of them
/// are one batch. Where that would need too much memory, it is cut into parts, one of which runs to the
/// end before the next begins.
package final class OracleTree {
  /// What every combination comes to.
  package struct Result {
    /// By combination, the last site's paths changing fastest, and sequence: bits a row.
    package var losses: [[Double]]
    /// Operations of the whole batch, by combination: what it takes alone.
    package var flops: [Double]
    /// Operations that were executed for all of them.
    package var executed: Double
  }

  /// A sequence under the paths chosen so far.
  private struct Lane {
    var sequence: Int
    var combination: Int
  }

  /// Bytes that may be in use.
  private static let mostBytes = 128 << 20
  /// Rows of a part: more gain nothing, and leave the caches sooner.
  package static let partRows = 1024

  private let executor: Executor
  private let cuts: [PlanCut]
  /// By cut, how far apart combinations are that differ in the next path of its site.
  private let strides: [Int]
  private let combinations: Int
  private let fixed: [String: Policy]
  private let partRows: Int

  /// The nodes of the steps up to each cut and behind the last.
  private let nodes: [Set<Int>]

  /// By cut, what is kept of the run up to it, in the order of its values.
  private var kept: [[Storage?]]
  private var batch = Batch(layout: RowLayout(lengths: []))
  private var mostRows = 1
  private var done = 0
  private var result = Result(losses: [], flops: [], executed: 0)

  /// Nil where a sequence cannot go on several times from each of the sites.
  /// - Parameters:
  ///   - executor: its first output is the loss of each row, its second what costs are counted for.
  ///   - fixed: what decides at the other sites, by name.
  ///   - rows: that a part has at most, unless one sequence has more.
  package init?(
    _ executor: Executor, _ sites: [Site], fixed: [String: Policy] = [:],
    rows: Int = OracleTree.partRows
  ) {
    let searched = sites.compactMap { site in
      executor.graph.sites.first { $0.name == site.name }
    }
    guard !searched.isEmpty, searched.count + fixed.count == executor.graph.sites.count,
      fixed.values.allSatisfy(\.isAlways),
      let cuts = executor.plan.cuts(at: searched, outputs: executor.outputs)
    else { return nil }
    partRows = rows
    var strides: [String: Int] = [:]
    var count = 1
    for site in searched.reversed() {
      strides[site.name] = count
      let (product, overflow) = count.multipliedReportingOverflow(by: site.paths.count)
      guard !overflow else { return nil }
      count = product
    }
    (self.executor, self.cuts, self.fixed, combinations) = (executor, cuts, fixed, count)
    kept = cuts.map { $0.kept.map { _ in nil } }
    let ends = [0] + cuts.map(\.step) + [executor.plan.steps.count]
    nodes = zip(ends, ends.dropFirst()).map { executor.nodes(of: $0..<$1) }
    self.strides = cuts.map { strides[$0.site.name] ?? 1 }
  }

  /// What each combination loses and costs.
  /// - Parameter onRun: called after each part with how many combinations are done; throwing stops.
  package func run(
    _ batch: Batch, _ parameters: ParameterStore, onRun: (Int) throws -> Void
  ) throws -> Result {
    self.batch = batch
    done = 0
    let none = [Double](repeating: 0, count: batch.layout.groups)
    result = Result(losses: Array(repeating: none, count: combinations), flops: [], executed: 0)
    try executor.open(batch, parameters, policies: fixed)
    mostRows = affordableRows()
    result.flops = flops()
    try run(to: 0)
    let lanes = (0..<batch.layout.groups).map { Lane(sequence: $0, combination: 0) }
    try keep(at: 0)
    try descend(from: 0, lanes, parameters, onRun)
    return result
  }

  /// Runs every part of the lanes that stand before a site, to the end.
  private func descend(
    from level: Int, _ before: [Lane], _ parameters: ParameterStore, _ onRun: (Int) throws -> Void
  ) throws {
    for part in parts(of: before, copies: cuts[level].site.paths.count) {
      let lanes = try goOn(part, from: level, before, parameters)
      try run(to: level + 1)
      if level + 1 < cuts.count {
        try onRun(done / max(1, batch.layout.groups))
        try keep(at: level + 1)
        try descend(from: level + 1, lanes, parameters, onRun)
      } else {
        collect(lanes)
        try onRun(done / max(1, batch.layout.groups))
      }
    }
  }

  /// Runs the steps before a cut, or the last ones, from the cut before it on.
  private func run(to level: Int) throws {
    let first = level == 0 ? 0 : cuts[level - 1].step
    let end = level < cuts.count ? cuts[level].step : executor.plan.steps.count
    try executor.run(first..<end)
    result.executed += executor.graph.flops(of: nodes[level], executor.rowCounts)
  }

  // MARK: Going on

  /// Has the executor stand before a site with each lane of a part once for each path; gives those.
  private func goOn(
    _ part: Range<Int>, from level: Int, _ before: [Lane], _ parameters: ParameterStore
  ) throws -> [Lane] {
    let (cut, copies) = (cuts[level], cuts[level].site.paths.count)
    let lanes = (0..<copies).flatMap { path in
      before[part].map {
        Lane(sequence: $0.sequence, combination: $0.combination + path * strides[level])
      }
    }
    let rows = batch.taking(lanes.map(\.sequence), cut.feeds, executor.graph)
    var policies = fixed
    policies[cut.site.name] = .replay(mask(cut.site, rows.layout))
    try executor.open(rows, parameters, policies: policies)
    restore(part, of: RowLayout(lengths: before.map(length)), at: level, copies: copies)
    for node in cut.renewed { try Kernels.run(node, executor) }
    return lanes
  }

  /// Writes what was kept of some lanes into the executor's memory, so many times.
  private func restore(_ part: Range<Int>, of layout: RowLayout, at level: Int, copies: Int) {
    var moves: [Move] = []
    for (value, memory) in zip(cuts[level].kept, kept[level]) {
      guard let memory else { continue }
      let type = executor.graph.type(value)
      let range = executor.graph.rows(of: type.rows, part, layout)
      let (first, count) = (range.lowerBound * type.count, range.count * type.count)
      for copy in 0..<(type.rows == nil ? 1 : copies) {
        moves.append(
          Move(
            from: memory.floats + first, to: executor.floats(value) + copy * count, count: count))
      }
    }
    run(moves)
  }

  /// Numbers to be copied.
  private struct Move {
    var from: UnsafePointer<Float>
    var to: UnsafeMutablePointer<Float>
    var count: Int
  }

  private func run(_ moves: [Move]) {
    executor.cpu.share(moves.count) { number, _ in
      moves[number].to.update(from: moves[number].from, count: moves[number].count)
    }
  }

  /// The first copy of all takes the first path, and so on.
  private func mask(_ site: Site, _ layout: RowLayout) -> [Float] {
    let paths = site.paths.count
    let units = executor.graph.rows(of: site.rows, 0..<layout.groups, layout).count
    var mask = [Float](repeating: 0, count: units * paths)
    for unit in 0..<units { mask[unit * paths + unit * paths / max(1, units)] = 1 }
    return mask
  }

  /// Keeps what is read behind a cut; memory is asked for when there is more than ever before.
  private func keep(at level: Int) throws {
    var moves: [Move] = []
    for (number, value) in cuts[level].kept.enumerated() {
      let count = executor.elements(executor.graph.type(value))
      if 4 * count > kept[level][number]?.byteCount ?? 0 {
        kept[level][number] = try Storage(byteCount: 4 * count, zeroed: false)
      }
      guard let memory = kept[level][number] else { continue }
      moves.append(Move(from: executor.floats(value), to: memory.floats, count: count))
    }
    run(moves)
  }

  private func collect(_ lanes: [Lane]) {
    done += lanes.count
    let means = executor.bitsPerRow(of: RowLayout(lengths: lanes.map(length)))
    for (lane, mean) in zip(lanes, means) {
      result.losses[lane.combination][lane.sequence] = mean
    }
  }

  // MARK: Sizes

  private func length(_ lane: Lane) -> Int { batch.layout.range(of: lane.sequence).count }

  /// Lanes that run together, as many as memory allows, and one at least.
  private func parts(of lanes: [Lane], copies: Int) -> [Range<Int>] {
    var parts: [Range<Int>] = []
    var (start, rows) = (0, 0)
    for (number, lane) in lanes.enumerated() {
      rows += copies * length(lane)
      guard rows > mostRows, number > start else { continue }
      parts.append(start..<number)
      (start, rows) = (number, copies * length(lane))
    }
    return start < lanes.count ? parts + [start..<lanes.count] : parts
  }

  /// By what a row takes in the arena and where it is kept, once for each site.
  private func affordableRows() -> Int {
    let kept = cuts.reduce(0) { sum, cut in
      sum + cut.kept.reduce(0) { $0 + 4 * executor.elements(executor.graph.type($1)) }
    }
    let bytes = (executor.arenaBytes + kept) / max(1, batch.layout.rows)
    return min(partRows, OracleTree.mostBytes / max(1, bytes))
  }

  /// What each combination takes alone. A node depends on one site at most, so what paths cost adds up.
  private func flops() -> [Double] {
    let needed = executor.graph.needed(for: [executor.outputs[1]])
    var rows = executor.forcedRows(fixed)
    let base = executor.graph.flops(of: needed, rows.rowCounts)
    var flops = Array(repeating: base, count: combinations)
    for (cut, stride) in zip(cuts, strides) {
      guard let site = executor.graph.sites.firstIndex(of: cut.site) else { continue }
      let nodes = rows.nodes(under: SiteID(site), among: needed)
      let costs = cut.site.paths.indices.map { path in
        rows.taken[site] = path
        return executor.graph.flops(of: nodes, rows.rowCounts)
      }
      rows.taken[site] = 0
      for number in flops.indices {
        flops[number] += costs[number / stride % costs.count] - costs[0]
      }
    }
    return flops
  }
}

extension Policy {
  fileprivate var isAlways: Bool {
    if case .always = self { true } else { false }
  }
}

extension Executor {
  /// The graph's nodes that some steps of the plan run.
  fileprivate func nodes(of steps: Range<Int>) -> Set<Int> {
    Set(
      plan.steps[steps].flatMap(\.nodes).compactMap { node in
        node.outputs.first.map { graph.values[$0.index].node }
      })
  }

  /// The rows of the batch where all take the first path of each site, or the one that is fixed.
  fileprivate func forcedRows(_ fixed: [String: Policy]) -> ForcedRows {
    let taken = graph.sites.map { site in
      guard case .always(let name)? = fixed[site.name] else { return 0 }
      return site.paths.firstIndex { $0.name == name } ?? 0
    }
    return ForcedRows(graph: graph, counts: counts, layouts: layouts, taken: taken)
  }
}

extension Graph {
  /// Where some groups of a batch have their rows of a set that follows from the data.
  fileprivate func rows(of set: RowSetID?, _ groups: Range<Int>, _ layout: RowLayout) -> Range<Int>
  {
    guard let set else { return 0..<1 }
    switch self[set].origin {
    case .groups: return groups
    case .unfolded(let parent, let count):
      let rows = rows(of: parent, groups, layout)
      return rows.lowerBound * count..<rows.upperBound * count
    case .input, .selected, .step, .picked, .joined:
      return Int(layout.offsets[groups.lowerBound])..<Int(layout.offsets[groups.upperBound])
    }
  }
}

extension Batch {
  /// A batch of the groups with these numbers, of the inputs that are still to be read.
  fileprivate func taking(_ groups: [Int], _ feeds: [PlanCut.Feed], _ graph: Graph) -> Batch {
    var batch = Batch(layout: RowLayout(lengths: groups.map { layout.range(of: $0).count }))
    for feed in feeds {
      let ranges = groups.map { group in
        let rows = graph.rows(of: feed.type.rows, group..<group + 1, layout)
        return rows.lowerBound * feed.type.count..<rows.upperBound * feed.type.count
      }
      let isWhole = feed.type.rows == nil
      if let values = ints[feed.name] {
        batch.ints[feed.name] = isWhole ? values : values.taking(ranges)
      }
      if let values = floats[feed.name] {
        batch.floats[feed.name] = isWhole ? values : values.taking(ranges)
      }
    }
    return batch
  }
}

extension Array {
  /// What lies in these ranges; nothing where there is nothing.
  fileprivate func taking(_ ranges: [Range<Int>]) -> [Element] {
    ranges.flatMap { self[$0.clamped(to: indices)] }
  }
}
