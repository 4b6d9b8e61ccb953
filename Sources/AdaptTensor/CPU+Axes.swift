import CAdaptKernels

/// A value seen along one axis: `outer` × `size` × `inner` elements.
public struct AxisView: Sendable {
  public var outer: Int
  public var size: Int
  public var inner: Int

  public init(outer: Int, size: Int, inner: Int) {
    self.outer = outer
    self.size = size
    self.inner = inner
  }
}

// Kernels along any axis. Elements that only move may be of any type of four bytes.
extension CPU {
  /// out, of `shape`, is x read at these distances between neighbours of each axis: axes in another
  /// order, or, with a distance of 0, repeated.
  public func read(
    _ x: UnsafePointer<Float>, shape: [Int], strides: [Int], _ out: UnsafeMutablePointer<Float>
  ) {
    guard !shape.contains(0) else { return }
    let axes = Strided(shape, strides)
    let (length, step) = axes.last
    if let turned = axes.transposition { return transposeAll(x, axes, turned, out) }
    parallel(axes.rows, grain: CPU.rowGrain(length)) { range in
      for row in range {
        let (source, target) = (x + axes.offset(row), out + row * length)
        switch step {
        case 1: target.update(from: source, count: length)
        case 0: kernels.fill(target, source[0], length)
        default: for i in 0..<length { target[i] = source[i * step] }
        }
      }
    }
  }

  /// The last two axes change places.
  private func transposeAll(
    _ x: UnsafePointer<Float>, _ axes: Strided, _ size: (rows: Int, columns: Int, stride: Int),
    _ out: UnsafeMutablePointer<Float>
  ) {
    let count = size.rows * size.columns
    parallel(axes.rows / size.rows, grain: CPU.rowGrain(count)) { range in
      for matrix in range {
        kernels.transpose(
          x + axes.offset(matrix * size.rows), size.stride, out + matrix * count, size.columns,
          size.columns, size.rows)
      }
    }
  }

  /// out[o, i] = scale · Σ over the axis.
  public func sum(
    _ x: UnsafePointer<Float>, _ view: AxisView, _ out: UnsafeMutablePointer<Float>, scale: Float
  ) {
    if view.inner == 1 {
      return sumColumns(x, out, rows: view.outer, columns: view.size, scale: scale)
    }
    if view.outer == 1 {
      return sumRows(x, out, rows: view.size, columns: view.inner, scale: scale)
    }
    let (size, inner) = (view.size, view.inner)
    parallel(view.outer, grain: CPU.rowGrain(size * inner)) { range in
      for o in range {
        kernels.sum_rows(x + o * size * inner, inner, out + o * inner, size, inner, scale)
      }
    }
  }

  /// out[o, i] = f of all along the axis, from `start` on, one after the other.
  public func fold(
    _ k: BinaryKernel, from start: Float, _ x: UnsafePointer<Float>, _ view: AxisView,
    _ out: UnsafeMutablePointer<Float>
  ) {
    let (size, inner) = (view.size, view.inner)
    parallel(view.outer, grain: CPU.rowGrain(size * inner)) { range in
      for o in range {
        let total = out + o * inner
        kernels.fill(total, start, inner)
        for place in 0..<size {
          kernels.binary(
            k.rawValue, adapt_operand(p: total, row_step: 0, column_step: 1),
            adapt_operand(p: x + (o * size + place) * inner, row_step: 0, column_step: 1), total, 1,
            inner)
        }
      }
    }
  }

  /// Where the largest or smallest element of the axis stands: the first of equals, or the first NaN.
  public func extremumIndex(
    maximum: Bool, _ x: UnsafePointer<Float>, _ view: AxisView, _ out: UnsafeMutablePointer<Int32>
  ) {
    let (size, inner) = (view.size, view.inner)
    parallel(view.outer, grain: CPU.rowGrain(size * inner)) { range in
      for o in range {
        for i in 0..<inner {
          let line = x + o * size * inner + i
          var best = 0
          for place in 1..<max(size, 1) where !line[best * inner].isNaN {
            let (next, top) = (line[place * inner], line[best * inner])
            if next.isNaN || (maximum ? next > top : next < top) { best = place }
          }
          out[o * inner + i] = Int32(truncatingIfNeeded: best)
        }
      }
    }
  }

  /// Running sums along the axis, in double precision, from its start or from its end.
  public func cumulativeSum(
    _ x: UnsafePointer<Float>, _ view: AxisView, reversed: Bool,
    _ out: UnsafeMutablePointer<Float>
  ) {
    let (size, inner) = (view.size, view.inner)
    parallel(view.outer * inner, grain: CPU.rowGrain(size)) { range in
      for line in range {
        let start = line / inner * size * inner + line % inner
        var sum = 0.0
        for number in 0..<size {
          let place = start + (reversed ? size - 1 - number : number) * inner
          sum += Double(x[place])
          out[place] = Float(sum)
        }
      }
    }
  }

