import AdaptGraph
import AdaptSyntax

/// `exit each U when C through Head`: a unit leaves here with the head's answer, the rest go on.
final class ExitForm: SiteForm {
  let unit: Identifier
  let criterion: Decider
  /// Nil where a unit leaves with what flows here.
  let head: (value: Value, span: Span)?

  init(_ unit: Identifier, _ criterion: Decider, head: (value: Value, span: Span)?) {
    self.unit = unit
    self.criterion = criterion
    self.head = head
  }

  var scope: String { "exit" }

  /// In training nobody leaves, and each answer counts by itself (Teerapittayanon et al. 2016, eq. 2).
  func apply(
    to input: SymbolicTensor, _ trace: Trace, _ interpreter: Interpreter, at span: Span
  ) throws -> Value {
    trace.differsByMode = true
    let units = try interpreter.units(unit, of: input, trace)
    guard units.axis == nil else {
      throw interpreter.failure(
        .wrongShape, "an axis keeps its size: nothing of '\(unit.text)' can leave", at: unit.span)
    }
    if trace.mode == .training { return try answer(units, input, trace, interpreter, at: span) }
    let before = trace.graph.sites.filter { $0.stop?.kind == .exit }.count
    let question = Question(
      name: trace.siteName(), units: units, paths: 1, hasElse: true, rule: .above(0.5),
      stop: Stop(.exit, of: "", number: before))
    // A condition asks about the answer; where a router decides, only those who leave are answered.
    var answer: ValueID?
    if case .when = criterion { answer = try ask(units.value, trace, interpreter, at: span) }
    let site = try interpreter.decide(
      criterion, question,
      { try answer.map { try quantities(of: $0, trace, interpreter, at: span) } ?? [:] }, trace)
    let rest = try interpreter.depart(
      site, bringing: answer ?? units.value, staying: units.value, trace, at: span
    ) { brought in
      try answer == nil ? ask(brought, trace, interpreter, at: span) : brought
    }
    return .tensor(
      SymbolicTensor(content: .value(rest ?? units.value), trace: trace, axes: input.axes))
  }

  /// What the condition may ask about: the answer, and how it goes with that of the exit before.
  private func quantities(
    of answer: ValueID, _ trace: Trace, _ interpreter: Interpreter, at span: Span
  ) throws -> [ConditionCode.Name: Value] {
    var result = try interpreter.quantities(of: answer, trace, at: span)
    guard result[.confidence] != nil else { return result }
    let before = try trace.lastExit.map {
      (
        answer: try interpreter.aligned($0.answer, trace, at: span),
        patience: try interpreter.aligned($0.patience, trace, at: span)
      )
    }
    let (patience, divergence) = try interpreter.traced(at: span) {
      try trace.graph.agreement(of: answer, with: before)
    }
    trace.lastExit = (answer, patience)
    result[.patience] = .tensor(SymbolicTensor(content: .value(patience), trace: trace))
    result[.divergence] = .tensor(SymbolicTensor(content: .value(divergence), trace: trace))
    return result
  }

  /// The head's answer.
  private func ask(
    _ x: ValueID, _ trace: Trace, _ interpreter: Interpreter, at span: Span
  ) throws -> ValueID {
    guard let head else { return x }
    let input = Value.tensor(SymbolicTensor(content: .value(x), trace: trace))
    let result = try interpreter.apply(head.value, to: input, at: head.span)
    guard let answer = try interpreter.output(result, trace, at: head.span, whole: head.span) else {
      throw interpreter.failure(.wrongValue, "this gives no answer to leave with", at: head.span)
    }
    return answer
  }

  private func answer(
    _ units: Units, _ input: SymbolicTensor, _ trace: Trace, _ interpreter: Interpreter,
    at span: Span
  ) throws -> Value {
    let answer = try ask(units.value, trace, interpreter, at: span)
    var weight: ValueID?
    if case .by(let router) = criterion {
      let question = Question(name: trace.siteName(), units: units, paths: 1, hasElse: true)
      let end = try interpreter.conclude(question, RouterRun(router, trace), trace)
      try interpreter.addLosses(end.router, site: question.name, trace)
      weight = end.weights
    }
    if let given = weight, trace.graph.type(given).rows != trace.graph.type(answer).rows {
      weight = try interpreter.traced(at: span) { try trace.graph.spread(given, like: answer) }
    }
    trace.answers.append(Answer(value: answer, weight: weight))
    return .tensor(SymbolicTensor(content: .value(units.value), trace: trace, axes: input.axes))
  }
}

extension Graph {
  /// For how many exits the best class has stayed (Zhou et al. 2020, §3.2), and how far the answer is from
  /// the one before; where there is none, 0 and 10⁹.
  fileprivate mutating func agreement(
    of answer: ValueID, with before: (answer: ValueID, patience: ValueID)?
  ) throws -> (patience: ValueID, divergence: ValueID) {
    let ones = try ones(like: answer)
    guard let before, type(before.answer) == type(answer) else {
      return (
        try add(.binary(.subtract), ones, ones),
        try add(.binary(.multiply), ones, addSource(.constant(1e9)))
      )
    }
    func best(_ x: ValueID) throws -> ValueID {
      try add(.convert(.float32), add(.extremumIndex(maximum: true, axis: 0), x))
    }
    let isSame = try add(.binary(.equal), best(answer), best(before.answer))
    let longer = try add(.binary(.add), before.patience, ones)
    return (
      try add(.binary(.multiply), isSame, longer),
      try divergence(of: answer, from: before.answer)
    )
  }

  /// Σ p log(p / q) of each row, of two rows of logits.
  private mutating func divergence(of logits: ValueID, from others: ValueID) throws -> ValueID {
    let tiny = try addSource(.constant(Double(Float.leastNormalMagnitude)))
    func logs(_ x: ValueID) throws -> ValueID {
      try add(.unary(.log), add(.binary(.maximum), add(.softmax, x), tiny))
    }
    let difference = try add(.binary(.subtract), logs(logits), logs(others))
    let terms = try add(.binary(.multiply), add(.softmax, logits), difference)
    return try add(.sumColumns(mean: false), terms)
  }
}
