import AdaptGraph
import AdaptSyntax

// Forms in which something is decided.

/// `route each U by R { … }`.
final class RouteNode: CodeNode {
  struct Path {
    let role: Route.Role
    /// `8 experts { … }`.
    let count: CodeNode?
    let name: Identifier
    let body: Code
    /// Where the body finds which of so many paths it is.
    let indexSlot: Int?
  }

  let unit: Identifier
  let router: CodeNode
  let paths: [Path]

  init(_ unit: Identifier, _ router: CodeNode, _ paths: [Path], _ span: Span) {
    self.unit = unit
    self.router = router
    self.paths = paths
    super.init(span)
  }

  override func isRepeatable(_ walk: inout RepeatableWalk) -> Bool {
    walk.follows(router)
      && paths.allSatisfy { path in
        (path.count.map { walk.follows($0) } ?? true) && walk.follows(path.body)
      }
  }

  override func evaluate(_ context: Interpreter, _ frame: Frame) throws -> Value {
    let value = try router.evaluate(context, frame)
    if value.isUnknown { return .unknown }
    let instance = try context.router(value, for: "a route", at: router.span)
    var (chosen, always, rest) = ([RouteForm.Path](), [RouteForm.Path](), [RouteForm.Path]())
    for path in paths {
      let bodies = try open(path, context, frame)
      switch path.role {
      case .chosen: chosen += bodies
      case .always: always += bodies
      case .rest: rest += bodies
      }
    }
    return try context.makeFlow(
      .site(RouteForm(unit, instance, chosen: chosen, always: always, rest: rest.first)), at: span)
  }

  private func open(_ path: Path, _ context: Interpreter, _ frame: Frame) throws
    -> [RouteForm.Path]
  {
    guard let count = path.count else {
      return [RouteForm.Path(name: path.name.text, body: Closure(path.body, frame))]
    }
    return (0..<(try number(of: count, context, frame))).map { number in
      if let slot = path.indexSlot { frame[slot] = .int(number) }
      return RouteForm.Path(
        name: "\(path.name.text)[\(number)]", body: Closure(path.body, frame))
    }
  }

  /// `8 experts { … }` counts as eight paths.
  private func number(of count: CodeNode, _ context: Interpreter, _ frame: Frame) throws -> Int {
    let value = try count.evaluate(context, frame)
    guard let number = value.exactInt, (1...4096).contains(number) else {
      if value.isUnknown { throw UnknownReached() }
      throw context.failure(
        .wrongValue,
        "the number of paths is an integer from 1 to 4096, not \(context.brief(value))",
        at: count.span)
    }
    return number
  }
}

/// `keep AMOUNT of U each G by R { … } else { … }`.
final class KeepNode: CodeNode {
  struct Amount {
    let kind: Keep.Amount.Kind
    let value: CodeNode
    let span: Span
  }

  enum Otherwise {
    case body(Code)
    case drop(Span)
    case merge(Span)
  }

  let amount: Amount
  let unit: Identifier
  let group: Identifier?
  let router: CodeNode
  let body: Code?
  let otherwise: Otherwise?

  init(
    _ amount: Amount, of unit: Identifier, each group: Identifier?, by router: CodeNode,
    _ body: Code?, otherwise: Otherwise?, _ span: Span
  ) {
    self.amount = amount
    self.unit = unit
    self.group = group
    self.router = router
    self.body = body
    self.otherwise = otherwise
    super.init(span)
  }

  override func isRepeatable(_ walk: inout RepeatableWalk) -> Bool {
    guard walk.follows(amount.value), walk.follows(router), body.map({ walk.follows($0) }) ?? true
    else { return false }
    if case .body(let code)? = otherwise { return walk.follows(code) }
    return true
  }

  override func evaluate(_ context: Interpreter, _ frame: Frame) throws -> Value {
    let rule = try rule(context, frame)
    let router = try context.router(router, frame)
    let rest: KeepForm.Rest =
      switch otherwise {
      case nil: .pass
      case .body(let code): .body(Closure(code, frame))
      case .drop(let span): .drop(span)
      case .merge(let span): .merge(span)
      }
    let body = body.map { Closure($0, frame) }
    return try context.makeFlow(
      .site(KeepForm(rule, of: unit, each: group, by: router, body, else: rest)), at: span)
  }

