// Cost is a quantity of the graph: floating-point operations by region, from each op's own formula.

extension Graph {
  /// The nodes that the given values need.
  public func needed(for outputs: [ValueID]) -> Set<Int> {
    var result: Set<Int> = []
    var open = outputs.map { values[$0.index].node }
    while let index = open.popLast() {
      guard result.insert(index).inserted else { continue }
      open += nodes[index].inputs.map { values[$0.index].node }
    }
    return result
  }

  /// Operations of the given nodes at these numbers of rows.
  public func flops(of nodes: Set<Int>, _ counts: RowCounts) -> Double {
    // Summed in the order of the graph, so that the same rows give the same bits.
    nodes.sorted().reduce(0) { $0 + OpTable[self.nodes[$1].op].flops(self.nodes[$1], self, counts) }
  }

  /// Costs a row of what leads to `output`, with groups of `length` rows.
  public func costs(of output: ValueID, length: Double) -> RegionCosts {
    RegionCosts(self, nodes: needed(for: [output]), length: length)
  }

  /// The expected cost of `output`: a differentiable scalar, 1 when every unit takes the costliest
  /// paths its site allows.
  ///
  /// Of a site it counts each path's cost by the mean score the path gets (times how many paths a unit
  /// takes), of a site inside a path by the rows that reach it.
  /// - Parameter length: rows in a group, for the cost of attention.
  public mutating func expectedCost(of output: ValueID, length: Double) throws -> ValueID {
    let full = costs(of: output, length: length).full(RegionID(0))
    guard full > 0 else { return try constant(1) }
    return try expectedFlops(of: output, length: length, scale: 1 / full)
  }

  /// The expected operations of `output` for a row of the input: a differentiable scalar.
  public mutating func expectedFlops(of output: ValueID, length: Double, scale: Double = 1) throws
    -> ValueID
  {
    let costs = costs(of: output, length: length)
    let saved = region
    defer { region = saved }
    region = RegionID(0)
    return try expected(RegionID(0), costs, scale: scale)
  }

  private mutating func expected(_ region: RegionID, _ costs: RegionCosts, scale: Double) throws
    -> ValueID
  {
    var total = try constant(costs.own(region) * scale)
    for site in costs.sites(in: region) {
      for (path, chance) in zip(self[site].paths, try chances(self[site], costs.length)) {
        let cost = try expected(path.region, costs, scale: scale * chance.factor)
        let part = try chance.value.map { try add(.binary(.multiply), $0, cost) } ?? cost
        total = try add(.binary(.add), total, part)
      }
    }
    return total
  }

  /// How likely a unit takes a path: a factor, times what the scores say where they have a say.
  private typealias Chance = (value: ValueID?, factor: Double)

  /// The mean score of each path of a site, or its share where that is given whatever the scores.
  private mutating func chances(_ site: Site, _ length: Double) throws -> [Chance] {
    if let share = site.expectedRule.share(of: length) {
      let rest = max(0, 1 - share * Double(site.decided))
      return site.paths.indices.map { (nil, $0 < site.decided ? share : rest) }
    }
    // The mean is taken where the scores are: among the rows that reach the site.
    let share = try meanScores(site)
    var chances = try (0..<site.decided).map { number -> Chance in
      let mean = try add(.reshape([]), add(.slice(start: number, count: 1), share))
      return (mean, site.expectedRule.chanceFactor(of: site.decided, length: length))
    }
    guard site.hasElse else { return chances }
    var rest = try constant(1)
    for chance in chances {
      if let value = chance.value { rest = try add(.binary(.subtract), rest, value) }
    }
    chances.append((rest, 1))
    return chances
  }
}

extension Selection {
  /// The share of units that each path gets whatever their scores, in groups of `length`; nil where
  /// scores decide it.
  func share(of length: Double) -> Double? {
    switch self {
    case .all: 1
    case .best(let amount): amount.share(of: length)
    case .capped(let inner, _), .amongBatch(let inner): inner.share(of: length)
    case .top, .above, .given, .pairs: nil
    }
  }

