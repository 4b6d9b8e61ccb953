import AdaptSyntax

/// An argument as it is written.
struct ArgumentCode {
  let label: Identifier?
  let value: CodeNode
  /// The block behind the call, which may follow arguments with labels.
  var isTrailing = false
}

/// `f(a, label: b) { … }`.
final class CallNode: CodeNode {
  let callee: CodeNode
  let arguments: [ArgumentCode]
  /// The block behind the call; natives such as `train` take it as it stands.
  let trailing: ClosureNode?
  /// Neither labels nor a block: arguments go to parameters by place.
  private let isPlain: Bool
  private let values: ContiguousArray<CodeNode>

  init(_ callee: CodeNode, _ arguments: [ArgumentCode], _ trailing: ClosureNode?, _ span: Span) {
    self.callee = callee
    self.arguments = arguments
    self.trailing = trailing
    values = ContiguousArray(arguments.map(\.value))
    isPlain = trailing == nil && arguments.allSatisfy { $0.label == nil }
    super.init(span)
  }

  override func evaluate(_ context: Interpreter, _ frame: Frame) throws -> Value {
    let value = try callee.evaluate(context, frame)
    if isPlain, case .function(let function) = value, let closure = function.closure,
      closure.code.isPlain, closure.code.parameterCount == values.count
    {
      return try callPlain(closure, function, context, frame)
    }
    return try callAny(value, context, frame)
  }

  /// Arguments are evaluated into the frame of the call.
  @inline(__always)
  private func callPlain(
    _ closure: Closure, _ function: Function, _ context: Interpreter, _ frame: Frame
  ) throws -> Value {
    let code = closure.code
    let inner = try context.reserve(code.slotCount, function.name, at: span)
    defer { context.release(inner, code.slotCount) }
    for index in values.indices {
      inner[index] = try values[index].evaluate(context, frame)
    }
    try context.enter(function.name, at: span)
    defer { context.leave() }
    return try context.run(closure, inner)
  }

  private func callAny(_ value: Value, _ context: Interpreter, _ frame: Frame) throws -> Value {
    let wantsBlock: Bool
    if case .function(let function) = value, case .native(let native) = function.kind {
      wantsBlock = native.takesBlock
    } else {
      wantsBlock = false
    }
    let block = trailing.map { $0.close(frame) }
    let evaluated = try context.evaluate(arguments, wantsBlock ? nil : block, frame)
    return try context.call(
      value, evaluated, trailing: wantsBlock ? block?.closure : nil, at: span,
      calleeSpan: callee.span)
  }
}

/// `receiver.name(a, label: b) { … }`.
final class MemberCallNode: CodeNode {
  let base: CodeNode
  let name: Identifier
  let arguments: [ArgumentCode]
  let trailing: ClosureNode?

  init(
    _ base: CodeNode, _ name: Identifier, _ arguments: [ArgumentCode], _ trailing: ClosureNode?,
    _ span: Span
  ) {
    self.base = base
    self.name = name
    self.arguments = arguments
    self.trailing = trailing
    super.init(span)
  }

  override func evaluate(_ context: Interpreter, _ frame: Frame) throws -> Value {
    let receiver = try base.evaluate(context, frame)
    let block = trailing.map { $0.close(frame) }
    let evaluated = try context.evaluate(arguments, block, frame)
    return try context.callMember(receiver, name, evaluated, block?.closure, at: span)
  }
}

/// `{ x, y in … }`.
final class ClosureNode: CodeNode {
  let code: Code

  init(_ code: Code, _ span: Span) {
    self.code = code
    super.init(span)
  }

  override func evaluate(_ context: Interpreter, _ frame: Frame) throws -> Value {
    .function(close(frame))
  }

  func close(_ frame: Frame) -> Function {
    Function(.script(Closure(code, frame)), name: code.name, span: span)
  }
}

extension Interpreter {
  /// Arguments in the order they are written; a block behind the call is one more, as a closure.
  func evaluate(_ arguments: [ArgumentCode], _ trailing: Function?, _ frame: Frame) throws
    -> [EvaluatedArgument]
  {
    var result: [EvaluatedArgument] = []
    result.reserveCapacity(arguments.count + 1)
    for argument in arguments {
      result.append(
        EvaluatedArgument(
          label: argument.label, value: try argument.value.evaluate(self, frame),
          span: argument.value.span))
    }
    if let trailing, let span = trailing.span {
      result.append(
        EvaluatedArgument(label: nil, value: .function(trailing), span: span, isTrailing: true))
    }
    return result
  }

  // MARK: Frames

  /// A frame for a call, or an error when too many are inside one another.
  @inline(__always)
  func reserve(_ count: Int, _ name: String, at span: Span) throws -> Frame {
    guard let frame = stack.push(count) else { throw tooDeep(name, at: span) }
    return frame
  }

  @inline(__always)
  func release(_ frame: Frame, _ count: Int) { stack.pop(frame, count) }

  /// Runs a closure whose arguments stand in its frame.
  @inline(__always)
  func run(_ closure: Closure, _ frame: Frame) throws -> Value {
    let code = closure.code
    if code.hasCaptures { closure.restore(frame) }
    var result = Value.none
    guard try code.body.finish(self, frame, &result) == .returned else { return result }
    return takeReturned()
  }

  /// What a `return` left behind.
  @inline(__always)
  func takeReturned() -> Value {
    var value = Value.none
    swap(&value, &returned)
    return value
  }

  /// Runs `body` in a new frame of the closure's code, which holds what it captured.
  func open<T>(_ closure: Closure, at span: Span, _ body: (Frame) throws -> T) throws -> T {
    let code = closure.code
    let frame = try reserve(code.slotCount, code.name, at: span)
    defer { release(frame, code.slotCount) }
    closure.restore(frame)
    return try body(frame)
  }
}
