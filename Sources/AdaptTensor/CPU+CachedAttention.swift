import CAdaptKernels

extension CPU {
  /// Puts rows behind those that a cache has: sequence s gets the rows offsets[s]..<offsets[s+1] of k
  /// and v, both `[rows, heads * headSize]`, at `positions`, which ascend and go on from its last.
  ///
  /// - Throws: `TensorError.outOfMemory`
  public func append(
    k: UnsafePointer<Float>, v: UnsafePointer<Float>, offsets: UnsafePointer<Int32>,
    positions: UnsafePointer<Int32>, to cache: KeyValueCache
  ) throws {
    try cache.open(offsets, positions)
    let (sequences, size) = (cache.sequences, cache.headSize)
    let width = cache.heads * size
    parallel(sequences.count, grain: CPU.rowGrain(2 * width)) { range in
      for index in range {
        let (first, last) = (Int(offsets[index]), Int(offsets[index + 1]))
        guard first < last else { continue }
        let start = sequences[index].positions.count - (last - first)
        for head in 0..<cache.heads {
          guard let keys = sequences[index].keys(head, cache),
            let values = sequences[index].values(head, cache)
          else { continue }
          for row in first..<last {
            let (from, to) = (row * width + head * size, (start + row - first) * size)
            (keys + to).update(from: k + from, count: size)
            (values + to).update(from: v + from, count: size)
          }
        }
      }
    }
  }

  /// Causal attention of a few new rows over all that a cache has: the rows that `attention` would
  /// give for them behind the earlier ones, to rounding.
  ///
  /// Query row i of a sequence sees the cached rows at positions up to its own; at least one must be
  /// there. q and o are `[rows, heads * headSize]`, lse is `[rows, heads]`.
  public func attention(
    q: UnsafePointer<Float>, over cache: KeyValueCache, o: UnsafeMutablePointer<Float>,
    lse: UnsafeMutablePointer<Float>, offsets: UnsafePointer<Int32>,
    positions: UnsafePointer<Int32>
  ) {
    let (sequences, heads, size) = (cache.sequences, cache.heads, cache.headSize)
    guard heads > 0, size > 0 else { return }
    balanced(sequences.count * heads) { range in
      for task in range {
        let (index, head) = task.quotientAndRemainder(dividingBy: heads)
        guard let keys = sequences[index].keys(head, cache),
          let values = sequences[index].values(head, cache),
          let scores = sequences[index].scores(head, cache)
        else { continue }
        for row in Int(offsets[index])..<max(Int(offsets[index]), Int(offsets[index + 1])) {
          let at = (row * heads + head) * size
          let seen = sequences[index].seen(from: positions[row])
          guard seen > 0 else { continue }
          kernels.attention_cached(
            q + at, keys, values, o + at, lse + row * heads + head, scores, seen, size)
        }
      }
    }
  }
}
