import CAdaptKernels

extension CPU {
  /// C[m,n] = op(A)·op(B), plus C if `accumulate`; op(A) is `[m,k]`, op(B) `[k,n]`.
  ///
  /// A is stored as `[m,k]`, or as `[k,m]` with `transposeA`; B likewise. C overlaps neither.
  /// With k = 0 the product is zero. In ``Precision/bf16`` factors are rounded where `m` is 64 or more. The last bits may differ between numbers of threads.
  public func matmul(
    _ a: UnsafePointer<Float>, transposeA: Bool, _ b: UnsafePointer<Float>, transposeB: Bool,
    _ c: UnsafeMutablePointer<Float>, m: Int, n: Int, k: Int, accumulate: Bool
  ) {
    guard m > 0, n > 0 else { return }
    guard k > 0 else { return accumulate ? () : fill(c, value: 0, count: m * n) }
    let product = Product(
      a: Matrix(a, columns: k, rows: m, transposed: transposeA),
      b: Matrix(b, columns: n, rows: k, transposed: transposeB), c: c, cStride: n, m: m, n: n,
      k: k, accumulate: accumulate)
    if precision == .bf16, product.size.isRounded { return multiplyPairs(product) }
    let parts = depthParts(product)
    guard parts == 1 else { return sumOfParts(product, parts) }
    // The longer side of C is cut, in multiples of a vector.
    let (long, short) = (max(m, n), min(m, n))
    // A few rows wait for B to come from memory: as long as several more would take.
    let work = n * k >= CPU.farMatrix ? max(short, CPU.rowsWorthReading) : short
    let grain = max(1, CPU.productGrain / (16 * max(1, work * k)))
    parallel((long + 15) / 16, grain: grain) {
      let part = $0.lowerBound * 16..<min($0.upperBound * 16, long)
      multiply(m >= n ? product.rows(part) : product.columns(part))
    }
  }

  /// In how many parts of k a product is made: of a few rows with a far matrix one for each thread, where
  /// parts of its rows would be too short to be read at full speed.
  private func depthParts(_ p: Product) -> Int {
    guard p.size.isFew, p.n < CPU.shortRow * threads else { return 1 }
    return max(1, min(threads, p.n * p.k * CPU.rowsWorthReading / CPU.productGrain))
  }

  /// Each thread reads rows of B one behind the other; what they make is added in order.
  private func sumOfParts(_ p: Product, _ parts: Int) {
    let size = p.m * p.n
    withUnsafeTemporaryAllocation(of: Float.self, capacity: size * (parts - 1)) { room in
      guard let sums = room.baseAddress else { return }
      parallel(parts, grain: 1) { range in
        for part in range {
          few(
            p.depth(
              CPU.range(part, of: parts, count: p.k),
              into: part == 0 ? nil : sums + (part - 1) * size))
        }
      }
      for part in 1..<parts { kernels.add_into(sums + (part - 1) * size, p.c, size) }
    }
  }

  /// Multiply-adds worth a thread: about 3 µs.
  fileprivate static let productGrain = 200_000
  /// Multiply-adds up to which our own kernels, which pack nothing, are ahead of a library.
  fileprivate static let smallProduct = 20_000_000
  /// Rows of A up to which reading a B that is in no cache takes as long as the product.
  fileprivate static let fewRows = 16
  /// Rows of A whose products take as long as reading such a B.
  private static let rowsWorthReading = 8
  /// Elements of a row of B from which the processor reads it ahead at full speed.
  private static let shortRow = 1024
  /// Elements of B from which it is likely in no near cache.
  fileprivate static let farMatrix = 65536
  /// Elements of B up to which a transposed B is packed for our own kernels.
  fileprivate static let packLimit = 65536

