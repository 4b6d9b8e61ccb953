import AdaptGraph
import AdaptRuntime
import AdaptSyntax

// Warnings of a run: what goes wrong at sites while nothing fails. The counts are the run's own; where a
// site stands in the script is looked up when there is something to say, by tracing once more.

/// A place that a run has warned of; one warning is enough, however many copies of a layer there are.
struct WarnedPlace: Hashable {
  let id: DiagnosticID
  let span: Span
}

extension Interpreter {
  /// A model that is being trained or evaluated, as far as a warning needs it.
  struct Watched {
    let model: Flow
    let graph: ModelGraph
    let input: ModelInput
    let mode: TraceMode
    /// What asked for it.
    let span: Span
  }

  /// What watches the sites of a model that its routers decide at.
  func watchdog(
    _ watched: Watched, _ policies: [String: Policy], _ patience: Watchdog.Patience
  ) -> Watchdog {
    Watchdog(watched.graph.graph, forced: Set(policies.keys), patience: patience)
  }

  /// Warns of what an evaluation shows of a model that has been trained.
  func warn(of evaluation: Evaluation, _ watched: Watched, _ policies: [String: Policy], steps: Int)
  {
    // Before, exits and paths are as they happen to start.
    guard steps >= Watchdog.Patience.training.paths else { return }
    var watchdog = watchdog(watched, policies, .evaluation)
    warn(
      watchdog.observe(
        units: evaluation.sites.map(\.units), counts: evaluation.sites.map(\.counts)), watched)
  }

  /// Tells the host of what lies in learned routers, once a place.
  func warn(_ symptoms: [Symptom], _ watched: Watched) {
    let symptoms = symptoms.filter { isLearned($0.site, watched.graph) }
    guard !symptoms.isEmpty else { return }
    let places = places(of: symptoms.map(\.site.name), watched)
    for (symptom, span) in zip(symptoms, places) {
      let warning = symptom.diagnostic(at: span, watched.mode)
      guard warned.insert(WarnedPlace(id: warning.id, span: span)).inserted,
        !isAllowed(warning, at: span)
      else { continue }
      host.warn(warning, store.map)
      host.report(
        "warning",
        [
          ("id", .string(warning.id.rawValue)), ("message", .string(warning.title)),
          ("site", .string(symptom.site.name)), ("units", .int(symptom.units)),
        ])
    }
  }

  /// Whether anything that training changes goes into what the site decides by.
  private func isLearned(_ site: Site, _ model: ModelGraph) -> Bool {
    let graph = model.graph
    return graph.trainedThrough([site.scores, site.decision]).contains { value in
      guard case .parameter(let index) = graph.node(of: value).op else { return false }
      return !model.frozen.contains(graph.parameters[index].name)
    }
  }

  /// Where the sites stand in the script; what asked for the model, where they stand in the library.
  private func places(of sites: [String], _ watched: Watched) -> [Span] {
    let dry = Interpreter(checkingFor: self)
    dry.stepsLeft = host.limits.steps
    _ = try? dry.traceModel(
      watched.model, input: watched.input, mode: watched.mode, at: watched.span)
    guard let traced = dry.tracedModels.last else { return sites.map { _ in watched.span } }
    return sites.map { site in
      let span = place(site, in: traced)
      guard !store.isLibrary(span), let tree = store.tree(of: span.source) else {
        return watched.span
      }
      return ModelLints.Places(tree.block).head(of: span)
    }
  }

  private func isAllowed(_ warning: Diagnostic, at span: Span) -> Bool {
    guard let tree = store.tree(of: span.source) else { return false }
    let line = store.map.position(of: Int(span.start), in: span.source).line
    return allowedLints(tree.tokens, source: span.source)[line]?.contains(warning.id.rawValue)
      == true
  }
}

extension Symptom {
  /// The warning, at the place where the site stands.
  fileprivate func diagnostic(at span: Span, _ mode: TraceMode) -> Diagnostic {
    let site = "site \(self.site.name)"
    let during = mode == .training ? " for \(steps) steps" : ""
    let unit = self.site.unit
    func make(_ id: DiagnosticID, _ title: String, hint: String) -> Diagnostic {
      Diagnostic(
        id, title, at: span, label: "\(units) \(unit)s decided", hint: hint)
    }
    switch kind {
    case .dead(let paths):
      let names = paths.map { "'\($0)'" }.joined(separator: ", ")
      return make(
        .deadPath, "no \(unit) takes \(names) of \(site)\(during)", hint: remedy)
    case .collapsed(let paths, let share):
      let names = paths.map { "'\($0)'" }.joined(separator: ", ")
      let part = NumberFormat(".1%")?.text(share) ?? ""
      return make(
        .collapsedRouter,
        "of \(self.site.decided) paths, \(site) takes \(names) in \(part) of all choices\(during)",
        hint: remedy)
    case .neverStops:
      return make(.neverStops, "no \(unit) \(late)\(during)", hint: lateRemedy)
    case .stopsAtOnce:
      return make(.stopsAtOnce, "every \(unit) \(early)\(during)", hint: earlyRemedy)
    }
  }

  private var remedy: String {
    switch site.selection {
    case .above(let limit):
      "lower the threshold, which is \(ValueWriter.text(limit)), or let calibrate(…) move it"
    default:
      "give the balance loss more weight, or try noise or a capacity: "
        + "TopK(balance: 5%), NoisyTopK(), Switch()"
    }
  }

  private var chain: String { site.stop.map(\.chain) ?? "" }

  private var late: String {
    switch site.stop?.kind {
    case .exit: chances == 1 ? "leaves at '\(site.name)'" : "leaves at any of \(chances) exits"
    case .stage: "has an answer of cascade '\(chain)' accepted before the last stage"
    case .round, nil: "halts before the last of \(chances + 1) rounds of '\(chain)'"
    }
  }

  private var early: String {
    switch site.stop?.kind {
    case .exit: "leaves at the first exit, '\(site.name)'"
    case .stage: "has the first answer of cascade '\(chain)' accepted"
    case .round, nil: "halts in the first of \(chances + 1) rounds of '\(chain)'"
    }
  }

  private var lateRemedy: String {
    site.stop?.kind == .round
      ? "give rounds a higher price, or let the router begin less deep: ACT(ponder: 5%, start: 0)"
      : "move the threshold, by hand or with calibrate(…)"
  }

  private var earlyRemedy: String {
    site.stop?.kind == .round
      ? "give rounds a lower price, or let the router begin deeper: ACT(ponder: 0.1%, start: -5)"
      : "move the threshold, by hand or with calibrate(…)"
  }
}