  /// Where scores share out so many paths: how many.
  fileprivate func chanceFactor(of paths: Int, length: Double) -> Double {
    switch self {
    case .top, .all, .best: Double(taken(of: paths))
    case .above, .given: 1
    case .pairs(let amount): Double(paths) * amount.share(of: length * Double(paths))
    case .capped(let inner, _), .amongBatch(let inner):
      inner.chanceFactor(of: paths, length: length)
    }
  }

  /// What a unit costs at most, or at least, given what each path that is decided about costs.
  fileprivate func extreme(_ costs: [Double], most: Bool, length: Double) -> Double {
    switch self {
    case .all: costs.reduce(0, +)
    case .top(let k): costs.sorted(by: most ? (>) : (<)).prefix(max(0, k)).reduce(0, +)
    case .above, .given: most ? costs.reduce(0, +) : 0
    case .best(let amount): costs.reduce(0) { $0 + $1 * amount.share(of: length) }
    case .pairs(let amount):
      // As many whole paths a unit as the pairs come to on average, and a part of the next.
      costs.sorted(by: most ? (>) : (<)).enumerated().reduce(0) { total, path in
        let taken = Double(costs.count) * amount.share(of: length * Double(costs.count))
        return total + path.element * max(0, min(1, taken - Double(path.offset)))
      }
    case .amongBatch(let inner): inner.extreme(costs, most: most, length: length)
    case .capped(let inner, _):
      // Whoever finds no room costs nothing.
      most ? inner.extreme(costs, most: true, length: length) : 0
    }
  }
}

extension Site {
  /// What a unit costs at this site at most, or at least, given what each of its paths costs.
  ///
  /// Where a path is left for the rest, every unit may take it or the others: then a share that is
  /// kept is no bound, and at most all are.
  public func extreme(_ costs: [Double], most: Bool, length: Double) -> Double {
    guard hasElse, let rest = costs.last else {
      return expectedRule.extreme(costs, most: most, length: length)
    }
    let decided = Array(costs.dropLast())
    // Whoever takes no path takes the rest.
    guard most else { return min(decided.min() ?? rest, rest) }
    let taken =
      expectedRule.isShare
      ? decided.reduce(0, +) : expectedRule.extreme(decided, most: true, length: length)
    return max(taken, rest)
  }
}

extension Graph {
  /// The mean score of each path among the rows that reach a site.
  fileprivate mutating func meanScores(_ site: Site) throws -> ValueID {
    guard let scanned = exported(site) else {
      return try add(.sumRows(mean: true), [site.scores], in: site.region)[0]
    }
    let home = node(of: scanned.scores).region
    let scores = try meanOfUnits(scanned.scores, in: home)
    guard case .path(let around, let path) = self[site.region].kind,
      let reaching = exported(self[around])
    else { return try add(.sumRows(mean: true), [scores], in: home)[0] }
    // Rows that do not reach a site inside a path have scores of 0: they must not count.
    let total = try add(.sumRows(mean: false), [scores], in: home)[0]
    let column = try add(.slice(start: path, count: 1), [reaching.mask], in: home)[0]
    let count = try add(.sumRows(mean: false), [column], in: home)[0]
    return try add(.binary(.divide), total, add(.binary(.maximum), count, constant(1)))
  }

  /// The mean over the units that a row unfolds into, where it does.
  private mutating func meanOfUnits(_ scores: ValueID, in region: RegionID) throws -> ValueID {
    guard type(scores).dims.count == 2 else { return scores }
    let mean = try add(.reduce(.mean, axis: 0), [scores], in: region)[0]
    return try add(.reshape([type(scores).columns]), [mean], in: region)[0]
  }

  /// The scores and mask of a site inside a scan, as values of this graph.
  private func exported(_ site: Site) -> (scores: ValueID, mask: ValueID)? {
    for node in nodes {
      guard case .scan(let body) = node.op, body.sharesValues,
        let export = body.exports.first(where: { self[$0.key].name == site.name })?.value
      else { continue }
      return (node.outputs[export.scores], node.outputs[export.mask])
    }
    return nil
  }
}

/// What one row costs in each region.
public struct RegionCosts: Sendable {
  private let graph: Graph
  /// Rows in a group.
  public let length: Double
  private var ownCosts: [Double]
  private var inner: [[SiteID]]

