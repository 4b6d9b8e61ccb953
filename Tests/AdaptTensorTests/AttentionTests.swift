import AdaptTensor
import Foundation
import Testing

/// A problem and its solution in naive loops in Double.
struct AttentionCase {
  let lengths: [Int]
  let heads: Int
  let headSize: Int
  let causal: Bool
  /// The rows that look, and those that they look at.
  var queries: Side
  var keys: Side
  var rows: Int { queries.count }
  var width: Int { heads * headSize }

  /// Rows in segments, with the places they had.
  struct Side {
    var offsets: [Int32] = [0]
    var positions: [Int32] = []
    var count: Int { positions.count }

    init(_ lengths: [Int], _ source: inout Source) {
      for n in lengths {
        offsets.append((offsets.last ?? 0) + Int32(n))
        var position = Int32(source.generator.next(below: 3))
        for _ in 0..<n {
          positions.append(position)
          position += Int32(source.generator.next(below: 3))
        }
      }
    }

    subscript(segment: Int) -> Range<Int> { Int(offsets[segment])..<Int(offsets[segment + 1]) }

    func withSegments(_ body: (AttentionSegments) -> Void) {
      offsets.withUnsafeBufferPointer { offsets in
        positions.withUnsafeBufferPointer { positions in
          guard let first = offsets.baseAddress else { return }
          body(
            AttentionSegments(
              offsets: first, count: offsets.count - 1, positions: positions.baseAddress ?? first))
        }
      }
    }
  }

  /// Positions may repeat and may skip, as the rows of a pruned or packed sequence do.
  init(
    _ lengths: [Int], keys: [Int]? = nil, heads: Int, headSize: Int, causal: Bool,
    _ source: inout Source
  ) {
    self.lengths = lengths
    self.heads = heads
    self.headSize = headSize
    self.causal = causal
    queries = Side(lengths, &source)
    self.keys = keys.map { Side($0, &source) } ?? queries
  }

  /// The same as a kernel takes it.
  func withShape(_ body: (AttentionShape) -> Void) {
    queries.withSegments { queries in
      keys.withSegments { keys in
        body(
          AttentionShape(
            queries: queries, keys: keys, heads: heads, headSize: headSize, isCausal: causal))
      }
    }
  }

  /// Calls body(head, i, the rows that row i sees).
  func eachRow(_ body: (Int, Int, [Int]) -> Void) {
    for s in lengths.indices {
      for h in 0..<heads {
        for i in queries[s] {
          body(h, i, keys[s].filter { !causal || queries.positions[i] >= keys.positions[$0] })
        }
      }
    }
  }

  func weights(_ q: [Double], _ k: [Double], _ h: Int, _ i: Int, _ seen: [Int])
    -> (p: [Double], lse: Double)
  {
    let scores = seen.map { j in
      (0..<headSize).reduce(0.0) {
        $0 + q[i * width + h * headSize + $1] * k[j * width + h * headSize + $1]
      } / Double(headSize).squareRoot()
    }
    let top = scores.max() ?? 0
    let lse = scores.isEmpty ? 0 : top + log(scores.reduce(0.0) { $0 + exp($1 - top) })
    return (scores.map { exp($0 - lse) }, lse)
  }

  func forward(_ q: [Double], _ k: [Double], _ v: [Double]) -> (o: [Double], lse: [Double]) {
    var o = [Double](repeating: 0, count: rows * width)
    var lse = [Double](repeating: 0, count: rows * heads)
    eachRow { h, i, seen in
      let w = weights(q, k, h, i, seen)
      lse[i * heads + h] = w.lse
      for (p, j) in zip(w.p, seen) {
        for d in h * headSize..<(h + 1) * headSize { o[i * width + d] += p * v[j * width + d] }
      }
    }
    return (o, lse)
  }

  func gradient(_ dO: [Double], _ q: [Double], _ k: [Double], _ v: [Double]) -> [[Double]] {
    var (dq, dk, dv) = (q.map { _ in 0.0 }, k.map { _ in 0.0 }, v.map { _ in 0.0 })
    let scale = 1 / Double(headSize).squareRoot()
    eachRow { h, i, seen in
      let p = weights(q, k, h, i, seen).p
      let columns = h * headSize..<(h + 1) * headSize
      let dp = seen.map { j in
        columns.reduce(0.0) { $0 + dO[i * width + $1] * v[j * width + $1] }
      }
      let along = zip(p, dp).reduce(0.0) { $0 + $1.0 * $1.1 }
      for (index, j) in seen.enumerated() {
        let ds = p[index] * (dp[index] - along) * scale
        for d in columns {
          dq[i * width + d] += ds * k[j * width + d]
          dk[j * width + d] += ds * q[i * width + d]
          dv[j * width + d] += p[index] * dO[i * width + d]
        }
      }
    }
    return [dq, dk, dv]
  }
}

@Suite struct AttentionTests {
  static func cases(_ source: inout Source) -> [AttentionCase] {
    let shapes: [([Int], Int, Int)] = [
      ([], 2, 4), ([0, 0], 2, 4), ([1], 1, 1), ([1, 0, 3, 17], 2, 5), ([16, 15], 3, 16),
      ([128, 31], 2, 32), ([150, 2], 1, 20), ([300], 2, 8), ([5, 5, 5, 5, 5], 4, 33),
    ]
    let pairs: [([Int], [Int], Int, Int)] = [
      ([3, 0, 2, 17], [20, 4, 0, 5], 2, 5), ([0, 0], [3, 0], 1, 4), ([130], [7], 1, 8),
      ([2, 33], [200, 40], 2, 16),
    ]
    return [false, true].flatMap { causal in
      shapes.map { AttentionCase($0.0, heads: $0.1, headSize: $0.2, causal: causal, &source) }
        + pairs.map {
          AttentionCase(
            $0.0, keys: $0.1, heads: $0.2, headSize: $0.3, causal: causal, &source)
        }
    }
  }

