import CAdaptKernels

/// A matrix that was laid out for products with many rows. It does not own the memory it points to.
public struct PackedMatrix {
  let pointer: UnsafePointer<Float>
  /// Of the matrix as it is multiplied: terms of each sum, and columns of the result.
  public let rows: Int
  public let columns: Int

  /// - Parameter pointer: what ``CPU/pack(_:transposed:rows:columns:into:)`` wrote.
  public init(_ pointer: UnsafePointer<Float>, rows: Int, columns: Int) {
    (self.pointer, self.rows, self.columns) = (pointer, rows, columns)
  }
}

/// What is added to a product.
public struct Addend {
  /// A row that is added to every row.
  public var row: UnsafePointer<Float>?
  /// Rows that are added one by one, behind one another; they may lie where the result will.
  public var rows: UnsafePointer<Float>?

  public init(row: UnsafePointer<Float>? = nil, rows: UnsafePointer<Float>? = nil) {
    (self.row, self.rows) = (row, rows)
  }
}

extension CPU {
  /// Floats that a matrix of so many rows and columns takes when it is laid out.
  public func packedCount(rows: Int, columns: Int) -> Int {
    switch precision {
    case .fp32: kernels.packed_size(columns, rows)
    case .bf16: kernels.packed_pairs_size(columns, rows)
    }
  }

  /// Lays a matrix `[rows, columns]` out for products; stored as `[columns, rows]` if `transposed`.
  public func pack(
    _ b: UnsafePointer<Float>, transposed: Bool, rows: Int, columns: Int,
    into memory: UnsafeMutablePointer<Float>
  ) {
    pack(Matrix(b, columns: columns, rows: rows, transposed: transposed), rows, columns, memory)
  }

  private func pack(
    _ b: Matrix, _ rows: Int, _ columns: Int, _ memory: UnsafeMutablePointer<Float>
  ) {
    let width = 2 * Int(kernels.width)
    let panel = packedCount(rows: rows, columns: width)
    parallel((columns + width - 1) / width, grain: CPU.rowGrain(width * rows)) { panels in
      let (first, end) = (panels.lowerBound * width, min(columns, panels.upperBound * width))
      let (source, to) = (b.from(row: 0, column: first), memory + panels.lowerBound * panel)
      switch precision {
      case .fp32:
        kernels.pack(source.pointer, b.rowStep, b.columnStep, to, end - first, rows)
      case .bf16:
        kernels.pack_pairs(
          source.pointer, b.rowStep, b.columnStep, pairs(to), end - first, rows)
      }
    }
  }

  /// C[m, columns] = A[m, rows]·B + addend, in the calling thread. An element depends on its row of A
  /// and of the addend alone.
  public func product(
    _ a: UnsafePointer<Float>, _ b: PackedMatrix, _ c: UnsafeMutablePointer<Float>, m: Int,
    adding addend: Addend = Addend()
  ) {
    let (k, n) = (b.rows, b.columns)
    guard precision == .fp32, k > 0 else {
      return add(addend, to: c, rows: m, columns: n) { c in
        guard k > 0 else { return fill(c, value: 0, count: m * n) }
        kernels.product_pairs(a, k, 1, pairs(b.pointer), c, n, m, n, k, 0)
      }
    }
    kernels.product_packed(
      a, k, b.pointer, c, n, m, n, k,
      adapt_addend(row: addend.row, rows: addend.rows, step: n))
  }

  /// Adds to what `product` writes, which lies elsewhere where the addend lies in `c`.
  public func add(
    _ addend: Addend, to c: UnsafeMutablePointer<Float>, rows: Int, columns: Int,
    product: (UnsafeMutablePointer<Float>) -> Void
  ) {
    func sum(_ from: UnsafeMutablePointer<Float>) {
      product(from)
      if let row = addend.row {
        let to = addend.rows == nil ? c : from
        binary(.add, Operand(from, .full), Operand(row, .row), to, rows: rows, columns: columns)
      }
      if let rest = addend.rows {
        binary(.add, Operand(from, .full), Operand(rest, .full), c, rows: rows, columns: columns)
      }
    }
    guard addend.rows == UnsafePointer(c) else { return sum(c) }
    withUnsafeTemporaryAllocation(of: Float.self, capacity: rows * columns) { room in
      if let elsewhere = room.baseAddress { sum(elsewhere) }
    }
  }

  /// A product of rounded numbers: B is laid out by all threads, C cut into rows.
  func multiplyPairs(_ p: Product) {
    let count = kernels.packed_pairs_size(p.n, p.k)
    withUnsafeTemporaryAllocation(of: Float.self, capacity: count) { room in
      guard let b = room.baseAddress else { return }
      pack(p.b, p.k, p.n, b)
      let tiles = (p.m + CPU.pairsRows - 1) / CPU.pairsRows
      parallel(tiles, grain: 1) { range in
        let part = p.rows(
          range.lowerBound * CPU.pairsRows..<min(p.m, range.upperBound * CPU.pairsRows))
        kernels.product_pairs(
          part.a.pointer, part.a.rowStep, part.a.columnStep, pairs(b), part.c, part.cStride, part.m,
          part.n, part.k, part.accumulate ? 1 : 0)
      }
    }
  }

  /// Rows that the kernel for rounded numbers takes at once, below which rounding does not pay.
  static let pairsRows = 64
}

/// Memory for floats as 32-bit lanes that hold two rounded numbers each.
private func pairs(_ memory: UnsafeMutablePointer<Float>) -> UnsafeMutablePointer<UInt32> {
  UnsafeMutableRawPointer(memory).assumingMemoryBound(to: UInt32.self)
}

private func pairs(_ memory: UnsafePointer<Float>) -> UnsafePointer<UInt32> {
  UnsafeRawPointer(memory).assumingMemoryBound(to: UInt32.self)
}
