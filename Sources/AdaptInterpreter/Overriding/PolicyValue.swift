import AdaptGraph
import AdaptPlatform
import AdaptRuntime

/// A policy with the sites it is for: `always("big")`.
final class PolicyValue: ScriptObject {
  enum Decision {
    case policy(Policy)
    /// What each site decided once.
    case recorded(Recording)
    /// What an oracle found for each site, by its name.
    case labelled([String: Policy], units: Int)
  }

  let decision: Decision
  /// Sites by name or glob; nil for all.
  let sites: PathGlob?

  init(_ decision: Decision, at sites: PathGlob?) {
    self.decision = decision
    self.sites = sites
  }

  var typeName: String { "a policy" }
  var text: String { words + (sites.map { " at \($0.text)" } ?? "") }

  /// The policy alone.
  var words: String {
    switch decision {
    case .policy(let policy): policy.words
    case .labelled(_, let units): "replay of \(units) decisions"
    case .recorded(let recording):
      "replay of \(recording.sites.reduce(0) { $0 + $1.units }) decisions"
    }
  }

  /// What decides at a site; nil where it says nothing of it.
  /// - Throws: `RuntimeError` for a recording of a site of that name with other paths.
  func policy(at site: Site) throws -> Policy? {
    switch decision {
    case .policy(let policy): policy
    case .recorded(let recording): try recording.policy(at: site)
    case .labelled(let bySite, _): bySite[site.name]
    }
  }
}

extension Policy {
  /// The policy as `print` shows it.
  var words: String {
    switch self {
    case .learned: "learned"
    case .always(let path): "always \(path)"
    case .random(let seed): "random from seed \(seed)"
    case .uniform: "uniform"
    case .threshold(let limit): "threshold \(ValueWriter.text(limit))"
    case .capacity(let share): "capacity \(Policy.percent(share))"
    case .budget(let share): "budget \(Policy.percent(share))"
    case .replay: "replay"
    case .labels(let names, _): "\(names.count) labels"
    case .callback: "the host"
    }
  }

  private static func percent(_ share: Double) -> String {
    String(printf: "%g%%", share * 100)
  }
}

/// What the sites of models decide by, in place of what a script says: a host's or a user's word.
public struct SiteOverride: Sendable {
  /// Sites by name or glob, or the layers that hold them: `blocks[*].ffn`.
  public var sites: String
  public var policy: Policy

  public init(sites: String, policy: Policy) {
    self.sites = sites
    self.policy = policy
  }

  /// Reads `SITES=POLICY`: a path's name, `learned`, `uniform`, `random`, `random:SEED`, `always:PATH`,
  /// `threshold:0.7`, `capacity:25%` or `budget:40%`.
  /// - Returns: nil for a text of another form.
  public init?(_ text: String) {
    guard let equals = text.lastIndex(of: "=") else { return nil }
    let sites = text[..<equals].trimmed()
    let policy = text[text.index(after: equals)...].trimmed()
    guard !sites.isEmpty, let policy = SiteOverride.policy(policy) else { return nil }
    self.init(sites: sites, policy: policy)
  }

  /// The policy in words.
  public var text: String { policy.words }

  /// The ways to write a policy, for help.
  public static let forms =
    "PATH, learned, uniform, random, random:SEED, always:PATH, threshold:0.7, capacity:25% or budget:40%"

  private static func policy(_ text: String) -> Policy? {
    let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2 else {
      switch text {
      case "": return nil
      case "learned": return .learned
      case "uniform": return .uniform
      case "random": return .random(seed: 0)
      case "threshold", "capacity", "budget", "always": return nil
      default: return .always(text)
      }
    }
    let value = String(parts[1])
    switch parts[0] {
    case "random": return UInt64(value).map { .random(seed: $0) }
    case "always": return value.isEmpty ? nil : .always(value)
    case "threshold": return number(value).map { .threshold($0) }
    case "capacity": return number(value).map { .capacity($0) }
    case "budget": return number(value).map { .budget($0) }
    default: return nil
    }
  }

  /// `0.7` or `25%`.
  private static func number(_ text: String) -> Double? {
    text.hasSuffix("%") ? Double(text.dropLast()).map { $0 / 100 } : Double(text)
  }
}
