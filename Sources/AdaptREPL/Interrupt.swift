import AdaptPlatform

/// Ctrl-C while a script runs, as a call on a thread of its own.
///
/// A plain signal handler and a pipe: libdispatch's signal sources block the signal in the thread it
/// arrives at, after which readline in that thread never sees Ctrl-C again.
public final class Interrupt: @unchecked Sendable {
  private static let shared = Interrupt()

  private let lock = Lock()
  private var action: (() -> Void)?
  private let reading: Int32

  private init() {
    var ends: [Int32] = [-1, -1]
    // Without a pipe, Ctrl-C ends the process as it would anyway.
    reading = pipe(&ends) == 0 ? ends[0] : -1
    guard reading >= 0 else { return }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    _ = fcntl(ends[1], F_SETFL, O_NONBLOCK)
    interruptPipe = ends[1]
    NativeThread.detach { [self] in wait() }
  }

  /// Calls `action`, from another thread, at each Ctrl-C until ``end()``.
  /// - Parameter isOnce: The second Ctrl-C ends the process.
  public static func begin(isOnce: Bool = false, _ action: @escaping @Sendable () -> Void) {
    guard shared.reading >= 0 else { return }
    shared.lock.withLock { shared.action = action }
    var handling = sigaction()
    #if canImport(Darwin)
      handling.__sigaction_u.__sa_handler = noteInterrupt
      handling.sa_flags = SA_RESTART | (isOnce ? Int32(SA_RESETHAND) : 0)
    #else
      handling.__sigaction_handler.sa_handler = noteInterrupt
      handling.sa_flags = SA_RESTART | (isOnce ? Int32(bitPattern: UInt32(SA_RESETHAND)) : 0)
    #endif
    sigaction(SIGINT, &handling, nil)
  }

  /// Ctrl-C means again what it does to any process.
  public static func end() {
    signal(SIGINT, SIG_DFL)
    shared.lock.withLock { shared.action = nil }
  }

  private func wait() {
    var byte: UInt8 = 0
    while true {
      let count = read(reading, &byte, 1)
      if count == 1 {
        lock.withLock { action }?()
      } else if count == 0 || errno != EINTR {
        return
      }
    }
  }
}

/// Where the handler says that it was called. Set before the handler is in place, then only read.
nonisolated(unsafe) private var interruptPipe: Int32 = -1

/// Does what a signal handler may: a write.
private func noteInterrupt(_ number: Int32) {
  let saved = errno
  var byte: UInt8 = 1
  _ = write(interruptPipe, &byte, 1)
  errno = saved
}
