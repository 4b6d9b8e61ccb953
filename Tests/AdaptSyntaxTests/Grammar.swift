import Foundation

/// A grammar in the W3C's notation. Rules in capitals are tokens; of these only the names in them and
/// the terminals are kept.
struct Grammar {
  indirect enum Node {
    case terminal(String)
    case rule(String)
    case sequence([Node])
    case choice([Node])
    /// `?`, `*` and `+`.
    case repetition(Node, least: Int, isEndless: Bool)
  }

  private(set) var rules: [String: Node] = [:]
  private(set) var duplicates: [String] = []
  /// The first rule.
  private(set) var start = ""

  init(_ text: String) {
    var reader = GrammarReader(text)
    while let name = reader.takeRuleName() {
      if start.isEmpty { start = name }
      if rules[name] != nil { duplicates.append(name) }
      rules[name] = reader.choice()
    }
  }

  /// The grammar of the language.
  static func ofAdapt() throws -> Grammar {
    let file = Scripts.root.appendingPathComponent("grammar/adapt.ebnf")
    return Grammar(try String(contentsOf: file, encoding: .utf8))
  }

  /// Whether a rule describes a token and not how tokens follow one another.
  static func isToken(_ name: String) -> Bool { name == name.uppercased() }
}

extension Grammar.Node {
  var children: [Grammar.Node] {
    switch self {
    case .terminal, .rule: []
    case .sequence(let parts), .choice(let parts): parts
    case .repetition(let part, _, _): [part]
    }
  }

  var terminals: Set<String> {
    if case .terminal(let text) = self { return [text] }
    return children.reduce(into: []) { $0.formUnion($1.terminals) }
  }

  var names: Set<String> {
    if case .rule(let name) = self { return [name] }
    return children.reduce(into: []) { $0.formUnion($1.names) }
  }
}

/// Reads the notation.
private struct GrammarReader {
  private enum Item: Equatable {
    case terminal(String)
    case name(String)
    case mark(Character)
    case defined
  }

  private var items: [Item] = []
  private var place = 0

  init(_ text: String) {
    var rest = Substring(text)
    while let first = rest.first {
      if rest.hasPrefix("/* ") {
        rest = rest.range(of: "*/").map { rest[$0.upperBound...] } ?? ""
      } else if rest.hasPrefix("::=") {
        items.append(.defined)
        rest = rest.dropFirst(3)
      } else if first == "'" {
        let body = rest.dropFirst().prefix { $0 != "'" }
        items.append(.terminal(String(body)))
        rest = rest.dropFirst(body.count + 2)
      } else if first == "[" {
        // Characters: parts of tokens.
        rest = rest.drop { $0 != "]" }.dropFirst()
        items.append(.terminal(""))
      } else if first == "#" {
        rest = rest.drop { !$0.isWhitespace }
        items.append(.terminal(""))
      } else if first.isLetter {
        let word = rest.prefix { $0.isLetter || $0 == "_" }
        items.append(.name(String(word)))
        rest = rest.dropFirst(word.count)
      } else {
        if !first.isWhitespace { items.append(.mark(first)) }
        rest = rest.dropFirst()
      }
    }
  }

  private var item: Item? { place < items.count ? items[place] : nil }

  mutating func takeRuleName() -> String? {
    guard case .name(let name)? = item else { return nil }
    place += 2  // the name and ::=
    return name
  }

  /// `a b | c`.
  mutating func choice() -> Grammar.Node {
    var parts = [sequence()]
    while item == .mark("|") {
      place += 1
      parts.append(sequence())
    }
    return parts.count == 1 ? parts[0] : .choice(parts)
  }

  private mutating func sequence() -> Grammar.Node {
    var parts: [Grammar.Node] = []
    while let part = part() {
      parts.append(part)
      // `A - B`, which only tokens use.
      if item == .mark("-") { place += 1 }
    }
    return parts.count == 1 ? parts[0] : .sequence(parts)
  }

  private mutating func part() -> Grammar.Node? {
    let node: Grammar.Node
    switch item {
    case .terminal(let text): node = .terminal(text)
    case .name(let name):
      if place + 1 < items.count, items[place + 1] == .defined { return nil }
      node = .rule(name)
    case .mark("("):
      place += 1
      node = choice()
    default: return nil
    }
    place += 1
    switch item {
    case .mark("?"): return repetition(node, least: 0, isEndless: false)
    case .mark("*"): return repetition(node, least: 0, isEndless: true)
    case .mark("+"): return repetition(node, least: 1, isEndless: true)
    default: return node
    }
  }

  private mutating func repetition(
    _ node: Grammar.Node, least: Int, isEndless: Bool
  ) -> Grammar.Node {
    place += 1
    return .repetition(node, least: least, isEndless: isEndless)
  }
}