  @Test("Attention and its gradient agree with Double", arguments: Backend.all)
  func agrees(_ backend: Backend) {
    let cpu = backend.cpu
    var source = Source(41)
    for c in Self.cases(&source) {
      let (size, keySize) = (c.rows * c.width, c.keys.count * c.width)
      let (q, k, v) = (source.normals(size), source.normals(keySize), source.normals(keySize))
      let dO = source.normals(size)
      let (o, lse) = (Floats(count: size), Floats(count: c.rows * c.heads))
      c.withShape { cpu.attention($0, q: q.p, k: k.p, v: v.p, o: o.p, lse: lse.p) }
      let inputs = [q, k, v].map { $0.values.map(Double.init) }
      let expected = c.forward(inputs[0], inputs[1], inputs[2])
      let name =
        "\(c.lengths) to \(c.keys.offsets) heads \(c.heads) size \(c.headSize) causal \(c.causal)"
      expectClose(lse, expected.lse, relative: 2e-6, absolute: 2e-6, "lse \(name)")
      expectClose(o, expected.o, relative: 1e-5, absolute: 2e-6, "o \(name)")
      let results = [size, keySize, keySize].map { Floats(count: $0) }
      c.withShape {
        cpu.attentionGradient(
          $0, dO: dO.p, q: q.p, k: k.p, v: v.p, o: o.p, lse: lse.p, dq: results[0].p,
          dk: results[1].p, dv: results[2].p)
      }
      let gradients = c.gradient(dO.values.map(Double.init), inputs[0], inputs[1], inputs[2])
      for (i, part) in ["dq", "dk", "dv"].enumerated() {
        expectClose(
          results[i], gradients[i], relative: 3e-5, absolute: 1e-5, "\(part) \(name)")
      }
    }
  }

  @Test("The reference gradient agrees with finite differences", arguments: [false, true])
  func referenceGradient(_ causal: Bool) {
    var source = Source(42)
    let c = AttentionCase([5, 3], keys: [2, 6], heads: 2, headSize: 3, causal: causal, &source)
    let sizes = [c.rows, c.keys.count, c.keys.count].map { $0 * c.width }
    let inputs = sizes.map { source.normals($0).values.map(Double.init) }
    let dO = source.normals(sizes[0]).values.map(Double.init)
    let gradients = c.gradient(dO, inputs[0], inputs[1], inputs[2])
    for part in 0..<3 {
      for i in 0..<sizes[part] {
        func objective(_ step: Double) -> Double {
          var x = inputs
          x[part][i] += step
          return zip(c.forward(x[0], x[1], x[2]).o, dO).reduce(0.0) { $0 + $1.0 * $1.1 }
        }
        let slope = (objective(1e-5) - objective(-1e-5)) / 2e-5
        #expect(abs(slope - gradients[part][i]) < 1e-8)
      }
    }
  }

  @Test("Attention gives the same bits with any number of threads", arguments: SIMDLevel.available)
  func repeatable(_ level: SIMDLevel) {
    var source = Source(43)
    let c = AttentionCase([128, 300, 7], heads: 4, headSize: 16, causal: true, &source)
    let size = c.rows * c.width
    let (q, k, v) = (source.normals(size), source.normals(size), source.normals(size))
    let dO = source.normals(size)
    let runs = [1, 2, 3, 3].map { threads in
      let cpu = CPU(threads: threads, level: level)
      let out = (0..<4).map { _ in Floats(count: size) }
      let lse = Floats(count: c.rows * c.heads)
      c.withShape { shape in
        cpu.attention(shape, q: q.p, k: k.p, v: v.p, o: out[0].p, lse: lse.p)
        cpu.attentionGradient(
          shape, dO: dO.p, q: q.p, k: k.p, v: v.p, o: out[0].p, lse: lse.p, dq: out[1].p,
          dk: out[2].p, dv: out[3].p)
      }
      return out.map(\.bits)
    }
    #expect(runs.allSatisfy { $0 == runs[0] })
  }

  @Test("Scores far apart neither overflow nor turn into NaN", arguments: SIMDLevel.available)
  func extreme(_ level: SIMDLevel) {
    let cpu = CPU(threads: 1, level: level)
    var source = Source(44)
    let c = AttentionCase([40], heads: 1, headSize: 8, causal: true, &source)
    let (q, k) = (source.normals(320, scale: 1e4), source.normals(320, scale: 1e4))
    let v = source.normals(320)
    let (o, lse) = (Floats(count: 320), Floats(count: 40))
    c.withShape { cpu.attention($0, q: q.p, k: k.p, v: v.p, o: o.p, lse: lse.p) }
    #expect(o.values.allSatisfy { $0.isFinite } && lse.values.allSatisfy { $0.isFinite })
    v.p[0] = .nan
    c.withShape { cpu.attention($0, q: q.p, k: k.p, v: v.p, o: o.p, lse: lse.p) }
    #expect(o[0].isNaN)
  }
}
