import AdaptSyntax
import Foundation
import Testing

/// Texts that an editor or a version control would change on the way, so they are made here.
@Suite struct OddTexts {
  private func expect(
    _ text: String, prints printed: [String] = [], errors: [String] = [],
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    try expect(Array(text.utf8), prints: printed, errors: errors, sourceLocation: sourceLocation)
  }

  /// Runs the bytes; an error is written as `line:id`.
  private func expect(
    _ bytes: [UInt8], prints printed: [String] = [], errors: [String] = [],
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let result = try outcome(of: bytes, name: "odd.adapt")
    #expect(result.printed == printed, "\(result.rendered)", sourceLocation: sourceLocation)
    let ids = result.found.map { "\(result.line(of: $0, in: "odd.adapt")):\($0.id.rawValue)" }
    #expect(ids == errors, "\(result.rendered)", sourceLocation: sourceLocation)
  }

  @Test func emptyFile() throws { try expect("") }

  @Test(arguments: [" ", "\n", "\t\n\n ", ";", ";;\n;", "// a", "/* a */", "\u{FEFF}", "\r\n"])
  func filesThatSayNothing(_ text: String) throws { try expect(text) }

  @Test func linesMayEndAsOnWindows() throws {
    try expect("let a = 1\r\nprint a +\r\n  1\r\n", prints: ["2"])
  }

  @Test func linesMayEndWithCarriageReturns() throws {
    try expect("let a = 1\rprint a\r", prints: ["1"])
  }

  @Test func linesOfAllKindsAreCounted() throws {
    try expect("print 1\r\nprint 2\rprint 3\nprint nope", errors: ["4:E0101"])
  }

  @Test func aStringDoesNotGoOverAnyLineEnd() throws {
    try expect("let a = \"x\r\nlet b = \"y\rlet c = 1", errors: ["1:E0005", "2:E0005"])
  }

  @Test func aByteOrderMarkIsWhiteSpace() throws {
    try expect("\u{FEFF}print 1", prints: ["1"])
    try expect("print 1\n\u{FEFF}print 2", errors: ["2:E0004"])
  }

  @Test func tabsAreWhiteSpace() throws {
    try expect("\tlet\ta\t=\t1\n\tprint\ta", prints: ["1"])
  }

  @Test func noNewlineAtTheEnd() throws { try expect("print 1", prints: ["1"]) }

  @Test func nulIsNoCharacter() throws {
    try expect("print 1\u{0}\nprint 2", errors: ["1:E0004"])
    try expect("print \"a\u{0}b\".count", prints: ["3"])
  }

  @Test(arguments: ["\u{1}", "\u{7F}", "\u{85}", "\u{A0}", "\u{200B}", "\u{2028}", "\u{202E}"])
  func invisibleCharactersAreNamed(_ character: String) throws {
    try expect("print 1 \(character)", errors: ["1:E0004"])
  }

  @Test func bytesThatAreNoText() throws {
    try expect(Array("print 1\n".utf8) + [0xFF, 0xFE], errors: ["2:E0001"])
    try expect([0x22, 0xC3, 0x22], errors: ["1:E0001"])
    try expect(Array("// ".utf8) + [0xED, 0xA0, 0x80], errors: ["1:E0001"])
  }

  @Test func aVeryLongLine() throws {
    let terms = Array(repeating: "1", count: 200_000).joined(separator: ", ")
    try expect("print [\(terms)].count", prints: ["200000"])
    try expect("print \"\(String(repeating: "x", count: 500_000))\".count", prints: ["500000"])
  }

  @Test func anErrorOnAVeryLongLineHasAShortPicture() throws {
    let text = String(repeating: "let a = 1; ", count: 1) + String(repeating: " ", count: 300_000)
    let result = try outcome(of: Array((text + "nope").utf8), name: "odd.adapt")
    #expect(result.found.map(\.id) == [.unknownName])
    #expect(result.rendered.utf8.count < 2000)
  }

  @Test func manyLines() throws {
    let text = String(repeating: "// x\n\n", count: 50_000) + "print nope"
    try expect(text, errors: ["100001:E0101"])
  }

  @Test func aVeryLongName() throws {
    let name = String(repeating: "a", count: 100_000)
    try expect("let \(name) = 1\nprint \(name)", prints: ["1"])
    let result = try outcome(of: Array("print \(name)".utf8), name: "odd.adapt")
    #expect(result.found.map(\.id) == [.unknownName])
  }

  @Test func aVeryLongNumber() throws {
    try expect("print \(String(repeating: "9", count: 100_000))", errors: ["1:E0006"])
    try expect("print 0.\(String(repeating: "0", count: 100_000))1 == 0.0", prints: ["true"])
  }

  @Test func noMoreThanAHundredErrorsOfTheText() throws {
    let result = try outcome(
      of: Array(String(repeating: "print (\n)\n", count: 1000).utf8), name: "odd.adapt")
    #expect(result.found.count == 100)
  }
}
