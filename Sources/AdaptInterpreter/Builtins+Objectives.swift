import AdaptGraph
import AdaptRuntime
import AdaptSyntax

// Functions of what is minimized: of all answers, of cost, of how far training is, and of prices.

extension Interpreter {
  static var objectiveFunctions: [NativeFunction] {
    [
      NativeFunction("expectedCost", []) { try $0.interpreter.expectedCost($0) },
      NativeFunction("expectedFlops", []) { try $0.interpreter.expectedFlops($0) },
      NativeFunction("weightedMean", ["x"]) { try $0.interpreter.weightedMean($0) },
      NativeFunction("allAnswers", []) { try $0.interpreter.allAnswers($0) },
      NativeFunction("progress", []) { try $0.interpreter.progress($0) },
      NativeFunction(
        "lagrange", ["excess", .optional("rate", .number(0.1)), .optional("start", .int(0))]
      ) { try $0.interpreter.lagrange($0) },
    ]
  }

  // MARK: Answers

  /// `allAnswers()`: whoever asks for all answers is evaluated once, not for each of them.
  func allAnswers(_ call: Call) throws -> Value {
    guard let trace, let objective = trace.objective else {
      throw failure(
        .misplacedStatement, "the answers are known inside of an objective only", at: call.span)
    }
    objective.isAboutAll = true
    let answers =
      objective.answers.isEmpty ? [ModelAnswer(value: objective.result)] : objective.answers
    let records = try answers.map { answer in
      let weight = try traced(at: call.span) { try trace.graph.weight(of: answer) }
      return try makeRecord(
        [
          ("output", symbolic(answer.value, trace)), ("weight", symbolic(weight, trace)),
        ], at: call.span)
    }
    return try makeList(records, at: call.span)
  }

  private func symbolic(_ value: ValueID, _ trace: Trace) -> Value {
    .tensor(SymbolicTensor(content: .value(value), trace: trace))
  }

  // MARK: Cost

  /// `expectedCost()`: what the model is expected to compute, relative to the costliest paths. In a layer
  /// or router the model is not whole yet, and the objective says what it comes to.
  func expectedCost(_ call: Call) throws -> Value {
    guard let trace, trace.optimizer == nil else { throw costUnknown(call) }
    guard let objective = trace.objective else {
      let cost = try trace.expectedCost ?? makeCost(trace, at: call.span)
      trace.expectedCost = cost
      return symbolic(cost, trace)
    }
    let cost = try traced(at: call.span) {
      try trace.graph.expectedCost(of: objective.result, length: objective.data.length)
    }
    return symbolic(cost, trace)
  }

  /// `expectedFlops()`: the same in operations for a row.
  func expectedFlops(_ call: Call) throws -> Value {
    guard let trace, let objective = trace.objective else { throw costUnknown(call) }
    let work = try traced(at: call.span) {
      try trace.graph.expectedFlops(of: objective.result, length: objective.data.length)
    }
    return symbolic(work, trace)
  }

  private func costUnknown(_ call: Call) -> Diagnostic {
    failure(
      .misplacedStatement, "the expected cost is known in what training minimizes only",
      at: call.span)
  }

  private func makeCost(_ trace: Trace, at span: Span) throws -> ValueID {
    try traced(at: span) { try trace.graph.addSource(.input("expectedCost", .scalar)) }
  }

  // MARK: Training

  /// `progress()`.
  func progress(_ call: Call) throws -> Value {
    guard let trace, trace.mode == .training, trace.optimizer == nil else { return .number(1) }
    let progress = try traced(at: call.span) {
      try trace.graph.addSource(.input(DataInput.progress, .scalar))
    }
    return symbolic(progress, trace)
  }

  /// `lagrange(excess, rate: 0.1, start: 0)`.
  func lagrange(_ call: Call) throws -> Value {
    let (rate, start) = (try call.number(1), try call.number(2))
    guard let trace, trace.optimizer == nil else {
      throw failure(
        .misplacedStatement, "a price belongs to what training minimizes", at: call.span)
    }
    // A term that is switched off is a number, and so is its product.
    guard call[0].asDouble == nil else { return .number(0) }
    let excess = try lossTerm(call[0], "lagrange", trace, at: call.span(0))
    let place = trace.objective == nil ? "price" : "objective.price"
    let info = ParameterInfo(
      name: trace.parameterName(place), shape: [], initial: .constant(start))
    trace.note(DeclaredParameter(name: info.name, info: info, isFrozen: true))
    return try traced(at: call.span) {
      let price = try trace.graph.parameter(info)
      if trace.mode == .training {
        // Where a place comes again, as in a loop, each goes on from what the one before made of it.
        let known = trace.updates.last { $0.name == info.name }?.value ?? price
        let next = try trace.graph.raised(known, by: excess, rate: rate)
        trace.updates.removeAll { $0.name == info.name }
        trace.updates.append(NamedValue(name: info.name, value: next))
      }
      return symbolic(try trace.graph.add(.binary(.multiply), price, excess), trace)
    }
  }
}

extension Graph {
  /// max(0, price + rate · excess), outside of all gradients.
  fileprivate mutating func raised(_ price: ValueID, by excess: ValueID, rate: Double) throws
    -> ValueID
  {
    let change = try add(
      .binary(.multiply), add(.stopGradient, excess), addSource(.constant(rate)))
    return try add(.unary(.relu), add(.binary(.add), price, change))
  }

  /// How much each row of a result counts, `[rows]`.
  fileprivate mutating func weight(of answer: ModelAnswer) throws -> ValueID {
    var weight = try answer.weight ?? ones(like: answer.value)
    if type(weight).rows == nil {
      weight = try add(.binary(.multiply), ones(like: answer.value), weight)
    }
    return try add(.reshape([]), weight)
  }
}
