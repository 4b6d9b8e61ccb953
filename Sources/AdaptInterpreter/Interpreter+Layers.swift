import AdaptGraph
import AdaptSyntax

// Applying flows to data: where layers become graph.

extension Interpreter {
  func makeFlow(_ kind: Flow.Kind, at span: Span) throws -> Value {
    let flow = Flow(kind, span: span)
    try checkNesting(flow.depth, at: span)
    return .flow(flow)
  }

  /// A form between braces as a flow; its body runs when it is applied.
  func form(_ expression: Expression, _ scope: Scope) throws -> Value {
    noteCapture(scope)
    let span = expression.span
    switch expression.kind {
    case .residual(let body): return try makeFlow(.residual(body, scope), at: span)
    case .parallel(let branches, let join):
      if let join, join.text != "sum", join.text != "concat" {
        throw failure(
          .wrongValue, "parallel cannot join by '\(join.text)'", at: join.span,
          hint: "sum and concat are the joins")
      }
      return try makeFlow(.parallel(branches, join: join, scope), at: span)
    case .repeated(let count, let body):
      return try makeFlow(.repeated(try rounds(count, scope), body, scope), at: span)
    case .loop(let count, let body):
      return try makeFlow(.loop(try rounds(count, scope), body, scope), at: span)
    case .route(let route):
      let router = try evaluate(route.router, scope)
      if router.isUnknown { return .unknown }
      guard case .object(let object) = router, let instance = object as? RouterInstance else {
        throw wrongType(
          "a route needs a router, not \(router.typeName)", at: route.router.span,
          label: "this is \(brief(router))", hint: hintToCall(router))
      }
      return try makeFlow(.route(route, instance, scope), at: span)
    default: return .none
    }
  }

  private func rounds(_ count: Expression, _ scope: Scope) throws -> Int {
    let value = try evaluate(count, scope)
    guard let number = value.exactInt, number >= 0 else {
      if value.isUnknown { throw UnknownReached() }
      throw failure(
        .wrongValue, "the number of rounds is an integer from 0, not \(brief(value))",
        at: count.span)
    }
    return number
  }

  // MARK: Composition

  /// `left >> right`: applies right to a value, or makes one flow of two.
  func compose(_ left: Expression, _ right: Expression, _ scope: Scope, at span: Span) throws
    -> Value
  {
    let first = try evaluate(left, scope)
    let second = try evaluate(right, scope)
    if first.isUnknown || second.isUnknown { return .unknown }
    guard Interpreter.isApplicable(first) else {
      return try apply(second, to: first, at: right.span)
    }
    let parts = try asFlows(first, at: left.span) + asFlows(second, at: right.span)
    return try makeFlow(.compose(parts), at: span)
  }

  private static func isApplicable(_ value: Value) -> Bool {
    switch value {
    case .flow, .function: true
    default: false
    }
  }

  private func asFlows(_ value: Value, at span: Span) throws -> [Flow] {
    switch value {
    case .flow(let flow):
      // A composition that has no name of its own needs no level of its own either.
      if case .compose(let parts) = flow.kind, flow.boundName == nil { return parts }
      return [flow]
    case .function(let function) where !function.isDeclaration:
      return [Flow(.function(function), span: span)]
    default: throw notApplicable(value, at: span)
    }
  }

  private func notApplicable(_ value: Value, at span: Span) -> Diagnostic {
    wrongType(
      "\(value.typeName) cannot be applied", at: span, label: "this is \(brief(value))",
      hint: hintToCall(value))
  }

  func hintToCall(_ value: Value) -> String {
    guard case .function(let function) = value, function.isDeclaration else { return "" }
    return "make an instance: \(function.shortestCall)"
  }

  // MARK: Application

  /// Runs one line of a flow's body: what it comes to is applied to what the line before gave.
  func runLine(_ expression: Expression, _ scope: Scope, _ flow: FlowState) throws -> Completion {
    if case .conditional = expression.kind { return try runConditional(expression, scope, flow) }
    let value = try evaluate(expression, scope)
    if case .none = value {
      throw wrongType(
        "a line of a flow is a layer or function, and this gives nothing", at: expression.span)
    }
    flow.value = try apply(value, to: flow.value, at: expression.span)
    return .normal(flow.value)
  }

