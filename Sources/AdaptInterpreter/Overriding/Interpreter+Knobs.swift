import AdaptPlatform
import AdaptSyntax

// Knobs: settings of a model that are chosen where it is used. A model is traced for each setting; its
// parameters are the same in all.

/// A knob that a trace met.
struct TracedKnob {
  let path: String
  let settings: ListValue
  /// Whether a router sets it.
  var isRouted = false
}

/// The knobs of a trace: how the views that are being applied turn them, and which there are.
struct TracedKnobs {
  /// The settings of a view, and where it is applied.
  private struct Turned {
    let prefix: String
    let settings: [ModelView.Setting]
    var met: Set<Int> = []
  }

  private var turned: [Turned] = []
  private(set) var met: [TracedKnob] = []

  mutating func begin(_ settings: [ModelView.Setting], at prefix: String) {
    turned.append(Turned(prefix: prefix, settings: settings))
  }

  /// - Returns: a setting that turned no knob, if there is one.
  mutating func end() -> ModelView.Setting? {
    guard let last = turned.popLast() else { return nil }
    return last.settings.indices.first { !last.met.contains($0) }.map { last.settings[$0] }
  }

  /// How a knob is turned: by the innermost view that says so, there by the last word. What a view
  /// turns no router sets.
  mutating func setting(of knob: TracedKnob) -> ModelView.Setting? {
    let path = knob.path
    var result: ModelView.Setting?
    for index in turned.indices.reversed() {
      for (number, setting) in turned[index].settings.enumerated().reversed()
      where TracedKnobs.means(setting.knob, path, inside: turned[index].prefix) {
        turned[index].met.insert(number)
        result = result ?? setting
      }
    }
    met.append(
      TracedKnob(
        path: path, settings: knob.settings, isRouted: knob.isRouted && result == nil))
    return result
  }

  /// Whether a setting's name or glob means a knob.
  static func means(_ knob: String, _ path: String, inside prefix: String) -> Bool {
    let name = path.split(separator: ".").last ?? ""
    if knob == name { return true }
    guard prefix.isEmpty || path.hasPrefix(prefix + ".") else { return false }
    let inside = prefix.isEmpty ? path : String(path.dropFirst(prefix.count + 1))
    // A layer stands in a scope of its own inside of the place it is applied at; a model is the place.
    let own = inside.split(separator: ".").dropFirst().joined(separator: ".")
    let glob = PathGlob(knob)
    return glob.matches(inside) || glob.matches(own)
  }
}

extension Interpreter {
  /// What a knob stands for here: what a view turned it to, or what it says itself.
  func value(of knob: KnobNode, _ frame: Frame) throws -> Value {
    guard let list = try settings(of: knob.name, knob.choices, frame),
      let last = list.elements.last
    else { return .unknown }
    let path = knobPath(knob.name)
    if let setting = trace?.knobs.setting(of: TracedKnob(path: path, settings: list)) {
      return try choice(setting.value, of: list, path, at: setting.span)
    }
    guard let initial = knob.initial else { return last }
    return try choice(try initial.evaluate(self, frame), of: list, path, at: initial.span)
  }

  /// The settings of a knob, at least one; nil where they are unknown.
  func settings(of name: Identifier, _ choices: CodeNode, _ frame: Frame) throws -> ListValue? {
    let value = try choices.evaluate(self, frame)
    if value.isUnknown { return nil }
    guard case .list(let list) = value, !list.elements.isEmpty else {
      throw wrongType(
        "a knob has a list of settings, not \(brief(value))", at: choices.span,
        hint: "knob \(name.text) in [25%, 50%, 100%]")
    }
    return list
  }

  /// What views call a knob that stands here.
  func knobPath(_ name: Identifier) -> String {
    trace.map { Trace.joined($0.prefix, name.text) } ?? name.text
  }

  /// What a setting is called where it is a path: `25%`, `4`.
  static func nameOfSetting(_ value: Value) -> String {
    switch value {
    case .number(let share) where (0...1).contains(share): String(printf: "%g%%", share * 100)
    case .string(let name): name
    default: ModelView.text(value)
    }
  }

  /// Paths are told apart by their names.
  func checkDistinct(_ names: [String], _ path: String, at span: Span) throws {
    var met: Set<String> = []
    guard let twice = names.first(where: { !met.insert($0).inserted }) else { return }
    throw failure(.wrongValue, "knob '\(path)' has the setting \(twice) twice", at: span)
  }

  func choice(_ value: Value, of list: ListValue, _ path: String, at span: Span) throws
    -> Value
  {
    if value.isUnknown { throw UnknownReached() }
    for element in list.elements where try equal(element, value, at: span) { return element }
    throw failure(
      .wrongValue, "knob '\(path)' has no setting \(brief(value))", at: span,
      hint: "it has \(brief(.list(list)))")
  }

  /// Applies a flow, with the knobs inside turned as its view says.
  func applying<T>(_ flow: Flow, _ trace: Trace, _ body: () throws -> T) throws -> T {
    guard let settings = flow.view?.settings, !settings.isEmpty else {
      return try trace.applying(flow, body)
    }
    trace.knobs.begin(settings, at: trace.prefix)
    let result: T
    do { result = try trace.applying(flow, body) } catch {
      _ = trace.knobs.end()
      throw error
    }
    guard let idle = trace.knobs.end() else { return result }
    let paths = Set(trace.knobs.met.map(\.path))
    let names = Set(paths.map { $0.split(separator: ".").last.map(String.init) ?? $0 })
    let known = idle.knob.contains(".") ? paths : names
    let near = closest(idle.knob, among: known.sorted())
    throw failure(
      .unknownSite, "\(flow.kindName) has no knob '\(idle.knob)'", at: idle.span,
      hint: near.map { "did you mean '\($0)'?" }
        ?? (known.isEmpty ? "" : "it has \(known.sorted().joined(separator: ", "))"))
  }
}
