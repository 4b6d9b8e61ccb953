// Along the rows of a group, one after the other.

extension OpTable {
  static let shift = OpDefinition(
    infer: { op, types, graph in
      try requireInputs(op, types, 1)
      try require(
        types[0].rows != nil, "only rows can be shifted, not \(graph.describe(types[0]))")
      return types
    },
    gradient: .rule { graph, node, gradients in
      guard case .shift(let count) = node.op, let dy = gradients[0] else { return [nil] }
      return [try graph.add(.shift(-count), dy)]
    },
    flops: { _, _, _ in 0 },
    reference: { node, inputs, run in
      guard case .shift(let count) = node.op else { return [] }
      let layout = try run.layout(run.graph.type(node.inputs[0]).rows)
      let columns = inputs[0].shape.dropFirst().reduce(1, *)
      var result = ReferenceTensor(zeros: inputs[0].shape)
      for group in 0..<(layout.offsets.count - 1) {
        let rows = layout.offsets[group]..<layout.offsets[group + 1]
        for row in rows {
          let (source, overflow) = row.subtractingReportingOverflow(count)
          guard !overflow, rows.contains(source) else { continue }
          for column in 0..<columns {
            result.values[row * columns + column] = inputs[0].values[source * columns + column]
          }
        }
      }
      return [result]
    })

  static let scan = OpDefinition(
    infer: { op, types, graph in
      guard case .scan(let body) = op else { return [] }
      let parts = body.parts
      try requireInputs(op, types, parts.steps.count + parts.outers.count + parts.states.count)
      let rows = types[0].rows
      let wanted =
        parts.steps.map { body.graph.type($0).over(rows) }
        + (parts.outers + parts.states).map { body.graph.type($0).over(nil) }
      for (type, wanted) in zip(types, wanted) {
        try require(
          type == wanted && (wanted.rows != nil || rows != nil),
          "the scan takes \(graph.describe(wanted)) here, not \(graph.describe(type))")
      }
      return (parts.results + parts.states).map { body.graph.type($0).over(rows) }
        + parts.totals.map(body.graph.type)
    },
    gradient: .wholeRule { graph, node, gradients in
      guard case .scan(let body) = node.op else { return [] }
      return try graph.pullScan(body, node, gradients)
    },
    flops: { node, graph, counts in
      guard case .scan(let body) = node.op, let rows = graph.type(node.inputs[0]).rows else {
        return 0
      }
      return body.flops(over: rows, counts)
    },
    reference: { node, inputs, run in
      guard case .scan(let body) = node.op else { return [] }
      let rows = try run.layout(run.graph.type(node.inputs[0]).rows)
      var scan = ReferenceScan(body, inputs, rows, run)
      return try scan.run(&run)
    })
}

extension TensorType {
  /// The type over other rows, or without.
  fileprivate func over(_ rows: RowSetID?) -> TensorType { TensorType(rows: rows, dims, element) }
}

extension ScanBody {
  /// Operations of all steps: what has rows by the rows of all steps together, the rest once a step.
  fileprivate func flops(over outer: RowSetID, _ counts: RowCounts) -> Double {
    let rows = self.rows
    let inside: @Sendable (RowSetID) -> Double = { counts.rows($0 == rows ? outer : $0) }
    // A row of a step is alone in its group.
    let inner = RowCounts(rows: inside, pairs: { rows, _, _ in inside(rows) }, steps: counts.steps)
    let steps = counts.steps(rows)
    let work = graph.nodes.reduce(0) { sum, node in
      let hasRows = (node.inputs + node.outputs).contains { graph.type($0).rows != nil }
      return sum + OpTable[node.op].flops(node, graph, inner) * (hasRows ? 1 : steps)
    }
    return work + parts.totals.reduce(0) { $0 + Double(graph.type($1).count) * steps }
  }
}

/// A scan by definition: the body is evaluated once for each place in the sequences.
private struct ReferenceScan {
  private let body: ScanBody
  private let layout: ReferenceRows
  private let inputs: [ReferenceTensor]
  private let forced: [String: ReferenceTensor]
  /// In the order of the op's outputs.
  private var outputs: [ReferenceTensor]

