import AdaptSyntax

// Forms between braces, which become flows, and declarations.

/// A flow around one other: `residual { … }`, `recompute { … }`.
final class WrappedFlowNode: CodeNode {
  let body: Code
  let kind: (Closure) -> Flow.Kind

  init(_ body: Code, as kind: @escaping (Closure) -> Flow.Kind, _ span: Span) {
    (self.body, self.kind) = (body, kind)
    super.init(span)
  }

  override func isRepeatable(_ walk: inout RepeatableWalk) -> Bool { walk.follows(body) }

  override func evaluate(_ context: Interpreter, _ frame: Frame) throws -> Value {
    try context.makeFlow(kind(Closure(body, frame)), at: span)
  }
}

/// `parallel { a, b } join sum`.
final class ParallelNode: CodeNode {
  let branches: [Code]
  let join: Identifier?

  init(_ branches: [Code], join: Identifier?, _ span: Span) {
    self.branches = branches
    self.join = join
    super.init(span)
  }

  override func isRepeatable(_ walk: inout RepeatableWalk) -> Bool {
    branches.allSatisfy { walk.follows($0) }
  }

  override func evaluate(_ context: Interpreter, _ frame: Frame) throws -> Value {
    if let join, join.text != "sum", join.text != "concat" {
      throw context.failure(
        .wrongValue, "parallel cannot join by '\(join.text)'", at: join.span,
        hint: "sum and concat are the joins")
    }
    return try context.makeFlow(
      .parallel(branches.map { Closure($0, frame) }, join: join), at: span)
  }
}

/// `repeat n { … }` and `loop n { … }`.
final class RoundsNode: CodeNode {
  let count: CodeNode
  let body: Code
  let isLoop: Bool

  init(_ count: CodeNode, _ body: Code, isLoop: Bool, _ span: Span) {
    self.count = count
    self.body = body
    self.isLoop = isLoop
    super.init(span)
  }

  override func isRepeatable(_ walk: inout RepeatableWalk) -> Bool {
    walk.follows(count) && walk.follows(body)
  }

  override func evaluate(_ context: Interpreter, _ frame: Frame) throws -> Value {
    let number = try context.rounds(count, frame)
    let closure = Closure(body, frame)
    return try context.makeFlow(
      isLoop ? .site(LoopForm(number, halting: nil, closure)) : .repeated(number, closure), at: span
    )
  }
}

/// A declaration: binds the function, layer, router, objective or optimizer it declares.
final class DeclarationNode: StatementNode {
  let binder: Binder
  let make: (Frame) -> Value

  init(_ binder: Binder, _ span: Span, _ make: @escaping (Frame) -> Value) {
    self.binder = binder
    self.make = make
    super.init(span)
  }

  override func execute(_ context: Interpreter, _ frame: Frame) throws -> Signal {
    let value = make(frame)
    binder.bind(value, frame)
    if binder.publication != nil, case .cell(let cell) = binder.place,
      case .function(let function) = value, function.closure?.code.hasCaptures == false
    {
      cell.declared = function.plainCode
    }
    return .normal
  }
}

/// `param w: [d, n] = normal(0.02)`.
final class ParameterNode: StatementNode {
  let name: Identifier
  let binder: Binder
  let shape: [CodeNode]
  let initial: CodeNode?

  init(
    _ name: Identifier, _ binder: Binder, _ shape: [CodeNode], _ initial: CodeNode?, _ span: Span
  ) {
    self.name = name
    self.binder = binder
    self.shape = shape
    self.initial = initial
    super.init(span)
  }

  override func isRepeatable(_ walk: inout RepeatableWalk) -> Bool {
    walk.follows(shape) && (initial.map { walk.follows($0) } ?? true)
  }

  override func execute(_ context: Interpreter, _ frame: Frame) throws -> Signal {
    binder.bind(try context.makeParameter(name, shape, initial, frame), frame)
    return .normal
  }
}

/// `state m = 0`.
final class StateNode: StatementNode {
  let name: Identifier
  let binder: Binder
  let initial: CodeNode

  init(_ name: Identifier, _ binder: Binder, _ initial: CodeNode, _ span: Span) {
    self.name = name
    self.binder = binder
    self.initial = initial
    super.init(span)
  }

  override func execute(_ context: Interpreter, _ frame: Frame) throws -> Signal {
    guard let optimizer = context.trace?.optimizer else {
      throw context.failure(
        .misplacedStatement, "'state' belongs into an optimizer", at: name.span,
        hint: "use 'param' for a trained tensor")
    }
    binder.bind(try context.makeState(name, initial, binder.place, frame, optimizer), frame)
    return .normal
  }
}

// MARK: Declared things

/// A compiled layer or model.
final class LayerCode {
  let isModel: Bool
  let name: Identifier
  let code: Code
  let signature: SignatureCode?
  /// What the scope of an instance without a name is called.
  private(set) lazy var scope = scopeName(name.text)

  init(isModel: Bool, name: Identifier, code: Code, signature: SignatureCode?) {
    self.isModel = isModel
    self.name = name
    self.code = code
    self.signature = signature
  }
}

/// `: x [.., token, d] -> [.., n]`.
struct SignatureCode {
  let input: Identifier
  let inputSlot: Int
  let inputShape: [AxisCode]
  let outputShape: [AxisCode]?
  let span: Span
}

struct AxisCode {
  enum Kind {
    case rest
    /// A label of rows, or a size in the slot.
    case name(String, slot: Int?)
    case size(SizeTerm)
  }

  let kind: Kind
  let span: Span
}

/// A compiled optimizer.
final class OptimizerCode {
  let name: Identifier
  let code: Code
  let parameter: Int
  let gradient: Int
  let step: Int

  init(_ name: Identifier, _ code: Code, parameter: Int, gradient: Int, step: Int) {
    self.name = name
    self.code = code
    self.parameter = parameter
    self.gradient = gradient
    self.step = step
  }
}
