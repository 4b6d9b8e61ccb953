import AdaptSyntax
import Testing

struct RecoveryTests {
  @Test(arguments: Corpus.all)
  func anyTokenMayBeDeleted(_ script: String) {
    let bytes = Array(script.utf8)
    for token in parse(script).tokens where token.kind != .endOfFile {
      let rest = Array(bytes[..<token.range.lowerBound] + bytes[token.range.upperBound...])
      #expect(isLossless(parse(bytes: rest, source: 0), rest))
    }
  }

  @Test(arguments: Corpus.all)
  func anyTokenMayBeDoubledOrEndTheFile(_ script: String) {
    let bytes = Array(script.utf8)
    for token in parse(script).tokens {
      let doubled = Array(bytes[..<token.range.upperBound] + bytes[token.range.lowerBound...])
      #expect(isLossless(parse(bytes: doubled, source: 0), doubled))
      let cut = Array(bytes[..<token.range.upperBound])
      #expect(isLossless(parse(bytes: cut, source: 0), cut))
    }
  }

  @Test func anyBytesAreParsed() {
    var random = Xorshift(state: 42)
    let pieces = (Token.Kind.allCases.map(\.rawValue) + ["\"", "\\(", "\n", " ", "1", "x", "\\"])
      .map { Array($0.utf8) }
    for _ in 0..<3000 {
      var bytes: [UInt8] = []
      for _ in 0..<random.below(40) {
        if random.below(8) == 0 {
          bytes.append(UInt8(random.below(256)))
        } else {
          bytes += pieces[random.below(pieces.count)]
          if random.below(2) == 0 { bytes.append(0x20) }
        }
      }
      let tree = parse(bytes: bytes, source: 0)
      #expect(isLossless(tree, bytes))
      _ = dump(tree.block)
      var map = SourceMap()
      _ = map.add(name: "r", bytes: bytes)
      for diagnostic in tree.diagnostics { #expect(!map.render(diagnostic).isEmpty) }
    }
  }

  @Test(arguments: [
    ("let a = f(1, 2\nlet b = 3", "(let a (call f 1 2)) (let b 3) !E0010"),
    ("modle X { A() }", "(model X () {(call A)}) !E0011"),
    ("def f(x) { x }", "(fn f (x) {x}) !E0011"),
    ("retrun x", "(return x) !E0011"),
    ("residul { A() }", "(residual {(call A)}) !E0011"),
    ("if a = 3 { b }", "(if (== a 3) {b}) !E0011"),
    ("f(a = 1)", "(call f a:1) !E0011"),
    ("f(a b)", "(call f a b) !E0010"),
    ("[1, 2\n3, 4]", "[1 2 3 4] !E0010"),
    ("f(a]", "(call f a) !E0010"),
    ("let a = 1 let b = 2", "(let a 1) (let b 2) !E0011"),
    ("if a { } elif b { } else { c }", "(if a {} {(if b {} {c})}) !E0011"),
    ("for x of xs { y }", "(for x xs {y}) !E0010"),
    ("route each token R { a { b } }", "(route token R (a {b})) !E0010"),
    ("route each by R { a { b } }", "(route R (a {b})) !E0010"),
    ("router R { score { x } select s }", "(router R () (scores {x}) (select s)) !E0011"),
    ("x := 3", "(= x 3) !E0011"), ("let x := 3", "(let x 3) !E0011"),
    ("a < b < c", "(< (< a b) c) !E0011"),
    ("1 = 2", "(= 1 2) !E0011"),
    ("one two three four\na", "one a !E0011"),
    ("f(a, *, b)\nc", "(call f a (* MISSING MISSING) b) c !E0012"),
    ("fn f(a, a) { }", "(fn f (a a) {}) !E0014"),
    ("f(a: 1, a: 2)", "(call f a:1 a:2) !E0014"),
    ("route each token by R { a { x } a { y } }", "(route token R (a {x}) (a {y})) !E0014"),
    ("}\na", "a !E0011"), (")\na", "MISSING a !E0011"),
    ("let y = \nlet z = 3", "(let y MISSING) (let z 3) !E0012"),
  ])
  func oneMistakeGivesOneErrorAndTheRestIsUnderstood(_ text: String, _ expected: String) {
    #expect(structure(text) == expected)
  }

  @Test func allErrorsOfAFileAreReported() {
    let ids = parse("let = 1\na && b\nf(1 2)\nx = \"\\q\"\n12xyz\n)").diagnostics.map(\.id)
    #expect(
      ids == [
        .expectedToken, .unexpectedToken, .expectedToken, .invalidEscape, .invalidNumber,
        .unexpectedToken,
      ])
  }

  @Test(arguments: [
    "fn f(", "fn f() {", "f(1,", "let x =", "a +", "a >>", "if a", "if a {", "[1,", "/* x",
    "{ x in", "layer A {\n  residual {", "route each token by", "print a,", "f(\"x\"",
  ])
  func openTextIsIncomplete(_ text: String) {
    #expect(parse(text).isIncomplete)
    #expect(parse(text + "\n").isIncomplete)
  }

  @Test(arguments: ["", "a", "let", "fn", "\"abc", "f(1))", "let x = 1", "a.", "$ f(", "a b {"])
  func otherTextIsNot(_ text: String) {
    #expect(!parse(text).isIncomplete)
  }
}

/// Repeatable random numbers.
struct Xorshift {
  var state: UInt64

  mutating func below(_ bound: Int) -> Int {
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return Int(state % UInt64(bound))
  }
}
