import AdaptGraph
import AdaptSyntax

/// `route each U by R { … }` with its router and its paths, `8 experts { … }` as eight.
final class RouteForm: SiteForm {
  struct Path {
    let name: String
    let body: Closure
    /// Whether it is a setting of a knob, all of which have the same parameters.
    var isSetting = false
  }

  let unit: Identifier
  let router: RouterInstance
  /// The paths that the router decides about.
  let chosen: [Path]
  /// Those that every unit takes.
  let always: [Path]
  /// That of the units that take no other.
  let rest: Path?

  init(
    _ unit: Identifier, _ router: RouterInstance, chosen: [Path], always: [Path] = [],
    rest: Path? = nil
  ) {
    self.unit = unit
    self.router = router
    self.chosen = chosen
    self.always = always
    self.rest = rest
  }

  var scope: String { "route" }

  /// A site with one region a path.
  func apply(
    to input: SymbolicTensor, _ trace: Trace, _ interpreter: Interpreter, at span: Span
  ) throws -> Value {
    let units = try interpreter.units(unit, of: input, trace)
    let question = Question(
      name: trace.siteName(), units: units, paths: chosen.count, hasElse: rest != nil)
    let decision = try interpreter.decide(question, RouterRun(router, trace), trace)
    let joined = try interpreter.runPaths(
      chosen, rest: rest, decision, units, trace, at: span)
    try interpreter.addLosses(decision.router, site: question.name, trace)
    let shared = try always.compactMap { path in
      let x = try interpreter.aligned(units.value, trace, at: span)
      return try interpreter.run(path.body, path.name, on: x, trace)
    }
    return try interpreter.sum([joined].compactMap { $0 } + shared, units, trace, at: span)
  }
}

extension Interpreter {
  /// Runs the paths of a site, weighted, and adds up what they give.
  func runPaths(
    _ chosen: [RouteForm.Path], rest: RouteForm.Path?, _ decision: Decision, _ units: Units,
    _ trace: Trace, at span: Span
  ) throws -> ValueID? {
    var results: [PathResult] = []
    do {
      for (column, path) in (chosen + [rest].compactMap { $0 }).enumerated() {
        let weights = column < chosen.count ? decision.weights : nil
        results.append(
          try runPath(path, decision.site, units.value, weights, column: column, trace))
      }
      return try joinPaths(decision.site, results, trace, at: span)
    } catch let error as GraphError {
      throw pathFailure(error, zip(chosen.map(\.name), results.map(\.output)), at: span)
    }
  }

  /// Says what each path gives, where they do not fit together.
  private func pathFailure(
    _ error: GraphError, _ paths: some Sequence<(String, ValueID?)>, at span: Span
  ) -> Diagnostic {
    let notes = paths.flatMap { name, output in
      output.map { origin(of: $0, as: "path '\(name)'") } ?? []
    }
    return shapeFailure(error, at: span, notes)
  }

  private func runPath(
    _ path: RouteForm.Path, _ site: SiteID, _ x: ValueID, _ weights: ValueID?, column: Int,
    _ trace: Trace
  ) throws -> PathResult {
    let span = path.body.code.span
    return try takePath(site, path.name, [x], trace, at: span) { brought in
      try run(path, on: brought[0], trace) { output in
        let here = try weights.map { try aligned($0, trace, at: span) }
        return try weighted(output, by: here, column: column, trace, at: path.body.code.lastSpan)
      }
    }
  }

  private func run(
    _ path: RouteForm.Path, on x: ValueID, _ trace: Trace, _ finish: (ValueID) throws -> ValueID
  ) throws -> ValueID? {
    let (body, code) = (path.body, path.body.code)
    guard path.isSetting else { return try run(body, path.name, on: x, trace, finish) }
    return try trace.setting(path.name) { () throws -> ValueID? in
      let input = SymbolicTensor(content: .value(x), trace: trace)
      let result = try runFlow(body, on: .tensor(input))
      return try output(result, trace, at: code.lastSpan, whole: code.span).map(finish)
    }
  }

  /// Runs a body in a scope of its own; nil where it adds nothing.
  /// - Parameter finish: what is done with the result, in the same scope.
  func run(
    _ body: Closure, _ name: String, on x: ValueID, _ trace: Trace,
    _ finish: (ValueID) throws -> ValueID = { $0 }
  ) throws -> ValueID? {
    try trace.inside(name, place: name) { () throws -> ValueID? in
      let input = SymbolicTensor(content: .value(x), trace: trace)
      let content = Flow(.body(body), span: body.code.span)
      let result = try occupy("path", content, input, trace, at: content.span) {
        try runFlow(body, on: .tensor(input))
      }
      return try output(result, trace, at: body.code.lastSpan, whole: body.code.span).map(finish)
    }
  }

  /// The value that a body came to, at the rows that are here; nil where it adds nothing.
  func output(_ result: Value, _ trace: Trace, at span: Span, whole: Span) throws -> ValueID? {
    guard case .tensor(let tensor) = result else {
      if result.isUnknown { throw UnknownReached() }
      _ = try notATensor(result, at: whole)
      return nil
    }
    if case .zero = tensor.content { return nil }
    return try aligned(try value(of: tensor, at: span), trace, at: span)
  }

  /// The sum of what paths give, with an axis that became rows back in its place.
  func sum(_ outputs: [ValueID], _ units: Units, _ trace: Trace, at span: Span) throws -> Value {
    var total: ValueID?
    for output in outputs {
      let output = try aligned(output, trace, at: span)
      total =
        try total.map { sum in
          try traced(at: span, of: [sum, output]) {
            try trace.graph.add(.binary(.add), sum, output)
          }
        } ?? output
    }
    let content: SymbolicTensor.Content =
      if let total { .value(try folded(total, units, trace)) } else {
        .zero(like: try aligned(try folded(units.value, units, trace), trace, at: span))
      }
    let rank = total.map { trace.graph.type($0).dims.count + (units.axis == nil ? 0 : 1) }
    let axes = rank == nil || rank == units.axes.count ? units.axes : []
    return .tensor(SymbolicTensor(content: content, trace: trace, axes: axes))
  }
}
