import AdaptInterpreter
import AdaptSyntax

/// What must hold for every input, whatever it says.
///
/// A trial takes one input through all that a script goes through and returns what did not hold. It
/// cannot see a trap or a script that never ends: those are up to who runs it.
public struct Trial {
  /// Something that did not hold.
  public struct Violation: Sendable, CustomStringConvertible {
    /// What was violated, the same for all inputs that show it.
    public let kind: String
    public let detail: String

    public var description: String { "\(kind): \(detail)" }
  }

  private let corpus: Corpus

  /// Small enough that no script can take long.
  private static let limits = Limits(
    steps: 20_000, depth: 300, elements: 20_000, nodes: 4000, parameter: 1 << 18,
    tensorBytes: 1 << 20,
    output: 1 << 16, time: .seconds(2), checkSteps: 5000)

  public init(corpus: Corpus) { self.corpus = corpus }

  /// All that does not hold for the input; empty when all is well.
  public func violations(_ bytes: [UInt8]) -> [Violation] {
    let found = parseViolations(bytes)
    guard found.isEmpty else { return found }
    let first = run(bytes)
    guard first.violations.isEmpty else { return first.violations }
    // At a prompt nothing is checked before, so it runs as far as it can.
    let prompted = run(bytes, atPrompt: true)
    guard prompted.violations.isEmpty else { return prompted.violations }
    guard !first.isCutShort else { return [] }
    let second = run(bytes)
    guard first.output == second.output, first.ids == second.ids else {
      return [Violation(kind: "two runs differ", detail: "\(first.ids) and \(second.ids)")]
    }
    return []
  }

  /// Whether a script can be parsed without an error.
  public static func isWellFormed(_ bytes: [UInt8]) -> Bool {
    parse(bytes: bytes, source: 0).diagnostics.isEmpty
  }

  // MARK: Text

  private func parseViolations(_ bytes: [UInt8]) -> [Violation] {
    let tree = parse(bytes: bytes, source: 0)
    var found: [Violation] = []
    var offset = 0
    for token in tree.tokens {
      guard token.range.lowerBound == offset, token.range.upperBound >= offset else { break }
      offset = token.range.upperBound
    }
    if offset != bytes.count, !tree.tokens.isEmpty {
      found.append(Violation(kind: "tokens lose text", detail: "\(offset) of \(bytes.count) bytes"))
    }
    var map = SourceMap()
    _ = map.add(name: "fuzz.adapt", bytes: bytes)
    found += diagnosticViolations(tree.diagnostics, map)
    tree.block.walk { node in
      if !Trial.isInside(node.span, map) {
        found.append(Violation(kind: "a node lies outside of the text", detail: "\(node.span)"))
      }
      return found.count < 10
    }
    return found + formatViolations(bytes, tree)
  }

  /// Whether a span is a part of a text that the map knows.
  private static func isInside(_ span: Span, _ map: SourceMap) -> Bool {
    guard let file = map.file(span.source) else { return false }
    return span.start <= span.end && Int(span.end) <= file.bytes.count
  }

  private func diagnosticViolations(_ diagnostics: [Diagnostic], _ map: SourceMap) -> [Violation] {
    diagnostics.flatMap { diagnostic -> [Violation] in
      let about = "\(diagnostic.id.rawValue) \(diagnostic.title)"
      var found: [Violation] = []
      let spans = [diagnostic.span].compactMap { $0 } + diagnostic.notes.map(\.span)
      if !spans.allSatisfy({ Trial.isInside($0, map) }) {
        found.append(Violation(kind: "a place lies outside of the text", detail: about))
      }
      if diagnostic.title.isEmpty || map.render(diagnostic).isEmpty
        || map.render(diagnostic, color: true).isEmpty
      {
        found.append(Violation(kind: "an error says nothing", detail: about))
      }
      let text = ([diagnostic.title, diagnostic.label, diagnostic.hint]).joined(separator: " ")
      if let word = Trial.internals.first(where: { text.contains($0) }) {
        found.append(Violation(kind: "an error shows the inside: \(word)", detail: about))
      }
      return found
    }
  }

  /// Words that only someone who knows the sources would understand.
  private static let internals = [
    "UnknownReached", "CheckedEnough", "Optional(", "AdaptInterpreter.", "AdaptGraph.", "Swift.",
  ]

  // MARK: Runs

  private struct Outcome {
    var output = ""
    var ids: [String] = []
    var violations: [Violation] = []

    /// Ended by the clock, so another run may end elsewhere.
    var isCutShort: Bool { ids.contains(DiagnosticID.limitTime.rawValue) }
  }

  private final class Output {
    var text = ""
  }

  private func run(_ bytes: [UInt8], atPrompt: Bool = false) -> Outcome {
    let output = Output()
    let host = Host(
      output: { output.text += $0 },
      read: { path in
        guard let bytes = self.corpus.files[path] else { throw HostError.missing }
        return bytes
      },
      write: { _, _ in }, limits: Trial.limits, threads: 1)
    let interpreter = Interpreter(host: host, library: corpus.library)
    var outcome = Outcome()
    do {
      if atPrompt {
        let value = try interpreter.evaluate(bytes, name: "fuzz.adapt")
        _ = value.map { interpreter.describe($0) }
      } else {
        try interpreter.run(bytes, name: "fuzz.adapt")
      }
    } catch let error as ScriptError {
      outcome.ids = error.diagnostics.map(\.id.rawValue)
      outcome.violations = diagnosticViolations(error.diagnostics, interpreter.sources)
      if error.diagnostics.isEmpty {
        outcome.violations = [Violation(kind: "a failure without a reason", detail: "")]
      }
    } catch {
      outcome.violations = [Violation(kind: "an error of another type", detail: "\(error)")]
    }
    outcome.output = output.text
    if output.text.utf8.count > Trial.limits.output + (1 << 16) {
      outcome.violations.append(
        Violation(kind: "more output than the limit", detail: "\(output.text.utf8.count) bytes"))
    }
    return outcome
  }
}
