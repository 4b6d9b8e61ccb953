import AdaptPlatform

extension Interpreter {
  /// Bytes of stack for a script, and how many of them may be used before a call is refused.
  private static let stackSize = 256 << 20
  private static let usableStack: UInt = 224 << 20

  /// Runs on a thread with a large stack, unless this is one already.
  func onOwnThread<T>(_ body: @escaping () throws -> T) throws -> T {
    guard stackBase == 0 else { return try body() }
    let box = Handover(interpreter: self, body: body)
    guard NativeThread.run(stackSize: Interpreter.stackSize, box.run), let result = box.result
    else { throw ScriptError([]) }
    return try result.get()
  }

  func onOwnThread<T>(_ body: @escaping () -> T) -> T {
    guard stackBase == 0 else { return body() }
    let throwing: () throws -> T = body
    // The body does not throw; a thread that gave nothing would be the only failure.
    guard let value = try? onOwnThread(throwing) else { return body() }
    return value
  }

  /// Whether the stack has room for another call.
  var hasStack: Bool {
    let here = Interpreter.stackAddress()
    return stackBase == 0 || stackBase < here || stackBase - here < Interpreter.usableStack
  }

  @inline(never)
  static func stackAddress() -> UInt {
    var probe: UInt8 = 0
    return withUnsafeMutablePointer(to: &probe) { UInt(bitPattern: $0) }
  }
}

/// Hands a body to a thread and its result back. One waits while the other runs.
private final class Handover<T>: @unchecked Sendable {
  let interpreter: Interpreter
  let body: () throws -> T
  var result: Result<T, any Error>?

  init(interpreter: Interpreter, body: @escaping () throws -> T) {
    self.interpreter = interpreter
    self.body = body
  }

  func run() {
    interpreter.stackBase = Interpreter.stackAddress()
    result = Result { try body() }
    interpreter.stackBase = 0
  }
}
