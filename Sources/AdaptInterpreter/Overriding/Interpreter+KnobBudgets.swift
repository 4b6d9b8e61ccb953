import AdaptGraph
import AdaptRuntime
import AdaptSyntax

// A knob under a budget: `model.under(width: budget(50%))`.

extension Interpreter {
  /// What a policy with a label comes to in a view: a policy at sites, or the setting of a knob that is
  /// within a budget.
  func take(
    _ policy: PolicyValue, at label: String, into view: inout Flow, _ call: Call
  ) throws -> ModelView.SitePolicy? {
    let sites = ModelView.SitePolicy(sites: PathGlob(label), value: policy)
    guard let structure = try knownStructure(of: view, at: call.span(0)),
      Interpreter.sites(PathGlob(label), in: structure.graph.graph).isEmpty
    else { return sites }
    let knobs = structure.knobs.filter { TracedKnobs.means(label, $0.path, inside: "") }
    if knobs.contains(where: \.isRouted) {
      return ModelView.SitePolicy(sites: PathGlob("**.\(label)"), value: policy)
    }
    guard let knob = knobs.first else {
      try checkSpelling(label, structure, at: call.span(2))
      return sites
    }
    guard case .policy(.budget(let share)) = policy.decision else {
      throw wrongType(
        "knob '\(label)' takes a setting or a budget, and no router sets it", at: call.span(2),
        hint: "\(label): \(brief(knob.settings.elements.last ?? .none)), or \(label): budget(50%)")
    }
    let value = try setting(of: knob, label, within: share, of: view, call)
    view = view.seen { $0.settings.append(value) }
    return nil
  }

  /// A label that is almost a knob's name.
  private func checkSpelling(_ label: String, _ structure: ModelStructure, at span: Span) throws {
    let names = structure.knobs.map { String($0.path.split(separator: ".").last ?? "") }
    guard let near = closest(label, among: Set(names).sorted()) else { return }
    throw failure(
      .unknownSite, "the model has no site or knob '\(label)'", at: span,
      hint: "did you mean '\(near)'?")
  }

  /// The costliest setting with which the model executes at most this share of its costliest.
  private func setting(
    of knob: TracedKnob, _ label: String, within share: Double, of view: Flow, _ call: Call
  ) throws -> ModelView.Setting {
    let settings = knob.settings.elements.map {
      ModelView.Setting(knob: label, value: $0, span: call.span(2))
    }
    let costs = try settings.map { setting in
      try fullCost(of: view.seen { $0.settings.append(setting) }, at: call.span)
    }
    let most = costs.max() ?? 0
    // A share such as 30 % has no exact binary form.
    let allowed = zip(costs, settings).filter { $0.0 <= share * most * (1 + 1e-9) }
    // Of settings that cost the same the last one counts, as it does without a word.
    var best = allowed.first
    for next in allowed.dropFirst() where next.0 >= best?.0 ?? 0 { best = next }
    guard let best else {
      let least = most > 0 ? (costs.min() ?? 0) / most : 0
      throw failure(
        .wrongValue,
        "no setting of '\(label)' is within the budget: the cheapest executes "
          + (NumberFormat(".1%")?.text(least) ?? "\(least)"), at: call.span(2))
    }
    return best.1
  }

  /// Operations a row when every unit takes the costliest paths, as `print` shows them.
  private func fullCost(of view: Flow, at span: Span) throws -> Double {
    let model = try structure(of: view, at: span).graph
    let length = (view.root.attachment as? ModelState)?.window ?? 128
    return model.graph.costs(of: model.output, length: Double(length)).full(RegionID(0))
  }
}
