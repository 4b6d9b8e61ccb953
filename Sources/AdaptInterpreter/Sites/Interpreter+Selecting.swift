import AdaptGraph
import AdaptSyntax

// The rule by which scores select, and what it decides by.

extension Interpreter {
  /// The rule, and what it decides by.
  func select(_ question: Question, _ run: RouterRun, _ score: ValueID, _ trace: Trace)
    throws -> (Selection, ValueID)
  {
    if question.isDrawn { return (.above(0), try drawn(score, trace, at: run.router.span)) }
    // A rule that a router has for one mode alone is meant to differ from the form's.
    guard let select = run.clauses.select, !question.isRuled || run.clauses.selectsByMode else {
      guard let rule = question.rule else {
        throw failure(
          .wrongValue, "router \(run.router.name) has no 'select' clause", at: run.router.span,
          hint: "write 'select top(1)' or 'select all'")
      }
      return (rule, score)
    }
    var run = run
    run.know(\.all, .object(SelectionValue(.all)))
    for (slot, function) in Interpreter.selections { run.know(slot, .function(Function(function))) }
    let value = try open(run) { try select.evaluate(self, $0) }
    switch value {
    case .unknown: throw UnknownReached()
    // Nobody is selected: no number is greater than infinity.
    case .none: return (.above(.infinity), score)
    case .tensor, .array:
      let mask = try byUnit(
        try routerTensor(value, "select", trace, at: select.span), question.units, trace)
      try checkColumns(mask, [question.paths], question, trace, at: select.span)
      return (.given, mask)
    case .object(let object):
      guard let rule = object as? SelectionValue else { break }
      return try checked(rule, question, run, score, trace, at: select.span)
    default: break
    }
    throw wrongType(
      "'select' needs a selection, not \(value.typeName)", at: select.span,
      hint:
        "top(k), above(t), best(share), pairs(share), all, none and a tensor of 0 and 1 are selections"
    )
  }

  /// Above 0 with the probability that a score says.
  private func drawn(_ score: ValueID, _ trace: Trace, at span: Span) throws -> ValueID {
    let stream = trace.noiseName()
    return try traced(at: span) {
      let chance = try trace.graph.add(.random(.uniform, stream: stream), score)
      return try trace.graph.add(.binary(.subtract), score, chance)
    }
  }

  /// The rule of inference, where all paths are taken in training only: what is expected of the finished
  /// model goes by the scores then.
  func ruleInUse(
    _ question: Question, _ run: RouterRun, _ selection: Selection, _ score: ValueID, _ trace: Trace
  ) throws -> Selection? {
    guard selection == .all, trace.mode == .training, run.clauses.selectsByMode else { return nil }
    var other = run
    other.clauses = RouterClauses(run.router, mode: .inference)
    return try select(question, other, score, trace).0
  }

  private func checked(
    _ rule: SelectionValue, _ question: Question, _ run: RouterRun, _ score: ValueID,
    _ trace: Trace, at span: Span
  ) throws -> (Selection, ValueID) {
    if let count = rule.selection.mostPaths, count > question.paths {
      throw failure(
        .wrongValue, "top(\(count)) of \(counted(question.paths, "path")) cannot be chosen",
        at: span)
    }
    var numbers = rule.numbers
    if rule.isAccumulated {
      let total = run.value(\.total) ?? .number(0)
      let current = Value.tensor(SymbolicTensor(content: .value(score), trace: trace))
      numbers = try binary(.add, total, current, at: span)
    }
    guard let numbers else { return (rule.selection, score) }
    let decision = try byUnit(
      try routerTensor(numbers, "of", trace, at: span), question.units, trace)
    try checkColumns(decision, [question.paths], question, trace, at: span)
    return (rule.selection, decision)
  }
}
