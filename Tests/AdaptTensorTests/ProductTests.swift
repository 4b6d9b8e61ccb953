import AdaptTensor
import Testing

@Suite struct ProductTests {
  static let sizes: [(Int, Int, Int)] = [
    (0, 3, 2), (3, 0, 2), (3, 2, 0), (1, 1, 1), (1, 17, 5), (2, 3, 300), (5, 1, 31), (3, 4, 5),
    (16, 16, 16), (17, 15, 31), (33, 3, 64), (3, 33, 64), (200, 3, 100), (100, 3, 2000),
    (1, 300, 200), (7, 300, 200), (16, 130, 257), (300, 7, 200), (130, 200, 70), (64, 64, 64),
    (200, 64, 3), (128, 513, 300), (513, 128, 300), (1000, 1, 17), (1, 1000, 17), (600, 8, 90),
    (90, 8, 600), (600, 90, 8), (8, 600, 90),
    // A few rows and a matrix that is in no near cache.
    (1, 1003, 300), (2, 4201, 50), (9, 1030, 203), (16, 530, 411),
  ]

  @Test("Products agree with Double, transposed and accumulated or not", arguments: Backend.all)
  func matmul(_ backend: Backend) {
    let cpu = backend.cpu
    var source = Source(21)
    for (m, n, k) in Self.sizes {
      let (a, b, c) = (source.normals(m * k), source.normals(k * n), source.normals(m * n))
      for form in 0..<8 {
        let (ta, tb, accumulate) = (form & 1 != 0, form & 2 != 0, form & 4 != 0)
        let out = Floats(accumulate ? c.values : [Float](repeating: .nan, count: m * n))
        cpu.matmul(
          a.p, transposeA: ta, b.p, transposeB: tb, out.p, m: m, n: n, k: k, accumulate: accumulate)
        let rowsOfA = (0..<m).map { i in (0..<k).map { Double(a[ta ? $0 * m + i : i * k + $0]) } }
        let columnsOfB = (0..<n).map { j in (0..<k).map { Double(b[tb ? j * k + $0 : $0 * n + j]) }
        }
        var expected: [Double] = []
        for i in 0..<m {
          for j in 0..<n {
            var s = accumulate ? Double(c[i * n + j]) : 0
            for p in 0..<k { s += rowsOfA[i][p] * columnsOfB[j][p] }
            expected.append(s)
          }
        }
        // Rounding is relative to the sum of the terms' sizes, which is about 0.64 k here.
        expectClose(
          out, expected, relative: 1e-6, absolute: 2e-7 * Double(k) + 1e-6,
          "\(m)×\(n)×\(k)\(ta ? " A'" : "")\(tb ? " B'" : "")\(accumulate ? " +" : "")")
      }
    }
  }

