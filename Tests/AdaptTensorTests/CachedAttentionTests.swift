import AdaptTensor
import Testing

/// Attention whose rows come in parts, over the keys and values that are kept of earlier ones.
@Suite struct CachedAttentionTests {
  /// A causal problem and the part of each segment's rows that comes at each step.
  private struct Parts {
    let whole: AttentionCase
    let q: Floats
    let k: Floats
    let v: Floats

    init(_ lengths: [Int], heads: Int, headSize: Int, _ source: inout Source) {
      var whole = AttentionCase(
        lengths, heads: heads, headSize: headSize, causal: true, &source)
      // Rows of a path skip positions and never share one.
      whole.queries.positions = whole.queries.positions.enumerated().map { $1 + Int32($0) }
      whole.keys = whole.queries
      self.whole = whole
      let size = whole.rows * whole.width
      (q, k, v) = (source.normals(size), source.normals(size), source.normals(size))
    }

    /// The rows of the whole that come at a step: at first half of each segment, then one at a time.
    func rows(_ step: Int) -> [[Int]] {
      whole.lengths.indices.map { segment in
        let (start, length) = (Int(whole.queries.offsets[segment]), whole.lengths[segment])
        let first = length / 2
        let range =
          step == 0 ? 0..<first : min(first + step - 1, length)..<min(first + step, length)
        return range.map { start + $0 }
      }
    }

    var steps: Int { (whole.lengths.max() ?? 0) / 2 + 2 }

    func take(_ rows: [Int], of x: Floats) -> [Float] {
      rows.flatMap { row in (0..<whole.width).map { x[row * whole.width + $0] } }
    }
  }

  @Test("Rows that come in parts have what they have together", arguments: Backend.all)
  func agrees(_ backend: Backend) throws {
    let cpu = backend.cpu
    var source = Source(45)
    let shapes: [([Int], Int, Int)] = [
      ([1], 1, 1), ([1, 0, 3, 17], 2, 5), ([16, 15], 3, 16), ([40, 31, 2], 2, 32), ([70], 4, 33),
    ]
    for (lengths, heads, headSize) in shapes {
      let parts = Parts(lengths, heads: heads, headSize: headSize, &source)
      let whole = parts.whole
      let inputs = [parts.q, parts.k, parts.v].map { $0.values.map(Double.init) }
      let expected = whole.forward(inputs[0], inputs[1], inputs[2])
      let cache = KeyValueCache(sequences: lengths.count, heads: heads, headSize: headSize)
      for step in 0..<parts.steps {
        let groups = parts.rows(step)
        let rows = groups.flatMap { $0 }
        let offsets = groups.reduce(into: [Int32(0)]) {
          $0.append($0[$0.count - 1] + Int32($1.count))
        }
        let positions = rows.map { whole.queries.positions[$0] }
        let (o, lse) = (Floats(count: rows.count * whole.width), Floats(count: rows.count * heads))
        try cpu.append(
          k: parts.take(rows, of: parts.k), v: parts.take(rows, of: parts.v),
          offsets: offsets, positions: positions, to: cache)
        cpu.attention(
          q: parts.take(rows, of: parts.q), over: cache, o: o.p, lse: lse.p, offsets: offsets,
          positions: positions)
        let name = "\(lengths) heads \(heads) size \(headSize) step \(step)"
        expectClose(
          lse, rows.flatMap { row in (0..<heads).map { expected.lse[row * heads + $0] } },
          relative: 2e-6, absolute: 2e-6, "lse \(name)")
        expectClose(
          o, rows.flatMap { row in (0..<whole.width).map { expected.o[row * whole.width + $0] } },
          relative: 1e-5, absolute: 2e-6, "o \(name)")
      }
    }
  }

  @Test func roomDoublesAndIsGivenBack() throws {
    let cpu = CPU(threads: 1)
    let cache = KeyValueCache(sequences: 1, heads: 1, headSize: 2)
    let row: [Float] = [1, 2]
    var sizes: Set<Int> = []
    for position in 0..<100 {
      try cpu.append(
        k: row, v: row, offsets: [0, 1], positions: [Int32(position)], to: cache)
      sizes.insert(cache.byteCount)
    }
    // Room for 16, 32, 64 and 128 rows of two keys, two values and a score.
    #expect(sizes == Set([16, 32, 64, 128].map { $0 * 20 }))
    #expect(!cache.isEmpty)
    cache.removeAll()
    #expect(cache.isEmpty && cache.byteCount == 0)
  }

  @Test func expectedRowsAreGivenRoomAtOnce() throws {
    let cpu = CPU(threads: 1)
    let cache = KeyValueCache(sequences: 2, heads: 2, headSize: 3, expected: 50)
    let rows = [Float](repeating: 1, count: 6)
    try cpu.append(k: rows, v: rows, offsets: [0, 1, 1], positions: [0], to: cache)
    #expect(cache.byteCount == 50 * 2 * 7 * 4)
  }
}
