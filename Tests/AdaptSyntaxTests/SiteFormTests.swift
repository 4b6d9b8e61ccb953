import AdaptSyntax
import Testing

/// Forms that decide and forms that go round.
struct SiteFormTests {
  @Test(arguments: [
    (
      "route each t by R { always shared { a }  always 2 more { b }  8 experts { c }  else { d } }",
      "(route t R (always shared {a}) (always 2 more {b}) (8 experts {c}) (else {d}))"
    ),
    (
      "route each t by R { always { a } always * 2 more { b } }",
      "(route t R (always {a}) ((* always 2) more {b}))"
    ),
    ("keep 12.5% of t by R { a }", "(keep 12.5% t R {a})"),
    ("keep top 4 of key each query by R", "(keep (top 4) key each query R)"),
    ("keep above 0.3 of t by R { a } else drop", "(keep (above 0.3) t R {a} else drop)"),
    ("keep 5% of t by R else merge", "(keep 5.0% t R else merge)"),
    ("keep top(4) of t by R\nelse { b }", "(keep (top 4) t R else {b})"),
    ("keep (n + 1) of t by R(2)\n{ a }", "(keep (+ n 1) t (call R 2)) (closure () {a})"),
    ("keep top of t by R", "(keep top t R)"), ("keep top of of t by R", "(keep (top of) t R)"),
    ("keep n of t by by { a }", "(keep n t by {a})"),
    ("loop 2 { a } join last", "(loop 2 {a} join last)"),
    ("loop n carrying (h = f(0), k = 1,) { h }", "(loop n h=(call f 0) k=1 {h})"),
    ("loop n\n  carrying (h = 0) { h }", "(loop n h=0 {h})"),
    (
      "loop up to 2 * n each t until H(1) carrying (h = 0) { a }\njoin expected",
      "(loop up to (* 2 n) each t until (call H 1) h=0 {a} join expected)"
    ),
    ("loop up to 8 until h >> i { a }", "(loop up to 8 until (>> h i) {a})"),
    ("loop up { a }", "(loop up {a})"),
    ("scan over t carrying (h = 0) { h } in reverse", "(scan t h=0 {h} in reverse)"),
    ("let a = scan over t { b }", "(let a (scan t {b}))"),
    (
      "exit each t when confidence > 0.9 through A() >> B()",
      "(exit t when (> confidence 0.9) through (>> (call A) (call B)))"
    ),
    ("exit each t by R(1)\nthrough = 2", "(exit t by (call R 1)) (= through 2)"),
    (
      "cascade each t { a { b } accept when margin >= 1 c { d }\naccept by R; accept { e } }",
      "(cascade t (a {b} accept when (>= margin 1)) (c {d} accept by R) (accept {e}))"
    ),
    ("reuse each t when distance < 0.1 { a }", "(reuse t when (< distance 0.1) {a})"),
    ("knob w in [1, 2] = 1\nknob d in sizes", "(knob w [1 2] 1) (knob d sizes)"),
    ("knob w in [1, 2] each t by R(1)\na", "(knob w [1 2] each t by (call R 1)) a"),
    (
      "router R() { state b = 0 scores { x } select s update { b = 1 } }",
      "(router R () (state b 0) (scores {x}) (select s) (update {(= b 1)}))"
    ),
  ])
  func structureOfForms(_ text: String, _ expected: String) {
    #expect(structure(text) == expected)
  }

  @Test(arguments: [
    "keep = keep + 1", "keep(a)", "keep.of", "scan(over)", "exit(1)", "cascade - 1", "reuse[0]",
    "knob = 1", "let above = top(2)", "f(keep, until: 1)", "for up in to { carrying(up) }",
  ])
  func wordsAreNamesElsewhere(_ text: String) {
    #expect(errors(text) == [])
  }

  @Test(arguments: [
    ("f(\"a[*].b\": 1, c: 2)", "(call f a[*].b:1 c:2)"),
    ("x.f(1, \"a\": b)", "(call (. x f) 1 a:b)"),
    ("f(\"a\")", "(call f \"a\")"), ("f([\"a\": 1])", "(call f (map \"a\":1))"),
  ])
  func labelsOfCallsMayBeStrings(_ text: String, _ expected: String) {
    #expect(errors(text) == [])
    #expect(structure(text) == expected)
  }

