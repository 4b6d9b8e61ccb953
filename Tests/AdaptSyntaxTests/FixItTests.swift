import AdaptSyntax
import Testing

/// Changes that are certain: what they make of a text.
@Suite struct FixItTests {
  /// The text after all fixes of its syntax errors.
  private func fixed(_ text: String) -> String {
    let tree = parse(bytes: Array(text.utf8), source: 0)
    let result = tree.diagnostics.fixing(Array(text.utf8), source: 0)
    return String(decoding: result.bytes, as: UTF8.self)
  }

  @Test(arguments: [
    ("print a && b\n", "print a and b\n"),
    ("print a || b\n", "print a or b\n"),
    ("print 2 ** 3\n", "print 2 ^ 3\n"),
    ("if a = b { print 1 }\n", "if a == b { print 1 }\n"),
    ("print f(a = 1)\n", "print f(a: 1)\n"),
    ("print f(1\n", "print f(1)\n"),
    ("print [1, 2\n", "print [1, 2]\n"),
    ("print [1 2]\n", "print [1, 2]\n"),
    ("let a = .5\n", "let a = 0.5\n"),
    ("pront 1\n", "print 1\n"),
    ("print 5MFLOPS\n", "print 5MFLOP\n"),
    ("if a { print 1 } elif b { print 2 }\n", "if a { print 1 } else if b { print 2 }\n"),
  ])
  func makesTheTextRight(_ text: String, _ expected: String) {
    #expect(fixed(text) == expected)
    #expect(parse(bytes: Array(expected.utf8), source: 0).diagnostics.isEmpty)
  }

  @Test func aMissingBraceIsNotCertain() {
    #expect(fixed("fn f() {\n  1\n") == "fn f() {\n  1\n")
  }

  private func edit(_ start: Int, _ end: Int, _ text: String) -> Diagnostic {
    let span = Span(start: start, end: end)
    return Diagnostic(
      .unknownName, "", at: span, fix: FixIt("", [FixIt.Edit(span: span, text: text)]))
  }

  private func applied(_ diagnostics: [Diagnostic], _ text: String) -> String {
    String(decoding: diagnostics.fixing(Array(text.utf8), source: 0).bytes, as: UTF8.self)
  }

  @Test func severalAreMadeAtOnce() {
    #expect(applied([edit(0, 1, "xx"), edit(2, 3, ""), edit(4, 4, "!")], "a b c") == "xx  !c")
  }

  @Test func ofTwoThatOverlapTheFirstIsMade() {
    let diagnostics = [edit(0, 3, "one"), edit(2, 5, "two")]
    #expect(applied(diagnostics, "abcdef") == "onedef")
    #expect(diagnostics.fixing(Array("abcdef".utf8), source: 0).fixed.count == 1)
  }

  @Test func whatIsAloneOnItsLineGoesWithTheLine() {
    #expect(applied([edit(4, 6, "")], "a\n  bb\nc\n") == "a\nc\n")
  }

  @Test func placesOutsideOfTheTextAreLeftAlone() {
    #expect(applied([edit(3, 9, "x")], "abc") == "abc")
    let other = Diagnostic(.unknownName, "", at: nil, fix: .insert("x", at: 0, in: 7))
    #expect(applied([other], "abc") == "abc")
  }
}
