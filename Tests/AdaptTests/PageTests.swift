import Adapt
import AdaptInterpreter
import AdaptSyntax
import Foundation
import Testing

/// Runs the scripts of one page in a folder of their own.
private final class PageRun {
  let page: Page
  let folder: Folder
  let tool: CommandLineTool
  /// The scripts that the next one may continue.
  private var chain = ""
  private static let mark = "(the script of the page goes on here)"

  init(_ page: Page) throws {
    self.page = page
    folder = try Folder()
    tool = CommandLineTool(in: folder)
    let book = try Data(
      contentsOf: ArchitectureTests.root.appending(path: "examples/data/kjv.txt"))
    try folder.write("book.txt", [UInt8](book.prefix(60_000)))
  }

  func run(_ snippet: Page.Snippet) throws {
    switch snippet.kind {
    case .file(let name):
      try folder.write(name, snippet.text)
      let outcome = try tool.run("check", name)
      #expect(outcome.status == 0, "\(place(snippet))\n\(outcome.errors)")
    case .check: try command("check", snippet)
    case .test: try command("test", snippet)
    case .run:
      chain = ""
      try execute(snippet)
    case .continued:
      #expect(!chain.isEmpty, "\(place(snippet)): there is nothing to continue")
      try execute(snippet)
    }
  }

  private func place(_ snippet: Page.Snippet) -> String { "\(page.name):\(snippet.line)" }

  private var script: String { page.name.replacingOccurrences(of: ".md", with: ".adapt") }

  /// What a command says of a script, as the page shows it.
  private func command(_ name: String, _ snippet: Page.Snippet) throws {
    try folder.write(script, snippet.text)
    let outcome = try tool.run(name, script)
    let shown = try #require(snippet.shown, "\(place(snippet)): nothing is shown")
    expect(outcome.output + outcome.errors, shown, snippet)
  }

  private func execute(_ snippet: Page.Snippet) throws {
    let outcome = try outcome(of: snippet.text)
    let errors = snippet.errors
    if errors.isEmpty, snippet.shown == nil {
      #expect(outcome.status == 0, "\(place(snippet))\n\(outcome.errors)")
    } else if !errors.isEmpty {
      expect(outcome.errors, errors, snippet)
    }
    if let shown = snippet.shown {
      #expect(snippet.printed.isEmpty, "\(place(snippet)): shown below, and beside its lines")
      // A picture of an error is shown alone.
      #expect(outcome.status == 0 || outcome.output.isEmpty, "\(place(snippet))")
      expect(outcome.output.isEmpty ? outcome.errors : outcome.output, shown, snippet)
    } else {
      let rest =
        errors.isEmpty || snippet.printed.isEmpty
        ? outcome : try self.outcome(of: snippet.withoutErrors)
      let lines = rest.output.isEmpty ? [] : rest.output.dropLast().components(separatedBy: "\n")
      #expect(lines == snippet.printed, "\(place(snippet))\n\(rest.errors)")
    }
    if outcome.status == 0 { chain += snippet.text }
  }

  /// What a script does behind the chain; what the chain prints is cut off.
  private func outcome(of text: String) throws -> Outcome {
    let head = chain.isEmpty ? "" : chain + "print \"\(PageRun.mark)\"\n"
    try folder.write(script, head + text)
    var outcome = try tool.run("run", script)
    if !head.isEmpty {
      let parts = outcome.output.components(separatedBy: PageRun.mark + "\n")
      outcome.output = parts.count > 1 ? parts[1] : ""
    }
    return outcome
  }

  private func expect(
    _ rendered: String, _ errors: [(line: Int, id: String, part: String)],
    _ snippet: Page.Snippet
  ) {
    let offset =
      chain.isEmpty ? 0 : chain.components(separatedBy: "\n").count
    let pictures = ("\n" + rendered).components(separatedBy: "\nerror[").dropFirst()
    let found = pictures.map { picture in
      let line = picture.components(separatedBy: "--> \(script):").dropFirst().first
        .flatMap { Int($0.prefix { $0.isNumber }) }
      return "\(picture.prefix { $0 != "]" }) at \((line ?? 0) - offset)"
    }
    #expect(found == errors.map { "\($0.id) at \($0.line)" }, "\(place(snippet))\n\(rendered)")
    for (picture, error) in zip(pictures, errors) {
      #expect(picture.contains(error.part), "\(place(snippet))\n\(rendered)")
    }
  }

  private func expect(_ text: String, _ shown: Page.Shown, _ snippet: Page.Snippet) {
    let whole = text.trimmingCharacters(in: .newlines)
    if shown.isExact {
      #expect(whole == shown.text, "\(place(snippet))")
    } else {
      #expect(Numbers(whole).isNear(Numbers(shown.text)), "\(place(snippet))\n\(whole)")
    }
  }
}