  @Test(arguments: [
    "f(\"a\\(x)\": 1)", "f(\"a\": 1, \"a\": 2)", "(a: 1, \"b\": 2)", "f(1: 2)", "f(\"a\":)",
  ])
  func otherLabelsAreErrors(_ text: String) {
    #expect(!errors(text).isEmpty)
  }

  // MARK: Errors

  @Test(arguments: [
    ("route each t by R { else { a } b { c } }", "(route t R (else {a}) (b {c})) !E0013"),
    ("route each t by R { else { a } else { b } }", "(route t R (else {a}) (else {b})) !E0014"),
    ("route each t by R { always 2 { a } }\nb", "(route t R) b !E0010"),
    ("keep 5% of t R { a }", "(keep 5.0% t R {a}) !E0010"),
    ("keep 5% of t { a }\nb", "(keep 5.0% t MISSING {a}) b !E0010"),
    ("keep 5% off t by R { a }", "(keep 5.0% t R {a}) !E0010"),
    ("keep tpo 4 of t by R { a }", "(keep (top 4) t R {a}) !E0011"),
    ("keep best n of t by R { a }", "(keep (top n) t R {a}) !E0011"),
    ("keep each t by R { a }", "(keep MISSING t R {a}) !E0010"),
    ("keep 5% of t by R else dorp", "(keep 5.0% t R else {}) !E0010"),
    ("keep 5% of t\nby R", "(keep 5.0% t R) !E0010"),
    ("loop up to 8 each t { a }", "(loop up to 8 each t until MISSING {a}) !E0010"),
    ("loop up to 8 each t utnil H { a }", "(loop up to 8 each t until H {a}) !E0010"),
    ("loop 2 carrying h = 0 { a }\nb", "(loop 2 {}) b !E0010"),
    ("loop 2 carrying () { a }", "(loop 2 {a}) !E0010"),
    ("loop 2 carrying (h: 0) { a }", "(loop 2 h=0 {a}) !E0011"),
    ("loop 2 carrying (h = 0, h = 1) { a }", "(loop 2 h=0 h=1 {a}) !E0014"),
    ("loop 2 { a } join\nb", "(loop 2 {a}) b !E0010"),
    ("scan over { a }", "(scan {a}) !E0010"),
    ("exit each t when c > 1 through\nb", "(exit t when (> c 1) through MISSING) b !E0010"),
    ("exit each t c > 1", "(exit t when (> c 1)) !E0010"),
    ("exit each t if c > 1 through H", "(exit t when (> c 1) through H) !E0011"),
    ("exit each when c > 1", "(exit when (> c 1)) !E0010"),
    ("cascade each t { a { b } accept c > 1 }", "(cascade t (a {b} accept when (> c 1))) !E0010"),
    ("cascade each t { + { a }\nb { c } }", "(cascade t (b {c})) !E0010"),
    ("cascade each t { a { b } a { c } }", "(cascade t (a {b}) (a {c})) !E0014"),
    ("reuse each t by R { a }", "(reuse t when R {a}) !E0010"),
    ("knob w of [1]", "(knob w [1]) !E0010"), ("knbo w in [1]", "(knob w [1]) !E0011"),
    ("knob w in [1] each by R", "(knob w [1] each  by R) !E0010"),
    ("knob w in [1] each t when R", "(knob w [1] each t by R) !E0010"),
    ("router R { updaet { a } }", "(router R () (update {a})) !E0011"),
  ])
  func oneMistakeGivesOneErrorAndTheRestIsUnderstood(_ text: String, _ expected: String) {
    #expect(structure(text) == expected)
  }

  private func hints(_ text: String) -> [String] { parse(text).diagnostics.map(\.hint) }