  init(
    _ body: ScanBody, _ inputs: [ReferenceTensor], _ layout: ReferenceRows, _ run: ReferenceRun
  ) {
    (self.body, self.inputs, self.layout, forced) = (body, inputs, layout, run.forced)
    let starts = inputs.suffix(body.parts.states.count)
    outputs = body.parts.results.map { value in
      ReferenceTensor(zeros: [layout.count] + body.graph.type(value).dims)
    }
    outputs += starts.map { start in
      ReferenceTensor(
        [layout.count] + start.shape, (0..<layout.count).flatMap { _ in start.values })
    }
    outputs += body.parts.totals.map { ReferenceTensor(zeros: body.graph.type($0).dims) }
  }

  mutating func run(_ outer: inout ReferenceRun) throws -> [ReferenceTensor] {
    let lengths = zip(layout.offsets, layout.offsets.dropFirst()).map { $1 - $0 }
    for step in 0..<(lengths.max() ?? 0) {
      let groups = lengths.indices.filter { lengths[$0] > step }
      let rows = groups.map { group in
        body.isReversed ? layout.offsets[group + 1] - 1 - step : layout.offsets[group] + step
      }
      let last = groups.map { lengths[$0] == step + 1 }
      let inner = try runStep(rows)
      try collect(inner, rows, last)
      merge(inner, into: &outer)
    }
    return outputs
  }

  private func runStep(_ rows: [Int]) throws -> ReferenceRun {
    let parts = body.parts
    let states = outputs[parts.results.count..<(parts.results.count + parts.states.count)]
    let brought =
      inputs.prefix(parts.steps.count).map { $0.rows(rows) } + states.map { $0.rows(rows) }
      + inputs[parts.steps.count..<(parts.steps.count + parts.outers.count)]
    var named: [String: ReferenceTensor] = [:]
    for (value, tensor) in zip(parts.steps + parts.states + parts.outers, brought) {
      if case .input(let name, _) = body.graph.node(of: value).op { named[name] = tensor }
    }
    var layout = ReferenceRows(lengths: rows.map { _ in 1 })
    layout.positions = rows.map { self.layout.positions[$0] }
    var run = ReferenceRun(
      body.graph, rows: [body.rows: layout], inputs: named, parameters: [:],
      forced: forced.filter { $0.value.shape.first == self.layout.count }
        .mapValues { $0.rows(rows) })
    try run.run()
    return run
  }

  /// Takes in what a step gave: results to its rows, states to the rows behind them, totals.
  private mutating func collect(_ inner: ReferenceRun, _ rows: [Int], _ last: [Bool]) throws {
    let parts = body.parts
    for (index, value) in parts.results.enumerated() {
      outputs[index].setRows(rows, try inner.value(value))
    }
    let step = body.isReversed ? -1 : 1
    let going = zip(rows, last).enumerated().filter { !$0.element.1 }
    for (index, value) in parts.next.enumerated() {
      let next = try inner.value(value).rows(going.map(\.offset))
      outputs[parts.results.count + index].setRows(going.map { $0.element.0 + step }, next)
    }
    let first = parts.results.count + parts.states.count
    for (index, value) in parts.totals.enumerated() {
      let total = try inner.value(value)
      for place in total.values.indices {
        outputs[first + index].values[place] += total.values[place]
      }
    }
  }

  /// Counts the rows of the paths inside, which the costs are computed from.
  private func merge(_ inner: ReferenceRun, into outer: inout ReferenceRun) {
    for (index, layout) in inner.rows.enumerated() {
      guard let layout, index != body.rows.index, outer.rows.indices.contains(index) else {
        continue
      }
      let positions = (outer.rows[index]?.positions ?? []) + layout.positions
      outer.rows[index] = ReferenceRows(offsets: [0, positions.count], positions: positions)
    }
  }
}

extension ReferenceTensor {
  /// The rows at these places of the first axis.
  fileprivate func rows(_ places: [Int]) -> ReferenceTensor {
    let columns = shape.dropFirst().reduce(1, *)
    return ReferenceTensor(
      [places.count] + shape.dropFirst(),
      places.flatMap { values[($0 * columns)..<(($0 + 1) * columns)] })
  }

  fileprivate mutating func setRows(_ places: [Int], _ other: ReferenceTensor) {
    let columns = shape.dropFirst().reduce(1, *)
    for (row, place) in places.enumerated() {
      for column in 0..<columns {
        values[place * columns + column] = other.values[row * columns + column]
      }
    }
  }
}
