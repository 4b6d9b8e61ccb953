extension Graph {
  /// The text form: stable, one node a line, paths of a site indented under it.
  public func text(outputs: [ValueID] = []) -> String {
    var lines = rowSets.map { rows in
      rows.origin == .input
        ? "rows \(rows.name)" + (rows.grouping.map { " in \($0)" } ?? "") : ""
    }.filter { !$0.isEmpty }
    lines += parameters.map { "param \($0.name) \($0.shape)" }
    lines += nodeLines(from: RegionID(0))
    if !outputs.isEmpty { lines.append("return " + outputs.map(name).joined(separator: ", ")) }
    return lines.joined(separator: "\n") + "\n"
  }

  /// The nodes; the body of a scan stands before its node.
  private func nodeLines(from region: RegionID) -> [String] {
    var lines: [String] = []
    var current = region
    for node in nodes {
      if case .scan(let body) = node.op {
        lines += body.graph.header(body.region) + body.graph.nodeLines(from: body.region)
      }
      if node.region != current {
        current = node.region
        lines += header(current)
      }
      lines.append(indentation(current) + text(of: node))
    }
    return lines
  }

  private func name(_ value: ValueID) -> String { "%\(value.index)" }

  private func indentation(_ region: RegionID) -> String {
    var depth = 0
    var current = self[region].parent
    while let parent = current {
      depth += 1
      current = self[parent].parent
    }
    return String(repeating: "  ", count: depth)
  }

  private func header(_ region: RegionID) -> [String] {
    switch self[region].kind {
    case .root: return ["root"]
    case .scan:
      return [indentation(region) + "step \(self[region].rows.map { self[$0].name } ?? "")"]
    case .path(let site, let path):
      let place = self[site]
      return [indentation(region) + "path \(place.name).\(place.paths[path].name)"]
    }
  }

  private func text(of node: Node) -> String {
    let results = node.outputs.map(name).joined(separator: ", ")
    let inputs = node.inputs.map(name).joined(separator: ", ")
    let types = node.outputs.map { describe(type($0)) }.joined(separator: ", ")
    let notes = [node.scope, isRecomputed(node) ? "recomputed" : ""].filter { !$0.isEmpty }
    let note = notes.isEmpty ? "" : "  // \(notes.joined(separator: ", "))"
    return "\(results) = \(text(of: node.op))(\(inputs)) : \(types)\(note)"
  }

  private func text(of op: Op) -> String {
    switch op {
    case .input(let name, _): "input[\(name)]"
    case .parameter(let index): "param[\(parameters[index].name)]"
    case .constant(let value): "constant[\(value)]"
    case .convert(let element): "convert[\(element.rawValue.lowercased())]"
    case .batchMatmul(let a, let b): "batchMatmul" + transpositions(a, b)
    case .permute(let axes): "permute\(axes)"
    case .broadcast(let dims): "broadcast\(dims)"
    case .reduce(let reduction, let axis): "\(reduction.rawValue)[axis \(axis)]"
    case .extremumIndex(let maximum, let axis): "\(maximum ? "argmax" : "argmin")[axis \(axis)]"
    case .cumulativeSum(let axis, let reversed):
      "cumulativeSum[axis \(axis)\(reversed ? ", reversed" : "")]"
    case .take(let axis): "take[axis \(axis)]"
    case .put(let axis, let size): "put[axis \(axis) of \(size)]"
    case .unary(let function): function.rawValue
    case .unaryGradient(let function): "gradient[\(function.rawValue)]"
    case .binary(let function): function.rawValue
    case .matmul(let a, let b): "matmul" + transpositions(a, b)
    case .sumRows(let mean), .expandRows(let mean), .sumColumns(let mean):
      op.kind.rawValue + (mean ? "[mean]" : "")
    case .expandColumns(let count, let mean): "expandColumns[\(count)\(mean ? ", mean" : "")]"
    case .normalize(let kind, let epsilon): "normalize[\(kind.rawValue), \(epsilon)]"
    case .normalizeGradient(let kind): "normalizeGradient[\(kind.rawValue)]"
    case .slice(let start, let count): "slice[\(start)..<\(start + count)]"
    case .pad(let start, let total): "pad[\(start), \(total)]"
    case .reshape(let dims): "reshape\(dims)"
    case .scatter(.rows(let rows)): "scatter[\(self[rows].name)]"
    case .scatter(.table(let count)): "scatter[\(count)]"
    case .choose(let site): "choose[\(self[site].name), \(text(of: self[site].selection))]"
    case .mark(let selection): "mark[\(text(of: selection))]"
    case .members(let site, let path, _): "members[\(self[site].name), \(path)]"
    case .groupMembers(let parent, _): "groupMembers[\(self[parent].name)]"
    case .pick(.marked, _): "pick[marked]"
    case .pick(.range(let lower, let upper), _): "pick[\(lower)..\(upper.map(String.init) ?? "")]"
    case .joinRows(let rows): "joinRows[\(self[rows].name)]"
    case .unfold(let rows): "unfold[\(self[rows].name)]"
    case .attention(let heads, let causal), .attentionGradient(let heads, let causal):
      "\(op.kind.rawValue)[heads \(heads)\(causal ? ", causal" : "")]"
    case .random(let noise, let stream): "random[\(noise.rawValue), \(stream)]"
    case .shift(let count): "shift[\(count)]"
    case .scan(let body): text(of: body)
    case .convolution(let window), .convolutionInput(let window, _),
      .convolutionWeight(let window):
      "\(op.kind.rawValue)[\(window.description)]"
    case .groupOf, .fold, .literal, .select, .positions, .softmax, .softmaxGradient, .concat,
      .gather, .logLoss, .logLossGradient, .stopGradient:
      op.kind.rawValue
    }
  }

  private func text(of body: ScanBody) -> String {
    let parts = body.parts
    return
      "scan[\(parts.steps.count) rows, \(parts.states.count) carried, \(parts.totals.count) totals"
      + (body.isReversed ? ", reversed]" : "]")
  }

  private func transpositions(_ a: Bool, _ b: Bool) -> String {
    a || b ? "[\(a ? "T" : "N")\(b ? "T" : "N")]" : ""
  }

  private func text(of selection: Selection) -> String {
    switch selection {
    case .top(let k): "top \(k)"
    case .all: "all"
    case .above(let limit): "above \(limit)"
    case .given: "given"
    case .best(.count(let count)): "best \(count)"
    case .best(.share(let share)): "best \(share) of a group"
    case .pairs(.count(let count)): "best \(count) pairs"
    case .pairs(.share(let share)): "best \(share) of the pairs of a group"
    case .amongBatch(let inner): text(of: inner) + " among the batch"
    case .capped(let inner, let capacity):
      text(of: inner) + ", capacity \(capacity.factor) by \(capacity.order.rawValue)"
    }
  }
}
