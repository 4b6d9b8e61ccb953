import CAdaptKernels

// Moving rows, and choosing which.
extension CPU {
  /// y[i, ·] = x[index[i], ·] for i < count. Every index is a row of x.
  public func gather(
    _ x: UnsafePointer<Float>, _ index: UnsafePointer<Int32>, _ y: UnsafeMutablePointer<Float>,
    count: Int, columns: Int
  ) {
    guard columns > 0 else { return }
    parallel(count, grain: CPU.rowGrain(columns)) {
      for i in $0 {
        (y + i * columns).update(from: x + Int(index[i]) * columns, count: columns)
      }
    }
  }

  /// out[index[i], ·] += y[i, ·] for i < count, in that order; indices may repeat. `out` has
  /// `rows` rows; an index that is none of them is passed over.
  public func scatterAdd(
    _ y: UnsafePointer<Float>, _ index: UnsafePointer<Int32>, _ out: UnsafeMutablePointer<Float>,
    count: Int, columns: Int, rows: Int
  ) {
    guard columns > 0, count > 0 else { return }
    // Each thread owns some columns or, where rows are short, some target rows: either way every
    // element of out gets its terms in the order of i.
    let grain = CPU.rowGrain(count)
    if columns >= 32 * threads {
      parallel((columns + 15) / 16, grain: max(2, grain / 16)) {
        addRows(
          y, index, out, count: count, columns: columns,
          $0.lowerBound * 16..<min($0.upperBound * 16, columns), targets: 0..<rows)
      }
    } else {
      let share = CPU.rowGrain(count * columns / max(1, rows))
      parallel(rows, grain: share) {
        addRows(y, index, out, count: count, columns: columns, 0..<columns, targets: $0)
      }
    }
  }

  /// The part of `scatterAdd` that falls on `part` of the columns and on the rows `targets`.
  private func addRows(
    _ y: UnsafePointer<Float>, _ index: UnsafePointer<Int32>, _ out: UnsafeMutablePointer<Float>,
    count: Int, columns: Int, _ part: Range<Int>, targets: Range<Int>
  ) {
    for i in 0..<count {
      let target = Int(index[i])
      guard targets.contains(target) else { continue }
      let c = part.lowerBound
      kernels.add_into(y + i * columns + c, out + target * columns + c, part.count)
    }
  }

  /// mask[r, c] = 1 for the `k` largest of row r and 0 for the others, ties to the lower column;
  /// all of the row when k is `columns` or more.
  ///
  /// Returns the first row that holds a NaN or an infinity, or nil; such a row's mask is 0.
  public func topK(
    _ scores: UnsafePointer<Float>, _ mask: UnsafeMutablePointer<Float>, rows: Int, columns: Int,
    k: Int
  ) -> Int? {
    guard rows > 0, columns > 0 else { return nil }
    let chunk = CPU.rowGrain(columns, elements: CPU.heavyGrain)
    let chunks = (rows + chunk - 1) / chunk
    return withUnsafeTemporaryAllocation(of: Int.self, capacity: chunks) { bad in
      parallel(chunks, grain: 1) {
        for c in $0 {
          let first = c * chunk
          let at = first * columns
          let row = adapt_top_k(
            scores + at, mask + at, min(chunk, rows - first), columns, max(0, k))
          bad[c] = row < 0 ? -1 : first + row
        }
      }
      return bad.first { $0 >= 0 }
    }
  }

  /// Writes the rows with mask[r, column] ≠ 0 to `out`, ascending, and returns how many they are.
  /// `out` has room for `rows` indices, whatever the mask.
  public func members(
    _ mask: UnsafePointer<Float>, column: Int, _ out: UnsafeMutablePointer<Int32>, rows: Int,
    columns: Int
  ) -> Int {
    adapt_members(mask, column, out, rows, columns)
  }
}