  init(_ graph: Graph, nodes: Set<Int>, length: Double) {
    self.graph = graph
    self.length = length
    ownCosts = Array(repeating: 0, count: graph.regions.count)
    inner = Array(repeating: [], count: graph.regions.count)
    let oneRow = RowCounts(
      rows: { graph.share(of: $0, length: length) },
      pairs: { _, _, causal in causal ? (length + 1) / 2 : length })
    for index in nodes.sorted() { add(graph.nodes[index], of: graph, oneRow) }
  }

  private mutating func add(_ node: Node, of graph: Graph, _ oneRow: RowCounts) {
    if case .scan(let body) = node.op {
      // A row of the scan is one step of one sequence.
      for node in body.graph.nodes { add(node, of: body.graph, oneRow) }
      return
    }
    let home = bearer(node.region)
    if case .choose(let site) = node.op { inner[home.index].append(site) }
    guard (node.inputs + node.outputs).contains(where: { graph.type($0).rows != nil }) else {
      return
    }
    if graph.isJoin(node) {
      // What a join adds up are the rows of its paths, so each path bears its own.
      for place in stride(from: 0, to: node.inputs.count, by: 2) {
        let path = graph.node(of: node.inputs[place + 1]).region
        ownCosts[path.index] += oneRow.elements(graph.type(node.inputs[place]))
      }
    } else {
      ownCosts[home.index] += OpTable[node.op].flops(node, graph, oneRow)
    }
  }

  /// The region whose rows a region costs: a scan is done once for every row of what is around it.
  private func bearer(_ region: RegionID) -> RegionID {
    var region = region
    while graph[region].kind == .scan, let parent = graph[region].parent { region = parent }
    return region
  }

  /// Operations a row in the region itself, without the sites inside.
  public func own(_ region: RegionID) -> Double { ownCosts[region.index] }

  public func sites(in region: RegionID) -> [SiteID] { inner[region.index] }

  /// Operations a row when every unit takes the costliest paths its site allows.
  public func full(_ region: RegionID) -> Double { extreme(region, full, most: true) }

  /// Operations a row when every unit takes the cheapest paths its site allows.
  public func cheapest(_ region: RegionID) -> Double { extreme(region, cheapest, most: false) }

  private func extreme(_ region: RegionID, _ cost: (RegionID) -> Double, most: Bool) -> Double {
    own(region)
      + sites(in: region).reduce(0) { sum, id in
        let costs = graph[id].paths.map { cost($0.region) }
        return sum + graph[id].extreme(costs, most: most, length: length)
      }
  }

  /// Operations a row when the paths have these shares of their site's rows, by site name.
  public func executed(_ region: RegionID, shares: [String: [Double]]) -> Double {
    own(region)
      + sites(in: region).reduce(0) { sum, id in
        let paths = graph[id].paths.map { executed($0.region, shares: shares) }
        let shares = shares[graph[id].name] ?? []
        return sum + zip(paths, shares).reduce(0) { $0 + $1.0 * $1.1 }
      }
  }
}

extension Graph {
  /// Whether the node adds the paths of a site together.
  func isJoin(_ node: Node) -> Bool {
    guard case .scatter(.rows) = node.op else { return false }
    return node.inputs.indices.contains { place in
      place % 2 == 1 && self.node(of: node.inputs[place]).region != node.region
    }
  }

  /// How many rows of a set there are for each row of the data that leads to it.
  func share(of rows: RowSetID, length: Double) -> Double {
    switch self[rows].origin {
    case .input: 1
    case .selected(let parent, _, _): share(of: parent, length: length)
    case .step(let rows): share(of: rows, length: length)
    case .groups: 1 / max(1, length)
    case .picked(let rows, .marked): share(of: rows, length: length)
    case .picked(let rows, .range(let lower, let upper)):
      share(of: rows, length: length)
        * Double(RowPick.places(lower: lower, upper: upper, of: Int(length)).count) / max(1, length)
    case .joined(let parts): parts.reduce(0) { $0 + share(of: $1, length: length) }
    case .unfolded(let from, let count): Double(count) * share(of: from, length: length)
    }
  }
}
