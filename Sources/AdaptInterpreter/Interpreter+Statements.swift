import AdaptGraph
import AdaptSyntax

/// How a statement ended.
enum Completion {
  /// The value of an expression, or none.
  case normal(Value)
  case returned(Value, Span)
  case broken(Span)
  case continued(Span)
}

/// What flows through the body of a layer: each line is applied to what the line before gave.
final class FlowState {
  var value: Value

  init(_ value: Value) { self.value = value }
}

extension Interpreter {
  /// Runs a block's statements in the given scope.
  /// - Parameter flow: what the lines are applied to, when the block is a flow.
  func run(_ block: Block, _ scope: Scope, flow: FlowState?) throws -> Completion {
    var last = Value.none
    for statement in block.statements {
      switch try run(statement, scope, flow: flow) {
      case .normal(let value): last = value
      case let other: return other
      }
    }
    return .normal(last)
  }

  /// Runs one statement.
  func run(_ statement: Statement, _ scope: Scope, flow: FlowState?) throws -> Completion {
    try charge(at: statement.span)
    switch statement.kind {
    case .expression(let expression):
      if let flow { return try runLine(expression, scope, flow) }
      if case .conditional = expression.kind { return try runConditional(expression, scope, nil) }
      return .normal(try evaluate(expression, scope))
    case .binding(let pattern, let value, let mutable):
      guard let name = pattern.singleName else { break }
      try bind(name, value, mutable: mutable, scope)
    case .assignment(let target, let op, let value):
      try assign(target, op, value, scope, at: statement.span)
    case .forIn(let pattern, let sequence, let body):
      guard let name = pattern.singleName else { break }
      return try runFor(name, sequence, body, scope, flow)
    case .whileLoop(let condition, let body):
      return try runWhile(condition, body, scope, flow)
    case .returnValue(let value): return try runReturn(value, scope, flow, at: statement.span)
    case .breakLoop: return .broken(statement.span)
    case .continueLoop: return .continued(statement.span)
    case .print(let values): try runPrint(values, scope, at: statement.span)
    case .importModule(let item): try runImport(item.path, scope, at: statement.span)
    case .parameter(let name, let shape, let initial):
      scope.define(name.text, try makeParameter(name, shape, initial, scope), at: name.span)
    case .state(let name, let initial): try defineState(name, initial, scope)
    case .minimize(let expression): try minimize(expression, scope, at: statement.span)
    case .expect, .test: break
    case .function, .layer, .router, .objective, .optimizer: declare(statement, scope)
    }
    return .normal(.none)
  }

  // MARK: Declarations

  /// Binds what a file declares before its statements run, so that order does not matter.
  func hoist(_ block: Block, _ scope: Scope) throws {
    for statement in block.statements { declare(statement, scope) }
  }

  private func declare(_ statement: Statement, _ scope: Scope) {
    guard let (name, value) = declaration(statement, scope) else { return }
    // Hoisted already, and perhaps held by others since.
    if let bound = scope.own(name.text), bound.span == name.span { return }
    scope.define(name.text, value, at: name.span)
    noteCapture(scope)
  }

  private func declaration(_ statement: Statement, _ scope: Scope) -> (Identifier, Value)? {
    func function(_ kind: Function.Kind, _ name: Identifier) -> (Identifier, Value) {
      let function = Function(
        kind, name: name.text, documentation: statement.documentation, span: name.span)
      return (name, .function(function))
    }
    switch statement.kind {
    case .function(let declaration):
      return function(
        .script(declaration.parameters, declaration.body, scope), declaration.name)
    case .layer(let declaration): return function(.layer(declaration, scope), declaration.name)
    case .router(let declaration): return function(.router(declaration, scope), declaration.name)
    case .optimizer(let declaration):
      return function(.optimizer(declaration, scope), declaration.name)
    case .objective(let name, let body):
      return (name, .object(Objective(name: name.text, body: body, scope: scope)))
    default: return nil
    }
  }

  private func bind(_ name: Identifier, _ value: Expression, mutable: Bool, _ scope: Scope) throws {
    let result = try evaluate(value, scope)
    if case .flow(let flow) = result, flow.boundName == nil { flow.boundName = name.text }
    scope.define(name.text, result, mutable: mutable, at: name.span)
  }

  // MARK: Assignment

  private func assign(
    _ target: Expression, _ op: BinaryOperator?, _ value: Expression, _ scope: Scope, at span: Span
  ) throws {
    var result = try evaluate(value, scope)
    if let op { result = try binary(op, try evaluate(target, scope), result, at: span) }
    try store(result, in: target, scope)
  }

  /// Puts a value into a name, or into a place inside the value of a name.
  private func store(_ value: Value, in target: Expression, _ scope: Scope) throws {
    switch target.kind {
    case .name(let name):
      let binding = try mutableBinding(name, scope, at: target.span)
      // Which branch the real run takes is open, so nothing is known of the name behind it.
      scope.assign(binding.name, unknownBranches > 0 ? .unknown : value)
    case .index(let base, let indices) where indices.count == 1:
      let old = try evaluate(base, scope)
      if old.isUnknown { return }
      guard case .list(let list) = old else {
        throw wrongType(
          "only elements of a list can be assigned, not of \(old.typeName)", at: target.span)
      }
      let position = try self.position(
        try evaluate(indices[0].value, scope), count: list.elements.count,
        at: indices[0].value.span)
      guard let position else { return try store(.unknown, in: base, scope) }
      let changed = list.replacing(position, with: value)
      try checkNesting(changed.depth, at: target.span)
      try store(.list(changed), in: base, scope)
    case .member(let base, let name):
      let old = try evaluate(base, scope)
      if old.isUnknown { return }
      guard case .record(let record) = old, let changed = record.replacing(name.text, with: value)
      else { throw unknownMember(name, of: old) }
      try checkNesting(changed.depth, at: target.span)
      try store(.record(changed), in: base, scope)
    default:
      throw failure(
        .misplacedStatement, "this cannot be assigned to", at: target.span,
        hint: "a name, an element of a list or a field of a record can")
    }
  }

