import AdaptGraph
import AdaptSyntax

// Applying flows to data: where layers become graph.

extension Interpreter {
  func makeFlow(_ kind: Flow.Kind, at span: Span) throws -> Value {
    let flow = Flow(kind, span: span)
    try checkNesting(flow.depth, at: span)
    return .flow(flow)
  }

  // MARK: Composition

  /// `left >> right`: applies right to a value, or makes one flow of two.
  func compose(
    _ first: Value, _ second: Value, _ firstSpan: Span, _ secondSpan: Span, at span: Span
  ) throws -> Value {
    if first.isUnknown || second.isUnknown { return .unknown }
    guard Interpreter.isApplicable(first) else {
      return try apply(second, to: first, at: secondSpan)
    }
    let parts = try asFlows(first, at: firstSpan) + asFlows(second, at: secondSpan)
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

  /// The result of a body that is a flow.
  func runFlow(_ body: Closure, on input: Value) throws -> Value {
    try open(body, at: body.code.span) { frame in
      guard let slot = body.code.flowSlot else { return input }
      frame[slot] = input
      _ = try body.code.body.execute(self, frame)
      return frame[slot]
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
    if case .tensor(let tensor) = input, case .answers(let answers) = tensor.content, let trace,
      tensor.trace === trace
    {
      return try apply(flow, toAll: answers, trace, at: span)
    }
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
    return try applying(flow, trace) { try applyForm(flow, to: tensor, trace, at: place) }
  }

  private func applyAll(_ parts: [Flow], _ flow: Flow, to input: Value) throws -> Value {
    let run = { try parts.reduce(input) { try self.apply($1, to: $0, at: $1.span) } }
    guard let name = flow.boundName, let trace, case .tensor(let tensor) = input else {
      return try run()
    }
    return try trace.applying(flow) {
      try trace.scoped(name) { try occupy("flow", flow, tensor, trace, at: flow.span, run) }
    }
  }

  private func applyForm(_ flow: Flow, to input: SymbolicTensor, _ trace: Trace, at span: Span)
    throws -> Value
  {
    switch flow.kind {
    case .zero: return .tensor(try zeros(like: input, at: span))
    case .layer(let layer):
      return try trace.scoped(flow.root.boundName ?? layer.declaration.scope) {
        try occupy("layer", flow, input, trace, at: span) {
          try applyLayer(layer, to: input, trace, at: span)
        }
      }
    case .residual(let body): return try applyResidual(body, to: input, at: span)
    case .recompute(let body):
      return try trace.recomputing(flow.span) { try runFlow(body, on: .tensor(input)) }
    case .parallel(let branches, let join):
      return try applyParallel(branches, join, to: input, at: span)
    case .repeated(let count, let body):
      return try applyRepeat(count, body, flow.boundName, to: input, trace)
    case .site(let form): return try form.add(flow, to: input, trace, self, at: span)
    case .body(let body):
      return try trace.scoped(flow.boundName ?? "flow") {
        try occupy("flow", flow, input, trace, at: span) {
          try runFlow(body, on: .tensor(input))
        }
      }
    case .pass, .function, .compose: return .tensor(input)
    }
  }

  /// Runs a layer's body inside the current scope of the trace.
  func applyLayer(_ layer: LayerInstance, to input: SymbolicTensor, _ trace: Trace, at span: Span)
    throws -> Value
  {
    try enter(layer.declaration.code, at: span)
    defer { leave() }
    let outer = trace.origins.enter(layer)
    defer { trace.origins.leave(to: outer) }
    let code = layer.declaration.code
    return try open(layer.body, at: span) { frame in
      for (parameter, argument) in zip(code.parameters, layer.arguments) {
        frame[parameter.slot] = argument.value
      }
      guard let signature = layer.declaration.signature else {
        guard let slot = code.flowSlot else { return .tensor(input) }
        frame[slot] = .tensor(input)
        _ = try code.body.execute(self, frame)
        return frame[slot]
      }
      let input = try bind(signature, to: input, frame, trace, at: span)
      var result = Value.none
      if try code.body.finish(self, frame, &result) == .returned { result = takeReturned() }
      try checkResult(result, signature, layer, input, frame, at: span)
      return result
    }
  }

  /// Applies a flow as the content of the current scope, in no scope of its own.
  func applyHere(_ flow: Flow, to input: SymbolicTensor, _ trace: Trace, at span: Span) throws
    -> Value
  {
    switch flow.kind {
    case .layer(let layer): try applyLayer(layer, to: input, trace, at: span)
    case .site(let form): try form.apply(to: input, trace, self, at: span)
    case .body(let body): try runFlow(body, on: .tensor(input))
    default: try apply(flow, to: .tensor(input), at: span)
    }
  }

  // MARK: Forms

  private func applyResidual(_ body: Closure, to input: SymbolicTensor, at span: Span) throws
    -> Value
  {
    let result = try runFlow(body, on: .tensor(input))
    guard case .tensor(let output) = result else {
      return try result.isUnknown ? .unknown : notATensor(result, at: body.code.span)
    }
    if case .zero = output.content { return .tensor(input) }
    return try sum(
      (input, "the input"), (output, "the result"), what: "a residual adds its result to its input",
      at: body.code.lastSpan)
  }

  private func applyParallel(
    _ branches: [Closure], _ join: Identifier?, to input: SymbolicTensor, at span: Span
  ) throws -> Value {
    var outputs: [SymbolicTensor] = []
    for branch in branches {
      let place = branch.code.span
      let value = try open(branch, at: place) { try branch.code.body.evaluate(self, $0) }
      let result = try apply(value, to: .tensor(input), at: place)
      guard case .tensor(let output) = result else {
        return try result.isUnknown ? .unknown : notATensor(result, at: place)
      }
      outputs.append(output)
    }
    guard let first = outputs.first else { return .tensor(try zeros(like: input, at: span)) }
    if join?.text == "concat" { return try add(.concat, outputs, at: span) }
    var total = first
    for (branch, output) in zip(branches, outputs).dropFirst() {
      if case .zero = output.content { continue }
      let sum = try sum(
        (total, "what stands before"), (output, "this branch"),
        what: "the branches of 'parallel' are added", at: branch.code.span)
      guard case .tensor(let next) = sum else { return sum }
      total = next
    }
    return .tensor(total)
  }

  private func sum(
    _ a: (tensor: SymbolicTensor, what: String), _ b: (tensor: SymbolicTensor, what: String),
    what: String, at span: Span
  ) throws -> Value {
    guard let trace else { return try add(.binary(.add), [a.tensor, b.tensor], at: span) }
    let values = (
      try aligned(value(of: a.tensor, at: span), trace, at: span),
      try aligned(value(of: b.tensor, at: span), trace, at: span)
    )
    guard trace.graph.type(values.0) != trace.graph.type(values.1) else {
      return try add(.binary(.add), [values.0, values.1], at: span)
    }
    let notes = origin(of: values.0, as: a.what) + origin(of: values.1, as: b.what)
    throw failure(
      .wrongShape,
      "\(what): \(symbolic(values.0)) and \(symbolic(values.1)) do not match", at: span,
      notes: shapeNotes(notes, at: span))
  }

  func notATensor(_ value: Value, at span: Span) throws -> Value {
    throw wrongType("a layer gives a tensor, not \(value.typeName)", at: span)
  }

  private func applyRepeat(
    _ count: Int, _ body: Closure, _ name: String?, to input: SymbolicTensor, _ trace: Trace
  ) throws -> Value {
    var value = Value.tensor(input)
    var family: String?
    for round in 0..<count {
      try charge(at: body.code.span)
      let single = try singleLayer(body)
      let chosen =
        family ?? trace.take(name ?? single?.layer.map { plural($0.declaration.scope) } ?? "repeat")
      family = chosen
      let copy = "\(chosen)[\(round)]"
      value = try trace.inside(copy, place: copy) {
        guard case .tensor(let tensor) = value else { return value }
        let content = single ?? Flow(.body(body), span: body.code.span)
        let kind = single == nil ? "repeat" : "layer"
        return try occupy(kind, content, tensor, trace, at: content.span) {
          let apply = { try self.applyHere(content, to: tensor, trace, at: content.span) }
          guard single != nil, let block = body.code.single?.recomputed else { return try apply() }
          return try trace.recomputing(block, apply)
        }
      }
    }
    return value
  }

  /// The layer that a body consists of, when it does nothing but make one: then the copies are named
  /// after it and it needs no scope of its own.
  private func singleLayer(_ body: Closure) throws -> Flow? {
    guard let single = body.code.single else { return nil }
    return try open(body, at: single.line.span) { frame in
      guard case .function(let function) = try single.callee.evaluate(self, frame),
        case .layer = function.kind, case .flow(let flow) = try single.line.evaluate(self, frame)
      else { return nil }
      return flow
    }
  }
}