  @Test("Products with a matrix that was laid out agree with Double", arguments: Backend.all)
  func packed(_ backend: Backend) {
    let cpu = backend.cpu
    var source = Source(23)
    for (m, n, k) in Self.sizes + [(131, 70, 1100)] {
      let (a, b) = (source.normals(m * k), source.normals(k * n))
      for transposed in [false, true] {
        let memory = Floats(count: cpu.packedCount(rows: k, columns: n))
        cpu.pack(b.p, transposed: transposed, rows: k, columns: n, into: memory.p)
        let out = Floats([Float](repeating: .nan, count: m * n))
        cpu.product(a.p, PackedMatrix(memory.p, rows: k, columns: n), out.p, m: m)
        let expected = (0..<m * n).map { place in
          (0..<k).reduce(0.0) { sum, p in
            let (i, j) = (place / n, place % n)
            return sum + Double(a[i * k + p]) * Double(b[transposed ? j * k + p : p * n + j])
          }
        }
        expectClose(
          out, expected, relative: 1e-6, absolute: 2e-7 * Double(k) + 1e-6,
          "\(m)×\(n)×\(k)\(transposed ? " B'" : "")")
        #expect(memory.intact)
      }
    }
  }

  /// To 8 bits of significand, halves to even.
  private static func rounded(_ x: Float) -> Double {
    let bits = x.bitPattern
    return Double(Float(bitPattern: (bits &+ 0x7fff &+ (bits >> 16 & 1)) & 0xffff_0000))
  }

  @Test("Products of rounded numbers are those of Double", arguments: Backend.all)
  func bf16(_ backend: Backend) {
    let cpu = CPU(threads: backend.threads, level: backend.level, precision: .bf16)
    var source = Source(24)
    for (m, n, k) in [(64, 16, 16), (130, 70, 1100), (257, 33, 31), (64, 513, 130), (300, 64, 515)]
    {
      let (a, b, c) = (source.normals(m * k), source.normals(k * n), source.normals(m * n))
      for form in 0..<8 {
        let (ta, tb, accumulate) = (form & 1 != 0, form & 2 != 0, form & 4 != 0)
        let out = Floats(accumulate ? c.values : [Float](repeating: .nan, count: m * n))
        cpu.matmul(
          a.p, transposeA: ta, b.p, transposeB: tb, out.p, m: m, n: n, k: k, accumulate: accumulate)
        let expected = (0..<m * n).map { place in
          (0..<k).reduce(accumulate ? Double(c[place]) : 0) { sum, p in
            let (i, j) = (place / n, place % n)
            let x = Self.rounded(a[ta ? p * m + i : i * k + p])
            return sum + x * Self.rounded(b[tb ? j * k + p : p * n + j])
          }
        }
        expectClose(
          out, expected, relative: 1e-6, absolute: 2e-7 * Double(k) + 1e-6,
          "\(m)×\(n)×\(k)\(ta ? " A'" : "")\(tb ? " B'" : "")\(accumulate ? " +" : "")")
      }
    }
  }

  @Test("Few rows are not rounded, and specials stay what they are", arguments: Backend.all)
  func bf16Specials(_ backend: Backend) {
    let cpu = CPU(threads: backend.threads, level: backend.level).computing(in: .bf16)
    for m in [63, 64] {
      let a = Floats([Float](repeating: 1 + 0x1p-20, count: m * 16))
      let b = Floats([Float](repeating: 1, count: 16 * 16))
      (a.p[0], a.p[16], a.p[32]) = (.nan, .infinity, -.infinity)
      let c = Floats(count: m * 16)
      cpu.matmul(
        a.p, transposeA: false, b.p, transposeB: false, c.p, m: m, n: 16, k: 16, accumulate: false)
      #expect(c[0].isNaN && c[16] == .infinity && c[32] == -.infinity)
      #expect(c[48] == (m < 64 ? 16 + 0x1p-16 : 16))
    }
  }

  @Test("A product gives the same bits every time", arguments: Backend.all)
  func repeatable(_ backend: Backend) {
    let cpu = backend.cpu
    var source = Source(22)
    for (m, n, k) in [(512, 300, 256), (2048, 3, 256), (256, 3, 2048), (5, 700, 300)] {
      let (a, b) = (source.normals(m * k), source.normals(k * n))
      let runs = (0..<3).map { _ in
        let c = Floats(count: m * n)
        cpu.matmul(
          a.p, transposeA: false, b.p, transposeB: false, c.p, m: m, n: n, k: k, accumulate: false)
        return c.bits
      }
      #expect(runs[0] == runs[1] && runs[1] == runs[2])
    }
  }

  @Test("A NaN reaches the elements it takes part in, and no other", arguments: Backend.all)
  func specials(_ backend: Backend) {
    let cpu = backend.cpu
    for (m, n, k) in [(4, 5, 6), (40, 50, 60), (200, 3, 40), (3, 200, 40), (1, 40, 300)] {
      let a = Floats([Float](repeating: 1, count: m * k))
      let b = Floats([Float](repeating: 1, count: k * n))
      a.p[(m - 1) * k] = .nan
      b.p[0] = .infinity
      let c = Floats(count: m * n)
      cpu.matmul(
        a.p, transposeA: false, b.p, transposeB: false, c.p, m: m, n: n, k: k, accumulate: false)
      let expected = (0..<m * n).map { i -> Double in
        i / n == m - 1 ? .nan : i % n == 0 ? .infinity : Double(k)
      }
      expectClose(c, expected, relative: 0, "\(m)×\(n)×\(k)")
    }
  }
}
