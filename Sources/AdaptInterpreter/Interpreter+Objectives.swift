import AdaptGraph
import AdaptRuntime
import AdaptSyntax

/// An objective in the making.
final class ObjectiveContext {
  let output: SymbolicTensor
  let target: SymbolicTensor
  /// Rows in a group, for the cost of attention.
  let length: Double
  var terms: [(objective: Objective, name: String, value: Value)] = []
  /// What `minimize` named, added up.
  var total: Value?

  init(output: SymbolicTensor, target: SymbolicTensor, length: Double) {
    self.output = output
    self.target = target
    self.length = length
  }
}

extension Interpreter {
  /// Adds to a model's graph what the block minimizes; without a block, crossEntropy.
  /// - Parameter length: rows in a group, for the cost of attention.
  func traceObjective(
    _ block: Closure?, of model: ModelGraph, mode: TraceMode, length: Double, at span: Span
  ) throws -> ObjectiveGraph {
    let trace = Trace(mode: mode)
    trace.graph = model.graph
    return try within(trace) {
      let objective = try makeContext(model, trace, length, at: span)
      trace.objective = objective
      let expression = try minimized(block, objective, at: span)
      var total = try scalar(expression, what: "the objective", at: block?.code.span ?? span)
      for loss in model.losses {
        total = try traced(at: span) { try trace.graph.add(.binary(.add), total, loss.value) }
      }
      let terms = try objective.terms.map { term in
        NamedValue(name: term.name, value: try scalar(term.value, what: term.name, at: span))
      }
      var result = model
      result.graph = trace.graph
      return ObjectiveGraph(model: result, total: total, terms: terms)
    }
  }

  private func makeContext(_ model: ModelGraph, _ trace: Trace, _ length: Double, at span: Span)
    throws -> ObjectiveContext
  {
    let rows = trace.graph.type(model.input).rows
    let target = try traced(at: span) {
      try trace.graph.addSource(
        .input(Interpreter.targetName, TensorType(rows: rows, [], .int32)))
    }
    return ObjectiveContext(
      output: SymbolicTensor(content: .value(model.output), trace: trace),
      target: SymbolicTensor(content: .value(target), trace: trace), length: length)
  }

  private func minimized(_ block: Closure?, _ context: ObjectiveContext, at span: Span) throws
    -> Value
  {
    guard let block else {
      guard case .object(let object)? = prelude.find("crossEntropy")?.value,
        let term = object as? Objective
      else { throw failure(.unknownName, "there is no objective 'crossEntropy'", at: span) }
      return try evaluate(term, context, at: span)
    }
    _ = try open(block, at: span) { try block.code.body.execute(self, $0) }
    guard let total = context.total else {
      throw failure(
        .wrongValue, "this block minimizes nothing", at: block.code.span,
        hint: "write 'minimize crossEntropy' in it")
    }
    return total
  }

  /// `minimize e`.
  func minimize(_ node: CodeNode, _ frame: Frame, at span: Span) throws {
    guard let objective = trace?.objective else {
      throw failure(
        .misplacedStatement, "'minimize' belongs into the block of 'train'", at: span)
    }
    let value = try node.evaluate(self, frame)
    _ = try value.isUnknown ? .none : scalarValue(value, what: "the objective", at: node.span)
    objective.total = try objective.total.map { try binary(.add, $0, value, at: span) } ?? value
  }

  /// The value of an objective for the current output and target; the same each time it is named.
  func evaluate(_ objective: Objective, _ context: ObjectiveContext, at span: Span) throws -> Value
  {
    if let term = context.terms.first(where: { $0.objective === objective }) { return term.value }
    try enter(objective.body.code, at: span)
    defer { leave() }
    let value = try open(objective.body, at: span) { try run(objective.body, $0) }
    if value.isUnknown { return value }
    let term = try scalarValue(
      value, what: "objective \(objective.name)", at: objective.body.code.span)
    context.terms.append((objective, objective.name, term))
    return term
  }

  /// A value that must be one number.
  private func scalarValue(_ value: Value, what: String, at span: Span) throws -> Value {
    if value.asDouble != nil { return value }
    guard case .tensor(let tensor) = value else {
      throw wrongType("\(what) is a number, not \(value.typeName)", at: span)
    }
    let type = try type(of: tensor, at: span)
    guard type == .scalar else {
      throw failure(
        .wrongShape, "\(what) is one number, not \(describe(type))", at: span,
        hint: "mean(…) makes one of many")
    }
    return value
  }

  private func scalar(_ value: Value, what: String, at span: Span) throws -> ValueID {
    if value.isUnknown { throw UnknownReached() }
    let value = try scalarValue(value, what: what, at: span)
    if case .tensor(let tensor) = value { return try self.value(of: tensor, at: span) }
    guard let number = value.asDouble, let trace else { throw UnknownReached() }
    return try traced(at: span) { try trace.graph.addSource(.constant(number)) }
  }

  /// `expectedCost()`: what the model is expected to compute, relative to all paths dense.
  func expectedCost(at span: Span) throws -> Value {
    guard let trace, let objective = trace.objective else {
      throw failure(
        .misplacedStatement, "the expected cost is known inside of an objective only", at: span)
    }
    let output = try value(of: objective.output, at: span)
    let cost = try traced(at: span) {
      try trace.graph.expectedCost(of: output, length: objective.length)
    }
    return .tensor(SymbolicTensor(content: .value(cost), trace: trace))
  }
}
