import AdaptGraph
import AdaptRuntime
import AdaptSyntax

/// An optimizer in the making.
final class OptimizerContext {
  /// The elements of a parameter, whichever it is.
  let rows: RowSetID
  var states: [(name: String, initial: Double)] = []
  /// Where the body keeps each state.
  var places: [Place] = []

  init(rows: RowSetID) { self.rows = rows }
}

extension Interpreter {
  /// Builds the graph of an optimizer's update, one number at a time.
  /// - Throws: ``ScriptError``
  public func trace(_ optimizer: OptimizerInstance) throws -> OptimizerGraph {
    try onOwnThread {
      do { return try self.traceOptimizer(optimizer) } catch { throw self.asScriptError(error) }
    }
  }

  /// Builds the graph of an optimizer's update, inside a run.
  func traceOptimizer(_ optimizer: OptimizerInstance) throws -> OptimizerGraph {
    let trace = Trace(mode: .training)
    let context = OptimizerContext(rows: trace.graph.addRows(label: "element", grouping: nil))
    trace.optimizer = context
    return try within(trace) {
      try enter(optimizer.declaration.code, at: optimizer.span)
      defer { leave() }
      return try open(optimizer.body, at: optimizer.span) { frame in
        try prepare(frame, optimizer, context, trace)
        return try update(frame, optimizer, context, trace)
      }
    }
  }

  private func prepare(
    _ frame: Frame, _ optimizer: OptimizerInstance, _ context: OptimizerContext, _ trace: Trace
  ) throws {
    let declaration = optimizer.declaration
    for (parameter, argument) in zip(declaration.code.parameters, optimizer.arguments) {
      frame[parameter.slot] = argument.value
    }
    let elements = TensorType(rows: context.rows, [])
    let inputs = [
      ("parameter", elements, declaration.parameter), ("gradient", elements, declaration.gradient),
      ("step", TensorType.scalar, declaration.step),
    ]
    for (name, type, slot) in inputs {
      frame[slot] = try optimizerInput(name, type, trace, at: optimizer.span)
    }
  }

  private func update(
    _ frame: Frame, _ optimizer: OptimizerInstance, _ context: OptimizerContext, _ trace: Trace
  ) throws -> OptimizerGraph {
    let code = optimizer.declaration.code
    var result = Value.none
    if try code.body.finish(self, frame, &result) == .returned { result = takeReturned() }
    let parameter = try element(result, what: "the new parameter", context, at: code.lastSpan)
    let states = try zip(context.states, context.places).map { state, place in
      try element(
        place.load(frame), what: "state '\(state.name)'", context, at: code.body.span)
    }
    return OptimizerGraph(
      graph: trace.graph, states: context.states, newParameter: parameter, newStates: states)
  }

  private func optimizerInput(_ name: String, _ type: TensorType, _ trace: Trace, at span: Span)
    throws -> Value
  {
    let value = try traced(at: span) { try trace.graph.addSource(.input(name, type)) }
    return .tensor(SymbolicTensor(content: .value(value), trace: trace))
  }

  /// `state m = 0`: carried from step to step; what is assigned to it is its next value.
  func makeState(
    _ name: Identifier, _ initial: CodeNode, _ place: Place, _ frame: Frame,
    _ context: OptimizerContext
  ) throws -> Value {
    guard let trace else { return .none }
    let value = try initial.evaluate(self, frame)
    if value.isUnknown { throw UnknownReached() }
    guard let start = value.asDouble else {
      throw wrongType("a state starts from a number, not from \(value.typeName)", at: initial.span)
    }
    guard !context.states.contains(where: { $0.name == name.text }) else {
      throw failure(.duplicateName, "there are two states '\(name.text)'", at: name.span)
    }
    context.states.append((name.text, start))
    context.places.append(place)
    return try optimizerInput(
      "state.\(name.text)", TensorType(rows: context.rows, []), trace, at: name.span)
  }

  /// A value as one number an element of the parameter.
  private func element(_ value: Value, what: String, _ context: OptimizerContext, at span: Span)
    throws -> ValueID
  {
    if value.isUnknown { throw UnknownReached() }
    guard case .tensor(let tensor) = value else {
      throw wrongType(
        "\(what) is a tensor, not \(value.typeName)", at: span,
        hint: "the last line of an optimizer gives the new parameter")
    }
    let type = try type(of: tensor, at: span)
    guard type == TensorType(rows: context.rows, []) else {
      throw failure(
        .wrongShape, "\(what) is one number for each element, not \(describe(type))", at: span)
    }
    return try self.value(of: tensor, at: span)
  }
}
