import AdaptGraph
import AdaptSyntax

// How a router decides: it scores, a rule selects, and what comes of the paths is weighed.

extension Interpreter {
  /// Runs `body` in a frame in which the router's clauses find what they ask for.
  func open<T>(_ run: RouterRun, _ body: (Frame) throws -> T) throws -> T {
    let router = run.router
    return try open(router.body, at: router.span) { frame in
      for (parameter, argument) in zip(router.declaration.code.parameters, router.arguments) {
        frame[parameter.slot] = argument.value
      }
      for (slot, value) in run.known { frame[slot] = value }
      for state in run.states { state.code.bind(state.value, frame) }
      return try body(frame)
    }
  }

  /// Runs `body`, whose errors led through the router.
  func inside<T>(_ router: RouterInstance, _ body: () throws -> T) throws -> T {
    try enter(router.declaration.code, at: router.span)
    let outer = trace?.router
    trace?.router = router.name
    defer {
      leave()
      trace?.router = outer
    }
    return try body()
  }

  /// Lets a router decide: scores the paths, opens the site and weighs what comes of them.
  func decide(_ question: Question, _ run: RouterRun, _ trace: Trace) throws -> Decision {
    try inside(run.router) { try decided(question, run, trace) }
  }

  private func decided(_ question: Question, _ run: RouterRun, _ trace: Trace) throws -> Decision {
    var run = run
    run.know(\.paths, .int(question.paths))
    run.units = question.units
    try bindStates(&run, trace)
    let score = try score(question, &run, trace)
    let (rule, decision) = try select(question, run, score, trace)
    let selection = question.units.competing(by: rule, in: trace.graph)
    let site = try open(
      question, selection, score, decision, run.router.name, trace,
      inUse: try ruleInUse(question, run, selection, score, trace))
    let mask = trace.graph[site].mask
    let selected =
      try question.hasElse
      ? traced(at: run.router.span) {
        try trace.graph.add(.slice(start: 0, count: question.paths), mask)
      } : mask
    run.know(\.selected, selected, trace)
    try know(&run, loadOf: selected, trace)
    if trace.mode == .training { try know(&run, rewardOf: question.units, trace) }
    try update(run, question.units, trace)
    return Decision(site: site, weights: try weigh(question, run, trace), router: run)
  }

  /// Weighs the last round, in which every unit halts whatever it scores: there is no site.
  func conclude(_ question: Question, _ run: RouterRun, _ trace: Trace) throws
    -> (weights: ValueID?, router: RouterRun)
  {
    var run = run
    run.know(\.paths, .int(question.paths))
    run.units = question.units
    let weights = try inside(run.router) {
      try bindStates(&run, trace)
      let score = try score(question, &run, trace)
      let ones = try traced(at: run.router.span) { try trace.graph.ones(like: score) }
      run.know(\.selected, ones, trace)
      try know(&run, loadOf: ones, trace)
      if trace.mode == .training { try know(&run, rewardOf: question.units, trace) }
      try update(run, question.units, trace)
      return try weigh(question, run, trace)
    }
    return (weights, run)
  }

  /// How many units there are, and how many took each path.
  private func know(_ run: inout RouterRun, loadOf selected: ValueID, _ trace: Trace) throws {
    let span = run.router.span
    let weight = try run.units.flatMap { try self.weight(over: $0, trace) }
    if run.value(\.units) == nil {
      run.know(\.units, try unitCount(like: selected, weight: weight, trace, at: span), trace)
    }
    let load = try traced(at: span) {
      let counted =
        try weight.map {
          try trace.graph.add(
            .binary(.multiply), selected, trace.graph.add(.reshape([1]), $0))
        } ?? selected
      return try trace.graph.add(.sumRows(mean: false), counted)
    }
    run.know(\.load, load, trace)
  }

  /// How many units there are where a value stands, or the sum of their weights; 1
  /// where there are none, so that it divides.
  func unitCount(
    like value: ValueID, weight: ValueID? = nil, _ trace: Trace, at span: Span
  ) throws -> ValueID {
    try traced(at: span) {
      let ones = try weight ?? trace.graph.ones(like: value)
      let count = try trace.graph.add(
        .reshape([]), trace.graph.add(.sumRows(mean: false), ones))
      let isNone = try trace.graph.add(
        .binary(.equal), count, trace.graph.addSource(.constant(0)))
      return try trace.graph.add(.binary(.add), count, isNone)
    }
  }

  func open(
    _ question: Question, _ selection: Selection, _ score: ValueID, _ decision: ValueID,
    _ router: String, _ trace: Trace, inUse: Selection? = nil
  ) throws -> SiteID {
    try traced(at: question.units.name.span) {
      try trace.graph.addSite(
        name: question.name, unit: question.units.name.text, router: router,
        selection: selection, scores: score, decision: decision,
        travellers: trace.graph.type(question.units.value).rows, hasElse: question.hasElse,
        stop: question.stop, ruleInUse: inUse)
    }
  }
}