  private func rule(_ context: Interpreter, _ frame: Frame) throws -> Selection {
    let value = try amount.value.evaluate(context, frame)
    switch amount.kind {
    case .top, .share: return .best(try context.amount(value, at: amount.span))
    case .above:
      if value.isUnknown { throw UnknownReached() }
      guard let limit = value.asDouble, limit.isFinite else {
        throw context.wrongType(
          "'above' takes a number, not \(value.typeName)", at: amount.span)
      }
      return .above(limit)
    }
  }
}

/// `loop up to n each U until R carrying (…) { … } join average`, and `loop n` with as much.
final class LoopNode: CodeNode {
  enum Rounds {
    case count(CodeNode)
    case upTo(limit: CodeNode, unit: Identifier?, until: CodeNode)
  }

  /// What becomes of the results of the rounds.
  enum Join: String, CaseIterable { case average, last, sample, concat, expected }

  let rounds: Rounds
  let content: CarryingCode
  let join: Join?
  let joinName: Identifier?

  init(
    _ rounds: Rounds, _ content: CarryingCode, join: Join?, joinName: Identifier?, _ span: Span
  ) {
    self.rounds = rounds
    self.content = content
    self.join = join
    self.joinName = joinName
    super.init(span)
  }

  override func isRepeatable(_ walk: inout RepeatableWalk) -> Bool {
    let parts: [CodeNode] =
      switch rounds {
      case .count(let count): [count]
      case .upTo(let limit, _, let until): [limit, until]
      }
    return walk.follows(parts) && walk.follows(content.body)
      && walk.follows(content.carried.map(\.initial))
  }

  override func evaluate(_ context: Interpreter, _ frame: Frame) throws -> Value {
    let carried = try content.carried.map {
      (code: $0, initial: try $0.initial.evaluate(context, frame))
    }
    let body = Closure(content.body, frame)
    switch rounds {
    case .count(let count):
      let form = LoopForm(
        try context.rounds(count, frame), halting: nil, body, carrying: carried,
        join: join ?? .last)
      return try context.makeFlow(.site(form), at: span)
    case .upTo(let limit, let unit, let until):
      let form = LoopForm(
        try context.rounds(limit, frame), halting: (unit, try context.router(until, frame)), body,
        carrying: carried, join: join ?? .last)
      return try context.makeFlow(.site(form), at: span)
    }
  }
}

/// `scan over A carrying (…) { … } in reverse`.
final class ScanNode: CodeNode {
  let axis: Identifier
  let content: CarryingCode
  let reverse: Span?

  init(_ axis: Identifier, _ content: CarryingCode, reverse: Span?, _ span: Span) {
    self.axis = axis
    self.content = content
    self.reverse = reverse
    super.init(span)
  }

  override func evaluate(_ context: Interpreter, _ frame: Frame) throws -> Value {
    let carried = try content.carried.map { carried in
      ScanForm.Carried(
        code: carried, initial: try carried.initial.evaluate(context, frame))
    }
    let scan = ScanForm(
      axis, Closure(content.body, frame), carried, isReversed: reverse != nil)
    return try context.makeFlow(.site(scan), at: span)
  }
}

/// `exit each U when C through H`.
final class ExitNode: CodeNode {
  let unit: Identifier
  let criterion: CriterionCode
  /// Where `when` or `by` stands.
  let word: Span
  let head: CodeNode?

  init(
    _ unit: Identifier, _ criterion: CriterionCode, word: Span, head: CodeNode?, _ span: Span
  ) {
    self.unit = unit
    self.criterion = criterion
    self.word = word
    self.head = head
    super.init(span)
  }

  override func isRepeatable(_ walk: inout RepeatableWalk) -> Bool {
    walk.follows(criterion) && (head.map { walk.follows($0) } ?? true)
  }

  override func evaluate(_ context: Interpreter, _ frame: Frame) throws -> Value {
    let criterion = try context.criterion(criterion, frame)
    let head = try head.map { (value: try $0.evaluate(context, frame), span: $0.span) }
    if head?.value.isUnknown == true { return .unknown }
    return try context.makeFlow(.site(ExitForm(unit, criterion, head: head)), at: span)
  }
}

/// `cascade each U { small { … } accept when C  big { … } }`.
final class CascadeNode: CodeNode {
  struct Stage {
    let name: Identifier
    let body: Code
    /// What accepts an answer, and where its word stands; the last stage has none.
    let acceptance: (criterion: CriterionCode, word: Span)?
  }

  let unit: Identifier
  let stages: [Stage]

  init(_ unit: Identifier, _ stages: [Stage], _ span: Span) {
    self.unit = unit
    self.stages = stages
    super.init(span)
  }

