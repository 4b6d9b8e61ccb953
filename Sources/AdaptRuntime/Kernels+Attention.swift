import AdaptGraph
import AdaptTensor

// Attention of rows to the rows of their groups.

extension Kernels {
  static func attention(_ node: Node, _ run: Executor) {
    guard case .attention(let heads, let causal) = node.op else { return }
    let (query, key) = (run.graph.type(node.inputs[0]), run.graph.type(node.inputs[1]))
    withShape(query, key, heads, causal, run) { shape in
      run.cpu.attention(
        shape, q: run.floats(node.inputs[0]), k: run.floats(node.inputs[1]),
        v: run.floats(node.inputs[2]), o: run.floats(node.outputs[0]),
        lse: run.floats(node.outputs[1]))
    }
  }

  static func attentionGradient(_ node: Node, _ run: Executor) {
    guard case .attentionGradient(let heads, let causal) = node.op else { return }
    let (query, key) = (run.graph.type(node.inputs[1]), run.graph.type(node.inputs[2]))
    let input = node.inputs.map { UnsafePointer(run.floats($0)) }
    let output = node.outputs.map(run.floats)
    if query.rows != key.rows {
      // Nobody looks at the keys of a group that has no queries.
      for sum in output[1...] { run.cpu.fill(sum, value: 0, count: run.elements(key)) }
    }
    withShape(query, key, heads, causal, run) { shape in
      run.cpu.attentionGradient(
        shape, dO: input[0], q: input[1], k: input[2], v: input[3], o: input[4], lse: input[5],
        dq: output[0], dk: output[1], dv: output[2])
    }
  }

  private static func withShape(
    _ query: TensorType, _ key: TensorType, _ heads: Int, _ causal: Bool, _ run: Executor,
    _ body: (AttentionShape) -> Void
  ) {
    guard let rows = query.rows, let keyRows = key.rows else { return }
    let (layout, keyLayout) = (run.layouts[rows.index], run.layouts[keyRows.index])
    func call(_ queries: AttentionSegments, _ keys: AttentionSegments) {
      body(
        AttentionShape(
          queries: queries, keys: keys, heads: heads, headSize: query.columns / heads,
          isCausal: causal))
    }
    layout.withSegments { queries in
      if rows == keyRows { return call(queries, queries) }
      layout.withMatches(in: keyLayout) { keys in call(queries, keys) }
    }
  }
}

extension RowLayout {
  /// Its groups as a kernel reads them, inside of `body` only.
  fileprivate func withSegments(_ body: (AttentionSegments) -> Void) {
    offsets.withUnsafeBufferPointer { offsets in
      positions.withUnsafeBufferPointer { positions in
        guard let offsets = offsets.baseAddress else { return }
        // Without rows there is nothing to read, at any address.
        body(
          AttentionSegments(
            offsets: offsets, count: groups, positions: positions.baseAddress ?? offsets))
      }
    }
  }

  /// For each group here the rows of the same group there, as a kernel reads them.
  fileprivate func withMatches(in other: RowLayout, _ body: (AttentionSegments) -> Void) {
    let ranges = matches(in: other)
    let starts = ranges.map { Int32($0.lowerBound) }
    let ends = ranges.map { Int32($0.upperBound) }
    starts.withUnsafeBufferPointer { starts in
      ends.withUnsafeBufferPointer { ends in
        other.positions.withUnsafeBufferPointer { positions in
          guard let first = starts.baseAddress, let last = ends.baseAddress else { return }
          body(
            AttentionSegments(
              starts: first, ends: last, count: groups,
              positions: positions.baseAddress ?? first))
        }
      }
    }
  }
}