  /// How a product of these sizes is computed: for people.
  public func productWay(transposeA: Bool, transposeB: Bool, m: Int, n: Int, k: Int) -> String {
    guard m > 0, n > 0, k > 0 else { return "" }
    let whole = ProductSize(m: m, n: n, k: k, transposeA: transposeA, transposeB: transposeB)
    if precision == .bf16, whole.isRounded { return Precision.bf16.rawValue }
    let parts = m * n * k / CPU.productGrain >= 2 ? threads : 1
    let part = ProductSize(
      m: m >= n ? m / parts : m, n: m >= n ? n : n / parts, k: k, transposeA: transposeA,
      transposeB: transposeB)
    return part.way.rawValue
  }

  /// The whole of a product, in this thread, in the way that was measured to be the fastest.
  func multiply(_ p: Product) {
    switch p.size.way {
    case .narrow: p.a.transposed ? narrowFromColumns(p) : narrow(p)
    case .dots: dots(p, p.b)
    case .few: few(p)
    case .library: large(p)
    case .direct: direct(p)
    case .packed: packed(p)
    }
  }

  /// By the library, or by our own kernels where it fails.
  private func large(_ p: Product) {
    if !products.multiply(p) { p.b.transposed ? packed(p) : direct(p) }
  }

  /// B's rows are read where they lie.
  private func direct(_ p: Product) {
    kernels.product(
      p.a.pointer, p.a.rowStep, p.a.columnStep, p.b.pointer, p.b.rowStep, p.c, p.cStride, p.m, p.n,
      p.k, p.accumulate ? 1 : 0)
  }

  /// As `direct`, with B read once and in the order it lies in.
  private func few(_ p: Product) {
    kernels.product_few(
      p.a.pointer, p.a.rowStep, p.a.columnStep, p.b.pointer, p.b.rowStep, p.c, p.cStride, p.m, p.n,
      p.k, p.accumulate ? 1 : 0)
  }

  /// A transposed B is laid out anew.
  private func packed(_ p: Product) {
    withUnsafeTemporaryAllocation(of: Float.self, capacity: p.k * p.n) { room in
      guard let b = room.baseAddress else { return }
      kernels.transpose(p.b.pointer, p.b.columnStep, b, p.n, p.n, p.k)
      var p = p
      p.b = Matrix(b, columns: p.n, rows: p.k, transposed: false)
      direct(p)
    }
  }

  /// Dot products of rows of A with rows of a B that is stored transposed.
  private func dots(_ p: Product, _ b: Matrix) {
    kernels.product_dot(
      p.a.pointer, p.a.rowStep, b.pointer, b.columnStep, p.c, p.cStride, p.m, p.n, p.k,
      p.accumulate ? 1 : 0)
  }

  /// Few columns (a router's scores): dot products, for which B is transposed.
  private func narrow(_ p: Product) {
    if p.b.transposed { return dots(p, p.b) }
    withUnsafeTemporaryAllocation(of: Float.self, capacity: p.k * p.n) { room in
      guard let b = room.baseAddress else { return }
      kernels.transpose(p.b.pointer, p.b.rowStep, b, p.k, p.k, p.n)
      dots(p, Matrix(b, columns: p.n, rows: p.k, transposed: true))
    }
  }

  /// Few columns and a transposed A (a router's gradient): Cᵀ = op(B)ᵀ·A, whose rows are long.
  private func narrowFromColumns(_ p: Product) {
    withUnsafeTemporaryAllocation(of: Float.self, capacity: 2 * p.m * p.n) { room in
      guard let turned = room.baseAddress else { return }
      let result = turned + p.m * p.n
      kernels.product(
        p.b.pointer, p.b.columnStep, p.b.rowStep, p.a.pointer, p.a.columnStep, turned, p.m, p.n,
        p.m, p.k, 0)
      kernels.transpose(turned, p.m, result, p.n, p.n, p.m)
      for i in 0..<p.m {
        let row = p.c + i * p.cStride
        for j in 0..<p.n {
          row[j] = p.accumulate ? row[j] + result[i * p.n + j] : result[i * p.n + j]
        }
      }
    }
  }
}

