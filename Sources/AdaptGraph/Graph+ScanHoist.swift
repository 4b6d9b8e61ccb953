// What of a scan's steps needs nothing that is carried leaves the scan.
//
// A step has one row of each sequence, so its products are small and its ops many. Whatever follows
// from the rows that the scan takes alone is computed for the rows of all steps at once, before the scan.
// Of a gradient that is all forward work that it does again, and what is left in a step is what the
// carried gradient goes through. It takes memory for a row of each value that the steps still need.

extension Graph {
  /// Adds a scan whose steps do only what depends on carried values.
  /// - Parameter inputs: as ``Op/scan(_:)`` takes them.
  /// - Returns: a value for each output of `body`.
  mutating func addScan(_ body: ScanBody, _ inputs: [ValueID], in region: RegionID) throws
    -> [ValueID]
  {
    let hoist = ScanHoist(body)
    guard hoist.changes else { return try add(.scan(body), inputs, in: region) }
    let saved = (self.region, scope)
    self.region = region
    let outside = try computeBefore(hoist, body, inputs)
    (self.region, scope) = saved
    let (rest, places) = try hoist.rest()
    let given = (rest.parts.steps + rest.parts.outers).compactMap { outside[$0] }
    let starts = inputs.suffix(body.parts.states.count)
    let made = try add(.scan(rest), given + starts, in: region)
    return body.outputValues.enumerated().map { number, value in
      places[number].map { made[$0] } ?? outside[value] ?? value
    }
  }

  /// Computes what leaves the scan over the rows of all its steps.
  private mutating func computeBefore(
    _ hoist: ScanHoist, _ body: ScanBody, _ inputs: [ValueID]
  ) throws -> [ValueID: ValueID] {
    var outside = Dictionary(
      zip(body.parts.steps + body.parts.outers, inputs), uniquingKeysWith: { first, _ in first })
    for node in hoist.before {
      scope = node.scope
      let results = try add(node.op, node.inputs.map { outside[$0] ?? $0 }, in: region)
      for (value, result) in zip(node.outputs, results) { outside[value] = result }
    }
    for value in hoist.turned {
      guard let weight = hoist.weights[value] else { continue }
      outside[value] = try add(.permute([1, 0]), outside[weight] ?? weight)
    }
    return outside
  }
}

/// What leaves a scan, and what is left of it.
private struct ScanHoist {
  private let body: ScanBody
  /// The nodes that leave, with those that they need of the constants, in order.
  private(set) var before: [Node] = []
  /// Rows that the steps need of those nodes.
  private(set) var handed: [ValueID] = []
  /// Matrices that the steps multiply with as columns, and for each the value that replaces it.
  private(set) var turned: [ValueID] = []
  private(set) var weights: [ValueID: ValueID] = [:]
  private var graph: Graph

  var changes: Bool { before.contains { $0.op.kind != .constant } || !turned.isEmpty }

  init(_ body: ScanBody) {
    self.body = body
    graph = body.graph
    let leaving = findLeaving()
    let kept = graph.nodes.indices.filter { !leaving.contains($0) }.map { graph.nodes[$0] }
    before = leaving.sorted().map { graph.nodes[$0] }
    let needed = Set(before.flatMap(\.inputs))
    before =
      kept.filter { $0.op.isFixed && needed.contains($0.outputs[0]) } + before
    let read = Set(kept.flatMap(\.inputs) + staying)
    handed = before.filter { !$0.op.isFixed }.flatMap(\.outputs).filter(read.contains)
    turnWeights(kept)
  }

  /// The outputs that the scan itself must give.
  private var staying: [ValueID] {
    // What a gradient gives and nothing carried reaches need not pass through the steps.
    (body.sharesValues ? body.parts.results : []) + body.parts.next + body.parts.totals
  }

  // MARK: What leaves

  private func findLeaving() -> Set<Int> {
    var known = Set(body.parts.steps + body.parts.outers)
    var leaving: Set<Int> = []
    for (index, node) in graph.nodes.enumerated() {
      if node.op.isFixed { known.formUnion(node.outputs) }
      guard node.region == body.region, isRowwise(node), node.inputs.allSatisfy(known.contains)
      else { continue }
      leaving.insert(index)
      known.formUnion(node.outputs)
    }
    keepMoves(in: &leaving)
    return leaving
  }

