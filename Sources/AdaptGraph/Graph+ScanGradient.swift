// The gradient of a scan is a scan in the other direction (Werbos 1990, backpropagation through time).
//
// The forward work is done again from what each row was handed, which the forward scan kept: outside of
// sites for all rows at once, before the scan, inside of them step by step. What a router decided is kept
// too and not decided again. So memory grows with the rows times what is carried and what gradients need.

extension Graph {
  /// The gradients of a scan's inputs from those of its outputs.
  mutating func pullScan(_ body: ScanBody, _ node: Node, _ gradients: [ValueID?]) throws
    -> [ValueID?]
  {
    let counts = (
      steps: body.parts.steps.count, outers: body.parts.outers.count,
      results: body.parts.results.count, states: body.parts.states.count
    )
    let backward = try BackwardScan(body, wanted: gradients.map { $0 != nil })
    let steps = Array(node.inputs[..<counts.steps])
    let outers = Array(node.inputs[counts.steps..<(counts.steps + counts.outers)])
    let handed = Array(node.outputs[counts.results..<(counts.results + counts.states)])
    let masks = backward.decided.map { node.outputs[$0] }
    let perRow = gradients.prefix(counts.results + counts.states).compactMap { $0 }
    let totals = gradients.dropFirst(counts.results + counts.states).compactMap { $0 }
    let scan = try backward.finish()
    let zeros = try body.parts.states.map { try spread(constant(0), to: body.graph.type($0).dims) }
    let outputs = try addScan(
      scan, steps + handed + masks + perRow + outers + totals + zeros, in: region)
    return try backward.gradients(of: outputs, steps + handed, in: &self)
  }
}

/// The body of a gradient in the making.
private struct BackwardScan {
  let body: ScanBody
  private var graph: Graph
  private var parts = ScanBody.Parts()
  /// The results of the forward scan that hold decisions.
  private(set) var decided: [Int] = []
  /// Which result or total is the gradient of which input; nil where none reaches it.
  private var stepPlaces: [Int?] = []
  private var outerPlaces: [RowSum?] = []
  private var statePlaces: [Int] = []

  /// - Parameter wanted: which outputs of the forward scan have a gradient.
  init(_ body: ScanBody, wanted: [Bool]) throws {
    self.body = body
    graph = body.graph
    graph.region = body.region
    parts.steps = body.parts.steps + body.parts.states
    parts.outers = body.parts.outers
    replaceDecisions()
    let forward = body.parts
    var seeds: [(value: ValueID, gradient: ValueID)] = []
    var extra: [ValueID?] = []
    for (index, value) in body.outputValues.enumerated() {
      guard wanted[index] else {
        if forward.isState(index) { extra.append(nil) }
        continue
      }
      let input = graph.addInput("gradient", graph.type(value), in: body.region)
      if forward.isTotal(index) { parts.outers.append(input) } else { parts.steps.append(input) }
      if forward.isState(index) { extra.append(input) } else { seeds.append((value, input)) }
    }
    for next in forward.next {
      let input = graph.addInput("state gradient", graph.type(next), in: body.region)
      parts.states.append(input)
      seeds.append((next, input))
    }
    try differentiate(seeds, extra)
  }

  /// Adds the step's gradients and notes where they stand.
  private mutating func differentiate(
    _ seeds: [(value: ValueID, gradient: ValueID)], _ extra: [ValueID?]
  ) throws {
    let forward = body.parts
    let sources = forward.steps + forward.states + forward.outers
    let targets = sources.filter { graph.type($0).element == .float32 }
    let found = try graph.gradient(seeds: seeds, withRespectTo: targets)
    let gradients = Dictionary(zip(targets, found), uniquingKeysWith: { first, _ in first })
    for step in forward.steps { stepPlaces.append(addResult(gradients[step] ?? nil)) }
    for (state, extra) in zip(forward.states, extra) {
      let parts = [gradients[state] ?? nil, extra].compactMap { $0 }
      let sum = try parts.dropFirst().reduce(parts.first ?? graph.zeros(like: state)) {
        try graph.add(.binary(.add), $0, $1)
      }
      self.parts.next.append(sum)
      statePlaces.append(parts.isEmpty ? -1 : self.parts.results.count)
      self.parts.results.append(sum)
    }
    for outer in forward.outers {
      let gradient = gradients[outer] ?? nil
      outerPlaces.append(gradient.map { lift($0) })
    }
  }

  // MARK: Sums over rows

  /// A sum over the rows of all steps, and how it comes about.
  private indirect enum RowSum {
    /// Added up step by step: the total of this number.
    case total(Int)
    /// An op over all rows at once, after the scan.
    case after(Op, [Row])
    case view([Int], RowSum)
    case sum(RowSum, RowSum)
  }

  /// Rows of all steps, as the scan takes or gives them.
  private enum Row {
    case taken(Int)
    case result(Int)
  }

  /// How to get the sum of a step's value over the steps: a product over the rows of one step after the
  /// other is one product over all rows, which is much faster and leaves nothing to add up.
  private mutating func lift(_ value: ValueID) -> RowSum {
    let node = graph.node(of: value)
    switch node.op {
    case .matmul(transposeA: true, _), .sumRows(mean: false):
      guard node.inputs.allSatisfy({ graph.type($0).rows == body.rows }) else { break }
      return .after(node.op, node.inputs.map { row($0) })
    case .reshape(let dims): return .view(dims, lift(node.inputs[0]))
    case .binary(.add) where node.inputs.allSatisfy { graph.type($0) == graph.type(value) }:
      return .sum(lift(node.inputs[0]), lift(node.inputs[1]))
    default: break
    }
    parts.totals.append(value)
    return .total(parts.totals.count - 1)
  }

