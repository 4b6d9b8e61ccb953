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

extension CPU {
  /// Floats that a matrix of so many rows and columns takes when it is laid out.
  public func packedCount(rows: Int, columns: Int) -> Int { kernels.packed_size(columns, rows) }

  /// Lays a matrix `[rows, columns]` out for products; stored as `[columns, rows]` if `transposed`.
  public func pack(
    _ b: UnsafePointer<Float>, transposed: Bool, rows: Int, columns: Int,
    into memory: UnsafeMutablePointer<Float>
  ) {
    let b = Matrix(b, columns: columns, rows: rows, transposed: transposed)
    let width = 2 * Int(kernels.width)
    parallel((columns + width - 1) / width, grain: CPU.rowGrain(width * rows)) { panels in
      let (first, end) = (panels.lowerBound * width, min(columns, panels.upperBound * width))
      kernels.pack(
        b.pointer + first * b.columnStep, b.rowStep, b.columnStep, memory + first * rows,
        end - first, rows)
    }
  }

  /// C[m, columns] = A[m, rows]·B, in the calling thread. An element depends on its row of A alone.
  public func product(
    _ a: UnsafePointer<Float>, _ b: PackedMatrix, _ c: UnsafeMutablePointer<Float>, m: Int
  ) {
    guard b.rows > 0 else { return fill(c, value: 0, count: m * b.columns) }
    kernels.product_packed(
      a, b.rows, b.pointer, c, b.columns, m, b.columns, b.rows, 0)
  }
}
