import AdaptGraph
import AdaptSyntax
import AdaptTensor

/// A router at one place: its clauses, and what the site knows that they ask for.
struct RouterRun {
  let router: RouterInstance
  var clauses: RouterClauses
  private(set) var known: [(slot: Int, value: Value)] = []
  /// What is carried from step to step.
  var states: [RouterState] = []
  /// What it decided about.
  var units: Units?

  init(_ router: RouterInstance, _ trace: Trace) {
    self.router = router
    clauses = RouterClauses(router, mode: trace.mode)
    if router.declaration.clauses.contains(where: { $0.mode != nil }) { trace.differsByMode = true }
  }

  mutating func know(_ slot: KeyPath<RouterCode.Slots, Int>, _ value: Value) {
    known.append((router.declaration.slots[keyPath: slot], value))
  }

  mutating func know(_ slot: KeyPath<RouterCode.Slots, Int>, _ value: ValueID, _ trace: Trace) {
    know(slot, .tensor(SymbolicTensor(content: .value(value), trace: trace)))
  }

  func value(_ slot: KeyPath<RouterCode.Slots, Int>) -> Value? {
    known.last { $0.slot == router.declaration.slots[keyPath: slot] }?.value
  }
}

/// What a router carries from step to step, at one place.
struct RouterState {
  let code: CarriedCode
  /// The parameter that keeps it.
  let parameter: ParameterInfo
  /// As it was before the step.
  let value: Value
}

/// The clauses of a router that count in one mode; one for the mode goes before one for both.
struct RouterClauses {
  /// What gives the scores, and the slot of what flows through it.
  var scores: (body: CodeNode, slot: Int)?
  var select: CodeNode?
  /// Whether the rule is for this mode alone.
  private(set) var selectsByMode = false
  var weigh: CodeNode?
  var losses: [CodeNode] = []

  init(_ router: RouterInstance, mode: TraceMode) {
    let wanted: RouterDeclaration.Clause.Mode = mode == .training ? .training : .inference
    let clauses = router.declaration.clauses
    let general = clauses.filter { $0.mode == nil }
    for clause in general + clauses.filter({ $0.mode == wanted }) {
      switch clause.kind {
      case .scores(let body, let slot): scores = (body, slot)
      case .select(let rule): (select, selectsByMode) = (rule, clause.mode != nil)
      case .weigh(let weights): weigh = weights
      case .loss(let loss): losses.append(loss)
      }
    }
  }
}

/// What a form asks a router to decide.
struct Question {
  let name: String
  let units: Units
  /// How many paths the router decides about.
  let paths: Int
  /// Whether a path is for the rest.
  let hasElse: Bool
  /// The form's own rule, for a router that has none.
  var rule: Selection?
  /// Whether the form's rule counts, whatever the router's is.
  var isRuled = false
  /// Whether chance decides: a unit takes a path with the probability that is its score.
  var isDrawn = false
  /// Where the form lets units stop.
  var stop: Stop?
}

/// What a router decided.
struct Decision {
  let site: SiteID
  /// [units, paths]; nil when outputs are not weighted.
  let weights: ValueID?
  let router: RouterRun
}

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
  private func inside<T>(_ router: RouterInstance, _ body: () throws -> T) throws -> T {
    try enter(router.declaration.code, at: router.span)
    let outer = trace?.router
    trace?.router = router.name
    defer {
      leave()
      trace?.router = outer
    }
    return try body()
  }

  // MARK: Deciding

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

  // MARK: Scores

  /// The scores, by units: a unit of several rows is scored by their mean.
  private func score(_ question: Question, _ run: inout RouterRun, _ trace: Trace) throws -> ValueID
  {
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

  private func checkColumns(
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

  // MARK: Selection

  /// The rule, and what it decides by.
  private func select(_ question: Question, _ run: RouterRun, _ score: ValueID, _ trace: Trace)
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
  private func ruleInUse(
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

  // MARK: Weights and losses

  /// What outputs are multiplied with: a number for each unit and path, or one for all paths.
  private func weigh(_ question: Question, _ run: RouterRun, _ trace: Trace) throws -> ValueID? {
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
