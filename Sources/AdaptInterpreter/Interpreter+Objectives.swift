import AdaptGraph
import AdaptRuntime
import AdaptSyntax

/// An objective in the making.
final class ObjectiveContext {
  /// What the model gives; of several results the one that is being compared.
  var output: SymbolicTensor
  /// All results, where there are several for each row.
  let answers: [ModelAnswer]
  /// How much the result counts that is being compared, row by row, beside a mean of 1.
  var share: SymbolicTensor?
  /// What comes out at the model's end.
  let result: ValueID
  /// Whether all results were asked for at once.
  var isAboutAll = false
  let target: SymbolicTensor
  /// One number a target, where the data bring them.
  let weight: SymbolicTensor?
  let data: DataFormat
  var terms: [(objective: Objective, name: String, value: Value)] = []
  /// What `minimize` named, added up.
  var total: Value?
  /// The losses of rows that the objectives took the mean of.
  var rowLosses: [ValueID] = []

  init(
    of model: ModelGraph, _ trace: Trace, target: SymbolicTensor, weight: SymbolicTensor?,
    data: DataFormat
  ) {
    result = model.output
    output = SymbolicTensor(content: .value(model.output), trace: trace)
    answers = model.answers
    self.target = target
    self.weight = weight
    self.data = data
  }
}

extension Interpreter {
  /// Adds to a model's graph what the block minimizes; without a block, what goes with the targets.
  func traceObjective(
    _ block: Closure?, of model: ModelGraph, mode: TraceMode, data: DataFormat, at span: Span
  ) throws -> ObjectiveGraph {
    let trace = Trace(mode: mode)
    trace.graph = model.graph
    return try within(trace) {
      let objective = try makeContext(model, trace, data, at: span)
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
      result.updates += trace.updates
      result.frozen.formUnion(trace.frozenParameters)
      try define(costOf: &result, data, at: block?.code.span ?? span)
      try define(rewardOf: &result, objective, at: block?.code.span ?? span)
      let routers = try traced(at: span) { try result.addRouterLosses() }
      return ObjectiveGraph(model: result, total: total, terms: terms, routers: routers)
    }
  }

  /// Tells layers and routers what the whole model is expected to cost, where they ask for it.
  private func define(costOf model: inout ModelGraph, _ data: DataFormat, at span: Span) throws {
    guard let asked = model.expectedCost else { return }
    try traced(at: span) {
      let cost = try model.graph.expectedCost(of: model.output, length: data.length)
      try model.graph.define(asked, as: cost)
    }
    model.expectedCost = nil
  }

  /// Tells routers the loss of each row, where they ask for it.
  private func define(
    rewardOf model: inout ModelGraph, _ objective: ObjectiveContext, at span: Span
  ) throws {
    guard model.reward != nil else { return }
    guard let first = objective.rowLosses.first else {
      throw failure(
        .wrongValue, "a router asks for its reward, and this minimizes no loss of each row",
        at: span, hint: "an objective tells it by weightedMean(…), as crossEntropy does")
    }
    try traced(at: span) {
      var loss = try objective.rowLosses.dropFirst().reduce(first) {
        try model.graph.add(.binary(.add), $0, $1)
      }
      if objective.answers.count > 1 {
        let part = try model.graph.add(.constant(1 / Double(objective.answers.count)))
        loss = try model.graph.add(.binary(.multiply), loss, part)
      }
      try model.define(loss: loss)
    }
  }

  private func makeContext(
    _ model: ModelGraph, _ trace: Trace, _ data: DataFormat, at span: Span
  ) throws -> ObjectiveContext {
    let rows = try runtime(at: span) { try model.targetRows(data.target) }
    func source(_ name: String, _ type: TensorType) throws -> SymbolicTensor {
      let value = try traced(at: span) { try trace.graph.addSource(.input(name, type)) }
      return SymbolicTensor(content: .value(value), trace: trace)
    }
    let target = TensorType(rows: rows, data.target.dims, data.target.element)
    return ObjectiveContext(
      of: model, trace,
      target: try source(DataInput.target, target),
      weight: data.isWeighted ? try source(DataInput.weight, TensorType(rows: rows, [])) : nil,
      data: data)
  }

