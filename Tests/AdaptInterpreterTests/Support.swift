import AdaptGraph
import AdaptInterpreter
import AdaptRuntime
import AdaptSyntax
import Foundation
import Testing

/// The standard library as it stands in the repository, in the order a build embeds it.
func standardLibrary() throws -> [(name: String, text: String)] {
  let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("stdlib")
  let names = try FileManager.default.subpathsOfDirectory(atPath: folder.path)
  return try names.filter { $0.hasSuffix(".adapt") }.sorted().map { name in
    (name, try String(contentsOf: folder.appendingPathComponent(name), encoding: .utf8))
  }
}

/// What a script printed.
final class Transcript {
  var text = ""
}

/// An interpreter over files in memory.
func makeInterpreter(
  files: [String: String] = [:], limits: Limits = Limits(),
  cancellation: Cancellation = Cancellation()
) throws -> (Interpreter, Transcript) {
  let transcript = Transcript()
  let host = Host(
    output: { transcript.text += $0 },
    read: { path in
      guard let text = files[path] else { throw HostError.missing }
      return Array(text.utf8)
    },
    limits: limits, cancellation: cancellation)
  return (Interpreter(host: host, library: try standardLibrary()), transcript)
}

extension Interpreter {
  func render(_ diagnostics: [Diagnostic]) -> String {
    diagnostics.map { sources.render($0) }.joined(separator: "\n")
  }

  func evaluate(_ text: String) throws -> Value? {
    do { return try evaluate(Array(text.utf8), name: "test.adapt") } catch let error as ScriptError
    {
      Issue.record("\(render(error.diagnostics))")
      throw error
    }
  }

  /// The errors of a text; warnings have tests of their own.
  func check(_ text: String) -> [Diagnostic] {
    check(Array(text.utf8), name: "test.adapt").filter { $0.severity == .error }
  }

  /// The flow that the last expression of the text gives.
  func flow(_ text: String) throws -> Flow {
    guard case .flow(let flow)? = try evaluate(text) else { throw NotAFlow() }
    return flow
  }

  /// The one error of a text.
  func error(_ text: String, file: String = "test.adapt") throws -> Diagnostic {
    let found = check(text)
    try #require(found.count == 1, "\(render(found))")
    return found[0]
  }

  func text(at span: Span?) -> String {
    guard let span else { return "" }
    let bytes = sources.files[Int(span.source)].bytes
    return String(decoding: bytes[Int(span.start)..<Int(span.end)], as: UTF8.self)
  }
}

struct NotAFlow: Error {}

/// The declarations of the first script of the language's page.
let duo = """
  layer Duo(hidden) {
    route each token by TopK(1) {
      big   { FFN(hidden) }
      small { FFN(hidden / 16) }
      skip  { zero }
    }
  }

  layer Block(heads, hidden) {
    residual { Norm() >> Attention(heads, causal: true) }
    residual { Norm() >> Duo(hidden) }
  }

  model DuoLM(vocab, width = 128, depth = 4, heads = 4) {
    Embedding(vocab, width) >> Positions()
    repeat depth { Block(heads, 4 * width) }
    Norm() >> Linear(vocab)
  }


  """