  /// The result of a block that is a flow.
  func runFlow(_ body: Block, _ scope: Scope, on input: Value) throws -> Value {
    let state = FlowState(input)
    switch try run(body, scope, flow: state) {
    case .normal: return state.value
    case .returned(_, let span), .broken(let span), .continued(let span):
      throw failure(.misplacedStatement, "nothing to leave here", at: span)
    }
  }

  /// Applies a layer, flow or function to a value.
  func apply(_ value: Value, to input: Value, at span: Span) throws -> Value {
    switch value {
    case .unknown: return .unknown
    case .flow(let flow): return try apply(flow, to: input, at: span)
    case .function(let function) where !function.isDeclaration:
      return try call(function, with: [input], at: span)
    default: throw notApplicable(value, at: span)
    }
  }

  func apply(_ flow: Flow, to input: Value, at span: Span) throws -> Value {
    try charge(at: span)
    if input.isUnknown { return .unknown }
    let input = try lifted(input, at: span)
    switch flow.kind {
    case .pass: return input
    case .function(let function): return try call(function, with: [input], at: flow.span)
    case .compose(let parts): return try applyAll(parts, flow, to: input)
    default: break
    }
    guard case .tensor(let tensor) = input, let trace, tensor.trace === trace else {
      throw wrongType(
        "\(flow.kindName) is applied to a tensor of the model it is part of, not to "
          + input.typeName, at: span,
        hint: "models run on data by train, evaluate and generate")
    }
    // A layer made where it is used is shown there; one with a name, where the name is applied.
    let place = flow.boundName == nil && !store.isLibrary(flow.span) ? flow.span : span
    return try trace.applying(flow) { try applyForm(flow, to: tensor, trace, at: place) }
  }

  private func applyAll(_ parts: [Flow], _ flow: Flow, to input: Value) throws -> Value {
    let run = { try parts.reduce(input) { try self.apply($1, to: $0, at: $1.span) } }
    guard let name = flow.boundName, let trace else { return try run() }
    return try trace.applying(flow) { try trace.scoped(name, run) }
  }

  private func applyForm(_ flow: Flow, to input: SymbolicTensor, _ trace: Trace, at span: Span)
    throws -> Value
  {
    switch flow.kind {
    case .zero: return .tensor(try zeros(like: input, at: span))
    case .layer(let layer):
      return try trace.scoped(flow.boundName ?? scopeName(layer.name)) {
        try applyLayer(layer, to: input, trace, at: span)
      }
    case .residual(let body, let scope): return try applyResidual(body, scope, to: input, at: span)
    case .parallel(let branches, let join, let scope):
      return try applyParallel(branches, join, scope, to: input, at: span)
    case .repeated(let count, let body, let scope):
      return try applyRepeat(count, body, scope, flow.boundName, to: input, trace)
    case .loop(let count, let body, let scope):
      return try applyLoop(count, body, scope, flow.boundName, to: input, trace)
    case .route(let route, let router, let scope):
      return try trace.scoped(flow.boundName ?? "route") {
        try applyRoute(route, router, scope, to: input, trace, at: span)
      }
    case .pass, .function, .compose: return .tensor(input)
    }
  }

  /// Runs a layer's body inside the current scope of the trace.
  func applyLayer(_ layer: LayerInstance, to input: SymbolicTensor, _ trace: Trace, at span: Span)
    throws -> Value
  {
    try enter(layer.name, at: span)
    defer { leave() }
    let scope = Scope(parent: layer.scope)
    for (name, value) in layer.arguments { scope.define(name, value) }
    guard let signature = layer.declaration.signature else {
      return try runFlow(layer.declaration.body, scope, on: .tensor(input))
    }
    let input = try bind(signature, to: input, scope, trace, at: span)
    let result: Value
    switch try run(layer.declaration.body, scope, flow: nil) {
    case .normal(let value), .returned(let value, _): result = value
    case .broken(let place), .continued(let place):
      throw failure(.misplacedStatement, "nothing to leave here", at: place)
    }
    try checkResult(result, signature, layer, input, scope, at: span)
    return result
  }

