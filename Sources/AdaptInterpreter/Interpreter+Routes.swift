import AdaptGraph
import AdaptSyntax

// Sites: a router scores, a rule selects, and each row runs on its paths only.

extension Interpreter {
  /// Applies a route inside its own scope: a site with one region a path.
  func applyRoute(
    _ route: RouteInstance, to input: SymbolicTensor, _ trace: Trace, at span: Span
  ) throws -> Value {
    let x = try value(of: input, at: span)
    try checkUnit(route.unit, of: x, trace)
    let site = trace.siteName()
    let router = route.router
    let clauses = RouterClauses(router, mode: trace.mode)
    if router.declaration.clauses.contains(where: { $0.mode != nil }) { trace.differsByMode = true }
    return try open(router.body, at: router.span) { frame in
      for (parameter, argument) in zip(router.declaration.code.parameters, router.arguments) {
        frame[parameter.slot] = argument.value
      }
      frame[router.declaration.slots.paths] = .int(route.paths.count)
      try enter(router.declaration.code, at: router.span)
      let decision: Decision
      do {
        defer { leave() }
        decision = try decide(clauses, frame, site: site, route, x, trace)
      }
      let joined = try runPaths(route.paths, decision, x, trace, at: span)
      let content = joined.map(SymbolicTensor.Content.value) ?? .zero(like: x)
      try enter(router.declaration.code, at: router.span)
      defer { leave() }
      try addLosses(clauses, frame, site: site, trace)
      return .tensor(SymbolicTensor(content: content, trace: trace))
    }
  }

  private func checkUnit(_ unit: Identifier, of x: ValueID, _ trace: Trace) throws {
    guard let rows = trace.graph.type(x).rows else {
      throw failure(
        .wrongShape,
        "a route needs rows to choose for, and \(describe(trace.graph.type(x))) has none",
        at: unit.span, notes: callNotes(around: unit.span))
    }
    let set = trace.graph[rows]
    guard set.label != unit.text else { return }
    throw failure(
      .wrongShape, "there is no '\(unit.text)' to route here", at: unit.span,
      notes: callNotes(around: unit.span),
      hint: "the rows are '\(set.label)': write 'route each \(set.label)'")
  }

  // MARK: Paths

  private func runPaths(
    _ paths: [RouteInstance.Path], _ decision: Decision, _ x: ValueID, _ trace: Trace,
    at span: Span
  ) throws -> ValueID? {
    let region = trace.graph.region
    var outputs: [ValueID?] = []
    do {
      outputs = try paths.enumerated().map { number, path in
        try runPath(path, number, decision, x, trace)
      }
      return try trace.graph.join(decision.site, outputs: outputs)
    } catch {
      // A trace that failed inside a path must not go on there.
      trace.graph.region = region
      guard let error = error as? GraphError else { throw error }
      let notes = zip(paths, outputs).flatMap { path, output in
        output.map { origin(of: $0, as: "path '\(path.name)'") } ?? []
      }
      throw shapeFailure(error, at: span, notes)
    }
  }

  private func runPath(
    _ path: RouteInstance.Path, _ number: Int, _ decision: Decision, _ x: ValueID, _ trace: Trace
  ) throws -> ValueID? {
    let brought = try trace.graph.enterPath(
      decision.site, name: path.name, [x] + (decision.weights.map { [$0] } ?? []))
    let output = try trace.inside(path.name, place: path.name) { () throws -> ValueID? in
      let input = SymbolicTensor(content: .value(brought[0]), trace: trace)
      let content = Flow(.body(path.body), span: path.body.code.span)
      let result = try occupy("path", content, input, trace, at: content.span) {
        try runFlow(path.body, on: .tensor(input))
      }
      guard case .tensor(let tensor) = result else {
        if result.isUnknown { throw UnknownReached() }
        _ = try notATensor(result, at: path.body.code.span)
        return nil
      }
      if case .zero = tensor.content { return nil }
      let last = path.body.code.lastSpan
      let output = try value(of: tensor, at: last)
      try checkRows([output], trace, at: last)
      guard brought.count > 1 else { return output }
      let weight = try trace.graph.add(.slice(start: number, count: 1), brought[1])
      let weighted = try trace.graph.add(.binary(.multiply), output, weight)
      carryOrigin(from: output, to: weighted, trace)
      return weighted
    }
    trace.graph.leavePath()
    return output
  }

  // MARK: The router

  struct Decision {
    let site: SiteID
    /// [rows, paths]; nil when outputs are not weighted.
    let weights: ValueID?
  }

