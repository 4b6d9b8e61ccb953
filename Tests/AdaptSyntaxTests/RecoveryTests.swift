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
    ("recompte { A() }", "(recompute {(call A)}) !E0011"),
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
    ("let (a, 1) = b", "(let (tuple a 1) b) !E0010"),
    ("let () = b\nc", "(let MISSING b) c !E0010"),
    ("let (a, [b, a]) = c", "(let (tuple a [b a]) c) !E0014"),
    ("let [a, ..b, ..c] = d", "(let [a ..b c] d) !E0011"),
    ("let [a, ...b] = d", "(let [a ..b] d) !E0011"),
    ("let (x: a, b) = d", "(let (record x:a) d) !E0010"),
    ("let (x: a, x: b) = d", "(let (record x:a x:b) d) !E0014"),
    ("{ (a, b), a in c }", "(closure ((tuple a b) a) {c}) !E0014"),
    ("match a { x | 1 { b } }", "(match a ((| x 1) {b})) !E0011"),
    ("match a { 1 || 2 { b } }", "(match a ((| 1 2) {b})) !E0011"),
    ("match a { 1 => b\n 2 { c } }", "(match a (1 {b}) (2 {c})) !E0011"),
    ("match a { case 1 { b } 2 { c } }", "(match a (1 {b}) (2 {c})) !E0011"),
    ("match a {\n x > 1 { b }\n 2 { c }\n}", "(match a (2 {c})) !E0010"),
    ("match a {\n + { b }\n 2 { c }\n}", "(match a (2 {c})) !E0010"),
    ("match a { \"\\(b)\" { c } }", "(match a (\"\\(b)\" {c})) !E0011"),
    ("match a { \"b\"..2 { c } }", "(match a ((.. \"b\" 2) {c})) !E0011"),
    ("match a { - { c } }", "(match a (MISSING {c})) !E0010"),
    ("match a { 1.. { c } }", "(match a ((.. 1 MISSING) {c})) !E0010"),
    ("match a\nb", "(match a) b !E0010"),
    ("try { a }\nb", "(try {a} {}) b !E0010"),
    ("try { a } catch 1 { b }", "(try {a} 1 {b}) !E0010"),
    ("()\na", "MISSING a !E0012"),
    ("[\"a\": 1, b]", "(map \"a\":1 b:MISSING) !E0010"),
    ("[a for b in c, d]", "(each a (for b c)) !E0011"),
    ("[a for b of c]", "(each a (for b c)) !E0010"),
    ("(a, 1) = b", "(= (tuple a 1) b) !E0011"),
    ("(a, b) += c", "(+= (tuple a b) c) !E0011"),
    ("[a, b] = c", "(= [a b] c) !E0011"),
    ("let x = 1..\nlet y = 2", "(let x (.. 1 MISSING)) (let y 2) !E0012"),
    ("f(1.., 2)", "(call f (.. 1 MISSING) 2) !E0012"),
    ("x[f(1..), 2]", "(index x (call f (.. 1 MISSING)) 2) !E0012"),
    ("x[a > 1..]", "(index x (> a (.. 1 MISSING))) !E0012"),
    ("x[a: 1, a: 2]", "(index x a:1 a:2) !E0014"),
    ("import a ()\nb", "(import a ()) b !E0010"),
    ("import a (b, c as b)\nd", "(import a (b c=b)) d !E0014"),
    ("fn f() { test \"a\" { b } }", "(fn f () {(test \"a\" {b})}) !E0013"),
    ("test \"\\(a)\" { b }", "(test \"\\(a)\" {b}) !E0011"),
    ("test \"a\"\nb", "(test \"a\" {}) b !E0010"),
    ("let a = \"\"\"b\n\"\"\"\nc", "(let a \"\") c !E0011"),
    ("let a = \"\"\"\nb\"\"\"\nc", "(let a \"\") c !E0011"),
    ("let a = \"\"\"\n b\n  \"\"\"\nc", "(let a \" b\") c !E0011"),
    ("exepct a == b", "(expect (== a b)) !E0011"),
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
    "{ x in", "match a", "match a {", "try {", "try { a }", "try { a } catch", "\"\"\"\nab",
    "f(\"\"\"", "import a (", "[a for b in c", "test \"a\" {", "let (a,", "layer A {\n  residual {",
    "route each token by", "print a,", "f(\"x\"",
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
