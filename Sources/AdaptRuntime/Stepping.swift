import AdaptGraph

/// How an op is computed for the new rows of sequences alone, whose earlier rows ran before.
///
/// A causal model gives a row from its sequence up to it. Most ops look at one row, so the new rows are
/// all they need; the others need what the earlier rows left.
enum Stepping {
  /// Each row by itself: nothing of other rows.
  case alone
  /// Rows that are taken from or put at places of a run: those that a decision of this run named.
  case placed
  /// By a rule, which may choose among the units of a group.
  case chosen
  /// From rows of its sequence up to itself: a memory holds what earlier ones left.
  case remembering
  /// Only whole sequences, or whole batches, have it.
  case whole

  /// What is known of an op: the one table of what each needs.
  static func of(_ op: Op) -> Stepping {
    switch op {
    case .input, .parameter, .constant, .literal: .alone
    // Positions are those of the batch's layout, which go on from the earlier rows.
    case .positions, .groupOf: .alone
    case .unary, .unaryGradient, .binary, .select, .convert: .alone
    case .matmul, .batchMatmul, .sumColumns, .expandColumns, .expandRows(mean: false): .alone
    case .softmax, .softmaxGradient, .normalize, .normalizeGradient: .alone
    case .slice, .pad, .concat, .reshape: .alone
    case .permute, .broadcast, .reduce, .extremumIndex, .cumulativeSum, .take, .put: .alone
    case .unfold, .fold, .logLoss, .logLossGradient, .stopGradient: .alone
    case .gather, .scatter, .members, .groupMembers: .placed
    case .choose, .mark: .chosen
    case .attention, .shift, .scan: .remembering
    case .convolution(let window): window.isAlongRows ? .remembering : .alone
    case .convolutionInput(let window, _): window.isAlongRows ? .whole : .alone
    // Noise is drawn by the row of the batch, which another batch numbers otherwise.
    case .random, .sumRows, .expandRows(mean: true), .attentionGradient: .whole
    // Where rows of a sequence end is not known before the last one.
    case .pick, .joinRows, .convolutionWeight: .whole
    }
  }
}

extension Graph {
  /// The first node that can only be computed of whole sequences, among those that `results` come
  /// from; nil where their rows can be run as they come.
  package func wholeNode(for results: [ValueID]) -> Node? {
    let needed = ancestors(of: results)
    return nodes.first { node in
      node.outputs.contains(where: needed.contains) && !isStepwise(node, needed)
    }
  }

  private func isStepwise(_ node: Node, _ needed: Set<ValueID>) -> Bool {
    let outputs = node.outputs.filter(needed.contains)
    guard outputs.allSatisfy({ isOfRows(type($0).rows) }), !joinsRows(node, outputs) else {
      return false
    }
    switch Stepping.of(node.op) {
    case .alone: return true
    case .placed: return isPlaced(node)
    case .chosen: return isChosenAlone(node)
    case .remembering: return isCausal(node, needed)
    case .whole: return false
    }
  }

  /// Whether a value without rows is made of rows.
  private func joinsRows(_ node: Node, _ outputs: [ValueID]) -> Bool {
    outputs.contains { type($0).rows == nil } && node.inputs.contains { type($0).rows != nil }
  }

  /// Whether a set has rows of the data or parts of them, and not one for each sequence.
  private func isOfRows(_ rows: RowSetID?) -> Bool {
    guard let rows else { return true }
    if case .groups = self[rows].origin { return false }
    return parentRows(rows).allSatisfy(isOfRows)
  }

  /// Whether the groups of a set lie within one row of the data each.
  private func hasInnerGroups(_ rows: RowSetID) -> Bool {
    switch self[rows].origin {
    case .unfolded, .step: true
    case .selected(let parent, _, _): hasInnerGroups(parent)
    case .input, .groups, .picked, .joined: false
    }
  }

  private func isPlaced(_ node: Node) -> Bool {
    switch node.op {
    case .gather: type(node.inputs[0]).rows == nil || isPlace(node.inputs[1])
    case .scatter:
      stride(from: 1, to: node.inputs.count, by: 2).allSatisfy { isPlace(node.inputs[$0]) }
    case .groupMembers(let parent, _): hasInnerGroups(parent)
    default: true
    }
  }

  /// Whether an index names rows by what a site decided, or by the groups that they are of.
  private func isPlace(_ index: ValueID) -> Bool {
    let node = node(of: index)
    switch node.op {
    case .members, .groupMembers, .groupOf: return true
    case .gather: return isPlace(node.inputs[0]) && isPlace(node.inputs[1])
    default: return false
    }
  }

  private func isChosenAlone(_ node: Node) -> Bool {
    let (selection, rows): (Selection, RowSetID?)
    switch node.op {
    case .choose(let site): (selection, rows) = (self[site].selection, self[site].rows)
    case .mark(let rule): (selection, rows) = (rule, type(node.inputs[0]).rows)
    default: return true
    }
    guard selection.isJoint else { return true }
    guard let rows, self[rows].grouping != nil, !selection.isAmongBatch else { return false }
    return hasInnerGroups(rows)
  }

  private func isCausal(_ node: Node, _ needed: Set<ValueID>) -> Bool {
    guard let rows = type(node.inputs[0]).rows else { return false }
    // Rows that look at others' keys would need what those left.
    if case .attention = node.op, type(node.inputs[1]).rows != rows { return false }
    if case .scan(let body) = node.op, body.wholeNode(of: node, needed) != nil { return false }
    return hasInnerGroups(rows) || !node.op.looksAhead
  }

  /// Whether an op needs what earlier rows left, when the new rows of sequences run alone.
  func remembers(_ node: Node) -> Bool {
    guard case .remembering = Stepping.of(node.op), let rows = type(node.inputs[0]).rows
    else { return false }
    return !hasInnerGroups(rows)
  }
}

extension ScanBody {
  /// The first node inside that is of whole sequences, for what is needed of the scan.
  fileprivate func wholeNode(of node: Node, _ needed: Set<ValueID>) -> Node? {
    let totals = zip(node.outputs.suffix(parts.totals.count), parts.totals)
    let read = totals.filter { needed.contains($0.0) }.map(\.1)
    return graph.wholeNode(for: parts.results + parts.next + read)
  }
}

extension Policy {
  /// Whether it decides about a unit by that unit alone, whatever ran before and beside it.
  var isStepwise: Bool {
    switch self {
    case .learned, .always, .threshold: true
    case .random, .uniform, .capacity, .budget, .replay, .labels, .callback: false
    }
  }
}