  private func minimized(_ block: Closure?, _ context: ObjectiveContext, at span: Span) throws
    -> Value
  {
    guard let block else {
      let name = context.data.target.isClass ? "crossEntropy" : "meanSquaredError"
      guard case .object(let object)? = prelude.find(name)?.value, let term = object as? Objective
      else { throw failure(.unknownName, "there is no objective '\(name)'", at: span) }
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

  /// `minimize e`: a term of what the block of `train` minimizes, or in a layer a term that every model
  /// brings that has the layer.
  func minimize(_ node: CodeNode, _ frame: Frame, at span: Span) throws {
    guard let trace else {
      throw failure(
        .misplacedStatement, "'minimize' belongs into a layer or into the block of 'train'",
        at: span)
    }
    guard let objective = trace.objective else {
      let value = try countingRows(trace, at: node.span) { try node.evaluate(self, frame) }
      return try bring(value, trace, at: node.span)
    }
    let value = try node.evaluate(self, frame)
    _ = try value.isUnknown ? .none : scalarValue(value, what: "the objective", at: node.span)
    objective.total = try objective.total.map { try binary(.add, $0, value, at: span) } ?? value
  }

  /// Adds what a layer minimizes to what its model brings, or its router where it makes scores. A term
  /// that is switched off is a number.
  private func bring(_ value: Value, _ trace: Trace, at span: Span) throws {
    if value.isUnknown { throw UnknownReached() }
    guard value.asDouble == nil else { return }
    let term = try lossTerm(value, "minimize", trace, at: span)
    if trace.graph.isZero(term) { return }
    if let router = trace.router {
      trace.addLoss(site: trace.place, router: router, term)
    } else {
      trace.addLoss(ofLayer: term)
    }
  }

  /// Runs `body`, in which sums and means over the rows that are here count each by its weight, where the
  /// data have weights.
  private func countingRows<T>(_ trace: Trace, at span: Span, _ body: () throws -> T) throws -> T {
    guard let weight = trace.weight, !trace.graph.isScanned(trace.graph.region) else {
      return try body()
    }
    let outer = trace.counting
    defer { trace.counting = outer }
    trace.counting = try aligned(weight, trace, at: span)
    return try body()
  }

  /// The value of an objective for the current output and target; the same each time it is named.
  func evaluate(_ objective: Objective, _ context: ObjectiveContext, at span: Span) throws -> Value
  {
    if let term = context.terms.first(where: { $0.objective === objective }) { return term.value }
    try enter(objective.body.code, at: span)
    defer { leave() }
    let value = try overAnswers(context, at: span) {
      try open(objective.body, at: span) { try run(objective.body, $0) }
    }
    if value.isUnknown { return value }
    let term = try scalarValue(
      value, what: "objective \(objective.name)", at: objective.body.code.span)
    context.terms.append((objective, objective.name, term))
    return term
  }

  /// The mean of an objective over all results of a row, each by its weight: its value for each, where
  /// rows count by their shares times the number of results, so that what knows no rows is its own mean.
  private func overAnswers(
    _ context: ObjectiveContext, at span: Span, _ body: () throws -> Value
  ) throws -> Value {
    guard let trace, !context.answers.isEmpty else { return try body() }
    let outer = (context.output, context.share)
    defer { (context.output, context.share) = outer }
    let count = Double(context.answers.count)
    let shares = try traced(at: span) { try trace.graph.shares(of: context.answers, sum: count) }
    let losses = context.rowLosses.count
    var total: Value?
    for (answer, share) in zip(context.answers, shares) {
      context.output = SymbolicTensor(content: .value(answer.value), trace: trace)
      context.share = SymbolicTensor(content: .value(share), trace: trace)
      context.isAboutAll = false
      let value = try body()
      guard !context.isAboutAll else {
        (context.output, context.share) = outer
        context.rowLosses.removeSubrange(losses...)
        return try body()
      }
      total = try total.map { try binary(.add, $0, value, at: span) } ?? value
    }
    return try total.map { try binary(.divide, $0, .number(count), at: span) } ?? .none
  }

  /// Numbers of rows, each by how much the result counts that it is of.
  func shared(_ x: TensorOperand, at span: Span) throws -> TensorOperand {
    guard let share = shareOfAnswer(x) else { return x }
    let product = try elementwise(.multiply, x.value, share.value, at: span)
    return try tensorOperand(product, at: span) ?? x
  }

  /// What a mean over rows multiplies its numbers with: how much the result counts that they are of.
  func shareOfAnswer(_ x: TensorOperand) -> TensorOperand? {
    guard let share = trace?.objective?.share, let trace,
      case .value(let value) = share.content, trace.graph.type(value).rows == x.type.rows,
      x.type.rows != nil
    else { return nil }
    let dims = x.type.dims.map { _ in 1 }
    guard dims.count <= 1,
      let shaped = try? trace.graph.add(.reshape(dims), value)
    else { return nil }
    let type = trace.graph.type(shaped)
    return TensorOperand(
      source: .symbolic(SymbolicTensor(content: .value(shaped), trace: trace)), type: type,
      axes: dims.map { _ in nil })
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

  /// `weightedMean(x)`: the mean over rows, each counted by the weight that the data give it.
  func weightedMean(_ call: Call) throws -> Value {
    guard let objective = trace?.objective else {
      throw failure(
        .misplacedStatement, "weights are known inside of an objective only", at: call.span)
    }
    let given = try call.tensorOperand(0)
    let x = try shared(given, at: call.span)
    guard x.type.rows != nil, x.type.dims.isEmpty else {
      throw failure(
        .wrongShape, "weightedMean takes one number a row, not \(describe(x))", at: call.span(0))
    }
    if let trace { objective.rowLosses.append(try value(of: x, trace, at: call.span)) }
    guard let weight = objective.weight else {
      return try compute([x], at: call.span) { try $0.add(.sumRows(mean: true), $1[0]) }
    }
    let weights = try operand(.tensor(weight), at: call.span)
    return try compute([x, weights], at: call.span) { graph, ids in
      let weighted = try graph.add(.binary(.multiply), ids[0], ids[1])
      return try graph.add(
        .binary(.divide), graph.add(.sumRows(mean: false), weighted),
        graph.add(.sumRows(mean: false), ids[1]))
    }
  }
}
