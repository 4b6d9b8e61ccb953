import AdaptGraph
import AdaptRuntime
import AdaptSyntax

// Deciding at sites in place of what the router learned: `policy: always("big")`.

/// A policy with the sites it is for.
final class PolicyValue: ScriptObject {
  let policy: Policy
  /// One site by its name, or all.
  let site: String?

  init(_ policy: Policy, at site: String?) {
    self.policy = policy
    self.site = site
  }

  var typeName: String { "a policy" }
  var text: String {
    let place = site.map { " at \($0)" } ?? ""
    switch policy {
    case .learned: return "learned\(place)"
    case .always(let path): return "always \(path)\(place)"
    case .random(let seed): return "random from seed \(seed)\(place)"
    case .replay: return "replay\(place)"
    }
  }
}

extension Interpreter {
  static var policyFunctions: [NativeFunction] {
    func site(_ call: Call) throws -> String? {
      if case .none = call[1] { return nil }
      return try call.string(1)
    }
    return [
      NativeFunction("always", ["path", .optional("at")]) { call in
        .object(PolicyValue(.always(try call.string(0)), at: try site(call)))
      },
      NativeFunction("random", [.optional("seed", .int(0)), .optional("at")]) { call in
        .object(PolicyValue(.random(seed: try call.seed(0)), at: try site(call)))
      },
    ]
  }

  /// The policies of an argument by site: one, or a list of which the later ones count.
  func policies(_ call: Call, _ index: Int, _ graph: ModelGraph) throws -> [String: Policy] {
    var values: [Value] = []
    switch call[index] {
    case .none: return [:]
    case .list(let list): values = list.elements
    default: values = [call[index]]
    }
    var result: [String: Policy] = [:]
    for value in values {
      guard case .object(let object) = value, let policy = object as? PolicyValue else {
        throw call.wrongType(index, expected: "a policy, such as always(\"big\"),")
      }
      let sites = try sites(for: policy, graph, at: call.span(index))
      for site in sites { result[site] = policy.policy }
    }
    return result
  }

  private func sites(for policy: PolicyValue, _ graph: ModelGraph, at span: Span) throws -> [String]
  {
    let names = graph.graph.sites.map(\.name)
    if let site = policy.site, !names.contains(site) {
      let near = closest(site, among: names).map { "did you mean '\($0)'?" }
      let known =
        names.isEmpty
        ? "the model has no sites" : "it has \(names.prefix(6).joined(separator: ", "))"
      throw failure(.unknownSite, "the model has no site '\(site)'", at: span, hint: near ?? known)
    }
    let sites = graph.graph.sites.filter { policy.site == nil || $0.name == policy.site }
    guard case .always(let path) = policy.policy else { return sites.map(\.name) }
    let fitting = sites.filter { site in site.paths.contains { $0.name == path } }
    guard !fitting.isEmpty || sites.isEmpty else {
      let known = Set(sites.flatMap { $0.paths.map(\.name) }).sorted()
      throw failure(
        .unknownSite, "no site has a path '\(path)'", at: span,
        hint: closest(path, among: known).map { "did you mean '\($0)'?" }
          ?? "the paths are \(known.prefix(8).joined(separator: ", "))")
    }
    return fitting.map(\.name)
  }
}
