import CAdaptKernels

// Kernels that treat each row on its own. A row of no columns is left alone.
extension CPU {
  /// y[r, ·] = softmax of x[r, ·]. y may be x.
  public func softmax(
    _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, rows: Int, columns: Int
  ) {
    byRow(rows, columns) { r, n in
      kernels.softmax(x + r * columns, y + r * columns, n, columns)
    }
  }

  /// dx = y (dy - Σ dy y), row by row. dx may be dy.
  public func softmaxGradient(
    dy: UnsafePointer<Float>, y: UnsafePointer<Float>, dx: UnsafeMutablePointer<Float>, rows: Int,
    columns: Int
  ) {
    byRow(rows, columns) { r, n in
      let i = r * columns
      kernels.softmax_gradient(dy + i, y + i, dx + i, n, columns)
    }
  }

  /// y[r, ·] = (x[r, ·] - mean) rstd[r], the mean left out for `rms`; rstd `[rows]` is written for
  /// the gradient. y may be x.
  public func normalize(
    _ kind: NormalizeKind, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>,
    _ rstd: UnsafeMutablePointer<Float>, rows: Int, columns: Int, epsilon: Float
  ) {
    byRow(rows, columns) { r, n in
      let i = r * columns
      kernels.normalize(kind.rawValue, x + i, y + i, rstd + r, n, columns, epsilon)
    }
  }

  /// dx = rstd (dy - mean(dy) - y mean(dy y)), mean(dy) left out for `rms`. dx may be dy.
  public func normalizeGradient(
    _ kind: NormalizeKind, dy: UnsafePointer<Float>, y: UnsafePointer<Float>,
    rstd: UnsafePointer<Float>, dx: UnsafeMutablePointer<Float>, rows: Int, columns: Int
  ) {
    byRow(rows, columns) { r, n in
      let i = r * columns
      kernels.normalize_gradient(kind.rawValue, dy + i, y + i, rstd + r, dx + i, n, columns)
    }
  }

  /// Cross-entropy of softmax(logits) against a class for each row, in nats:
  /// lse[r] = log Σ exp(logits[r, ·]), loss[r] = lse[r] - logits[r, targets[r]].
  ///
  /// The loss of a row whose target is no column is NaN.
  public func logLoss(
    _ logits: UnsafePointer<Float>, _ targets: UnsafePointer<Int32>,
    _ loss: UnsafeMutablePointer<Float>, _ lse: UnsafeMutablePointer<Float>, rows: Int, columns: Int
  ) {
    parallel(rows, grain: CPU.rowGrain(columns, elements: CPU.heavyGrain)) {
      let r = $0.lowerBound
      kernels.log_loss(logits + r * columns, targets + r, loss + r, lse + r, $0.count, columns)
    }
  }

  /// dLogits[r, c] = dLoss[r] (exp(logits[r, c] - lse[r]) - (1 if c is the target)).
  /// NaN in a row whose target is no column. dLogits may be logits.
  public func logLossGradient(
    dLoss: UnsafePointer<Float>, _ logits: UnsafePointer<Float>, _ targets: UnsafePointer<Int32>,
    _ lse: UnsafePointer<Float>, dLogits: UnsafeMutablePointer<Float>, rows: Int, columns: Int
  ) {
    byRow(rows, columns) { r, n in
      let i = r * columns
      kernels.log_loss_gradient(
        dLoss + r, logits + i, targets + r, lse + r, dLogits + i, n, columns)
    }
  }

  /// Calls `body(first row, number of rows)` on the threads.
  private func byRow(_ rows: Int, _ columns: Int, _ body: (Int, Int) -> Void) {
    guard columns > 0 else { return }
    parallel(rows, grain: CPU.rowGrain(columns, elements: CPU.heavyGrain)) {
      body($0.lowerBound, $0.count)
    }
  }
}
