import AdaptSyntax
import Testing

struct RenderingTests {
  private func pictures(_ text: String) -> String {
    var map = SourceMap()
    let id = map.add(name: "a.adapt", bytes: Array(text.utf8))
    return parse(bytes: Array(text.utf8), source: id).diagnostics.map { map.render($0) }
      .joined(separator: "\n")
  }

  @Test func missingBracketPointsAtBothPlaces() {
    #expect(
      pictures("let a = f(1, 2\nlet b = 3") == """
        error[E0010]: expected ')'
         --> a.adapt:1:15
          |
        1 | let a = f(1, 2
          |               ^ found the end of the line
        note: to match this '('
         --> a.adapt:1:10
          |
        1 | let a = f(1, 2
          |          ^
        """)
  }

  @Test func missingBraceIsLookedForByIndentation() {
    #expect(
      pictures("model M {\n  layer N {\n  A()\n}\n") == """
        error[E0010]: expected '}'
         --> a.adapt:4:2
          |
        4 | }
          |  ^ found the end of the file
        note: to match this '{'
         --> a.adapt:1:9
          |
        1 | model M {
          |         ^
        note: perhaps this one: its '}' stands further left
         --> a.adapt:2:11
          |
        2 |   layer N {
          |           ^
        """)
  }

  @Test func misspelledKeywordHasASuggestion() {
    #expect(
      pictures("\n\tlayr Big(n) { }") == """
        error[E0011]: unknown word 'layr'
         --> a.adapt:2:2
          |
        2 |     layr Big(n) { }
          |     ^^^^
        help: did you mean 'layer'?
        """)
  }

  @Test func operatorsOfOtherLanguagesAreExplained() {
    #expect(
      pictures("a && !b") == """
        error[E0011]: '&&' is not an operator here
         --> a.adapt:1:3
          |
        1 | a && !b
          |   ^^
        help: write 'and'
        error[E0011]: '!' is not an operator here
         --> a.adapt:1:6
          |
        1 | a && !b
          |      ^
        help: write 'not'
        """)
  }

  @Test func operatorAtTheStartOfALineIsExplained() {
    #expect(
      pictures("a\n* b") == """
        error[E0011]: unexpected '*'
         --> a.adapt:2:1
          |
        2 | * b
          | ^
        help: to go on in the next line, end the line before with the operator
        """)
  }

  @Test func wideAndCombiningCharactersKeepCaretsInPlace() {
    #expect(
      pictures("let e\u{301}漢字 = \u{1}") == """
        error[E0004]: unexpected control character U+0001
         --> a.adapt:1:11
          |
        1 | let e\u{301}漢字 = \u{2401}
          |             ^
        help: remove it
        """)
  }

  @Test func notesMayStandInOtherFiles() {
    var map = SourceMap()
    let a = map.add(name: "a.adapt", bytes: Array("x\ny\nz\n".utf8))
    let b = map.add(
      name: "b.adapt", bytes: Array(String(repeating: "\n", count: 99).utf8) + Array("abc".utf8))
    let diagnostic = Diagnostic(
      .wrongShape, "shapes differ", at: Span(source: a, start: 2, end: 3), label: "[3]",
      notes: [Diagnostic.Note(span: Span(source: b, start: 99, end: 102), text: "from here")],
      hint: "one\ntwo")
    #expect(
      map.render(diagnostic) == """
        error[E0301]: shapes differ
           --> a.adapt:2:1
            |
          2 | y
            | ^ [3]
        note: from here
           --> b.adapt:100:1
            |
        100 | abc
            | ^^^
        help: one
              two
        """)
  }

  @Test func spansOverLinesShowTheFirst() {
    var map = SourceMap()
    _ = map.add(name: "a", bytes: Array("f {\n  x\n}\n".utf8))
    #expect(
      map.render(Diagnostic(.wrongType, "t", at: Span(start: 2, end: 9), label: "l")) == """
        error[E0201]: t
         --> a:1:3
          |
        1 | f {
          |   ^ l
          … up to line 3
        """)
  }

  @Test func longLinesAreCutAroundTheCause() {
    var map = SourceMap()
    let line = String(repeating: "漢", count: 50_000) + "X" + String(repeating: "b", count: 50_000)
    _ = map.add(name: "a", bytes: Array(line.utf8))
    let picture = map.render(
      Diagnostic(.unknownName, "t", at: Span(start: 150_000, end: 150_001)))
    let lines = picture.split(separator: "\n")
    #expect(lines[1] == " --> a:1:50001")
    #expect(lines[3].contains("漢Xb") && lines[3].count < 110)
    #expect(lines[3].hasPrefix("1 | …") && lines[3].hasSuffix("…"))
  }

  @Test func anySpanIsDrawn() {
    var map = SourceMap()
    let bytes = Array("a\tb\r\n\u{FEFF}漢\n".utf8) + [0xFF, 0x0A, 0xE6]
    _ = map.add(name: "a\u{1B}[31m", bytes: bytes)
    _ = map.add(name: "empty", bytes: [])
    let places = Array(0...bytes.count + 2) + [Int(UInt32.max)]
    for source in [0, 1, 9] as [UInt16] {
      for start in places {
        for end in places {
          let span = Span(source: source, start: start, end: end)
          let picture = map.render(Diagnostic(.wrongType, "t", at: span, label: "l"))
          #expect(!picture.contains("\u{1B}") && !picture.contains("\r"))
        }
      }
    }
    #expect(map.render(Diagnostic(.wrongType, "t", at: nil)) == "error[E0201]: t")
    #expect(map.render(Diagnostic(.wrongType, "t", at: nil), color: true).contains("\u{1B}[1;31m"))
  }

  @Test func positionsCountAsAPersonDoes() {
    var map = SourceMap()
    let text = "ab\r\n\te\u{301}漢x\rlast"
    let id = map.add(name: "a", bytes: Array(text.utf8))
    let offsets = [0, 1, 4, 5, 8, 11, 13, 1000, -5]
    let positions = offsets.map { map.position(of: $0, in: id) }.map { "\($0.line):\($0.column)" }
    #expect(positions == ["1:1", "1:2", "2:1", "2:2", "2:3", "2:4", "3:1", "3:5", "1:1"])
  }
}

struct ClosestTests {
  @Test(arguments: [
    ("Lineer", "Linear"), ("linear", "Linear"), ("lenght", "length"), ("widht", "width"),
    ("embeding", "Embedding"), ("xyz", ""), ("q", ""), ("", ""), ("Linear", ""),
  ])
  func suggestsTheNearestName(_ name: String, _ expected: String) {
    let names = ["Linear", "Embedding", "length", "width", "x"]
    #expect((closest(name, among: names) ?? "") == expected)
  }

  @Test func longNamesHaveNoSuggestion() {
    #expect(closest(String(repeating: "a", count: 10_000), among: ["a"]) == nil)
  }
}
