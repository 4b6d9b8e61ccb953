/// Threads of the system, with a stack of a wanted size.
package enum NativeThread {
  /// Runs a body on a thread of its own and waits for its end.
  /// - Parameter stackSize: Bytes.
  /// - Returns: Whether the thread could be had; if not, nothing was run.
  package static func run(stackSize: Int, _ body: @escaping () -> Void) -> Bool {
    guard let thread = start(stackSize: stackSize, body) else { return false }
    return pthread_join(thread, nil) == 0
  }

  /// Runs a body on a thread that nobody waits for.
  package static func detach(_ body: @escaping @Sendable () -> Void) {
    guard let thread = start(stackSize: 1 << 20, body) else { return }
    pthread_detach(thread)
  }

  private static func start(stackSize: Int, _ body: @escaping () -> Void) -> pthread_t? {
    var attributes = pthread_attr_t()
    guard pthread_attr_init(&attributes) == 0 else { return nil }
    defer { pthread_attr_destroy(&attributes) }
    guard pthread_attr_setstacksize(&attributes, stackSize) == 0 else { return nil }
    let work = Unmanaged.passRetained(Work(body))
    #if canImport(Darwin)
      var thread: pthread_t?
    #else
      var thread = pthread_t()
    #endif
    guard pthread_create(&thread, &attributes, runWork, work.toOpaque()) == 0 else {
      work.release()
      return nil
    }
    return thread
  }
}

/// A body on its way to its thread.
private final class Work {
  let body: () -> Void

  init(_ body: @escaping () -> Void) { self.body = body }
}

#if canImport(Darwin)
  private func runWork(_ work: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer? {
    Unmanaged<Work>.fromOpaque(work).takeRetainedValue().body()
    return nil
  }
#else
  private func runWork(_ work: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    work.map { Unmanaged<Work>.fromOpaque($0).takeRetainedValue().body() }
    return nil
  }
#endif
