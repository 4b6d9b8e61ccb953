import AdaptTensor
import Foundation
import Testing

@Suite struct RowTests {
  /// f of every row, in Double, one after the other.
  static func rows(_ x: Floats, _ rows: Int, _ columns: Int, _ f: ([Double], Int) -> [Double])
    -> [Double]
  {
    (0..<rows).flatMap { r in f((0..<columns).map { Double(x[r * columns + $0]) }, r) }
  }

  static func softmax(_ x: [Double]) -> [Double] {
    let top = x.max() ?? 0
    let e = x.map { exp($0 - top) }
    let s = e.reduce(0, +)
    return e.map { $0 / s }
  }

  @Test("Sums over rows and over columns agree with Double", arguments: Backend.all)
  func sums(_ backend: Backend) {
    let cpu = backend.cpu
    var source = Source(11)
    for (rows, columns) in shapes + [(2048, 100), (257, 700)] {
      let x = source.normals(rows * columns)
      for i in 0..<x.count { x.p[i] += 1 }  // so that the sums are not near 0
      let down = Floats(count: columns)
      cpu.sumRows(x.p, down.p, rows: rows, columns: columns, scale: 0.5)
      let expectedDown = (0..<columns).map { c in
        0.5 * (0..<rows).reduce(0.0) { $0 + Double(x[$1 * columns + c]) }
      }
      let bound = 1e-6 * (Double(rows).squareRoot() + 1)
      expectClose(down, expectedDown, relative: 1e-6, absolute: bound, "rows \(rows)×\(columns)")
      let across = Floats(count: rows)
      cpu.sumColumns(x.p, across.p, rows: rows, columns: columns, scale: 2)
      let expectedAcross = Self.rows(x, rows, columns) { row, _ in [2 * row.reduce(0, +)] }
      expectClose(
        across, expectedAcross, relative: 1e-6, absolute: 4e-6 * (Double(columns).squareRoot() + 1),
        "columns \(rows)×\(columns)")
    }
  }

  @Test("The sum of squares neither overflows nor loses digits", arguments: Backend.all)
  func squares(_ backend: Backend) {
    let cpu = backend.cpu
    var source = Source(12)
    for n in [0, 1, 17, 1000, 100_001] {
      let x = source.normals(n, scale: 1e25)
      let expected = x.values.reduce(0.0) { $0 + Double($1) * Double($1) }
      #expect(abs(cpu.sumOfSquares(x.p, count: n) - expected) <= 1e-12 * expected)
    }
  }

  @Test("The first NaN or infinity is found wherever it is", arguments: Backend.all)
  func nonFinite(_ backend: Backend) {
    let cpu = backend.cpu
    for n in [0, 1, 17, 1000, 100_001] {
      let x = Floats([Float](repeating: .greatestFiniteMagnitude, count: n))
      #expect(cpu.firstNonFinite(x.p, count: n) == nil)
      for bad in [Float.nan, .infinity, -.infinity] {
        for i in [n - 1, n / 2, 0] where n > 0 {
          x.p[i] = bad
          #expect(cpu.firstNonFinite(x.p, count: n) == i)
        }
        for i in [n - 1, n / 2, 0] where n > 0 { x.p[i] = 0 }
      }
    }
  }

  @Test("softmax and its gradient agree with Double", arguments: Backend.all)
  func softmax(_ backend: Backend) {
    let cpu = backend.cpu
    var source = Source(13)
    for (rows, columns) in shapes {
      let x = source.normals(rows * columns, scale: 3)
      let y = Floats(count: x.count)
      cpu.softmax(x.p, y.p, rows: rows, columns: columns)
      let expected = Self.rows(x, rows, columns) { row, _ in Self.softmax(row) }
      expectClose(y, expected, relative: 2e-6, "softmax \(rows)×\(columns)")
      let dy = source.normals(x.count)
      let dx = Floats(count: x.count)
      cpu.softmaxGradient(dy: dy.p, y: y.p, dx: dx.p, rows: rows, columns: columns)
      let gradient = Self.rows(dy, rows, columns) { row, r in
        let p = Array(expected[r * columns..<(r + 1) * columns])
        let along = zip(p, row).reduce(0.0) { $0 + $1.0 * $1.1 }
        return zip(p, row).map { $0 * ($1 - along) }
      }
      expectClose(dx, gradient, relative: 3e-6, absolute: 1e-6, "gradient \(rows)×\(columns)")
      cpu.softmax(x.p, x.p, rows: rows, columns: columns)
      #expect(x.bits == y.bits)
    }
  }

  @Test("softmax takes huge scores and hands NaN on", arguments: SIMDLevel.available)
  func softmaxSpecial(_ level: SIMDLevel) {
    let cpu = CPU(threads: 1, level: level)
    let x = Floats([1e30, -1e30, 3e38, 0, -.infinity, 0, 1, .nan, 2, .infinity, 1, 2])
    let y = Floats(count: 12)
    cpu.softmax(x.p, y.p, rows: 4, columns: 3)
    expectClose(
      y,
      [0, 0, 1, 0.5, 0, 0.5, .nan, .nan, .nan, .nan, .nan, .nan].enumerated().map {
        $0.offset >= 10 ? Double(y[$0.offset]) : $0.element
      }, relative: 1e-6)
    #expect(y.values[9...].contains { $0.isNaN })
  }

