import Adapt
import AdaptPlatform
import AdaptSyntax
import ArgumentParser

struct CheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Report everything that is wrong with scripts, and what is odd.",
    discussion: """
      Nothing is run. Errors end with 65; warnings alone end with 0, with --strict with 65.
      '// lint: allow W0101' on a line or above it allows that warning there.

      With --json, each object of the array has id, severity (error or warning), message, label, hint,
      place (or null), notes (message and place) and fixes (title and edits: place and text). A place has
      file, line and column (from 1), endLine, endColumn, start and end (bytes from 0).
      """)

  @ArgumentParser.Argument(
    help: "Scripts, or folders of them; - reads one from standard input.")
  var files: [String]

  @Flag(help: "Let warnings fail, too.")
  var strict = false

  @Flag(help: "Make the changes that are certain in the files, and say which.")
  var fix = false

  @Flag(help: "Print one JSON array of all errors and warnings to standard output.")
  var json = false

  @OptionGroup var processors: ProcessorOptions

  func validate() throws {
    if fix, files.contains("-") { throw ValidationError("--fix changes files, not standard input") }
  }

  func run() throws {
    var results = Results()
    for path in ScriptFile.expand(files) { try check(path, &results) }
    if json {
      Terminal.write(String(decoding: results.report.json(), as: UTF8.self), to: 1)
    } else if results.files > 1 {
      Terminal.write(results.summary + "\n", to: 2)
    }
    if let status = results.status { throw status }
    if strict, results.warnings > 0 { throw ExitStatus.scriptError }
  }

  /// What was found in all files.
  private struct Results {
    var report = DiagnosticReport()
    var files = 0
    var errors = 0
    var warnings = 0
    /// That of the first file with errors; a missing file counts less than a wrong one.
    var status: ExitCode?

    var summary: String {
      func count(_ number: Int, _ noun: String) -> String {
        "\(number) \(noun)\(number == 1 ? "" : "s")"
      }
      return "\(count(errors, "error")) and \(count(warnings, "warning")) in \(files) files"
    }
  }

  private func check(_ path: String, _ results: inout Results) throws {
    results.files += 1
    var bytes: [UInt8]
    do { bytes = try ScriptFile.read(path) } catch let status as ExitCode {
      results.errors += 1
      results.status = results.status ?? status
      return
    }
    let name = ScriptFile.name(path)
    if fix { bytes = try mend(bytes, path) }
    let engine = engine(path)
    let found = engine.check(bytes, name: name)
    results.errors += found.filter { $0.severity == .error }.count
    results.warnings += found.filter { $0.severity == .warning }.count
    if let status = Engine.status(found), results.status != ExitStatus.scriptError {
      results.status = status
    }
    if json { results.report.add(found, of: engine) } else { engine.show(found) }
  }

  private func engine(_ path: String) -> Engine {
    Engine(
      Engine.Options(
        files: .commandLine(script: path == "-" ? nil : path), threads: processors.threads,
        level: processors.level))
  }

  /// Makes the fixes in the file, all or none.
  private func mend(_ bytes: [UInt8], _ path: String) throws -> [UInt8] {
    let engine = engine(path)
    let (mended, fixed) = engine.fix(bytes, name: path)
    guard !fixed.isEmpty else { return bytes }
    let url = URL(fileURLWithPath: path)
    do {
      try FileAccess(writable: [url.deletingLastPathComponent().path]).write(url.path, mended)
    } catch {
      Terminal.error("'\(path)' cannot be written: nothing was changed in it")
      throw ExitStatus.internalError
    }
    for diagnostic in fixed {
      let place = diagnostic.span.map {
        engine.interpreter.sources.position(of: Int($0.start), in: $0.source).line
      }
      let title = diagnostic.fix?.title ?? ""
      Terminal.write(
        "fixed \(path):\(place ?? 1): \(diagnostic.title): \(title)\n", to: 2)
    }
    return mended
  }
}
