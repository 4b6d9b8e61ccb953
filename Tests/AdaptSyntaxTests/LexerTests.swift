import AdaptSyntax
import Testing

struct LexerTests {
  private func kinds(_ text: String) -> [Token.Kind] {
    parse(text).tokens.map(\.kind).filter { $0 != .endOfFile }
  }

  @Test(arguments: Token.Kind.keywords + Token.Kind.contextualWords + Token.Kind.punctuation)
  func wordsAndOperatorsAreOneToken(_ kind: Token.Kind) {
    #expect(kinds(kind.rawValue) == [kind])
  }

  @Test func theLongestOperatorWins() {
    #expect(kinds("...") == [.closedRange])
    #expect(kinds("1..2") == [.integer, .range, .integer])
    #expect(kinds("->-=>>>=") == [.arrow, .subtractAssign, .compose, .greaterOrEqual])
  }

  @Test func namesMayBeOfAnyScript() {
    #expect(
      kinds("größe 漢字 _a1 е́") == [
        .identifier, .whitespace, .identifier, .whitespace, .identifier, .whitespace, .identifier,
      ])
  }

  @Test func byteOrderMarkAndLineEndsAreTrivia() {
    #expect(
      kinds("\u{FEFF}a\r\nb\rc\nd") == [
        .whitespace, .identifier, .newline, .identifier, .newline, .identifier, .newline,
        .identifier,
      ])
    #expect(errors("\u{FEFF}a\r\nb") == [])
  }

  @Test(arguments: [
    ("a \u{0} b", "E0004 a NUL character in the script"),
    ("a\u{A0}+ b", "E0004 U+00A0 looks like a space but is not one"),
    ("s = 'abc'", "E0004 unexpected quotation mark '"),
    ("\u{201C}abc\u{201D}x", "E0004 unexpected quotation mark \u{201C}"),
    ("# comment", "E0004 unexpected '#'"),
    ("a\u{1}", "E0004 unexpected control character U+0001"),
    ("let a = \"abc", "E0005 this string has no end"),
    ("f(\"abc\nlet b = 2", "E0005 this string has no end"),
    ("f(\"\\(a\")", "E0005 this string has no end"),
    ("\"\\(a(\"", "E0005 this string has no end"),
    ("/* /* */", "E0008 this comment has no end"),
    ("12abc", "E0006 unknown unit 'abc'"), ("5MS", "E0006 unknown unit 'MS'"),
    ("1_", "E0006 a number cannot end with '_'"), ("x = .5", "E0006 a number begins with a digit"),
    ("9223372036854775808", "E0006 this integer is too large"),
    ("1e999", "E0006 this number is too large"),
    (#""\q""#, "E0007 unknown escape"), (#""\u{110000}""#, "E0007 no such Unicode character"),
    (#""\u41""#, "E0007 '\\u' needs a number between { and }"),
  ])
  func mistakeGivesOneError(_ text: String, _ expected: String) {
    #expect(errors(text).first == expected)
    #expect(errors(text).count == (text.contains("\u{201D}") ? 2 : 1))
  }

  @Test(
    arguments: [
      [0x61, 0xFF, 0x62], [0x22, 0xC3, 0x28, 0x22], [0xED, 0xA0, 0x80], [0x2F, 0x2F, 0xF0, 0x9F],
      [0xC0, 0x80], [0xF4, 0x90, 0x80, 0x80],
    ] as [[UInt8]])
  func invalidUTF8IsReportedAtItsPlace(_ bytes: [UInt8]) throws {
    let tree = parse(bytes: bytes, source: 0)
    let first = try #require(tree.diagnostics.first { $0.id == .notUTF8 })
    #expect(Int(try #require(first.span).start) == bytes.firstIndex { $0 >= 0x80 })
    #expect(tree.diagnostics.filter { $0.id == .notUTF8 }.count == 1)
    #expect(isLossless(tree, bytes))
  }

  @Test(arguments: Corpus.all)
  func tokensAreTheSource(_ script: String) {
    #expect(isLossless(parse(script), Array(script.utf8)))
  }
}
