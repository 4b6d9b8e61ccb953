extension Graph {
  /// Adds the backward pass of a scalar: the gradient as a graph-to-graph transformation.
  ///
  /// The backward of a path stands in the path's region, over the same rows, so what was not selected
  /// costs nothing backward either. What it needs of a recomputed block is computed again.
  /// - Returns: one gradient a target, or nil where the scalar does not depend on it.
  /// - Throws: ``GraphError`` of kind `notDifferentiable` when the way leads through an op without a rule.
  public mutating func gradient(of loss: ValueID, withRespectTo targets: [ValueID]) throws
    -> [ValueID?]
  {
    guard type(loss) == .scalar else {
      throw GraphError(
        .shape, "only a scalar has a gradient here, not \(describe(type(loss)))")
    }
    let one = try add(.constant(1), [], in: RegionID(0))[0]
    return try gradient(seeds: [(loss, one)], withRespectTo: targets)
  }

  /// The backward pass from given gradients of some values.
  mutating func gradient(
    seeds: [(value: ValueID, gradient: ValueID)], withRespectTo targets: [ValueID]
  ) throws -> [ValueID?] {
    let dependent = dependents(on: targets)
    let (savedRegion, savedScope) = (region, scope)
    defer { (region, scope) = (savedRegion, savedScope) }
    var backward = Backward()
    var recomputation = Recomputation(in: self)
    for (value, gradient) in seeds { backward.add(gradient, to: value) }
    for index in stride(from: nodes.count - 1, through: 0, by: -1) {
      let node = nodes[index]
      guard node.inputs.contains(where: dependent.contains) else { continue }
      (region, scope) = (node.region, node.scope)
      let gradients = try node.outputs.map { try backward.sum(of: $0, in: &self) }
      guard gradients.contains(where: { $0 != nil }) else { continue }
      let pulled = try pull(node, gradients, &recomputation)
      for (input, gradient) in zip(node.inputs, pulled) {
        if let gradient, dependent.contains(input) { backward.add(gradient, to: input) }
      }
    }
    return try targets.map { try backward.sum(of: $0, in: &self) }
  }

  /// Gradients of a node's inputs by its rule.
  private mutating func pull(
    _ node: Node, _ gradients: [ValueID?], _ recomputation: inout Recomputation
  ) throws -> [ValueID?] {
    switch OpTable[node.op].gradient {
    case .rule(let rule):
      // No rule counts what an op gives beside its value, such as attention's log-sum-exp.
      guard gradients.dropFirst().allSatisfy({ $0 == nil }) else {
        throw GraphError(
          .notDifferentiable, "only the first output of \(node.op.kind.rawValue) has a gradient")
      }
      return try rule(&self, recomputation.node(node, in: &self), gradients)
    case .wholeRule(let rule):
      return try rule(&self, recomputation.node(node, in: &self), gradients)
    case .zero: return node.inputs.map { _ in nil }
    case .missing:
      throw GraphError(.notDifferentiable, "\(node.op.kind.rawValue) has no gradient")
    }
  }

  /// The values that change with any of `sources`.
  func dependents(on sources: [ValueID]) -> Set<ValueID> {
    var result = Set(sources)
    for node in nodes where node.inputs.contains(where: result.contains) {
      result.formUnion(node.outputs)
    }
    return result
  }
}

/// Gradients that have reached each value so far.
private struct Backward {
  private var parts: [ValueID: [ValueID]] = [:]

  mutating func add(_ gradient: ValueID, to value: ValueID) {
    parts[value, default: []].append(gradient)
  }

  /// The sum of all that reached `value`; kept, so that asking again adds nothing.
  mutating func sum(of value: ValueID, in graph: inout Graph) throws -> ValueID? {
    guard var rest = parts[value] else { return nil }
    let home = graph.node(of: value).region
    rest = try mergeScatters(rest, in: &graph, home)
    rest = try mergePads(rest, in: &graph, home)
    var total = rest[0]
    for part in rest.dropFirst() {
      total = try graph.add(.binary(.add), [total, part], in: home)[0]
    }
    parts[value] = [total]
    return total
  }

  /// Rows that come back from several paths are added into one value at once, instead of each into
  /// zeros of its own.
  private func mergeScatters(
    _ gradients: [ValueID], in graph: inout Graph, _ home: RegionID
  ) throws -> [ValueID] {
    let scattered = gradients.filter { graph.node(of: $0).op.kind == .scatter }
    guard scattered.count > 1 else { return gradients }
    let op = graph.node(of: scattered[0]).op
    let pairs = scattered.flatMap { graph.node(of: $0).inputs }
    let others = gradients.filter { graph.node(of: $0).op.kind != .scatter }
    return others + [try graph.add(op, pairs, in: home)[0]]
  }
  /// Columns that come back from slices beside each other are put together, instead of added with zeros
  /// around each.
  private func mergePads(
    _ gradients: [ValueID], in graph: inout Graph, _ home: RegionID
  ) throws -> [ValueID] {
    var pads: [(start: Int, value: ValueID)] = []
    for node in gradients.map({ graph.node(of: $0) }) {
      if case .pad(let start, _) = node.op { pads.append((start, node.inputs[0])) }
    }
    guard pads.count > 1 else { return gradients }
    pads.sort { $0.start < $1.start }
    var end = 0
    for pad in pads {
      guard pad.start == end else { return gradients }
      end += graph.type(pad.value).columns
    }
    guard end == graph.type(gradients[0]).columns else { return gradients }
    let others = gradients.filter { graph.node(of: $0).op.kind != .pad }
    return others + [try graph.add(.concat, pads.map(\.value), in: home)[0]]
  }
}