  @Test(
    "Normalisations and their gradients agree with Double",
    arguments: Backend.all, [NormalizeKind.layer, .rms])
  func normalize(_ backend: Backend, _ kind: NormalizeKind) {
    let cpu = backend.cpu
    var source = Source(14)
    for (rows, columns) in shapes where columns > 0 {
      let x = source.normals(rows * columns, scale: 2)
      let y = Floats(count: x.count)
      let rstd = Floats(count: rows)
      cpu.normalize(kind, x.p, y.p, rstd.p, rows: rows, columns: columns, epsilon: 1e-5)
      let n = Double(columns)
      var expectedRstd: [Double] = []
      let expected = Self.rows(x, rows, columns) { row, _ in
        let mean = kind == .rms ? 0 : row.reduce(0, +) / n
        let variance = row.reduce(0.0) { $0 + ($1 - mean) * ($1 - mean) } / n
        let scale = 1 / (variance + 1e-5).squareRoot()
        expectedRstd.append(scale)
        return row.map { ($0 - mean) * scale }
      }
      expectClose(rstd, expectedRstd, relative: 2e-6, "rstd \(rows)×\(columns)")
      expectClose(y, expected, relative: 3e-6, absolute: 2e-6, "y \(rows)×\(columns)")
      let dy = source.normals(x.count)
      let dx = Floats(count: x.count)
      cpu.normalizeGradient(
        kind, dy: dy.p, y: y.p, rstd: rstd.p, dx: dx.p, rows: rows, columns: columns)
      let gradient = Self.rows(dy, rows, columns) { row, r in
        let y = Array(expected[r * columns..<(r + 1) * columns])
        let mean = kind == .rms ? 0 : row.reduce(0, +) / n
        let along = zip(row, y).reduce(0.0) { $0 + $1.0 * $1.1 } / n
        return zip(row, y).map { expectedRstd[r] * ($0 - mean - $1 * along) }
      }
      // A row of one element has rstd 316 under the layer form, and the bracket cancels to 0.
      let scale = expectedRstd.max() ?? 1
      expectClose(dx, gradient, relative: 1e-5, absolute: 2e-6 * scale, "dx \(rows)×\(columns)")
    }
  }

  @Test("The loss and its gradient agree with Double", arguments: Backend.all)
  func logLoss(_ backend: Backend) {
    let cpu = backend.cpu
    var source = Source(15)
    for (rows, columns) in shapes where columns > 0 {
      let x = source.normals(rows * columns, scale: 3)
      let targets = source.integers(rows, below: columns)
      let (loss, lse) = (Floats(count: rows), Floats(count: rows))
      cpu.logLoss(x.p, targets, loss.p, lse.p, rows: rows, columns: columns)
      let expectedLse = Self.rows(x, rows, columns) { row, _ in
        let top = row.max() ?? 0
        return [top + log(row.reduce(0.0) { $0 + exp($1 - top) })]
      }
      expectClose(lse, expectedLse, relative: 1e-6, absolute: 1e-6, "lse \(rows)×\(columns)")
      let expected = (0..<rows).map { expectedLse[$0] - Double(x[$0 * columns + Int(targets[$0])]) }
      expectClose(loss, expected, relative: 1e-6, absolute: 2e-6, "loss \(rows)×\(columns)")
      let d = source.normals(rows)
      let dx = Floats(count: x.count)
      cpu.logLossGradient(
        dLoss: d.p, x.p, targets, lse.p, dLogits: dx.p, rows: rows, columns: columns)
      let gradient = Self.rows(x, rows, columns) { row, r in
        Self.softmax(row).enumerated().map {
          Double(d[r]) * ($0.element - ($0.offset == Int(targets[r]) ? 1 : 0))
        }
      }
      expectClose(dx, gradient, relative: 1e-5, absolute: 2e-6, "gradient \(rows)×\(columns)")
    }
  }

  @Test(
    "A target that is no column gives NaN and touches nothing else",
    arguments: SIMDLevel.available)
  func unknownTarget(_ level: SIMDLevel) {
    let cpu = CPU(threads: 1, level: level)
    let x = Floats([1, 2, 3, 1, 2, 3, 1, 2, 3])
    let targets: [Int32] = [-1, 3, 2]
    let (loss, lse, dx) = (Floats(count: 3), Floats(count: 3), Floats(count: 9))
    cpu.logLoss(x.p, targets, loss.p, lse.p, rows: 3, columns: 3)
    #expect(loss[0].isNaN && loss[1].isNaN && loss[2].isFinite)
    let ones = Floats([1, 1, 1])
    cpu.logLossGradient(dLoss: ones.p, x.p, targets, lse.p, dLogits: dx.p, rows: 3, columns: 3)
    #expect(dx.values[..<6].allSatisfy { $0.isNaN } && dx.values[6...].allSatisfy { $0.isFinite })
    #expect(dx.intact && loss.intact)
  }
}