  private func mutableBinding(_ name: String, _ scope: Scope, at span: Span) throws -> Binding {
    guard let binding = scope.find(name) else { throw unknownName(name, scope, at: span) }
    guard binding.isMutable else {
      throw failure(
        .immutableBinding, "'\(name)' cannot be changed", at: span, label: "assigned here",
        notes: binding.span.map { store.isLibrary($0) ? [] : [.init(span: $0, text: "bound here")] }
          ?? [],
        hint: "bind it with 'var' to change it later")
    }
    return binding
  }

  // MARK: Control

  func runConditional(_ expression: Expression, _ scope: Scope, _ flow: FlowState?) throws
    -> Completion
  {
    guard case .conditional(let condition, let then, let otherwise) = expression.kind else {
      return .normal(.none)
    }
    let value = try evaluate(condition, scope)
    if value.isUnknown { return try runBoth(then, otherwise, scope, flow) }
    if try truth(value, at: condition.span) {
      return try run(then, Scope(parent: scope), flow: flow)
    }
    guard let otherwise else { return .normal(.none) }
    return try run(otherwise, Scope(parent: scope), flow: flow)
  }

  /// In a dry run, when it is open which branch will be taken: looks at both.
  private func runBoth(_ then: Block, _ otherwise: Block?, _ scope: Scope, _ flow: FlowState?)
    throws
    -> Completion
  {
    unknownBranches += 1
    defer { unknownBranches -= 1 }
    for block in [then, otherwise].compactMap({ $0 }) {
      do {
        _ = try run(block, Scope(parent: scope), flow: flow)
      } catch is UnknownReached {}
    }
    flow?.value = .unknown
    return .normal(.unknown)
  }

  private func runFor(
    _ name: Identifier, _ sequence: Expression, _ body: Block, _ scope: Scope, _ flow: FlowState?
  ) throws -> Completion {
    let value = try evaluate(sequence, scope)
    if value.isUnknown {
      return try runUnknownLoop(body, scope, flow) { $0.define(name.text, .unknown, at: name.span) }
    }
    // A range is walked without making its elements.
    if case .range(let range) = value {
      return try runRounds(range.lower..<range.upper, body, scope, flow) { inner, index in
        inner.define(name.text, .int(index), at: name.span)
      }
    }
    let elements = try elements(of: value, at: sequence.span)
    return try runRounds(elements.indices, body, scope, flow) { inner, index in
      inner.define(name.text, elements[index], at: name.span)
    }
  }

  private func runRounds(
    _ rounds: Range<Int>, _ body: Block, _ scope: Scope, _ flow: FlowState?,
    _ prepare: (Scope, Int) -> Void
  ) throws -> Completion {
    for round in rounds {
      try charge(at: body.span)
      let inner = Scope(parent: scope)
      prepare(inner, round)
      switch try run(body, inner, flow: flow) {
      case .normal, .continued: continue
      case .broken: return .normal(.none)
      case .returned(let value, let span): return .returned(value, span)
      }
    }
    return .normal(.none)
  }

  private func runWhile(
    _ condition: Expression, _ body: Block, _ scope: Scope, _ flow: FlowState?
  ) throws -> Completion {
    while true {
      try charge(at: condition.span)
      let value = try evaluate(condition, scope)
      if value.isUnknown { return try runUnknownLoop(body, scope, flow) { _ in } }
      guard try truth(value, at: condition.span) else { return .normal(.none) }
      switch try run(body, Scope(parent: scope), flow: flow) {
      case .normal, .continued: continue
      case .broken: return .normal(.none)
      case .returned(let value, let span): return .returned(value, span)
      }
    }
  }

  /// In a dry run, a loop whose rounds are open: looks at its body once.
  private func runUnknownLoop(
    _ body: Block, _ scope: Scope, _ flow: FlowState?, _ prepare: (Scope) -> Void
  ) throws -> Completion {
    unknownBranches += 1
    defer { unknownBranches -= 1 }
    let inner = Scope(parent: scope)
    prepare(inner)
    do { _ = try run(body, inner, flow: flow) } catch is UnknownReached {}
    return .normal(.none)
  }

  private func runReturn(
    _ value: Expression?, _ scope: Scope, _ flow: FlowState?, at span: Span
  ) throws -> Completion {
    guard flow == nil else {
      throw failure(
        .misplacedStatement, "a flow has no 'return': its last line gives the result", at: span)
    }
    return .returned(try value.map { try evaluate($0, scope) } ?? .none, span)
  }

  // MARK: Effects

  private func runPrint(_ values: [Expression], _ scope: Scope, at span: Span) throws {
    let parts = try values.map { try display(try evaluate($0, scope), at: $0.span) }
    guard !isDryRun else { return }
    let line = parts.joined(separator: " ") + "\n"
    outputBytes += line.utf8.count
    guard outputBytes <= host.limits.output else {
      throw failure(
        .limitOutput, "the script printed more than \(host.limits.output) bytes", at: span)
    }
    host.output(line)
  }

  private func defineState(_ name: Identifier, _ initial: Expression, _ scope: Scope) throws {
    guard let optimizer = trace?.optimizer else {
      throw failure(
        .misplacedStatement, "'state' belongs into an optimizer", at: name.span,
        hint: "use 'param' for a trained tensor")
    }
    scope.define(
      name.text, try makeState(name, initial, scope, optimizer), mutable: true, at: name.span)
  }
}
