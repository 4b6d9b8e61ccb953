import AdaptSyntax
import Testing

struct StructureTests {
  @Test(arguments: Corpus.all)
  func scriptsOfTheCorpusAreRight(_ script: String) {
    #expect(errors(script) == [])
  }

  @Test(arguments: [
    ("let a = 1; var b = a", "(let a 1) (var b a)"),
    (
      "a = 1\na.b += 2\na[0] -= 3\na *= 4; a /= 5",
      "(= a 1) (+= (. a b) 2) (-= (index a 0) 3) (*= a 4) (/= a 5)"
    ),
    (
      "fn f(a, b = 1) { return a }\nfn g() { return }",
      "(fn f (a b=1) {(return a)}) (fn g () {(return)})"
    ),
    ("for x in xs { break }\nwhile a { continue }", "(for x xs {(break)}) (while a {(continue)})"),
    ("import a.b; print a, b; print(a); print", "(import a.b) (print a b) (print a) (print)"),
    ("minimize loss + cost", "(minimize (+ loss cost))"),
    (
      "param w: [d, n] = normal(0.02)\nparam b: [n]",
      "(param w [d n] (call normal 0.02)) (param b [n])"
    ),
    ("state m = 0", "(state m 0)"),
    ("objective smooth { x }", "(objective smooth {x})"),
    ("optimizer Sgd(rate = 0.1) { state m = 0; m }", "(optimizer Sgd (rate=0.1) {(state m 0) m})"),
    ("layer Gelu { }", "(layer Gelu () {})"),
    (
      "layer A(n): x [.., token, d] -> [.., 4 * n, 8] { x }",
      "(layer A (n) : x [.. token d] -> [.. (* 4 n) 8] {x})"
    ),
    ("model M(): x [..] { x }", "(model M () : x [..] {x})"),
    (
      "router R(k) { scores { x }  select top(k) in training  weigh s in inference  loss l }",
      "(router R (k) (scores {x}) (select (call top k) in training) (weigh s in inference) (loss l))"
    ),
  ])
  func statement(_ text: String, _ expected: String) {
    #expect(structure(text) == expected)
  }