  private func decide(
    _ clauses: RouterClauses, _ frame: Frame, site: String, _ route: RouteInstance, _ x: ValueID,
    _ trace: Trace
  ) throws -> Decision {
    let (router, slots, paths) = (route.router, route.router.declaration.slots, route.paths.count)
    guard let (body, slot) = clauses.scores else {
      throw failure(
        .wrongValue, "router \(router.name) has no 'scores' clause",
        at: router.span)
    }
    let input = Value.tensor(SymbolicTensor(content: .value(x), trace: trace))
    let scores = try trace.inside("router", place: "router") { () throws -> Value in
      frame[slot] = input
      _ = try body.execute(self, frame)
      return frame[slot]
    }
    let score = try tensorValue(scores, what: "scores", at: body.span)
    try checkScores(score, paths, trace, at: body.span)
    let selection = try selection(clauses, frame, paths: paths, router)
    let id = try traced(at: route.unit.span) {
      try trace.graph.addSite(
        name: site, unit: route.unit.text, router: router.name,
        selection: selection, scores: score)
    }
    frame[slots.score] = .tensor(SymbolicTensor(content: .value(score), trace: trace))
    let mask = trace.graph[id].mask
    frame[slots.selected] = .tensor(SymbolicTensor(content: .value(mask), trace: trace))
    guard let weigh = clauses.weigh else { return Decision(site: id, weights: nil) }
    let weights = try tensorValue(try weigh.evaluate(self, frame), what: "weigh", at: weigh.span)
    try checkScores(weights, paths, trace, at: weigh.span)
    return Decision(site: id, weights: weights)
  }

  private func checkScores(_ value: ValueID, _ paths: Int, _ trace: Trace, at span: Span) throws {
    let type = trace.graph.type(value)
    guard type.rows != nil, type.dims == [paths], type.element == .float32 else {
      throw failure(
        .wrongShape,
        "a router gives one number for each of \(counted(paths, "path")), not \(describe(type))",
        at: span, hint: "'paths' is their number: Linear(paths)")
    }
  }

  private func selection(
    _ clauses: RouterClauses, _ frame: Frame, paths: Int, _ router: RouterInstance
  ) throws -> Selection {
    guard let select = clauses.select else {
      throw failure(
        .wrongValue, "router \(router.name) has no 'select' clause",
        at: router.span, hint: "write 'select top(1)' or 'select all'")
    }
    frame[router.declaration.slots.all] = .object(SelectionValue(.all))
    frame[router.declaration.slots.top] = .function(Function(Interpreter.top))
    let value = try select.evaluate(self, frame)
    if value.isUnknown { throw UnknownReached() }
    guard case .object(let object) = value, let rule = object as? SelectionValue else {
      throw wrongType(
        "'select' needs a selection, not \(value.typeName)", at: select.span,
        hint: "top(k) and all are selections")
    }
    if case .top(let count) = rule.selection, count > paths {
      throw failure(
        .wrongValue, "top(\(count)) of \(counted(paths, "path")) cannot be chosen", at: select.span)
    }
    return rule.selection
  }

  private func addLosses(_ clauses: RouterClauses, _ frame: Frame, site: String, _ trace: Trace)
    throws
  {
    for loss in clauses.losses {
      let result = try loss.evaluate(self, frame)
      if case .tensor = result {
      } else if result.asDouble != nil {
        // A term that is switched off, for example by a weight of zero.
        continue
      }
      let value = try tensorValue(result, what: "loss", at: loss.span)
      let type = trace.graph.type(value)
      guard type == .scalar else {
        throw failure(
          .wrongShape, "a loss is one number, not \(describe(type))", at: loss.span,
          hint: "sum(…) or mean(…) make one of many")
      }
      trace.addLoss(site: site, value)
    }
  }

  private func tensorValue(_ result: Value, what: String, at span: Span) throws -> ValueID {
    guard case .tensor(let tensor) = result else {
      if result.isUnknown { throw UnknownReached() }
      throw wrongType("'\(what)' gives a tensor, not \(result.typeName)", at: span)
    }
    return try value(of: tensor, at: span)
  }

  /// `top(k)`, in `select`.
  static var top: NativeFunction {
    NativeFunction("top", ["count"]) { call in
      .object(SelectionValue(.top(try call.int(0, in: 1...4096))))
    }
  }
}

/// The clauses of a router that count in one mode; one for the mode goes before one for both.
struct RouterClauses {
  /// What gives the scores, and the slot of what flows through it.
  var scores: (body: CodeNode, slot: Int)?
  var select: CodeNode?
  var weigh: CodeNode?
  var losses: [CodeNode] = []

  init(_ router: RouterInstance, mode: TraceMode) {
    let wanted: RouterDeclaration.Clause.Mode = mode == .training ? .training : .inference
    let clauses = router.declaration.clauses
    let general = clauses.filter { $0.mode == nil }
    for clause in general + clauses.filter({ $0.mode == wanted }) {
      switch clause.kind {
      case .scores(let body, let slot): scores = (body, slot)
      case .select(let rule): select = rule
      case .weigh(let weights): weigh = weights
      case .loss(let loss): losses.append(loss)
      }
    }
  }
}