  // MARK: Forms

  private func applyResidual(
    _ body: Block, _ scope: Scope, to input: SymbolicTensor, at span: Span
  ) throws -> Value {
    let result = try runFlow(body, Scope(parent: scope), on: .tensor(input))
    guard case .tensor(let output) = result else {
      return try result.isUnknown ? .unknown : notATensor(result, at: body.span)
    }
    if case .zero = output.content { return .tensor(input) }
    return try sum(input, output, what: "a residual adds its result to its input", at: span)
  }

  private func applyParallel(
    _ branches: [Expression], _ join: Identifier?, _ scope: Scope, to input: SymbolicTensor,
    at span: Span
  ) throws -> Value {
    var outputs: [SymbolicTensor] = []
    for branch in branches {
      let value = try evaluate(branch, Scope(parent: scope))
      let result = try apply(value, to: .tensor(input), at: branch.span)
      guard case .tensor(let output) = result else {
        return try result.isUnknown ? .unknown : notATensor(result, at: branch.span)
      }
      outputs.append(output)
    }
    guard let first = outputs.first else { return .tensor(try zeros(like: input, at: span)) }
    if join?.text == "concat" { return try add(.concat, outputs, at: span) }
    return try outputs.dropFirst().reduce(.tensor(first)) { total, output in
      guard case .tensor(let total) = total else { return total }
      if case .zero = output.content { return .tensor(total) }
      return try sum(total, output, what: "the branches of 'parallel' are added", at: span)
    }
  }

  private func sum(_ a: SymbolicTensor, _ b: SymbolicTensor, what: String, at span: Span) throws
    -> Value
  {
    let (first, second) = (try type(of: a, at: span), try type(of: b, at: span))
    guard first == second else {
      throw failure(
        .wrongShape,
        "\(what): \(describe(first)) and \(describe(second)) do not match", at: span,
        notes: callNotes(around: span))
    }
    return try add(.binary(.add), [a, b], at: span)
  }

  func notATensor(_ value: Value, at span: Span) throws -> Value {
    throw wrongType("a layer gives a tensor, not \(value.typeName)", at: span)
  }

  private func applyRepeat(
    _ count: Int, _ body: Block, _ scope: Scope, _ name: String?, to input: SymbolicTensor,
    _ trace: Trace
  ) throws -> Value {
    var value = Value.tensor(input)
    var family: String?
    for round in 0..<count {
      try charge(at: body.span)
      let inner = Scope(parent: scope)
      let single = try singleLayer(body, inner)
      let chosen =
        family ?? trace.take(name ?? single.map { plural(scopeName($0.layer.name)) } ?? "repeat")
      family = chosen
      let copy = "\(chosen)[\(round)]"
      value = try trace.inside(copy, place: copy) {
        guard let single else { return try runFlow(body, inner, on: value) }
        guard case .tensor(let tensor) = value else { return value }
        return try applyLayer(single.layer, to: tensor, trace, at: single.span)
      }
    }
    return value
  }

  /// The layer that a body consists of, when it does nothing but make one: then the copies are named
  /// after it and it needs no scope of its own.
  private func singleLayer(_ body: Block, _ scope: Scope) throws -> (
    layer: LayerInstance, span: Span
  )? {
    guard body.statements.count == 1, case .expression(let line) = body.statements[0].kind,
      case .call(let callee, _, _) = line.kind, case .name(let name) = callee.kind,
      case .function(let function)? = scope.find(name)?.value, case .layer = function.kind,
      case .flow(let flow) = try evaluate(line, scope), let layer = flow.layer
    else { return nil }
    return (layer, line.span)
  }

  /// The same weights in each round: every round finds the names of the first.
  private func applyLoop(
    _ count: Int, _ body: Block, _ scope: Scope, _ name: String?, to input: SymbolicTensor,
    _ trace: Trace
  ) throws -> Value {
    let family = trace.take(name ?? "loop")
    var value = Value.tensor(input)
    for round in 0..<count {
      try charge(at: body.span)
      value = try trace.inside(family, place: "\(family)[\(round)]") {
        try runFlow(body, Scope(parent: scope), on: value)
      }
    }
    return value
  }
}
