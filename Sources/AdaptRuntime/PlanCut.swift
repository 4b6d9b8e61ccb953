import AdaptGraph

/// A place in a plan right before a site decides, where the run can go on with other rows.
///
/// All that is read behind it stands over rows of the data, so a sequence can go on several times.
struct PlanCut: Sendable {
  let site: Site
  /// The number of the step in which the site decides.
  let step: Int
  /// What is computed before and read behind.
  let kept: [ValueID]
  /// What follows from the groups alone, whose numbers change with the rows.
  let renewed: [Node]
  /// What the data bring that is read behind.
  let feeds: [Feed]

  /// An input.
  struct Feed: Sendable {
    var name: String
    var type: TensorType
  }
}

extension Plan {
  /// The cuts before the given sites, in the order of the run.
  ///
  /// Nil where a sequence cannot go on alone: sites inside of paths and scans, values that are made of
  /// all rows, random numbers, rows that are counted anew while it runs.
  func cuts(at sites: [Site], outputs: [ValueID]) -> [PlanCut]? {
    guard !isRandom, sites.allSatisfy({ $0.region == RegionID(0) }),
      graph.nodes.allSatisfy(keepsSequencesApart)
    else { return nil }
    let reach = StepReach(self, outputs: outputs)
    let cuts = sites.map { cut(at: $0, reach) }
    let found = cuts.compactMap { $0 }
    return found.count == sites.count ? found.sorted { $0.step < $1.step } : nil
  }

  private func cut(at site: Site, _ reach: StepReach) -> PlanCut? {
    let step = reach.made[site.mask.index]
    guard step >= 0 else { return nil }
    let live = graph.values.indices.map { ValueID($0) }.filter { value in
      guard case .block = places[value.index] else { return false }
      return reach.made[value.index] < step && reach.made[value.index] >= 0
        && reach.read[value.index] >= step
    }
    let isRenewed = { (value: ValueID) in graph.node(of: value).op.kind == .groupOf }
    let kept = live.filter { !isRenewed($0) }
    guard kept.allSatisfy(isRepeatable), live.allSatisfy({ isGiven(graph.type($0).rows) }) else {
      return nil
    }
    return PlanCut(
      site: site, step: step, kept: kept, renewed: live.filter(isRenewed).map(graph.node),
      feeds: feeds(from: step))
  }

  private func feeds(from step: Int) -> [PlanCut.Feed] {
    steps[step...].flatMap(\.nodes).compactMap { node in
      if case .input(let name, let type) = node.op {
        PlanCut.Feed(name: name, type: type)
      } else {
        nil
      }
    }
  }

  /// Whether a row's value is the same wherever the row stands: no place of a row.
  private func isRepeatable(_ value: ValueID) -> Bool {
    graph.type(value).element == .float32
      || [.input, .positions].contains(graph.node(of: value).op.kind)
  }

  /// Whether the rows of a set follow from the data, without a decision.
  private func isGiven(_ rows: RowSetID?) -> Bool {
    guard let rows else { return true }
    switch graph[rows].origin {
    case .input, .groups: return true
    case .unfolded(let parent, _): return isGiven(parent)
    case .selected, .step, .picked, .joined: return false
    }
  }

  /// Whether what a node gives for a sequence depends on nothing outside of it.
  private func keepsSequencesApart(_ node: Node) -> Bool {
    switch node.op {
    case .sumRows, .expandRows(mean: true), .random, .scan, .pick, .joinRows: false
    case .mark(let selection): !selection.isAmongBatch
    default: true
    }
  }
}

/// In which step each value is made, and in which it is read last; views count as what they look at.
private struct StepReach {
  private(set) var made: [Int]
  private(set) var read: [Int]

  init(_ plan: Plan, outputs: [ValueID]) {
    made = Array(repeating: -1, count: plan.places.count)
    read = made
    func root(_ value: ValueID) -> Int {
      if case .alias(let source) = plan.places[value.index] { source.index } else { value.index }
    }
    for (number, step) in plan.steps.enumerated() {
      for node in step.nodes {
        for output in node.outputs { made[output.index] = number }
        for input in node.inputs { read[root(input)] = number }
      }
    }
    for output in outputs { read[root(output)] = plan.steps.count }
  }
}

extension Plan.Step {
  var nodes: [Node] {
    switch self {
    case .node(let node): [node]
    case .rows(let program): program.nodes
    case .paths(let steps): steps.flatMap(\.nodes)
    case .memory: []
    }
  }
}
