import CAdaptKernels

extension CPU {
  /// C[m,n] = op(A)·op(B), plus C if `accumulate`; op(A) is `[m,k]`, op(B) `[k,n]`.
  ///
  /// A is stored as `[m,k]`, or `[k,m]` with `transposeA`; B likewise. C overlaps neither. With
  /// k = 0 the product is zero. The result may differ in the last bits between thread counts.
  public func matmul(
    _ a: UnsafePointer<Float>, transposeA: Bool, _ b: UnsafePointer<Float>, transposeB: Bool,
    _ c: UnsafeMutablePointer<Float>, m: Int, n: Int, k: Int, accumulate: Bool
  ) {
    guard m > 0, n > 0 else { return }
    guard k > 0 else { return accumulate ? () : fill(c, value: 0, count: m * n) }
    let job = Product(
      a: Matrix(a, rows: m, columns: k, transposed: transposeA),
      b: Matrix(b, rows: k, columns: n, transposed: transposeB), c: c, m: m, n: n, k: k,
      accumulate: accumulate)
    large(job)
  }
}

/// A matrix as an operand of a product, seen through its transposition: element (i, j) of
/// `[rows, columns]` is pointer[i * rowStep + j * columnStep].
struct Matrix {
  let pointer: UnsafePointer<Float>
  let rowStep: Int
  let columnStep: Int
  let transposed: Bool
  var stride: Int { transposed ? columnStep : rowStep }

  init(_ pointer: UnsafePointer<Float>, rows: Int, columns: Int, transposed: Bool) {
    self.pointer = pointer
    self.transposed = transposed
    rowStep = transposed ? 1 : columns
    columnStep = transposed ? rows : 1
  }
}

struct Product {
  let a: Matrix
  let b: Matrix
  let c: UnsafeMutablePointer<Float>
  let m: Int
  let n: Int
  let k: Int
  let accumulate: Bool
}

extension CPU {
  /// Splits the longer side of C among the threads and leaves each piece to the library.
  private func large(_ p: Product) {
    let work = max(1, 2_000_000 / max(1, p.k))  // multiply-adds worth a thread, over k
    if p.m >= p.n {
      parallel((p.m + 15) / 16, grain: max(1, work / (16 * p.n))) {
        piece(p, rows: $0.lowerBound * 16..<min($0.upperBound * 16, p.m), columns: 0..<p.n)
      }
    } else {
      parallel((p.n + 15) / 16, grain: max(1, work / (16 * p.m))) {
        piece(p, rows: 0..<p.m, columns: $0.lowerBound * 16..<min($0.upperBound * 16, p.n))
      }
    }
  }

  private func piece(_ p: Product, rows: Range<Int>, columns: Range<Int>) {
    let a = p.a.pointer + rows.lowerBound * p.a.rowStep
    let b = p.b.pointer + columns.lowerBound * p.b.columnStep
    let c = p.c + rows.lowerBound * p.n + columns.lowerBound
    let done = products.multiply(
      a, aStride: p.a.stride, transposeA: p.a.transposed, b, bStride: p.b.stride,
      transposeB: p.b.transposed, c, cStride: p.n, m: rows.count, n: columns.count, k: p.k,
      accumulate: p.accumulate)
    if !done { small(p, rows: rows, columns: columns) }
  }

  /// The part of the product that lies at `rows` and `columns` of C, by our own kernels.
  private func small(_ p: Product, rows: Range<Int>, columns: Range<Int>) {
    let c = p.c + rows.lowerBound * p.n + columns.lowerBound
    let a = p.a.pointer + rows.lowerBound * p.a.rowStep
    let b = p.b.pointer + columns.lowerBound * p.b.columnStep
    if !p.b.transposed {
      kernels.product(
        a, p.a.rowStep, p.a.columnStep, b, p.n, c, p.n, rows.count, columns.count, p.k,
        p.accumulate ? 1 : 0)
      return
    }
    withUnsafeTemporaryAllocation(of: Float.self, capacity: p.k * columns.count) { packed in
      guard let base = packed.baseAddress else { return }
      kernels.transpose(b, p.k, base, columns.count, columns.count, p.k)
      kernels.product(
        a, p.a.rowStep, p.a.columnStep, base, columns.count, c, p.n, rows.count, columns.count,
        p.k, p.accumulate ? 1 : 0)
    }
  }
}
