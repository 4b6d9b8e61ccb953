import CAdaptKernels

extension CPU {
  /// Multi-head attention within segments of rows (Vaswani et al. 2017, eq. 1):
  /// o = softmax(q kᵀ / √headSize) v for each segment and head.
  ///
  /// Segment s owns the rows offsets[s]..<offsets[s+1]; q, k, v and o are
  /// `[rows, heads * headSize]`, lse, the logarithm of each row's sum of exponentials, is
  /// `[rows, heads]` and serves the gradient. With `causal`, row i sees row j of its segment when
  /// positions[i] >= positions[j]; positions, `[rows]`, ascend within a segment. Scratch is linear
  /// in the longest segment. A NaN or infinity in a value that a row may not see can still reach
  /// the row as NaN.
  public func attention(
    q: UnsafePointer<Float>, k: UnsafePointer<Float>, v: UnsafePointer<Float>,
    o: UnsafeMutablePointer<Float>, lse: UnsafeMutablePointer<Float>,
    offsets: UnsafePointer<Int32>, segments: Int, positions: UnsafePointer<Int32>, heads: Int,
    headSize: Int, causal: Bool
  ) {
    let longest = longestSegment(offsets, segments)
    guard longest > 0, heads > 0, headSize > 0 else { return }
    // Long segments are cut into pieces of this many queries; each piece packs the keys anew.
    let pieceLength = 128
    let pieces = (longest + pieceLength - 1) / pieceLength
    let scratchSize = kernels.attention_scratch(longest, headSize, 0)
    balanced(segments * heads * pieces) { range in
      withScratch(scratchSize) { scratch in
        for task in range {
          let (unit, piece) = task.quotientAndRemainder(dividingBy: pieces)
          let (segment, head) = unit.quotientAndRemainder(dividingBy: heads)
          let (start, rows) = bounds(offsets, segment)
          let first = piece * pieceLength
          guard first < rows else { continue }
          let at = start * heads * headSize
          var job = adapt_attention(
            q: q + at, k: k + at, v: v + at, positions: positions + start, rows: rows,
            heads: heads, head: head, head_size: headSize, causal: causal ? 1 : 0)
          kernels.attention(
            &job, o + at, lse + start * heads, first, min(first + pieceLength, rows), scratch)
        }
      }
    }
  }

  /// The gradients dq, dk and dv of `attention` at dO, given its inputs and its results o and lse.
  /// None of the three overlaps an input.
  public func attentionGradient(
    dO: UnsafePointer<Float>, q: UnsafePointer<Float>, k: UnsafePointer<Float>,
    v: UnsafePointer<Float>, o: UnsafePointer<Float>, lse: UnsafePointer<Float>,
    dq: UnsafeMutablePointer<Float>, dk: UnsafeMutablePointer<Float>,
    dv: UnsafeMutablePointer<Float>, offsets: UnsafePointer<Int32>, segments: Int,
    positions: UnsafePointer<Int32>, heads: Int, headSize: Int, causal: Bool
  ) {
    let longest = longestSegment(offsets, segments)
    guard longest > 0, heads > 0, headSize > 0 else { return }
    let scratchSize = kernels.attention_scratch(longest, headSize, 1)
    balanced(segments * heads) { range in
      withScratch(scratchSize) { scratch in
        for task in range {
          let (segment, head) = task.quotientAndRemainder(dividingBy: heads)
          let (start, rows) = bounds(offsets, segment)
          let at = start * heads * headSize
          var job = adapt_attention(
            q: q + at, k: k + at, v: v + at, positions: positions + start, rows: rows,
            heads: heads, head: head, head_size: headSize, causal: causal ? 1 : 0)
          kernels.attention_gradient(
            &job, dO + at, o + at, lse + start * heads, dq + at, dk + at, dv + at, scratch)
        }
      }
    }
  }

  /// The first row of a segment and how many it has; none when the offsets do not ascend.
  private func bounds(_ offsets: UnsafePointer<Int32>, _ segment: Int) -> (Int, Int) {
    (Int(offsets[segment]), max(0, Int(offsets[segment + 1]) - Int(offsets[segment])))
  }

  private func longestSegment(_ offsets: UnsafePointer<Int32>, _ segments: Int) -> Int {
    (0..<max(0, segments)).reduce(0) { max($0, bounds(offsets, $1).1) }
  }

  private func withScratch(_ floats: Int, _ body: (UnsafeMutablePointer<Float>) -> Void) {
    let scratch = UnsafeMutableRawPointer.allocate(byteCount: max(64, floats * 4), alignment: 64)
    defer { scratch.deallocate() }
    body(scratch.assumingMemoryBound(to: Float.self))
  }
}