  override func isRepeatable(_ walk: inout RepeatableWalk) -> Bool {
    stages.allSatisfy { stage in
      walk.follows(stage.body) && (stage.acceptance.map { walk.follows($0.criterion) } ?? true)
    }
  }

  override func evaluate(_ context: Interpreter, _ frame: Frame) throws -> Value {
    let stages = try stages.map { stage in
      CascadeForm.Stage(
        name: stage.name.text, body: Closure(stage.body, frame),
        acceptance: try stage.acceptance.map { try context.criterion($0.criterion, frame) })
    }
    return try context.makeFlow(.site(CascadeForm(unit, stages)), at: span)
  }
}

/// `reuse each U when C { … }`.
final class ReuseNode: CodeNode {
  let unit: Identifier
  let condition: ConditionCode
  let body: Code

  init(_ unit: Identifier, _ condition: ConditionCode, _ body: Code, _ span: Span) {
    self.unit = unit
    self.condition = condition
    self.body = body
    super.init(span)
  }

  override func isRepeatable(_ walk: inout RepeatableWalk) -> Bool {
    walk.follows(.when(condition)) && walk.follows(body)
  }

  override func evaluate(_ context: Interpreter, _ frame: Frame) throws -> Value {
    let condition = try context.condition(condition, frame)
    return try context.makeFlow(
      .site(ReuseForm(unit, condition, Closure(body, frame))), at: span)
  }
}

/// `knob width in [25%, 100%] each token by TopK(1)`, with what stands behind it.
final class TurnedKnobNode: CodeNode {
  let name: Identifier
  let choices: CodeNode
  let unit: Identifier
  let router: CodeNode
  /// Where the body finds its setting when it is made.
  let settingSlot: Int
  let body: Code

  init(
    _ name: Identifier, _ choices: CodeNode, each unit: Identifier, by router: CodeNode,
    setting settingSlot: Int, _ body: Code, _ span: Span
  ) {
    self.name = name
    self.choices = choices
    self.unit = unit
    self.router = router
    self.settingSlot = settingSlot
    self.body = body
    super.init(span)
  }

  override func isRepeatable(_ walk: inout RepeatableWalk) -> Bool {
    walk.follows(choices) && walk.follows(router) && walk.follows(body)
  }

  override func evaluate(_ context: Interpreter, _ frame: Frame) throws -> Value {
    guard let settings = try context.settings(of: name, choices, frame) else { return .unknown }
    let path = context.knobPath(name)
    let knob = TracedKnob(path: path, settings: settings, isRouted: true)
    if let turned = context.trace?.knobs.setting(of: knob) {
      let value = try context.choice(turned.value, of: settings, path, at: turned.span)
      return try form(.turned(setting(value, frame)), context)
    }
    let value = try router.evaluate(context, frame)
    if value.isUnknown { return .unknown }
    let instance = try context.router(value, for: "a knob", at: router.span)
    let paths = settings.elements.map { setting($0, frame) }
    try context.checkDistinct(paths.map(\.name), path, at: choices.span)
    return try form(.routed(RouteForm(unit, instance, chosen: paths)), context)
  }

  private func setting(_ value: Value, _ frame: Frame) -> RouteForm.Path {
    frame[settingSlot] = value
    return RouteForm.Path(
      name: Interpreter.nameOfSetting(value), body: Closure(body, frame), isSetting: true)
  }

  private func form(_ kind: KnobForm.Kind, _ context: Interpreter) throws -> Value {
    try context.makeFlow(.site(KnobForm(name.text, kind)), at: span)
  }
}

/// `knob width in [1, 2, 4] = 2`.
final class KnobNode: StatementNode {
  let name: Identifier
  let binder: Binder
  let choices: CodeNode
  /// The choice without a word of it; nil for the last one.
  let initial: CodeNode?

  init(
    _ name: Identifier, _ binder: Binder, _ choices: CodeNode, _ initial: CodeNode?, _ span: Span
  ) {
    self.name = name
    self.binder = binder
    self.choices = choices
    self.initial = initial
    super.init(span)
  }

  override func isRepeatable(_ walk: inout RepeatableWalk) -> Bool {
    walk.follows(choices) && (initial.map { walk.follows($0) } ?? true)
  }

  override func execute(_ context: Interpreter, _ frame: Frame) throws -> Signal {
    binder.bind(try context.value(of: self, frame), frame)
    return .normal
  }
}
