import AdaptGraph
import AdaptSyntax

// Knobs: settings of a model that a host, a script or a router turns.

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
