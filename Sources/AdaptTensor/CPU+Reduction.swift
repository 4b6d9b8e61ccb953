import CAdaptKernels

extension CPU {
  /// out[c] = scale · Σ over rows of x[r, c]; 0 for no rows. Blocked sums in single precision,
  /// across blocks in double precision.
  public func sumRows(
    _ x: UnsafePointer<Float>, _ out: UnsafeMutablePointer<Float>, rows: Int, columns: Int,
    scale: Float
  ) {
    if columns == 1 { return sumColumns(x, out, rows: 1, columns: rows, scale: scale) }
    // Whole cache lines for each thread, and enough of them for long runs through memory.
    let lines = (columns + 15) / 16
    parallel(lines, grain: max(4, CPU.elementGrain / max(1, 16 * rows))) {
      let first = $0.lowerBound * 16
      let last = min($0.upperBound * 16, columns)
      kernels.sum_rows(x + first, columns, out + first, rows, last - first, scale)
    }
  }

  /// out[r] = scale · Σ over columns of x[r, c]; 0 for no columns.
  public func sumColumns(
    _ x: UnsafePointer<Float>, _ out: UnsafeMutablePointer<Float>, rows: Int, columns: Int,
    scale: Float
  ) {
    if rows == 1 {
      out[0] = Float(Double(scale) * chunked(columns) { self.kernels.sum(x + $0, $1) })
      return
    }
    parallel(rows, grain: CPU.rowGrain(columns)) {
      for r in $0 { out[r] = Float(Double(scale) * kernels.sum(x + r * columns, columns)) }
    }
  }

  /// Σ x[i]², in double precision.
  public func sumOfSquares(_ x: UnsafePointer<Float>, count: Int) -> Double {
    chunked(count) { self.kernels.sum_of_squares(x + $0, $1) }
  }

  /// The index of the first NaN or infinity, or nil.
  public func firstNonFinite(_ x: UnsafePointer<Float>, count: Int) -> Int? {
    let chunks = (count + CPU.chunk - 1) / CPU.chunk
    if threads == 1 || chunks <= 1 {
      let i = kernels.first_non_finite(x, max(0, count))
      return i < 0 ? nil : i
    }
    return withUnsafeTemporaryAllocation(of: Int.self, capacity: chunks) { found in
      parallel(chunks, grain: 1) {
        for c in $0 {
          let start = c * CPU.chunk
          let i = kernels.first_non_finite(x + start, min(CPU.chunk, count - start))
          found[c] = i < 0 ? -1 : start + i
        }
      }
      return found.first { $0 >= 0 }
    }
  }

  /// Elements that are summed as one piece, so that a sum does not depend on the threads.
  private static let chunk = 32768

  /// The sum, in order, of `body(start, count)` over chunks of fixed length.
  private func chunked(_ count: Int, _ body: (Int, Int) -> Double) -> Double {
    let chunks = (count + CPU.chunk - 1) / CPU.chunk
    guard chunks > 1 else { return count > 0 ? body(0, count) : 0 }
    return withUnsafeTemporaryAllocation(of: Double.self, capacity: chunks) { sums in
      parallel(chunks, grain: 1) {
        for c in $0 {
          let start = c * CPU.chunk
          sums[c] = body(start, min(CPU.chunk, count - start))
        }
      }
      return sums.reduce(0, +)
    }
  }
}