  @Test(arguments: [
    ("keep tpo 4 of t by R", "did you mean 'top'?"),
    ("keep best 4 of t by R", "an amount is written 12.5%, top 4 or above 0.3"),
    ("loop up to 8 { a }", "loop up to 8 each token until Halt() { … }"),
    ("keep 5% of t { a }", "keep 12.5% of token by Score() { … }"),
    ("kepe 5% of t by R", "did you mean 'keep'?"),
    ("exit token", "write 'exit each token when confidence > 0.9 through Linear(256)'"),
  ])
  func errorsSayHowAFormIsWritten(_ text: String, _ hint: String) {
    #expect(hints(text) == [hint])
  }

  @Test(arguments: [
    "keep 5% of t by", "loop up to 8 until", "loop 2 carrying (", "scan over t", "exit each t when",
    "exit each t by R through", "cascade each t {", "reuse each t when a < 1", "knob w in",
    "knob w in [1] each t by", "keep 5% of t by R else",
  ])
  func openFormsAreIncomplete(_ text: String) {
    #expect(parse(text).isIncomplete)
  }

  // MARK: Format

  private func formatted(_ text: String) -> String? {
    let bytes = Array(text.utf8)
    return format(bytes: bytes, as: parse(bytes: bytes, source: 0))
      .map { String(decoding: $0, as: UTF8.self) }
  }

  @Test(arguments: [
    (
      "route each t by R{always a{b}else{c}}", "route each t by R { always a { b }  else { c } }\n"
    ),
    (
      "route each t by R{\nalways a {b}\nelse     {c}}",
      "route each t by R {\n  always a { b }\n  else     { c }\n}\n"
    ),
    ("keep top(4)of t by R\nelse{b}", "keep top (4) of t by R\n  else { b }\n"),
    ("keep  -1+2*n of t by R", nil),
    ("keep 5 % of t by R", nil),
    ("keep 5% of t each s by R{a}else   drop", "keep 5% of t each s by R { a } else drop\n"),
    ("loop 2 carrying(a=1,b=2){a}join last", "loop 2 carrying (a = 1, b = 2) { a } join last\n"),
    (
      "loop up  to 8 until H\n{a}\njoin last", "loop up to 8 until H { a }\njoin last\n"
    ),
    ("scan over t\n{a}in  reverse", "scan over t { a } in reverse\n"),
    ("exit each t when - a>-1 through B", "exit each t when -a > -1 through B\n"),
    (
      "cascade each t{a{b}accept when c>1 d{e}}",
      "cascade each t { a { b } accept when c > 1  d { e } }\n"
    ),
    (
      "cascade each t{\na{b}\naccept when c>1\nd{e}}",
      "cascade each t {\n  a { b }\n    accept when c > 1\n  d { e }\n}\n"
    ),
    ("knob w in[1,2]=2", "knob w in [1, 2] = 2\n"),
    ("knob w in[1,2]each  t by R( 1 )", "knob w in [1, 2] each t by R(1)\n"),
    ("router R{state b=0 update{b=1}}", "router R { state b = 0  update { b = 1 } }\n"),
  ])
  func layout(_ text: String, _ expected: String?) {
    #expect(formatted(text) == expected)
  }

  // MARK: Limits

  @Test(arguments: [
    ("keep 5% of t by R { ", " }"), ("loop up to 2 until R { ", " }"), ("scan over t { ", " }"),
    ("cascade each t { a { ", " } }"), ("reuse each t when a < 1 { ", " }"),
    ("exit each t by R through (", ")"), ("loop 2 carrying (a = ", ") { b }"),
    ("keep 5% of t by R else { ", " }"), ("exit each t when (", ") > 1"),
  ])
  func nestingIsLimited(_ open: String, _ close: String) {
    let deep =
      String(repeating: open, count: 10_000) + "x" + String(repeating: close, count: 10_000)
    #expect(parse(deep).diagnostics.map(\.id).contains(.nestingTooDeep))
    let few = String(repeating: open, count: 40) + "x" + String(repeating: close, count: 40)
    #expect(!parse(few).diagnostics.map(\.id).contains(.nestingTooDeep))
  }
}
