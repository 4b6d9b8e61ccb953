import Foundation

/// Enough of a TextMate highlighter to see which scopes a grammar gives to text: rules that match,
/// rules that begin and end, captures, inclusion from the repository.
final class TextMate {
  private final class Rule {
    var name: String?
    var match: NSRegularExpression?
    var end: NSRegularExpression?
    /// Scopes of the groups of `match` and of the beginning, and of the end.
    var captures: [Int: String] = [:]
    var endCaptures: [Int: String] = [:]
    /// What may stand inside, or instead of this rule when it only includes others.
    var patterns: [[String: Any]] = []
  }

  private let repository: [String: [String: Any]]
  private let root: Rule
  private var rules: [String: [Rule]] = [:]

  init(json: Data) throws {
    let object = try JSONSerialization.jsonObject(with: json) as? [String: Any] ?? [:]
    repository = object["repository"] as? [String: [String: Any]] ?? [:]
    root = Rule()
    root.patterns = object["patterns"] as? [[String: Any]] ?? []
    // Compiles every expression, so that a wrong one is found.
    for name in repository.keys { _ = try included(name) }
  }

  // MARK: Rules

  private func included(_ name: String) throws -> [Rule] {
    if let known = rules[name] { return known }
    // An inclusion of itself finds the list as it is then; nesting happens when rules are used.
    rules[name] = []
    guard let definition = repository[name] else { throw CocoaError(.keyValueValidation) }
    let made = try flattened([definition])
    rules[name] = made
    return made
  }

  private func flattened(_ patterns: [[String: Any]]) throws -> [Rule] {
    try patterns.flatMap { pattern -> [Rule] in
      if let include = pattern["include"] as? String {
        return try included(String(include.dropFirst()))
      }
      let hasMatch = pattern["match"] != nil || pattern["begin"] != nil
      guard hasMatch else { return try flattened(pattern["patterns"] as? [[String: Any]] ?? []) }
      return [try rule(pattern)]
    }
  }

  private func rule(_ pattern: [String: Any]) throws -> Rule {
    let rule = Rule()
    rule.name = pattern["name"] as? String
    rule.match = try expression(pattern["match"] ?? pattern["begin"])
    rule.end = try expression(pattern["end"])
    rule.captures = scopes(pattern["captures"] ?? pattern["beginCaptures"])
    rule.endCaptures = scopes(pattern["endCaptures"])
    rule.patterns = pattern["patterns"] as? [[String: Any]] ?? []
    return rule
  }

  private func expression(_ pattern: Any?) throws -> NSRegularExpression? {
    try (pattern as? String).map { try NSRegularExpression(pattern: $0) }
  }

  private func scopes(_ captures: Any?) -> [Int: String] {
    var scopes: [Int: String] = [:]
    for (group, value) in captures as? [String: [String: String]] ?? [:] {
      if let number = Int(group) { scopes[number] = value["name"] }
    }
    return scopes
  }

  // MARK: Highlighting

  /// The scopes of every byte, the outermost first.
  func scopes(of bytes: [UInt8]) throws -> [[String]] {
    var result: [[String]] = []
    var open: [Rule] = []
    for line in bytes.split(separator: 10, omittingEmptySubsequences: false) {
      let text = String(decoding: line, as: UTF8.self)
      let units = try highlight(text, &open)
      var place = 0
      for scalar in text.unicodeScalars {
        result += Array(repeating: units[place], count: UTF8.width(scalar))
        place += UTF16.width(scalar)
      }
      result.append([])
    }
    return result
  }

  /// The scopes of every UTF-16 unit of a line.
  private func highlight(_ line: String, _ open: inout [Rule]) throws -> [[String]] {
    let length = (line as NSString).length
    var scopes: [[String]] = Array(repeating: [], count: length)
    var place = 0
    var found: [ObjectIdentifier: NSTextCheckingResult?] = [:]
    func next(_ expression: NSRegularExpression) -> NSTextCheckingResult? {
      if let known = found[ObjectIdentifier(expression)],
        known.map({ $0.range.location >= place }) ?? true
      {
        return known
      }
      let result = expression.firstMatch(
        in: line, options: [.withTransparentBounds, .withoutAnchoringBounds],
        range: NSRange(location: place, length: length - place))
      found[ObjectIdentifier(expression)] = .some(result)
      return result
    }
    while true {
      let outer = open.compactMap(\.name)
      let end = open.last?.end.flatMap(next)
      var best: (rule: Rule, match: NSTextCheckingResult)?
      for rule in try candidates(open.last ?? root) {
        guard let match = rule.match.flatMap(next) else { continue }
        if match.range.location < best?.match.range.location ?? Int.max { best = (rule, match) }
      }
      let isEnd = end.map { $0.range.location <= best?.match.range.location ?? Int.max } ?? false
      guard let match = isEnd ? end : best?.match else {
        fill(&scopes, place..<length, outer)
        return scopes
      }
      fill(&scopes, place..<match.range.location, outer)
      place = match.range.upperBound
      if isEnd, let rule = open.popLast() {
        mark(&scopes, match, outer, rule.endCaptures)
      } else if let rule = best?.rule {
        mark(&scopes, match, outer + [rule.name].compactMap { $0 }, rule.captures)
        if rule.end != nil { open.append(rule) }
      }
    }
  }

  private var known: [ObjectIdentifier: [Rule]] = [:]

  private func candidates(_ rule: Rule) throws -> [Rule] {
    if let rules = known[ObjectIdentifier(rule)] { return rules }
    let rules = try flattened(rule.patterns)
    known[ObjectIdentifier(rule)] = rules
    return rules
  }

  private func fill(_ scopes: inout [[String]], _ range: Range<Int>, _ value: [String]) {
    for place in range { scopes[place] = value }
  }

  private func mark(
    _ scopes: inout [[String]], _ match: NSTextCheckingResult, _ outer: [String],
    _ captures: [Int: String]
  ) {
    fill(&scopes, match.range.lowerBound..<match.range.upperBound, outer)
    for (group, name) in captures where match.range(at: group).location != NSNotFound {
      let range = match.range(at: group)
      fill(&scopes, range.lowerBound..<range.upperBound, outer + [name])
    }
  }
}
