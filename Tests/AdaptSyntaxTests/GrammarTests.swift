import AdaptSyntax
import Foundation
import Testing

/// Holds `grammar/adapt.ebnf` against the lexer.
struct GrammarTests {
  /// Terminals that are parts of tokens or begin trivia.
  private let partial: Set<String> = [
    "\"", "\"\"\"", "\\", "\\(", "\\u{", "///", "//", "/*", "*/", "%",
  ]

  private func grammar() throws -> Grammar {
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("../../grammar/adapt.ebnf")
    return Grammar(try String(contentsOf: file, encoding: .utf8))
  }

  @Test func everyTerminalIsOneToken() throws {
    for terminal in try grammar().terminals
    where !partial.contains(terminal) && Unit(rawValue: terminal) == nil {
      let tokens = parse(terminal).tokens.filter { $0.kind != .endOfFile }
      #expect(tokens.map(\.kind.rawValue) == [terminal])
    }
  }

  @Test func everyWordOperatorAndUnitOccurs() throws {
    let terminals = try grammar().terminals
    let kinds = Token.Kind.keywords + Token.Kind.contextualWords + Token.Kind.punctuation
    for spelling in kinds.map(\.rawValue) + Unit.allCases.map(\.rawValue) {
      #expect(terminals.contains(spelling), "\(spelling) is not in the grammar")
    }
  }

  @Test func keywordsAreThoseOfTheLexer() throws {
    let keywords = try #require(try grammar().rules["KEYWORD"])
    #expect(keywords.terminals == Set(Token.Kind.keywords.map(\.rawValue)))
  }

  @Test func everyNonterminalIsDefinedAndUsed() throws {
    let grammar = try grammar()
    let used = grammar.rules.values.reduce(into: Set<String>()) { $0.formUnion($1.nonterminals) }
    let defined = Set(grammar.rules.keys)
    #expect(used.subtracting(defined) == [])
    // The start, and what may stand between any two tokens.
    #expect(defined.subtracting(used) == ["File", "Trivia"])
    #expect(grammar.duplicates == [])
  }
}

/// What the test needs to know of a grammar in the W3C's notation.
struct Grammar {
  struct Rule {
    var terminals: Set<String> = []
    var nonterminals: Set<String> = []
  }

  var rules: [String: Rule] = [:]
  var duplicates: [String] = []

  var terminals: Set<String> {
    rules.values.reduce(into: []) { $0.formUnion($1.terminals) }
  }

  init(_ text: String) {
    var items: [(kind: Character, text: String)] = []
    var rest = Substring(text)
    while let first = rest.first {
      if rest.hasPrefix("/* ") {
        rest = rest.range(of: "*/").map { rest[$0.upperBound...] } ?? ""
      } else if rest.hasPrefix("::=") {
        items.append(("=", "::="))
        rest = rest.dropFirst(3)
      } else if first == "'" {
        let body = rest.dropFirst().prefix { $0 != "'" }
        items.append(("'", String(body)))
        rest = rest.dropFirst(body.count + 2)
      } else if first == "[" {
        rest = rest.drop { $0 != "]" }.dropFirst()
      } else if first == "#" {
        rest = rest.drop { !$0.isWhitespace }
      } else if first.isLetter {
        let word = rest.prefix { $0.isLetter || $0 == "_" }
        items.append(("a", String(word)))
        rest = rest.dropFirst(word.count)
      } else {
        rest = rest.dropFirst()
      }
    }
    collect(items)
  }

  private mutating func collect(_ items: [(kind: Character, text: String)]) {
    var name = ""
    for (index, item) in items.enumerated() {
      if item.kind == "a", index + 1 < items.count, items[index + 1].kind == "=" {
        name = item.text
        if rules[name] != nil { duplicates.append(name) }
        rules[name] = Rule()
      } else if item.kind == "a" {
        rules[name]?.nonterminals.insert(item.text)
      } else if item.kind == "'" {
        rules[name]?.terminals.insert(item.text)
      }
    }
  }
}
