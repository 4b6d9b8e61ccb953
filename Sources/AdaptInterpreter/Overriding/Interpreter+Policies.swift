import AdaptGraph
import AdaptRuntime
import AdaptSyntax

// Which policy decides at which site of a model: what the view says, then what the call says, then what
// the host says. Later ones count.

extension Interpreter {
  /// The policies that a call's model runs under, by site.
  /// - Parameter index: the argument that says more of them, one or a list; nil where none does.
  func policies(_ call: Call, _ index: Int?, _ graph: ModelGraph) throws -> [String: Policy] {
    var result = try policies(of: try call.model(0), graph, at: call.span(0))
    if let index {
      for policy in try policyValues(call, index) {
        try decide(policy, at: policy.sites, graph.graph, &result, at: call.span(index))
      }
    }
    for override in overrides { takeIn(override, graph.graph, &result) }
    return result
  }

  /// The policies of a model's view alone.
  func policies(of model: Flow, _ graph: ModelGraph, at span: Span) throws -> [String: Policy] {
    var result: [String: Policy] = [:]
    for override in model.view?.policies ?? [] {
      try decide(override.value, at: override.sites, graph.graph, &result, at: span)
    }
    return result
  }

  private func policyValues(_ call: Call, _ index: Int) throws -> [PolicyValue] {
    let values: [Value]
    switch call[index] {
    case .none: return []
    case .list(let list): values = list.elements
    default: values = [call[index]]
    }
    return try values.map { value in
      guard case .object(let object) = value, let policy = object as? PolicyValue else {
        throw call.wrongType(index, expected: "a policy, such as always(\"big\"),")
      }
      return policy
    }
  }

  /// Lets a policy decide at those of the sites where it can.
  /// - Parameter glob: nil for all sites.
  func decide(
    _ value: PolicyValue, at glob: PathGlob?, _ graph: Graph, _ result: inout [String: Policy],
    at span: Span
  ) throws {
    let sites = glob.map { Interpreter.sites($0, in: graph) } ?? graph.sites
    if let glob, sites.isEmpty { throw noSite(glob, graph, at: span) }
    var fits = sites.isEmpty
    var objection: RuntimeError?
    for site in sites {
      guard let policy = try runtime(at: span, { try value.policy(at: site) }) else { continue }
      if let wrong = policy.objection(at: site) {
        objection = objection ?? wrong
      } else {
        fits = true
        result[site.name] = policy == .learned ? nil : policy
      }
    }
    guard !fits else { return }
    throw unfit(value, objection, sites, at: span)
  }

  private func noSite(_ glob: PathGlob, _ graph: Graph, at span: Span) -> Diagnostic {
    let names = graph.sites.map(\.name)
    let general = Set(names.map(PathGlob.general)).sorted()
    let near = closest(glob.text, among: glob.isPlain ? names + general : general)
    let known =
      names.isEmpty
      ? "the model has no sites" : "it has \(general.prefix(6).joined(separator: ", "))"
    return failure(
      .unknownSite, "the model has no site '\(glob.text)'", at: span,
      hint: near.map { "did you mean '\($0)'?" } ?? known)
  }

  /// An error about a policy that can decide at none of the sites.
  private func unfit(
    _ value: PolicyValue, _ objection: RuntimeError?, _ sites: [Site], at span: Span
  ) -> Diagnostic {
    guard case .policy(.always(let path)) = value.decision else {
      let text = objection?.description ?? "the recording has none of these sites"
      var id = DiagnosticID.unknownSite
      if case .badInput = objection { id = .wrongValue }
      return failure(id, text, at: span)
    }
    let known = Set(sites.flatMap { $0.paths.map(\.name) }).sorted()
    return failure(
      .unknownSite, "no site has a path '\(path)'", at: span,
      hint: closest(path, among: known).map { "did you mean '\($0)'?" }
        ?? "the paths are \(known.prefix(8).joined(separator: ", "))")
  }

  /// A host's word holds at all models that have something to decide there.
  private func takeIn(_ override: SiteOverride, _ graph: Graph, _ result: inout [String: Policy]) {
    for site in Interpreter.sites(PathGlob(override.sites), in: graph)
    where override.policy.objection(at: site) == nil {
      usedOverrides.insert(override.sites)
      result[site.name] = override.policy == .learned ? nil : override.policy
    }
  }

  /// The sites that a glob names, and of the layers that it names the outermost ones.
  static func sites(_ glob: PathGlob, in graph: Graph) -> [Site] {
    let held = graph.sites.filter { glob.includes($0.name) }
    return held.filter { site in
      glob.matches(site.name)
        || !held.contains { $0.name != site.name && Surgery.isInside(site.name, $0.name) }
    }
  }
}