/// A text as words and numbers, to be compared where the last digits depend on the machine.
private struct Numbers {
  var words = ""
  var values: [(number: Double, isShare: Bool)] = []

  init(_ text: String) {
    var rest = text[...]
    while let start = rest.firstIndex(where: \.isNumber) {
      words += rest[..<start] + "#"
      let digits = rest[start...].prefix { $0.isNumber || $0 == "." }
      rest = rest[digits.endIndex...]
      values.append((Double(digits) ?? .nan, rest.hasPrefix("%")))
    }
    words += rest
    // Columns move with the width of their numbers.
    words = words.split(separator: " ").joined(separator: " ")
  }

  /// A tenth apart at most. Rounding makes a router choose otherwise now and then, and training goes on
  /// from there, so shares may be ten of a hundred apart.
  func isNear(_ other: Numbers) -> Bool {
    words == other.words
      && zip(values, other.values).allSatisfy { found, shown in
        abs(found.number - shown.number) <= (shown.isShare ? 10 : 0.1 * abs(shown.number))
      }
  }
}

/// The pages of the language say what is true, and say it of everything.
@Suite struct PageTests {
  static let folder = ArchitectureTests.root.appending(path: "docs/language")
  static let names =
    ((try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? [])
    .filter { $0.hasSuffix(".md") }.sorted()

  private func page(_ name: String) throws -> Page {
    let url = Self.folder.appending(path: name)
    return try Page(name: name, text: String(contentsOf: url, encoding: .utf8))
  }

  @Test(arguments: names)
  func everyScriptDoesWhatItsPageSays(_ name: String) throws {
    let page = try page(name)
    let run = try PageRun(page)
    for snippet in page.snippets { try run.run(snippet) }
  }

  @Test func everyPageIsOnTheMap() throws {
    #expect(Self.names.count >= 18)
    let map = try page("index.md").text
    for name in Self.names where name != "index.md" {
      #expect(map.contains("](\(name))"), "\(name)")
    }
  }

  @Test func blocksThatNobodyUnderstandsAreErrors() {
    #expect(throws: Page.Fault.self) { try Page(name: "a.md", text: "```adapt skip\n```\n") }
    #expect(throws: Page.Fault.self) { try Page(name: "a.md", text: "```adapt\nprint 1\n") }
  }

  @Test(arguments: DiagnosticID.allCases)
  func theTableHasEveryId(_ id: DiagnosticID) throws {
    let row = "| `\(id.rawValue)` | \(id.explanation.title) |"
    #expect(try page("diagnostics.md").text.contains(row), "\(row)")
  }

  /// As a reader would type it: the signature of all that scripts see without an import.
  @Test func theLibraryHasEveryName() throws {
    let text = try page("library.md").text
    let entries = try Engine().interpreter.documentation()
    #expect(entries.count > 100)
    for entry in entries {
      let signature = entry.signature.replacingOccurrences(of: "\n", with: "\\n")
      #expect(text.contains("`\(signature)`"), "\(entry.signature): \(entry.summary)")
    }
  }

  /// The rules of the grammar are on the map, and its words on the pages.
  @Test func theGrammarIsDescribed() throws {
    let grammar = try String(
      contentsOf: ArchitectureTests.root.appending(path: "grammar/adapt.ebnf"), encoding: .utf8)
    let rules = grammar.components(separatedBy: "\n").compactMap { line -> String? in
      let words = line.split(separator: " ")
      return words.dropFirst().first == "::=" ? words.first.map(String.init) : nil
    }
    #expect(rules.count > 60)
    let map = try page("index.md").text
    for rule in rules { #expect(map.contains("`\(rule)`"), "\(rule)") }
    let pages = try Self.names.map { try page($0).text }.joined(separator: "\n")
    let words = Set(pages.split { !$0.isLetter }.map(String.init))
    for part in grammar.components(separatedBy: "'") where part.allSatisfy(\.isLetter) {
      #expect(words.contains(part) || part.isEmpty, "\(part)")
    }
  }

  /// Every limit has a row, and a number in it is the one that a host gets by default.
  @Test func theLimitsAreTheOnesOfAHost() throws {
    let lines = try page("limits-and-safety.md").text.components(separatedBy: "\n")
    for (label, value) in Mirror(reflecting: Limits()).children {
      let name = try #require(label)
      let row = try #require(lines.first { $0.hasPrefix("| `\(name)` |") }, "\(name)")
      // That one depends on the machine.
      guard let number = value as? Int, name != "memory" else { continue }
      #expect(row.replacingOccurrences(of: ",", with: "").contains("| \(number) |"), "\(name)")
    }
  }
}
