import AdaptTensor

/// What the machine can do at most, as it is now.
struct Machine {
  let cpu: CPU

  /// Operations a second of our best product, of the shape that most workloads have.
  func sgemmRate() -> Double {
    let (m, n, k) = (2048, 1024, 256)
    let (a, b) = ([Float](repeating: 1, count: m * k), [Float](repeating: 1, count: k * n))
    var c = [Float](repeating: 0, count: m * n)
    let times = (0..<12).map { _ in
      seconds {
        c.withUnsafeMutableBufferPointer { c in
          guard let c = c.baseAddress else { return }
          cpu.matmul(
            a, transposeA: false, b, transposeB: false, c, m: m, n: n, k: k, accumulate: false)
        }
      }
    }
    return 2 * Double(m * n * k) / (times.min() ?? .infinity)
  }

  /// Bytes a second that can be read from memory, of a block that no cache holds.
  func bandwidth() -> Double {
    let block = [Float](repeating: 1, count: 1 << 26)
    let times = (0..<6).map { _ in
      block.withUnsafeBufferPointer { block in
        seconds {
          guard let base = block.baseAddress else { return }
          _ = cpu.sumOfSquares(base, count: block.count)
        }
      }
    }
    return 4 * Double(1 << 26) / (times.min() ?? .infinity)
  }
}
