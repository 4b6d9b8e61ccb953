import AdaptSyntax
import Foundation
import Testing

/// Holds `grammar/adapt.ebnf` against the lexer.
struct GrammarTests {
  /// Terminals that are parts of tokens or begin trivia.
  private let partial: Set<String> = [
    "\"", "\"\"\"", "\\", "\\(", "\\u{", "///", "//", "/*", "*/", "%",
  ]

  private func grammar() throws -> Grammar { try Grammar.ofAdapt() }

  private func terminals() throws -> Set<String> {
    let rules = try grammar().rules.values
    // Sets of characters stand as empty ones.
    return rules.reduce(into: Set<String>()) { $0.formUnion($1.terminals) }.subtracting([""])
  }

  @Test func everyTerminalIsOneToken() throws {
    for terminal in try terminals()
    where !partial.contains(terminal) && Unit(rawValue: terminal) == nil {
      let tokens = parse(terminal).tokens.filter { $0.kind != .endOfFile }
      #expect(tokens.map(\.kind.rawValue) == [terminal])
    }
  }

  @Test func everyWordOperatorAndUnitOccurs() throws {
    let terminals = try terminals()
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
    let used = grammar.rules.values.reduce(into: Set<String>()) { $0.formUnion($1.names) }
    let defined = Set(grammar.rules.keys)
    #expect(used.subtracting(defined) == [])
    // The start, and what may stand between any two tokens.
    #expect(defined.subtracting(used) == ["File", "Trivia"])
    #expect(grammar.duplicates == [])
  }

  @Test func everyRuleIsReached() throws {
    let grammar = try grammar()
    var reached: Set<String> = ["Trivia", "KEYWORD"]
    var open = [grammar.start, "Trivia"]
    while let name = open.popLast() {
      for next in grammar.rules[name]?.names ?? [] where reached.insert(next).inserted {
        open.append(next)
      }
    }
    #expect(Set(grammar.rules.keys).subtracting(reached) == [grammar.start])
  }

  // MARK: Against the parser

  /// What the parser says of a text that the grammar speaks about: nil when its bytes are no tokens or
  /// when only rules are broken that the grammar states in words.
  private func parserAccepts(_ tree: SyntaxTree) -> Bool? {
    let beyond: Set<DiagnosticID> = [
      .notUTF8, .sourceTooLarge, .nestingTooDeep, .unexpectedCharacter, .unterminatedString,
      .invalidNumber, .invalidEscape, .unterminatedComment, .misplacedStatement, .duplicateName,
    ]
    let inWords = [
      "an alternative cannot bind", "the string of", "text on the line of", "this line stands",
    ]
    let isBeyond = tree.diagnostics.contains { diagnostic in
      beyond.contains(diagnostic.id) || inWords.contains { diagnostic.title.hasPrefix($0) }
    }
    return isBeyond ? nil : tree.diagnostics.isEmpty
  }

  @Test func everyScriptIsJudgedAsByTheParser() throws {
    var recognizer = Recognizer(try grammar())
    for (path, bytes) in Scripts.all.map({ ($0.path, $0.bytes) })
      + Corpus.all.map({ ("corpus", Array($0.utf8)) })
    {
      let tree = parse(bytes: bytes, source: 0)
      guard let expected = parserAccepts(tree) else { continue }
      #expect(recognizer.accepts(bytes, tree.tokens) == expected, "\(path)")
    }
  }

  /// Scripts without one of their tokens: some are right, most are not.
  @Test func scriptsWithoutOneTokenAreJudgedAsByTheParser() throws {
    var recognizer = Recognizer(try grammar())
    var verdicts = [true: 0, false: 0]
    for script in Scripts.all where script.bytes.count < 400 {
      for token in parse(bytes: script.bytes, source: 0).tokens where !token.kind.isTrivia {
        var bytes = script.bytes
        bytes.removeSubrange(token.range)
        let tree = parse(bytes: bytes, source: 0)
        guard let expected = parserAccepts(tree) else { continue }
        verdicts[expected, default: 0] += 1
        let text = String(decoding: bytes, as: UTF8.self)
        #expect(recognizer.accepts(bytes, tree.tokens) == expected, "\(script.path):\n\(text)")
      }
    }
    #expect(verdicts.values.allSatisfy { $0 > 300 }, "\(verdicts)")
  }

  @Test func scriptsUseEveryAlternative() throws {
    let grammar = try grammar()
    var recognizer = Recognizer(grammar)
    for script in Scripts.all where script.path.hasPrefix("Tests/") {
      _ = recognizer.accepts(script.bytes, parse(bytes: script.bytes, source: 0).tokens)
    }
    let unused = Recognizer.alternatives(of: grammar).subtracting(recognizer.used).sorted()
    #expect(unused == [], "no script in Tests uses these alternatives of the grammar")
  }
}