  /// Leaves in the steps what only moves numbers: handing it over would move them once more.
  private func keepMoves(in leaving: inout Set<Int>) {
    let results = Set(body.parts.results)
    var readBefore: Set<ValueID> = body.sharesValues ? [] : results
    for index in leaving.sorted(by: >) {
      let node = graph.nodes[index]
      if node.op.isMove, !node.outputs.contains(where: readBefore.contains) {
        leaving.remove(index)
      } else {
        readBefore.formUnion(node.inputs)
      }
    }
  }

  /// Whether each row of what it gives is of that row alone, and fixed values.
  private func isRowwise(_ node: Node) -> Bool {
    guard node.outputs.allSatisfy({ graph.type($0).rows == body.rows }) else { return false }
    switch node.op {
    case .unary, .unaryGradient, .binary, .select, .convert, .matmul, .batchMatmul,
      .sumColumns, .expandColumns, .expandRows(mean: false), .softmax, .softmaxGradient,
      .normalize, .normalizeGradient, .slice, .pad, .concat, .reshape, .permute, .broadcast,
      .reduce, .extremumIndex, .cumulativeSum, .take, .put, .logLoss, .logLossGradient,
      .stopGradient:
      return true
    case .gather: return graph.type(node.inputs[0]).rows == nil
    default: return false
    }
  }

  // MARK: What is left

  /// Finds products with the transpose of one matrix in all steps: it is turned once, before them.
  private mutating func turnWeights(_ kept: [Node]) {
    guard !body.sharesValues else { return }
    let outers = Set(body.parts.outers)
    for node in kept {
      guard node.op == .matmul(transposeA: false, transposeB: true),
        outers.contains(node.inputs[1]), graph.type(node.inputs[0]).rows != nil,
        !weights.values.contains(node.inputs[1])
      else { continue }
      let dims = graph.type(node.inputs[1]).dims
      let input = graph.addInput(
        "turned", TensorType(Array(dims.reversed())), in: body.region)
      turned.append(input)
      weights[input] = node.inputs[1]
    }
  }

  /// The scan of what does not leave, and where each output of the whole stands among its outputs.
  func rest() throws -> (ScanBody, [Int?]) {
    var parts = body.parts
    let left = Set(before.filter { !$0.op.isFixed }.flatMap(\.outputs))
    if !body.sharesValues { parts.results.removeAll(where: left.contains) }
    let read = Set(nodes(left).flatMap(\.inputs) + parts.results + parts.next + parts.totals)
    parts.steps = (parts.steps + handed).filter(read.contains)
    // There is one row a step even where nothing is read of it.
    if parts.steps.isEmpty { parts.steps = [body.parts.steps[0]] }
    parts.outers = (parts.outers + turned).filter(read.contains)
    let unread = Set(body.parts.steps + body.parts.outers).subtracting(parts.steps + parts.outers)
    let rest = try ScanBody(
      graph.withNodes(nodes(left.union(unread))), parts, rows: body.rows, region: body.region,
      isReversed: body.isReversed, exports: body.exports, sharesValues: body.sharesValues)
    var next = 0
    let places = body.outputValues.enumerated().map { number, value -> Int? in
      let isResult = number < body.parts.results.count
      if isResult, !body.sharesValues, left.contains(value) { return nil }
      next += 1
      return next - 1
    }
    return (rest, places)
  }

  private func nodes(_ left: Set<ValueID>) -> [Node] {
    let turning = Dictionary(weights.map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
    let inputs = handed.map { value in
      Node(
        op: .input("before %\(value.index)", graph.type(value)), inputs: [], outputs: [value],
        region: body.region, scope: "")
    }
    return inputs
      + graph.nodes.filter { !$0.outputs.contains(where: left.contains) }.map { node in
        guard node.op == .matmul(transposeA: false, transposeB: true),
          let turned = turning[node.inputs[1]], graph.type(node.inputs[0]).rows != nil
        else { return node }
        var node = node
        node.op = .matmul(transposeA: false, transposeB: false)
        node.inputs[1] = turned
        return node
      }
  }
}

extension Op {
  /// Whether it gives the same numbers wherever it stands.
  fileprivate var isFixed: Bool { kind == .constant || kind == .literal }

  /// Whether it computes nothing.
  fileprivate var isMove: Bool {
    switch self {
    case .slice, .pad, .concat, .reshape, .permute, .broadcast, .stopGradient, .expandRows,
      .expandColumns:
      true
    default: false
    }
  }
}
