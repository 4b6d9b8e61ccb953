// What a value depends on: for lints, which ask whether work reaches the output and who is trained.

extension Graph {
  /// The values that any of `results` is computed from, themselves among them.
  ///
  /// Complexity: linear in the number of nodes.
  public func ancestors(of results: [ValueID]) -> Set<ValueID> {
    reached(from: results) { $0.inputs }
  }

  /// Those ancestors of `results` that a gradient reaches: the way back ends at selections, comparisons,
  /// indices and ``Op/stopGradient``.
  ///
  /// Complexity: linear in the number of nodes.
  public func trainedThrough(_ results: [ValueID]) -> Set<ValueID> {
    reached(from: results) { node in
      if case .zero = OpTable[node.op].gradient { return [] }
      return node.op.isStep ? [] : node.inputs.filter { type($0).element == .float32 }
    }
  }

  /// Whether a value is 0 whatever the data: a constant, or something times it.
  public func isZero(_ value: ValueID) -> Bool {
    let node = node(of: value)
    switch node.op {
    case .constant(let number): return number == 0
    case .binary(.multiply): return node.inputs.contains(where: isZero)
    default: return false
    }
  }

  private func reached(from results: [ValueID], _ inputs: (Node) -> [ValueID]) -> Set<ValueID> {
    var found = Set(results)
    for node in nodes.reversed() {
      if case .scan(let body) = node.op, body.sharesValues {
        found.formUnion(reached(from: found, through: body, node, inputs))
      } else if node.outputs.contains(where: found.contains) {
        found.formUnion(inputs(node))
      }
    }
    return found
  }

  /// What of a scan's body and inputs is reached: a carried value leads back to what the row before
  /// handed on.
  private func reached(
    from found: Set<ValueID>, through body: ScanBody, _ node: Node, _ inputs: (Node) -> [ValueID]
  ) -> Set<ValueID> {
    let parts = body.parts
    let outputs = zip(node.outputs, body.outputValues).filter { found.contains($0.0) }
    var inside = found.union(outputs.map(\.1))
    var isGrowing = true
    while isGrowing {
      inside = body.graph.reached(from: Array(inside), inputs)
      let handed = zip(parts.states, parts.next).filter { inside.contains($0.0) }.map(\.1)
      isGrowing = !inside.isSuperset(of: handed)
      inside.formUnion(handed)
    }
    let sources = zip(node.inputs, parts.steps + parts.outers + parts.states)
    return inside.union(sources.filter { inside.contains($0.1) }.map(\.0))
  }

  /// The nodes that make one number for all rows of the batch, among what `results` are computed from.
  public func batchReductions(of results: [ValueID]) -> [Node] {
    let used = ancestors(of: results)
    return allNodes.filter { node in
      if case .scan = node.op { return false }
      return node.outputs.contains { used.contains($0) && type($0).rows == nil }
        && node.inputs.contains { type($0).rows != nil }
    }
  }
}

extension Op {
  /// Whether it jumps from one constant to another, so that its gradient is 0 wherever there is one.
  var isStep: Bool {
    switch self {
    case .unary(.sign): true
    case .binary(let op):
      [.less, .lessOrEqual, .greater, .greaterOrEqual, .equal, .notEqual].contains(op)
    default: false
    }
  }

  /// Whether a row's result may depend on later rows of its sequence.
  public var looksAhead: Bool {
    switch self {
    case .attention(_, let causal): !causal
    // Each step sees one row of a sequence, so only the direction counts.
    case .scan(let body): body.isReversed
    case .shift(let count): count < 0
    case .convolution(let window): window.looksAhead
    case .convolutionInput(let window, _):
      window.isAlongRows && window.axes.contains { $0.before > 0 }
    case .mark(let selection): selection.looksAhead
    // How many rows there are is known at the end.
    case .pick(.range(let lower, let upper), _): lower < 0 || (upper ?? 0) < 0
    default: false
    }
  }
}

extension Selection {
  /// Whether what a row takes may depend on the scores of later rows: then it cannot be decided while
  /// those do not exist yet.
  public var looksAhead: Bool {
    isJoint
  }
}

extension Graph {
  /// The nodes, and before each scan those of its body.
  public var allNodes: [Node] {
    nodes.flatMap { node in
      if case .scan(let body) = node.op, body.sharesValues {
        body.graph.allNodes + [node]
      } else {
        [node]
      }
    }
  }
}

extension Graph {
  /// Where a row's result may depend on rows that come later, as a scope: what cannot be used to decode.
  public var placesThatLookAhead: [String] {
    let nodes = nodes.filter { $0.op.looksAhead }.map(\.scope)
    return nodes + sites.filter { $0.selection.looksAhead }.map(\.name)
  }
}
