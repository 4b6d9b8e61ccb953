import AdaptGraph
import AdaptSyntax
import AdaptTensor

// What a router scores its paths with.

extension Interpreter {
  /// The scores, by units: a unit of several rows is scored by their mean.
  func score(_ question: Question, _ run: inout RouterRun, _ trace: Trace) throws -> ValueID {
    let units = question.units
    guard let (body, slot) = run.clauses.scores else {
      let score = try evenScore(question, trace)
      run.know(\.score, score, trace)
      return score
    }
    let input = try traced(at: units.name.span) {
      units.travels(in: trace.graph) ? try trace.graph.pooled(units.value) : units.value
    }
    let scores = try open(run) { frame in
      try trace.inside("router", place: "router") { () throws -> Value in
        frame[slot] = .tensor(SymbolicTensor(content: .value(input), trace: trace))
        _ = try body.execute(self, frame)
        return frame[slot]
      }
    }
    let score = try byUnit(try routerTensor(scores, "scores", trace, at: body.span), units, trace)
    try checkColumns(score, [question.paths], question, trace, at: body.span)
    run.know(\.score, score, trace)
    return score
  }

  /// The same share for every path, of a router that scores none.
  private func evenScore(_ question: Question, _ trace: Trace) throws -> ValueID {
    let units = question.units
    return try traced(at: units.name.span) {
      let value =
        units.travels(in: trace.graph)
        ? try trace.graph.pooled(units.value, mean: false) : units.value
      let shares = Array(repeating: 1 / Float(question.paths), count: question.paths)
      let row = try trace.graph.addSource(
        .literal(Literal(Tensor([question.paths], shares))))
      return try trace.graph.add(.binary(.multiply), trace.graph.ones(like: value), row)
    }
  }

  /// A value over the units; one over the rows that they consist of is averaged.
  func byUnit(_ value: ValueID, _ units: Units, _ trace: Trace) throws -> ValueID {
    guard trace.graph.type(value).rows != units.rows, units.travels(in: trace.graph),
      trace.graph.type(value).rows == trace.graph.type(units.value).rows
    else { return value }
    return try traced(at: units.name.span) { try trace.graph.pooled(value) }
  }

  func checkColumns(
    _ value: ValueID, _ columns: [Int], _ question: Question, _ trace: Trace, at span: Span
  ) throws {
    let type = trace.graph.type(value)
    guard type.rows == question.units.rows, type.element == .float32,
      columns.contains(where: { type.dims == [$0] })
    else {
      throw failure(
        .wrongShape,
        "a router gives one number for each of \(counted(question.paths, "path")), not "
          + describe(type), at: span, hint: "'paths' is their number: Linear(paths)")
    }
  }

  func routerTensor(_ result: Value, _ what: String, _ trace: Trace, at span: Span) throws
    -> ValueID
  {
    guard case .tensor(let tensor) = try lifted(result, at: span) else {
      if result.isUnknown { throw UnknownReached() }
      throw wrongType("'\(what)' gives a tensor, not \(result.typeName)", at: span)
    }
    return try aligned(try value(of: tensor, at: span), trace, at: span)
  }
}