  @Test(arguments: [
    ("[1, 1_000, 0.5, 3e-4]", "[1 1000 0.5 0.0003]"),
    (
      "[50%, 5ms, 2 GFLOP, 3us, 1FLOP, 2e3 s]",
      "[50.0% 5.0ms 2.0GFLOP 3.0us 1.0FLOP 2000.0 s] !E0010"
    ),
    ("[true, false, none, []]", "[true false none []]"),
    ("(a: 1, in: 2)", "(record a:1 in:2)"),
    ("((a))", "a"),
    ("f(1, on: 2,)(3)[4, 5].x", "(. (index (call (call f 1 on:2) 3) 4 5) x)"),
    ("train(a) { b }", "(call train a {b})"),
    ("f({ x, y in x }, { z })", "(call f (closure (x y) {x}) (closure () {z}))"),
    ("let f = { }", "(let f (closure () {}))"),
    ("if a { b } else if c { d }\nelse { e }", "(if a {b} {(if c {d} {e})})"),
    ("let x = if a { 1 } else { 2 } + 3", "(let x (+ (if a {1} {2}) 3))"),
    ("residual { A() >> B() }", "(residual {(>> (call A) (call B))})"),
    ("recompute { A() >> B() }", "(recompute {(>> (call A) (call B))})"),
    ("repeat 2 { recompute { residual { a } } }", "(repeat 2 {(recompute {(residual {a})})})"),
    ("let recompute = 1\nrecompute + 1", "(let recompute 1) (+ recompute 1)"),
    ("parallel { a, b } join sum", "(parallel a b join sum)"),
    ("parallel {\n a\n { b }\n}", "(parallel a (closure () {b}))"),
    ("repeat 2 * n { a }\nloop (n) { a }", "(repeat (* 2 n) {a}) (loop n {a})"),
    (
      "route each token by R(1) { big { a }  8 experts { b }\n n more { c } skip { zero } }",
      "(route token (call R 1) (big {a}) (8 experts {b}) (n more {c}) (skip {zero}))"
    ),
    (#""a\n\t\"\\\u{41}\(b)c\(d: .3)\("e\(1)")""#, "\"a\n\t\"\\A\\(b)c\\(d:.3)\\(\"e\\(1)\")\""),
    ("if f(a) { b }", "(if (call f a) {b})"),
    ("for x in f(a) { b }", "(for x (call f a) {b})"),
    ("while f({ a }) { b }", "(while (call f (closure () {a})) {b})"),
  ])
  func expression(_ text: String, _ expected: String) {
    #expect(structure(text) == expected)
  }

  @Test(arguments: [
    ("let (a, b) = c; var [a, ..b] = c", "(let (tuple a b) c) (var [a ..b] c)"),
    ("let (a) = b; let (c,) = d; let _ = e", "(let a b) (let c d) (let _ e)"),
    ("let (x: a, if: (b, _)) = c", "(let (record x:a if:(tuple b _)) c)"),
    ("for (i, [.., x, _]) in xs { }", "(for (tuple i [.._ x _]) xs {})"),
    ("{ (k, v), n in k }", "(closure ((tuple k v) n) {k})"), ("{ _ in 1 }", "(closure (_) {1})"),
    ("{\n(k, v),\nn\nin k }", "(closure ((tuple k v) n) {k})"),
    ("{ (k, v) }", "(closure () {(tuple k v)})"), ("{ [a] }", "(closure () {[a]})"),
    (
      "match e { 0 { a } 1..5 { b }; -1 | \"s\" | none { c }\n _ { d } }",
      "(match e (0 {a}) ((.. 1 5) {b}) ((| (- 1) \"s\" none) {c}) (_ {d}))"
    ),
    (
      "match e {\n(a, 50%) if a > b { c }\n[_, ..] |\n[] { }\n(kind: \"big\", size: n)\n{ n }\nelse { d }\n}",
      "(match e ((tuple a 50.0%) if (> a b) {c}) ((| [_ .._] []) {})"
        + " ((record kind:\"big\" size:n) {n}) (_ {d}))"
    ),
    ("match (a, b) { x { } }", "(match (tuple a b) (x {}))"),
    ("match [a] { x { } }", "(match [a] (x {}))"),
    ("match(a); match[a]; match - a", "(call match a) (index match a) (- match a)"),
    ("let a = match b { -1.5...2 { c } } + 1", "(let a (+ (match b ((... (- 1.5) 2) {c})) 1))"),
    ("try { a } catch e { b }", "(try {a} e {b})"), ("try { a }\ncatch { b }", "(try {a} {b})"),
    ("let x = try { a } catch (message: m) { m }", "(let x (try {a} (record message:m) {m}))"),
  ])
  func patternsAndChoices(_ text: String, _ expected: String) {
    #expect(structure(text) == expected)
  }

  @Test(arguments: [
    ("(a, b); (a, b,); (a,); (a)", "(tuple a b) (tuple a b) a a"),
    ("((a, b), c) = (d, e)", "(= (tuple (tuple a b) c) (tuple d e))"),
    ("(a.b, c[0]) = d", "(= (tuple (. a b) (index c 0)) d)"),
    ("[:]; [\"a\": 1, 2: b,]; [a\n:\nb]", "(map) (map \"a\":1 2:b) (map a:b)"),
    ("[(1, 2): { a }]", "(map (tuple 1 2):(closure () {a}))"),
    ("[a for b in c]", "(each a (for b c))"),
    (
      "[a * b for (a, _) in c >> d if a > b or e\nif f for b in 0..a]",
      "(each (* a b) (for (tuple a _) (>> c d)) (if (or (> a b) e)) (if f) (for b (.. 0 a)))"
    ),
    (
      "x[0, 1..3]; x[2..]; x[..3]; x[..]",
      "(index x 0 (.. 1 3)) (index x (.. 2 _)) (index x (.. _ 3)) (index x (.. _ _))"
    ),
    (
      "x[.., 0]; x[-2..]; x[...n - 1, 1 + 1...,]",
      "(index x (.. _ _) 0) (index x (.. (- 2) _)) (index x (... _ (- n 1)) (... (+ 1 1) _))"
    ),
    ("x[token: 0..4, in: ..]", "(index x token:(.. 0 4) in:(.. _ _))"),
    ("x[y[1..]..]", "(index x (.. (index y (.. 1 _)) _))"),
    ("import a.b as c; import a (x, y as z)", "(import a.b as c) (import a (x y=z))"),
    ("import a\n(b)", "(import a) b"),
    ("expect a == b", "(expect (== a b))"),
    ("test \"a b\" { c }; test(1); test.a", "(test \"a b\" {c}) (call test 1) (. test a)"),
  ])
  func collectionsAndModules(_ text: String, _ expected: String) {
    #expect(structure(text) == expected)
  }

  @Test(arguments: [
    ("\"\"\"\n\"\"\"", ""), ("\"\"\"\na\n\"\"\"", "a"), ("\"\"\" \na\n\n b\n\"\"\"", "a\n\n b"),
    ("\"\"\"\r\n  a\r\n  b\r\n  \"\"\"", "a\nb"), ("\"\"\"\n\t\ta\n \n\t\"\"\"", "\ta\n"),
    ("\"\"\"\n  \\(a)b\\(c)\n  d \\(\n e) \\n\n  \"\"\"", "\\(a)b\\(c)\nd \\(e) \n"),
    ("\"\"\"\n\"a\" \"\" \\\"\"\"\n\"\"\"", "\"a\" \"\" \"\"\""),
    ("\"\"\"\n a\\(\"b\\(c)\")\n \"\"\"", "a\\(\"b\\(c)\")"),
    ("\"\"\"\n \\(\"\"\"\n   x\n  \"\"\")\n \"\"\"", "\\(\" x\")"),
  ])
  func stringsOfSeveralLines(_ text: String, _ expected: String) {
    #expect(structure(text) == "\"\(expected)\"")
    #expect(structure("let a = \(text)\nb") == "(let a \"\(expected)\") b")
  }

  @Test(arguments: [
    (
      "1 >> a or b and not c == 1..2 + 3 * -4 ^ 5",
      "(>> 1 (or a (and b (not (== c (.. 1 (+ 2 (* 3 (- (^ 4 5))))))))))"
    ),
    ("a >> b >> c", "(>> (>> a b) c)"),
    ("a - b - c", "(- (- a b) c)"),
    ("a / b * c @ d mod e", "(mod (@ (* (/ a b) c) d) e)"),
    ("a ^ b ^ -c", "(^ a (^ b (- c)))"),
    ("-a.b(c)", "(- (call (. a b) c))"),
    ("a + b...c * d", "(... (+ a b) (* c d))"),
    ("not not a and b", "(and (not (not a)) b)"),
    ("a < b + 1 and c >= d", "(and (< a (+ b 1)) (>= c d))"),
  ])
  func precedence(_ text: String, _ expected: String) {
    #expect(structure(text) == expected)
  }

  @Test(arguments: [
    ("a +\n b", "(+ a b)"), ("a\n>> b", "(>> a b)"), ("a >>\n b", "(>> a b)"),
    ("a\n  .b\n  .c()", "(call (. (. a b) c))"), ("a\n-b", "a (- b)"), ("a\n(b)", "a b"),
    ("a\n[b]", "a [b]"), ("f(a\n+ b\n, c)", "(call f (+ a b) c)"), ("[a\n, b\n]", "[a b]"),
    ("f({\n a\n b\n})", "(call f (closure () {a b}))"), ("print a,\n b", "(print a b)"),
    ("return\na", "(return) a"), ("a;;\r\n;b\rc", "a b c"), ("let a =\n 1", "(let a 1)"),
    ("fn f()\n{ a }", "(fn f () {a})"), ("f(a)\n{ b }", "(call f a) (closure () {b})"),
  ])
  func linesEndStatementsUnlessTheyGoOn(_ text: String, _ expected: String) {
    #expect(structure(text) == expected)
  }

  @Test(arguments: Token.Kind.contextualWords)
  func contextualWordsAreNames(_ kind: Token.Kind) {
    let word = kind.rawValue
    #expect(structure("let \(word) = 1") == "(let \(word) 1)")
    #expect(structure("\(word) = a") == "(= \(word) a)")
    #expect(structure("f(\(word), \(word): 1).\(word)") == "(. (call f \(word) \(word):1) \(word))")
    #expect(structure("fn f(\(word)) { 1 + \(word) }") == "(fn f (\(word)) {(+ 1 \(word))})")
    #expect(structure("{ \(word) in 1 }") == "(closure (\(word)) {1})")
    #expect(structure("for \(word) in a { }") == "(for \(word) a {})")
  }

  @Test(arguments: Token.Kind.keywords)
  func keywordsAreLabelsAndMembersButNoNames(_ kind: Token.Kind) {
    let word = kind.rawValue
    #expect(structure("f(\(word): 1).\(word)") == "(. (call f \(word):1) \(word))")
    #expect(errors("let \(word) = 1") == ["E0010 '\(word)' is a reserved word"])
  }

  @Test func documentationBelongsToTheStatementBelow() {
    let tree = parse("/// lost\n\n/// one\n///  two\r\n  fn f() {\n/// in\nlet x = 1 }\n//// no\na")
    #expect(tree.block.statements.map(\.documentation) == ["one\n two", ""])
    if case .function(let function) = tree.block.statements[0].kind {
      #expect(function.body.statements.map(\.documentation) == ["in"])
    }
  }

  @Test func documentationBehindAStatementIsNotAboutTheNext() {
    let tree = parse("a /// of a\n/// of b\nb")
    #expect(tree.block.statements.map(\.documentation) == ["", "of b"])
  }

  @Test func spansCoverTheirText() {
    let text = "let a = f(b) { c }\nif x { y } else if z { w }  "
    let tree = parse(text)
    var map = SourceMap()
    _ = map.add(name: "a", bytes: Array(text.utf8))
    #expect(
      tree.block.statements.map { map.text(of: $0.span) } == [
        "let a = f(b) { c }", "if x { y } else if z { w }",
      ])
    guard case .binding(_, let value, _) = tree.block.statements[0].kind,
      case .call(_, _, let block?) = value.kind
    else {
      Issue.record("not a call")
      return
    }
    #expect(map.text(of: block.span) == "{ c }")
  }
}
