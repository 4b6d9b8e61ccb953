import Foundation

/// Calls for help when one piece of work takes too long.
public final class Watchdog: @unchecked Sendable {
  private let lock = NSLock()
  private var start: ContinuousClock.Instant?
  private let limit: Duration
  private let onHang: @Sendable () -> Void

  /// - Parameter onHang: called on a thread of its own; the work goes on beside it.
  public init(limit: Duration, onHang: @escaping @Sendable () -> Void) {
    self.limit = limit
    self.onHang = onHang
    Thread { [weak self] in
      while let self {
        self.look()
        Thread.sleep(forTimeInterval: 0.1)
      }
    }.start()
  }

  /// Runs a piece of work under watch.
  public func watching<T>(_ body: () throws -> T) rethrows -> T {
    lock.withLock { start = .now }
    defer { lock.withLock { start = nil } }
    return try body()
  }

  private func look() {
    let isLate = lock.withLock { () -> Bool in
      guard let start, .now - start > limit else { return false }
      self.start = nil
      return true
    }
    if isLate { onHang() }
  }
}
