import AdaptInterpreter
import AdaptSyntax
import Foundation
import Testing

// The language's own suite: one behaviour a script, its expectations beside its lines.
//
// `// => text` stands on the line, or below it, that prints the text; `// error: E0101 part` on the
// line that an error is reported at, with a part of what it says; `// error elsewhere: …` in an imported
// file. Everything printed and reported must
// be expected. Folders are features; scripts under `modules/` are for importing only.

private let here = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
private let scripts = here.appendingPathComponent("scripts")

private func files(under folder: URL) -> [String] {
  ((try? FileManager.default.subpathsOfDirectory(atPath: folder.path)) ?? [])
    .filter { $0.hasSuffix(".adapt") }.sorted()
}

private func library() throws -> [(name: String, text: String)] {
  let folder = here.deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("stdlib")
  return try files(under: folder).map { name in
    (name, try String(contentsOf: folder.appendingPathComponent(name), encoding: .utf8))
  }
}

/// What running a script came to.
struct Outcome {
  let interpreter: Interpreter
  let printed: [String]
  let found: [Diagnostic]

  var rendered: String { found.map { interpreter.sources.render($0) }.joined(separator: "\n") }

  /// The line that an error is reported at; 0 in another file than `name`.
  func line(of diagnostic: Diagnostic, in name: String) -> Int {
    guard let span = diagnostic.span else { return 0 }
    let file = interpreter.sources.files[Int(span.source)]
    return file.name == name ? file.lineNumber(of: Int(span.start)) : 0
  }
}

/// Runs a script that may read the files of a folder.
func outcome(of bytes: [UInt8], name: String, folder: URL = scripts) throws -> Outcome {
  let output = Output()
  let host = Host(
    output: { output.text += $0 },
    read: { path in
      guard
        let data = FileManager.default.contents(atPath: folder.appendingPathComponent(path).path)
      else { throw HostError.missing }
      return Array(data)
    },
    limits: Limits(steps: 1_000_000, elements: 1_000_000))
  let interpreter = Interpreter(host: host, library: try library())
  var found: [Diagnostic] = []
  do {
    try interpreter.run(bytes, name: name)
  } catch let error as ScriptError {
    found = error.diagnostics
  }
  let printed = output.text.isEmpty ? [] : output.text.dropLast().components(separatedBy: "\n")
  return Outcome(interpreter: interpreter, printed: printed, found: found)
}

/// What a script says it does.
private struct Expectations {
  var printed: [String] = []
  /// Line, id, and a part of the message.
  var errors: [(line: Int, id: String, part: String)] = []

  init(_ text: String) {
    for (index, line) in text.components(separatedBy: "\n").enumerated() {
      if let range = line.range(of: "// => ") {
        printed.append(String(line[range.upperBound...]))
      } else if line.hasSuffix("// =>") {
        printed.append("")
      }
      if let range = line.range(of: "// error elsewhere: ") {
        let words = line[range.upperBound...].split(separator: " ", maxSplits: 1).map(String.init)
        errors.append((0, words.first ?? "", words.count > 1 ? words[1] : ""))
      }
      var rest = line[...]
      while let range = rest.range(of: "// error: ") {
        let next = rest[range.upperBound...].range(of: "// error: ")
        let words = rest[range.upperBound..<(next?.lowerBound ?? rest.endIndex)]
        let parts = words.split(separator: " ", maxSplits: 1).map(String.init)
        let part = parts.count > 1 ? parts[1].trimmingCharacters(in: .whitespaces) : ""
        errors.append((index + 1, parts.first ?? "", part))
        rest = rest[range.upperBound...]
      }
    }
  }
}

private final class Output {
  var text = ""
}

private func describe(_ diagnostic: Diagnostic) -> String {
  ([diagnostic.title, diagnostic.label, diagnostic.hint] + diagnostic.notes.map(\.text))
    .joined(separator: " | ")
}

@Suite struct LanguageSuite {
  @Test func hasScripts() {
    #expect(files(under: scripts).count >= 800)
  }

  @Test(arguments: files(under: scripts).filter { !$0.contains("modules/") })
  func behaves(_ name: String) throws {
    let url = scripts.appendingPathComponent(name)
    let text = try String(contentsOf: url, encoding: .utf8)
    let result = try outcome(
      of: Array(text.utf8), name: name, folder: url.deletingLastPathComponent())
    let expected = Expectations(text)
    let comment = "\(name)\n\(result.rendered)"
    #expect(result.printed == expected.printed, "\(comment)")
    let ids = result.found.map { "\(result.line(of: $0, in: name)):\($0.id.rawValue)" }
    #expect(ids == expected.errors.map { "\($0.line):\($0.id)" }, "\(comment)")
    for (diagnostic, error) in zip(result.found, expected.errors) {
      #expect(describe(diagnostic).contains(error.part), "\(comment)")
    }
  }
}
