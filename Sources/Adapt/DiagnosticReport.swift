import AdaptPlatform
import AdaptSyntax

/// Diagnostics as data, for editors and other programs: a JSON array of objects.
///
/// Each object has `id`, `severity` (`error` or `warning`), `message`, `label`, `hint`, `place` (null
/// without one), `notes` (objects of `message` and `place`) and `fixes` (objects of `title` and `edits`,
/// each a `place` and the `text` that stands there afterwards).
///
/// A place has `file`, `line` and `column` (from 1, the column in characters), `endLine` and `endColumn`
/// (one past the last character), `start` and `end` (bytes, from 0). Keys may be added, none changes its
/// meaning.
public struct DiagnosticReport: Sendable {
  private var entries: [JSON] = []

  public init() {}

  /// Adds what an engine has found.
  public mutating func add(_ diagnostics: [Diagnostic], of engine: Engine) {
    let sources = engine.interpreter.sources
    entries += diagnostics.map { DiagnosticReport.entry($0, sources) }
  }

  /// The report as JSON text, keys in order, with a line break at its end.
  public func json() -> [UInt8] { JSON.array(entries).text() }

  private static func entry(_ diagnostic: Diagnostic, _ sources: SourceMap) -> JSON {
    .object([
      "id": .string(diagnostic.id.rawValue),
      "severity": .string(diagnostic.severity.rawValue),
      "message": .string(diagnostic.title),
      "label": .string(diagnostic.label),
      "hint": .string(diagnostic.hint),
      "place": diagnostic.span.map { place($0, sources) } ?? .null,
      "notes": .array(
        diagnostic.notes.map {
          .object(["message": .string($0.text), "place": place($0.span, sources)])
        }),
      "fixes": .array(diagnostic.fix.map { [fix($0, sources)] } ?? []),
    ])
  }

  private static func fix(_ fix: FixIt, _ sources: SourceMap) -> JSON {
    let edits = fix.edits.map { edit in
      JSON.object(["place": place(edit.span, sources), "text": .string(edit.text)])
    }
    return .object(["title": .string(fix.title), "edits": .array(edits)])
  }

  private static func place(_ span: Span, _ sources: SourceMap) -> JSON {
    let start = sources.position(of: Int(span.start), in: span.source)
    let end = sources.position(of: Int(span.end), in: span.source)
    return .object([
      "file": .string(sources.file(span.source)?.name ?? ""),
      "line": .int(start.line), "column": .int(start.column),
      "endLine": .int(end.line), "endColumn": .int(end.column),
      "start": .int(Int(span.start)), "end": .int(Int(span.end)),
    ])
  }
}
