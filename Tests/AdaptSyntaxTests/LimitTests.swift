import AdaptSyntax
import Testing

struct LimitTests {
  @Test(arguments: [
    ("(", ")"), ("[", "]"), ("{ ", " }"), ("f(", ")"), ("a[", "]"), ("if a { ", " }"), ("-", ""),
    ("not ", ""), ("a ^ ", ""), ("residual { ", " }"), ("recompute { ", " }"), ("\"\\(", ")\""),
    ("parallel { ", " }"), ("route each t by R { p { ", " } }"), ("fn f() { ", " }"),
    ("layer L { ", " }"), ("! ", ""),
    ("(a: ", ")"), ("repeat 2 { ", " }"), ("if ", " { }"), ("a or (b and (", "))"), ("+", ""),
    ("f(x: { y in ", " })"), ("let x = { ", " }"), ("1 + a[1 * ", "]"),
  ])
  func nestingIsLimited(_ open: String, _ close: String) {
    let ten = 10_000
    let deep = String(repeating: open, count: ten) + "x" + String(repeating: close, count: ten)
    let errors = parse(deep).diagnostics
    #expect(errors.last?.id == .nestingTooDeep && errors.last?.span != nil)
    // Operators and constructs that are wrong by themselves are one mistake more.
    #expect(errors.count <= 2)
    // Without the end, and at a depth that is allowed.
    _ = parse(String(repeating: open, count: ten))
    let few = String(repeating: open, count: 40) + "x" + String(repeating: close, count: 40)
    #expect(parse(few).diagnostics.filter { $0.id == .nestingTooDeep }.isEmpty)
  }

  @Test(arguments: [
    " + a", ".a", "()", "[0]", " >> a", " { x }; if a { b } else if c", " or a", " and a", " * a",
    " @ a", "() { x }",
  ])
  func heightIsLimited(_ link: String) {
    let long = "if a" + String(repeating: " { b } else if a", count: 5000) + " { }"
    let text = link.contains("else") ? long : "a" + String(repeating: link, count: 5000)
    #expect(parse(text).diagnostics.first?.id == .nestingTooDeep)
    #expect(parse(text).diagnostics.count == 1)
  }

  @Test func chainsOfChainsAreLimitedTogether() {
    var text = "a"
    for _ in 0..<20 { text = "(" + text + ")" + String(repeating: " + a", count: 90) }
    #expect(parse(text).diagnostics.map(\.id) == [.nestingTooDeep])
    let fine = "a" + String(repeating: " + a", count: 900)
    #expect(parse(fine).diagnostics.isEmpty)
  }

  @Test func manyStatementsAreNotDeep() {
    let text =
      String(repeating: "f(a + b)(c).d { }\n", count: 10) + String(repeating: "a;", count: 50_000)
    #expect(!parse(text).diagnostics.contains { $0.id == .nestingTooDeep })
  }

  @Test func sourceIsLimited() throws {
    let bytes = [UInt8](repeating: UInt8(ascii: "a"), count: 50_000_000)
    let tree = parse(bytes: bytes, source: 0)
    #expect(tree.diagnostics.map(\.id) == [.sourceTooLarge])
    let span = try #require(tree.diagnostics[0].span)
    #expect(span.start == 16 << 20)
  }

  @Test func pictureOfATooLargeSourceIsSmall() {
    let bytes = [UInt8](repeating: UInt8(ascii: "a"), count: 100_000)
    let tree = parse(bytes: bytes, source: 0, limits: ParseLimits(bytes: 50_000))
    var map = SourceMap()
    _ = map.add(name: "big", bytes: bytes)
    #expect(map.render(tree.diagnostics[0]).utf8.count < 1000)
  }

  @Test func errorsAreLimited() {
    let text = String(repeating: "f(1 2\n)\n", count: 10_000)
    #expect(parse(text).diagnostics.count == 100)
    #expect(parse(text, limits: ParseLimits(diagnostics: 3)).diagnostics.count == 3)
  }
}
