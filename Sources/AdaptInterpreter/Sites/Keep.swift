import AdaptGraph
import AdaptSyntax

/// `keep 12.5% of token by R { … } else { … }`: the best go through, the others pass by.
final class KeepForm: SiteForm {
  enum Rest {
    case pass
    case body(Closure)
    /// The others are gone from here on.
    case drop(Span)
    /// The others of each group are one row of it from here on, their mean.
    case merge(Span)

    /// The word that ends the way of the others, where one does.
    var ending: Span? {
      switch self {
      case .drop(let word), .merge(let word): word
      case .pass, .body: nil
      }
    }
  }

  let rule: Selection
  let unit: Identifier
  /// Within what an amount is counted, where it was said: what the units are grouped by.
  let group: Identifier?
  let router: RouterInstance
  /// Nil where the kept ones stay as they are.
  let body: Closure?
  let rest: Rest

  init(
    _ rule: Selection, of unit: Identifier, each group: Identifier?, by router: RouterInstance,
    _ body: Closure?,
    else rest: Rest
  ) {
    self.rule = rule
    self.unit = unit
    self.group = group
    self.router = router
    self.body = body
    self.rest = rest
  }

  var scope: String { "keep" }

  /// A site with one path, and one for the rest. The amount that the script says here goes before what
  /// the router would select.
  func apply(
    to input: SymbolicTensor, _ trace: Trace, _ interpreter: Interpreter, at span: Span
  ) throws -> Value {
    let units = try interpreter.units(unit, of: input, trace)
    try checkGroup(trace.graph[units.rows].grouping, interpreter)
    let question = Question(
      name: trace.siteName(), units: units, paths: 1, hasElse: true, rule: rule, isRuled: true)
    let decision = try interpreter.decide(question, RouterRun(router, trace), trace)
    try interpreter.addLosses(decision.router, site: question.name, trace)
    if let word = rest.ending {
      return try drop(decision, units, trace, interpreter, at: word)
    }
    let kept = try interpreter.takePath(
      decision.site, "kept", [units.value], trace, at: span
    ) { brought in
      guard let output = try run(on: brought[0], trace, interpreter) else { return nil }
      let weights = try decision.weights.map { try interpreter.aligned($0, trace, at: span) }
      return try interpreter.weighted(output, by: weights, column: 0, trace, at: span)
    }
    let others = try interpreter.takePath(
      decision.site, "rest", [units.value], trace, at: span
    ) { brought in
      guard case .body(let body) = rest else { return brought[0] }
      return try interpreter.run(body, "else", on: brought[0], trace)
    }
    let joined = try interpreter.traced(at: span) {
      try interpreter.joinPaths(decision.site, [kept, others], trace, at: span)
    }
    return try interpreter.sum([joined].compactMap { $0 }, units, trace, at: span)
  }

  private func run(on x: ValueID, _ trace: Trace, _ interpreter: Interpreter) throws -> ValueID? {
    guard let body else { return x }
    return try interpreter.run(body, "kept", on: x, trace)
  }

  private func checkGroup(_ grouping: String?, _ interpreter: Interpreter) throws {
    guard let group, group.text != grouping else { return }
    throw interpreter.failure(
      .wrongShape, "a '\(unit.text)' is not one of several of a '\(group.text)' here",
      at: group.span,
      hint: grouping.map { "each \($0) has its own \(unit.text)s: write 'each \($0)'" }
        ?? "leave 'each \(group.text)' out: all are chosen among together")
  }

  /// What follows runs on those who are kept, and on what the others are merged to.
  private func drop(
    _ decision: Decision, _ units: Units, _ trace: Trace, _ interpreter: Interpreter,
    at word: Span
  ) throws -> Value {
    guard units.axis == nil else {
      throw interpreter.failure(
        .wrongShape, "an axis keeps its size: nothing of '\(unit.text)' can be dropped", at: word,
        hint: "write 'else { zero }'")
    }
    let kept = try interpreter.traced(at: word) {
      try trace.graph.enterPath(decision.site, name: "kept", [units.value])[0]
    }
    let merged = try merge(decision, units, trace, interpreter)
    trace.departures.append(
      Departure(site: decision.site, rest: merged?.ones, span: word))
    guard let output = try run(on: kept, trace, interpreter) else {
      return .tensor(SymbolicTensor(content: .zero(like: kept), trace: trace))
    }
    let weights = try decision.weights.map { try interpreter.aligned($0, trace, at: word) }
    var result = try interpreter.weighted(output, by: weights, column: 0, trace, at: word)
    if let merged {
      result = try interpreter.traced(at: word, of: [result, merged.mean]) {
        let there = try trace.graph.picked(merged.mean, .marked, marks: merged.count)
        return try trace.graph.joinedRows([result, there])
      }
    }
    return .tensor(SymbolicTensor(content: .value(result), trace: trace))
  }

  /// What the others of each group come to, by their weights, and of how many it is the mean.
  private typealias Merged = (mean: ValueID, count: ValueID, ones: ValueID)

  /// The others' way, up to where they are one row in each group (Liang et al. 2022, §3.2, where the sum
  /// is not divided by that of the weights).
  private func merge(
    _ decision: Decision, _ units: Units, _ trace: Trace, _ interpreter: Interpreter
  ) throws -> Merged? {
    guard case .merge(let word) = rest else { return nil }
    let inside = trace.graph.region
    trace.graph.leavePath()
    defer { trace.graph.region = inside }
    return try interpreter.traced(at: word) {
      let x = try trace.graph.enterPath(decision.site, name: "merged", [units.value])[0]
      let ones = try trace.graph.ones(like: x)
      let weights = try decision.weights.map {
        try trace.graph.add(
          .slice(start: 0, count: 1), interpreter.aligned($0, trace, at: word))
      }
      let (weight, group) = (weights ?? ones, try trace.graph.add(.groupOf, x))
      let weighted = try trace.graph.add(.binary(.multiply), x, weight)
      guard let groups = trace.graph.openGroups(of: try rows(of: units, trace)) else {
        throw GraphError(.shape, "a '\(unit.text)' is not one of several that could be merged")
      }
      trace.graph.leavePath()
      func total(_ value: ValueID) throws -> ValueID {
        try trace.graph.add(.scatter(.rows(groups)), value, group)
      }
      let (sum, weightSum, count) = (try total(weighted), try total(weight), try total(ones))
      let least = try trace.graph.addSource(.constant(1e-9))
      let divisor = try trace.graph.add(.binary(.maximum), weightSum, least)
      return (try trace.graph.add(.binary(.divide), sum, divisor), count, ones)
    }
  }

  private func rows(of units: Units, _ trace: Trace) throws -> RowSetID {
    guard !units.travels(in: trace.graph) else {
      throw GraphError(.shape, "whole groups of '\(unit.text)' cannot be merged to one row")
    }
    return units.rows
  }
}