/// How products are computed.
private enum ProductWay: String {
  /// Few columns: dot products or long rows.
  case narrow
  /// Few rows and a matrix in no near cache, which is read once.
  case few
  /// Dot products of rows with rows of a transposed B.
  case dots
  /// Our own kernel, B where it lies.
  case direct
  /// Our own kernel, a transposed B laid out anew.
  case packed
  case library
}

/// The sizes of a product, which decide how it is computed.
private struct ProductSize {
  var m: Int
  var n: Int
  var k: Int
  var transposeA: Bool
  var transposeB: Bool

  /// Whether factors are rounded where that is asked for: by what is multiplied alone, never by how it is cut.
  var isRounded: Bool { m >= CPU.pairsRows && n >= 16 && k >= 16 }

  var isFew: Bool { m <= CPU.fewRows && n >= 16 && !transposeB && n * k >= CPU.farMatrix }

  var way: ProductWay {
    if n < 16 && k >= 16 { return .narrow }
    if transposeB && !transposeA && m <= 24 && k >= 128 { return .dots }
    if isFew { return .few }
    if m * n * k > CPU.smallProduct { return .library }
    if !transposeB { return .direct }
    return n * k <= CPU.packLimit ? .packed : .library
  }
}

/// An operand of a product, seen through its transposition: element (i, j) is
/// pointer[i * rowStep + j * columnStep], and one of the steps is 1.
struct Matrix {
  let pointer: UnsafePointer<Float>
  let rowStep: Int
  let columnStep: Int
  let transposed: Bool

  /// `[rows, columns]`, stored as it is or as `[columns, rows]`.
  init(_ pointer: UnsafePointer<Float>, columns: Int, rows: Int, transposed: Bool) {
    self.init(
      pointer, rowStep: transposed ? 1 : columns, columnStep: transposed ? rows : 1,
      transposed: transposed)
  }

  private init(
    _ pointer: UnsafePointer<Float>, rowStep: Int, columnStep: Int, transposed: Bool
  ) {
    self.pointer = pointer
    self.rowStep = rowStep
    self.columnStep = columnStep
    self.transposed = transposed
  }

  /// Floats from one stored row to the next.
  var stride: Int { transposed ? columnStep : rowStep }

  /// The matrix from this row and column on.
  func from(row: Int, column: Int) -> Matrix {
    Matrix(
      pointer + row * rowStep + column * columnStep, rowStep: rowStep, columnStep: columnStep,
      transposed: transposed)
  }
}

/// C[m,n] = A[m,k]·B[k,n], plus C if `accumulate`; rows of C lie `cStride` floats apart.
struct Product {
  var a: Matrix
  var b: Matrix
  var c: UnsafeMutablePointer<Float>
  let cStride: Int
  var m: Int
  var n: Int
  var k: Int
  var accumulate: Bool

  fileprivate var size: ProductSize {
    ProductSize(m: m, n: n, k: k, transposeA: a.transposed, transposeB: b.transposed)
  }

  /// The part that makes these rows of C.
  func rows(_ range: Range<Int>) -> Product {
    var part = self
    part.a = a.from(row: range.lowerBound, column: 0)
    part.c += range.lowerBound * cStride
    part.m = range.count
    return part
  }

  /// The part that these terms of the sums make, into C, or into other rows of n floats alone.
  func depth(_ range: Range<Int>, into sums: UnsafeMutablePointer<Float>?) -> Product {
    var part = self
    part.a = a.from(row: 0, column: range.lowerBound)
    part.b = b.from(row: range.lowerBound, column: 0)
    part.k = range.count
    if let sums { (part.c, part.accumulate) = (sums, false) }
    return part
  }

  /// The part that makes these columns of C.
  func columns(_ range: Range<Int>) -> Product {
    var part = self
    part.b = b.from(row: 0, column: range.lowerBound)
    part.c += range.lowerBound
    part.n = range.count
    return part
  }
}