  /// out[o, j, ·] = x[o, index[j], ·]; the indices are inside of the axis.
  public func take(
    _ x: UnsafePointer<Float>, _ view: AxisView, _ index: UnsafePointer<Int32>, count: Int,
    _ out: UnsafeMutablePointer<Float>
  ) {
    let (size, inner) = (view.size, view.inner)
    parallel(view.outer * count, grain: CPU.rowGrain(inner)) { range in
      for row in range {
        let source = (row / count * size + Int(index[row % count])) * inner
        (out + row * inner).update(from: x + source, count: inner)
      }
    }
  }

  /// out[o, index[j], ·] = Σ y[o, j, ·] over the j of an index, 0 where there is none. The view is that
  /// of `out`.
  public func put(
    _ y: UnsafePointer<Float>, _ view: AxisView, _ index: UnsafePointer<Int32>, count: Int,
    _ out: UnsafeMutablePointer<Float>
  ) {
    let (size, inner) = (view.size, view.inner)
    fill(out, value: 0, count: view.outer * size * inner)
    parallel(view.outer, grain: CPU.rowGrain(count * inner)) { range in
      for o in range {
        for j in 0..<count {
          kernels.add_into(
            y + (o * count + j) * inner, out + (o * size + Int(index[j])) * inner, inner)
        }
      }
    }
  }

  /// out[i] = mask[i] ≠ 0 ? a[i] : b[i].
  public func select(
    _ mask: UnsafePointer<Float>, _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>,
    _ out: UnsafeMutablePointer<Float>, count: Int
  ) {
    parallel(count, grain: CPU.elementGrain) { range in
      for i in range { out[i] = mask[i] != 0 ? a[i] : b[i] }
    }
  }

  /// Integers as floats.
  public func convert(
    _ x: UnsafePointer<Int32>, _ out: UnsafeMutablePointer<Float>, count: Int
  ) {
    parallel(count, grain: CPU.elementGrain) { range in
      for i in range { out[i] = Float(x[i]) }
    }
  }

  /// Floats as integers: toward zero, into the range of 32 bits, NaN as 0.
  public func convert(
    _ x: UnsafePointer<Float>, _ out: UnsafeMutablePointer<Int32>, count: Int
  ) {
    parallel(count, grain: CPU.elementGrain) { range in
      for i in range {
        // 2³¹ is the first float beyond the range.
        out[i] = x[i].isNaN ? 0 : x[i] >= 0x1p31 ? .max : x[i] < -0x1p31 ? .min : Int32(x[i])
      }
    }
  }

  /// C = op(A)·op(B) for each of `batch` matrices that lie one behind the other.
  public func matmul(
    _ a: UnsafePointer<Float>, transposeA: Bool, _ b: UnsafePointer<Float>, transposeB: Bool,
    _ c: UnsafeMutablePointer<Float>, batch: Int, m: Int, n: Int, k: Int
  ) {
    // Small products are spread over the threads, large ones are split themselves.
    parallel(batch, grain: max(1, CPU.batchGrain / max(1, m * n * k))) { range in
      for i in range {
        matmul(
          a + i * m * k, transposeA: transposeA, b + i * k * n, transposeB: transposeB,
          c + i * m * n, m: m, n: n, k: k, accumulate: false)
      }
    }
  }

  /// Multiply-adds of a batch worth a thread.
  private static let batchGrain = 200_000
}

/// How a tensor is walked: axes that lie evenly behind each other as one.
private struct Strided {
  /// Sizes and distances, outermost first; never empty.
  private var axes: [(size: Int, stride: Int)] = []

  init(_ shape: [Int], _ strides: [Int]) {
    for (size, stride) in zip(shape, strides) where size != 1 {
      if let outer = axes.last, outer.stride == stride * size {
        axes[axes.count - 1] = (outer.size * size, stride)
      } else {
        axes.append((size, stride))
      }
    }
    if axes.isEmpty { axes = [(1, 1)] }
  }

  var last: (length: Int, step: Int) { (axes[axes.count - 1].size, axes[axes.count - 1].stride) }

  /// Places of all axes but the last.
  var rows: Int { axes.dropLast().reduce(1) { $0 * $1.size } }

  /// Where a row starts.
  func offset(_ row: Int) -> Int {
    var (rest, offset) = (row, 0)
    for axis in axes.dropLast().reversed() {
      offset += rest % axis.size * axis.stride
      rest /= axis.size
    }
    return offset
  }

  /// The last two axes, when they are those of a matrix that is read column by column.
  var transposition: (rows: Int, columns: Int, stride: Int)? {
    guard axes.count >= 2 else { return nil }
    let (before, last) = (axes[axes.count - 2], axes[axes.count - 1])
    guard before.stride == 1, last.stride >= before.size else { return nil }
    return (before.size, last.size, last.stride)
  }
}
