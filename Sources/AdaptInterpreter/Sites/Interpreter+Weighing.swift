import AdaptGraph
import AdaptSyntax

// What a router makes of its decision: weights of outputs, and terms of the objective.

extension Interpreter {
  /// What outputs are multiplied with: a number for each unit and path, or one for all paths.
  func weigh(_ question: Question, _ run: RouterRun, _ trace: Trace) throws -> ValueID? {
    guard let weigh = run.clauses.weigh else { return nil }
    let value = try open(run) { try weigh.evaluate(self, $0) }
    if value.asDouble == 1 { return nil }
    let weights = try byUnit(
      try routerTensor(value, "weigh", trace, at: weigh.span), question.units, trace)
    try checkColumns(weights, [question.paths], question, trace, at: weigh.span)
    return weights
  }

  /// What a path gives, times the weight of its column where it has one.
  func weighted(_ output: ValueID, by weights: ValueID?, column: Int, _ trace: Trace, at span: Span)
    throws -> ValueID
  {
    guard let weights else { return output }
    let result = try traced(at: span) {
      var weight = try trace.graph.add(.slice(start: column, count: 1), weights)
      let rows = trace.graph.type(output).rows
      if rows != nil, trace.graph.type(weight).rows != rows {
        weight = try trace.graph.spread(weight, like: output)
      }
      return try trace.graph.elementwise(.multiply, output, weight)
    }
    carryOrigin(from: output, to: result, trace)
    return result
  }

  func addLosses(_ run: RouterRun, site: String, _ trace: Trace) throws {
    // Outside of training there is no reward, and nothing asks for what it would make.
    guard trace.mode == .training || !run.router.declaration.usesReward else { return }
    let outer = trace.counting
    defer { trace.counting = outer }
    trace.counting = try run.units.flatMap { try weight(over: $0, trace) }
    for loss in run.clauses.losses {
      let result = try inside(run.router) { try open(run) { try loss.evaluate(self, $0) } }
      // A term that is switched off, for example by a weight of zero, is a number.
      if result.asDouble != nil { continue }
      let term = try lossTerm(result, "loss", trace, at: loss.span)
      trace.addLoss(site: site, router: run.router.name, term)
    }
  }

  /// A value that is added to the objective: one number.
  /// - Parameter what: the word of the language that says so.
  func lossTerm(_ result: Value, _ what: String, _ trace: Trace, at span: Span) throws -> ValueID {
    let value = try routerTensor(result, what, trace, at: span)
    let type = trace.graph.type(value)
    // The sum over rows of one number each is one number with an axis of one.
    guard type.rows == nil, type.count == 1, type.element == .float32 else {
      throw failure(
        .wrongShape, "a loss is one number, not \(describe(type))", at: span,
        hint: "sum(…) or mean(…) make one of many")
    }
    return try traced(at: span) {
      try type == .scalar ? value : trace.graph.add(.reshape([]), value)
    }
  }
}
