import AdaptSyntax
import Testing

struct WalkTests {
  /// Every name that stands for a value or binds one, in the order of the text.
  private func names(_ text: String) -> [String] {
    var names: [String] = []
    parse(text).block.walk { node in
      switch node {
      case .expression(let expression):
        if case .name(let name) = expression.kind { names.append(name) }
      case .pattern(let pattern):
        if case .name(let name) = pattern.kind { names.append(name) }
      default: break
      }
      return true
    }
    return names
  }

  @Test(arguments: [
    ("let (a, [b, ..c]) = d", "a b c d"), ("a.x[b, c.., k: d] = e", "a b c d e"),
    ("fn f(a = b) { c }", "b c"), ("layer L(a = b): x [c, 2 * d] -> [e] { f }", "b d f"),
    ("router R(a = b) { scores { c } select d weigh e loss f in training }", "b c d e f"),
    ("objective o { a }", "a"), ("optimizer O(a = b) { c }", "b c"),
    ("param w: [a, b] = c", "a b c"), ("state s = a", "a"),
    ("for (a, b) in c { d }", "a b c d"), ("while a { return b }", "a b"),
    ("print a, b", "a b"), ("minimize a", "a"), ("expect a", "a"), ("test \"t\" { a }", "a"),
    ("\"\\(a) \\(b: .3)\"", "a b"), ("[a, b] + (a: c, b: d) + (e, f)", "a b c d e f"),
    ("[a: b, c: d]", "a b c d"), ("[a for b in c if d]", "a b c d"),
    ("a..b - -c >> not d", "a b c d"), ("f(a, x: b) { c }", "f a b c"),
    ("{ (a, b), c in d }", "a b d"), ("if a { b } else if c { d } else { e }", "a b c d e"),
    ("match a { b if c { d } (x: e) { f } 1..2 | 3 { g } }", "a b c d e f g"),
    ("try { a } catch b { c }", "a b c"), ("residual { a }", "a"), ("recompute { a }", "a"),
    ("parallel { a, b }", "a b"),
    ("repeat a { loop b { c } }", "a b c"),
    ("loop up to a each t until b carrying (x = c, y = d) { e }", "a b c d e"),
    ("scan over t carrying (x = a) { b } in reverse", "a b"),
    ("keep top a of t each s by b { c } else { d }", "a b c d"),
    ("exit each t when a < b through c", "a b c"), ("reuse each t when a < b { c }", "a b c"),
    ("cascade each t { x { a } accept by b y { c } }", "a b c"), ("knob x in a = b", "a b"),
    ("knob x in a each t by b", "a b"),
    ("router R() { state x = a update { b } }", "a b"),
    ("route each t by a { always b x { c } else { d } }", "a b c d"),
    ("route each t by a { b c { d } e { f } }", "a b d f"),
  ])
  func everyChildIsVisitedInOrder(_ text: String, _ expected: String) {
    #expect(parse(text).diagnostics.isEmpty)
    #expect(names(text).joined(separator: " ") == expected)
  }

  @Test(arguments: Corpus.all)
  func childrenStandWithinTheirParent(_ script: String) {
    parse(script).block.walk { node in
      // A closure's block begins at its brace, before the parameters; ends are in order everywhere.
      var place = node.span.start
      for child in node.children {
        #expect(child.span.start >= node.span.start && child.span.end <= node.span.end)
        #expect(child.span.end >= place)
        place = child.span.end
      }
      return true
    }
  }

  @Test func aWalkStopsWhereItIsTold() {
    var statements = 0
    parse("fn f() { a; b }\nc").block.walk { node in
      if case .statement = node { statements += 1 }
      if case .statement(let statement) = node, case .function = statement.kind { return false }
      return true
    }
    #expect(statements == 2)
  }
}
