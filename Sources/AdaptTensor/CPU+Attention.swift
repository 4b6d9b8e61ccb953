import CAdaptKernels

/// Consecutive rows that belong together, of one side of attention: its queries, or its keys.
public struct AttentionSegments {
  /// Segment s owns the rows starts[s]..<ends[s]; none where they do not ascend.
  public let starts: UnsafePointer<Int32>
  public let ends: UnsafePointer<Int32>
  public let count: Int
  /// The place of each row, which ascends within a segment.
  public let positions: UnsafePointer<Int32>

  public init(
    starts: UnsafePointer<Int32>, ends: UnsafePointer<Int32>, count: Int,
    positions: UnsafePointer<Int32>
  ) {
    (self.starts, self.ends, self.count) = (starts, ends, count)
    self.positions = positions
  }

  /// Segments one behind the other: s owns the rows offsets[s]..<offsets[s + 1].
  public init(
    offsets: UnsafePointer<Int32>, count: Int, positions: UnsafePointer<Int32>
  ) {
    self.init(starts: offsets, ends: offsets + 1, count: count, positions: positions)
  }

  /// The first row of a segment and how many it has.
  fileprivate subscript(segment: Int) -> (start: Int, rows: Int) {
    (Int(starts[segment]), max(0, Int(ends[segment]) - Int(starts[segment])))
  }

  /// Rows of the longest segment.
  fileprivate var longest: Int { (0..<max(0, count)).reduce(0) { max($0, self[$1].rows) } }
}

/// How attention is cut up and who sees whom.
public struct AttentionShape {
  public let queries: AttentionSegments
  /// Segment s of the queries looks at segment s of these.
  public let keys: AttentionSegments
  public let heads: Int
  public let headSize: Int
  /// A query sees the keys whose position is not behind its own; all of its segment otherwise.
  public let isCausal: Bool

  public init(
    queries: AttentionSegments, keys: AttentionSegments, heads: Int, headSize: Int, isCausal: Bool
  ) {
    (self.queries, self.keys) = (queries, keys)
    (self.heads, self.headSize, self.isCausal) = (heads, headSize, isCausal)
  }

  fileprivate var width: Int { heads * headSize }

  /// The work of one segment and head.
  fileprivate func job(
    _ segment: Int, _ head: Int, q: UnsafePointer<Float>, k: UnsafePointer<Float>,
    v: UnsafePointer<Float>
  ) -> adapt_attention {
    let (first, rows) = queries[segment]
    let (firstKey, keyRows) = keys[segment]
    return adapt_attention(
      q: q + first * width, k: k + firstKey * width, v: v + firstKey * width,
      positions: queries.positions + first, key_positions: keys.positions + firstKey, rows: rows,
      keys: keyRows, heads: heads, head: head, head_size: headSize, causal: isCausal ? 1 : 0)
  }
}

extension CPU {
  /// Multi-head attention within segments of rows (Vaswani et al. 2017, eq. 1):
  /// o = softmax(q kᵀ / √headSize) v for each segment and head.
  ///
  /// q and o are `[queries, heads * headSize]`, k and v `[keys, heads * headSize]`; lse, the logarithm
  /// of each query's sum of exponentials, is `[queries, heads]` and serves the gradient. A query that
  /// sees no key gets zeros. Scratch is linear in the longest segment of keys. A NaN or infinity in a
  /// value that a query may not see can still reach it as NaN.
  public func attention(
    _ shape: AttentionShape, q: UnsafePointer<Float>, k: UnsafePointer<Float>,
    v: UnsafePointer<Float>, o: UnsafeMutablePointer<Float>, lse: UnsafeMutablePointer<Float>
  ) {
    let (longest, heads) = (shape.queries.longest, shape.heads)
    guard longest > 0, heads > 0, shape.headSize > 0 else { return }
    // Long segments are cut into pieces of this many queries; each piece packs the keys anew.
    let pieceLength = 128
    let pieces = (longest + pieceLength - 1) / pieceLength
    let scratchSize = kernels.attention_scratch(shape.keys.longest, shape.headSize, 0)
    balanced(shape.queries.count * heads * pieces) { range in
      withScratch(scratchSize) { scratch in
        for task in range {
          let (unit, piece) = task.quotientAndRemainder(dividingBy: pieces)
          let (segment, head) = unit.quotientAndRemainder(dividingBy: heads)
          let (start, rows) = shape.queries[segment]
          let first = piece * pieceLength
          guard first < rows else { continue }
          var job = shape.job(segment, head, q: q, k: k, v: v)
          kernels.attention(
            &job, o + start * shape.width, lse + start * heads, first,
            min(first + pieceLength, rows), scratch)
        }
      }
    }
  }

  /// The gradients dq, dk and dv of `attention` at dO, given its inputs and its results o and lse.
  ///
  /// None of the three overlaps an input. Of dk and dv, rows that are in no segment are not written.
  public func attentionGradient(
    _ shape: AttentionShape, dO: UnsafePointer<Float>, q: UnsafePointer<Float>,
    k: UnsafePointer<Float>, v: UnsafePointer<Float>, o: UnsafePointer<Float>,
    lse: UnsafePointer<Float>, dq: UnsafeMutablePointer<Float>, dk: UnsafeMutablePointer<Float>,
    dv: UnsafeMutablePointer<Float>
  ) {
    let (heads, width) = (shape.heads, shape.width)
    guard max(shape.queries.longest, shape.keys.longest) > 0, width > 0 else { return }
    let scratchSize = kernels.attention_scratch(shape.keys.longest, shape.headSize, 1)
    balanced(shape.queries.count * heads) { range in
      withScratch(scratchSize) { scratch in
        for task in range {
          let (segment, head) = task.quotientAndRemainder(dividingBy: heads)
          let (start, keyStart) = (shape.queries[segment].start, shape.keys[segment].start)
          let (at, keyAt) = (start * width, keyStart * width)
          var job = shape.job(segment, head, q: q, k: k, v: v)
          kernels.attention_gradient(
            &job, dO + at, o + at, lse + start * heads, dq + at, dk + keyAt, dv + keyAt, scratch)
        }
      }
    }
  }

  private func withScratch(_ floats: Int, _ body: (UnsafeMutablePointer<Float>) -> Void) {
    let scratch = UnsafeMutableRawPointer.allocate(byteCount: max(64, floats * 4), alignment: 64)
    defer { scratch.deallocate() }
    body(scratch.assumingMemoryBound(to: Float.self))
  }
}