  private mutating func row(_ value: ValueID) -> Row {
    if let place = (body.parts.steps + body.parts.states).firstIndex(of: value) {
      return .taken(place)
    }
    if let place = parts.results.firstIndex(of: value) { return .result(place) }
    parts.results.append(value)
    return .result(parts.results.count - 1)
  }

  private func add(
    _ sum: RowSum, _ outputs: [ValueID], _ taken: [ValueID], to graph: inout Graph
  ) throws -> ValueID {
    switch sum {
    case .total(let number):
      return outputs[parts.results.count + parts.states.count + number]
    case .after(let op, let rows):
      let operands = rows.map { row in
        switch row {
        case .taken(let place): taken[place]
        case .result(let place): outputs[place]
        }
      }
      return try graph.add(op, operands)[0]
    case .view(let dims, let inner):
      return try graph.viewed(add(inner, outputs, taken, to: &graph), as: dims)
    case .sum(let a, let b):
      let operands = try [a, b].map { try add($0, outputs, taken, to: &graph) }
      return try graph.add(.binary(.add), operands)[0]
    }
  }

  private mutating func addResult(_ value: ValueID?) -> Int? {
    guard let value else { return nil }
    parts.results.append(value)
    return parts.results.count - 1
  }

  // MARK: Decisions

  /// Puts what the forward scan decided where the step would decide.
  private mutating func replaceDecisions() {
    var nodes: [Node] = []
    for node in graph.nodes {
      guard case .choose(let id) = node.op, let export = body.exports[id] else {
        nodes.append(node)
        continue
      }
      decided.append(export.mask)
      nodes += recalled(node, of: id)
    }
    graph = graph.withNodes(nodes)
  }

  /// The nodes that bring a decision down to the units of its site.
  private mutating func recalled(_ node: Node, of site: SiteID) -> [Node] {
    var steps: [(op: Op, index: [ValueID], rows: RowSetID?, region: RegionID)] =
      pathIndices(around: graph[site].region).map {
        (.gather, [$0.index], graph.type($0.index).rows, $0.region)
      }
    let (mask, rows) = (node.outputs[0], graph[site].rows)
    var dims = graph.type(mask).dims
    if case .unfolded(_, let count) = graph[rows].origin {
      steps.append((.unfold(rows), [], rows, graph[site].region))
      dims = [count] + dims
    }
    let top = TensorType(rows: body.rows, dims)
    var value = steps.isEmpty ? mask : graph.addInput("decision", top, in: body.region)
    parts.steps.append(value)
    var nodes = [
      Node(
        op: .input("decision %\(value.index)", top), inputs: [], outputs: [value],
        region: body.region, scope: node.scope)
    ]
    for (place, step) in steps.enumerated() {
      let isLast = place == steps.count - 1
      let type = TensorType(rows: step.rows, dims)
      let output = isLast ? mask : graph.addInput("decision", type, in: step.region)
      nodes.append(
        Node(
          op: step.op, inputs: [value] + step.index, outputs: [output], region: step.region,
          scope: node.scope))
      value = output
    }
    return nodes
  }

  /// The paths from the steps down to a region, by what selects their rows.
  private func pathIndices(around region: RegionID) -> [(index: ValueID, region: RegionID)] {
    var result: [(index: ValueID, region: RegionID)] = []
    var place = region
    while case .path(let site, let number) = graph[place].kind, let parent = graph[place].parent {
      result.insert((graph[site].paths[number].index, place), at: 0)
      place = parent
    }
    return result
  }

  // MARK: Results

  func finish() throws -> ScanBody {
    try ScanBody(
      graph, parts, rows: body.rows, region: body.region, isReversed: !body.isReversed,
      sharesValues: false)
  }

  /// The gradients of the forward scan's inputs, in their order.
  /// - Parameter taken: the rows that the forward scan took, and what its rows were handed.
  func gradients(of outputs: [ValueID], _ taken: [ValueID], in graph: inout Graph) throws
    -> [ValueID?]
  {
    let steps = stepPlaces.map { $0.map { outputs[$0] } }
    let outers = try outerPlaces.map { sum in
      try sum.map { try add($0, outputs, taken, to: &graph) }
    }
    let starts = try statePlaces.map { place in
      place < 0 ? nil : try firstRows(of: outputs[place], in: &graph)
    }
    return steps + outers + starts
  }

  /// The sum of a value over the rows that a scan begins with.
  private func firstRows(of value: ValueID, in graph: inout Graph) throws -> ValueID {
    let dims = graph.type(value).dims
    let ones = try graph.rowOnes(like: value)
    let column = try graph.add(.reshape([1]), ones)
    let before = try graph.add(.shift(body.isReversed ? -1 : 1), column)
    let isFirst = try graph.add(.binary(.subtract), column, before)
    let flat = try graph.viewed(value, as: [graph.type(value).count])
    let picked = try graph.add(.binary(.multiply), flat, isFirst)
    return try graph.viewed(graph.add(.sumRows(mean: false), picked), as: dims)
  }
}

extension ScanBody.Parts {
  /// Whether the output of this number is what rows are handed.
  fileprivate func isState(_ output: Int) -> Bool {
    (results.count..<(results.count + states.count)).contains(output)
  }

  fileprivate func isTotal(_ output: Int) -> Bool { output >= results.count + states.count }
}
