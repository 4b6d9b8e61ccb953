import AdaptGraph
import AdaptRuntime
import AdaptSyntax

// Views of models: `lm.under("blocks[*].ffn": always("big"), width: 50%)`.

extension Interpreter {
  static var viewFunction: NativeFunction {
    NativeFunction(
      "under", ["model", .rest("policies"), .labels("settings")],
      documentation: """
        The same model under policies and settings of its knobs: it shares parameters and state, and all
        that takes a model takes it. A label that is a string names the sites of a policy, or the layers
        that hold them, by path or glob; a policy without one holds at all sites that it can decide at.
        Other labels are names of knobs, which a `budget` may turn. E0306 when there is no such site or
        knob.
        ```
        layer Duo() {
          knob width in [50%, 100%]
          route each token by TopK(1) { big { FFN(16, width: width) }  skip { zero } }
        }
        model LM() {
          Embedding(256, 4)
          repeat 2 { residual { Duo() } }
          Linear(256)
        }
        let lm = LM()
        print lm.under("repeat[0].duo": always("big"), width: 50%)
        print lm.under(random(seed: 1))
        ```
        """
    ) { try $0.interpreter.under($0) }
  }

  /// `model.under(policies…, "sites": policy, knob: value)`.
  func under(_ call: Call) throws -> Value {
    var view = try call.model(0)
    var policies: [ModelView.SitePolicy] = []
    for value in try call.elements(1) { policies += try policiesWithoutLabel(value, call) }
    guard case .record(let labelled) = call[2] else { return .unknown }
    for field in labelled.fields {
      if let policy = Interpreter.policyValue(field.value) {
        if let policy = try take(policy, at: field.name, into: &view, call) {
          policies.append(policy)
        }
      } else {
        let setting = ModelView.Setting(
          knob: field.name, value: field.value, span: call.span(2))
        view = view.seen { $0.settings.append(setting) }
      }
    }
    view = view.seen { $0.policies += policies }
    try checkView(view, policies, at: call.span)
    return .flow(view)
  }

  static func policyValue(_ value: Value) -> PolicyValue? {
    guard case .object(let object) = value else { return nil }
    return object as? PolicyValue
  }

  /// A policy, a list of them, or a map from sites to policies.
  private func policiesWithoutLabel(_ value: Value, _ call: Call) throws -> [ModelView.SitePolicy] {
    if value.isUnknown { throw UnknownReached() }
    if let policy = Interpreter.policyValue(value) {
      return [ModelView.SitePolicy(sites: policy.sites, value: policy)]
    }
    switch value {
    case .list(let list):
      return try list.elements.flatMap { try policiesWithoutLabel($0, call) }
    case .map(let map):
      return try map.entries.map { key, value in
        guard case .string(let sites) = key.value, let policy = Interpreter.policyValue(value)
        else {
          throw wrongType(
            "a map of policies goes from sites to policies", at: call.span,
            hint: "[\"blocks[*].ffn\": always(\"big\")]")
        }
        return ModelView.SitePolicy(sites: PathGlob(sites), value: policy)
      }
    default:
      throw wrongType(
        "under needs policies and settings of knobs, not \(value.typeName)", at: call.span,
        hint: "under(always(\"big\")), under(\"blocks[*].ffn\": random()), under(width: 50%)")
    }
  }

  /// Traces what can be traced alone, so that what is wrong is said where the view is made.
  private func checkView(_ view: Flow, _ policies: [ModelView.SitePolicy], at span: Span) throws {
    guard let structure = try knownStructure(of: view, at: span) else { return }
    var decided: [String: Policy] = [:]
    for policy in policies {
      try decide(policy.value, at: policy.sites, structure.graph.graph, &decided, at: span)
    }
    guard view.view?.settings.isEmpty == false else { return }
    try checkParameters(of: structure, try self.structure(of: view.root, at: span), at: span)
  }

  /// Nil for a layer inside of a model, and one that any width fits: they are looked at where they are
  /// applied.
  func knownStructure(of view: Flow, at span: Span) throws -> ModelStructure? {
    guard trace == nil else { return nil }
    do { return try structure(of: view, at: span) } catch let error as Diagnostic
      where error.id == .unknownWidth
    {
      return nil
    }
  }

  /// A setting may leave parameters out, never have others: whatever the setting, they are one model's.
  private func checkParameters(
    of setting: ModelStructure, _ model: ModelStructure, at span: Span
  ) throws {
    for parameter in setting.parameters {
      let full = model.parameter(parameter.name)
      guard full?.info.shape != parameter.info.shape else { continue }
      let other = full.map { "\($0.info.shape)" } ?? "not there"
      throw failure(
        .wrongShape,
        "parameter '\(parameter.name)' is \(parameter.info.shape) in this setting and \(other) "
          + "without it", at: span,
        hint: "declare parameters at full size and use a part: Linear(n, width: share)")
    }
  }
}
