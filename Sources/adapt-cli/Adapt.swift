import Adapt
import AdaptInterpreter
import AdaptPlatform
import AdaptREPL
import AdaptSyntax
import AdaptTensor
import ArgumentParser

/// The command line. Exit codes are listed in ``ExitStatus``.
@main
struct AdaptCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "adapt",
    abstract: "Build, train and run models whose computation depends on their input.",
    version: "0.1.0",
    subcommands: [
      RunCommand.self, CheckCommand.self, TestCommand.self, ReplCommand.self, GraphCommand.self,
      FormatCommand.self,
      DocCommand.self, ExplainCommand.self,
    ])

  static func main() {
    ProcessMemory.keepFreed()
    Interrupts.unblock()
    Terminal.claimStandardFiles()
    let arguments = CommandLine.arguments.dropFirst().flatMap(RunCommand.spelledOut)
    // Every start of a script waits for this: a right `run` is read without a look at what other commands
    // take. Help and what is wrong are told as for any command.
    guard arguments.first == RunCommand.configuration.commandName,
      let command = try? RunCommand.parse(Array(arguments.dropFirst()))
    else { return main(arguments) }
    do { try command.run() } catch { exit(withError: error) }
  }
}

/// What the process ends with (sysexits.h).
enum ExitStatus {
  /// A script has errors, found by checking it or by running it.
  static let scriptError = ExitCode(65)
  /// The script or a file it reads does not exist or cannot be read.
  static let inputMissing = ExitCode(66)
  /// Output could not be written, or something failed that should not.
  static let internalError = ExitCode(70)
  /// Ended by Ctrl-C, as shells report it.
  static let interrupted = ExitCode(130)
}

/// What commands on a script share.
struct ScriptOptions: ParsableArguments {
  @ArgumentParser.Argument(help: "The script; - reads it from standard input.")
  var file: String

  @OptionGroup var processors: ProcessorOptions

  /// The bytes of the script.
  func source() throws -> [UInt8] { try ScriptFile.read(file) }

  var name: String { ScriptFile.name(file) }

  func engine(_ line: ProgressLine = ProgressLine(), profile: Profile? = nil) -> Engine {
    Engine(
      Engine.Options(
        output: Terminal.output, files: .commandLine(script: file == "-" ? nil : file),
        progress: line.show, warn: line.warn, isColored: Terminal.isColored(1),
        threads: processors.threads, level: processors.level, precision: processors.precision,
        profile: profile))
  }
}

extension Engine {
  /// Prints diagnostics to standard error.
  func show(_ diagnostics: [Diagnostic]) {
    for diagnostic in diagnostics {
      Terminal.write(render(diagnostic, color: Terminal.isColored(2)) + "\n", to: 2)
    }
  }

  /// Which exit code diagnostics stand for.
  static func status(_ diagnostics: [Diagnostic]) -> ExitCode? {
    let errors = diagnostics.filter { $0.severity == .error }
    if errors.isEmpty { return nil }
    if errors.contains(where: { $0.id == .cancelled }) { return ExitStatus.interrupted }
    let isMissing = errors.allSatisfy { [.fileMissing, .fileUnreadable].contains($0.id) }
    return isMissing ? ExitStatus.inputMissing : ExitStatus.scriptError
  }
}

struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Check a script and run it.")

  @OptionGroup var options: ScriptOptions

  @Option(help: "Write every result as JSON to this file.")
  var report: String?

  @Flag(
    help: ArgumentHelp(
      "Say at the end where the time of models went, by op and by place.",
      discussion: "--profile=FILE also writes the order of all ops for Perfetto or Chrome."))
  var profile = false

  @Option(help: .hidden)
  var profileTrace: String?

  /// The option whose value may be left out, as two.
  static func spelledOut(_ argument: String) -> [String] {
    let prefix = "--profile="
    guard argument.hasPrefix(prefix) else { return [argument] }
    return ["--profile", "--profile-trace=" + argument.dropFirst(prefix.count)]
  }

  @Option(
    name: .customLong("route"),
    help: ArgumentHelp(
      "Let something else decide at sites in inference, whatever the script says. May be repeated.",
      discussion: """
        SITES is the path of a site or of the layer that holds it, or a glob. POLICY is \
        \(SiteOverride.forms).
        """, valueName: "SITES=POLICY"),
    transform: SiteOverride.parse)
  var routes: [SiteOverride] = []

  func run() throws {
    let bytes = try options.source()
    let line = ProgressLine()
    let times = profile ? Profile(keepsEvents: profileTrace != nil) : nil
    let engine = options.engine(line, profile: times)
    // Kept to the end of the process, which takes all its memory back at once.
    _ = Unmanaged.passRetained(engine)
    engine.interpreter.overrides = routes
    Interrupts.cancel(engine)
    defer { line.clear() }
    do {
      try engine.run(bytes, name: options.name)
    } catch let error as ScriptError {
      line.clear()
      // The terminal has written ^C where the cursor stood.
      let isCancelled = error.diagnostics.contains { $0.id == .cancelled }
      if isCancelled, Terminal.isTerminal(2) { Terminal.write("\n", to: 2) }
      engine.show(error.diagnostics)
      try writeReports(engine, times)
      throw Engine.status(error.diagnostics) ?? ExitStatus.internalError
    }
    line.clear()
    for route in engine.interpreter.idleOverrides {
      Terminal.error(
        "--route '\(route.sites)' decided nowhere: no model has such a site that it fits")
    }
    try writeReports(engine, times)
  }

  private func writeReports(_ engine: Engine, _ times: Profile?) throws {
    if let times {
      let report = ProfileReport(
        times, threads: options.processors.threads, level: options.processors.level)
      Terminal.write(report.text, to: 2)
      if let profileTrace { try write(report.trace(), to: profileTrace, what: "the profile") }
    }
    if let report { try write(engine.report.json(), to: report, what: "the report") }
  }

  private func write(_ bytes: [UInt8], to path: String, what: String) throws {
    let url = URL(fileURLWithPath: path)
    do {
      try FileAccess(writable: [url.deletingLastPathComponent().path]).write(url.path, bytes)
    } catch {
      let reason =
        switch error as? HostError {
        case .refused(let text), .unreadable(let text), .unwritable(let text): text
        case .missing, nil: "\(error)"
        }
      Terminal.error("\(what) cannot be written: \(reason)")
      throw ExitStatus.internalError
    }
  }
}

struct ReplCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "repl", abstract: "Read statements and expressions, and show what they give.")

  @OptionGroup var processors: ProcessorOptions

  func run() throws {
    let line = ProgressLine()
    let engine = Engine(
      Engine.Options(
        output: { text in
          line.clear()
          Terminal.output(text)
        },
        files: .commandLine(script: nil), progress: line.show, warn: line.warn,
        isColored: Terminal.isColored(1), threads: processors.threads, level: processors.level,
        precision: processors.precision))
    REPL(engine, isColored: Terminal.isColored(1)).run()
  }
}

extension SiteOverride {
  /// - Throws: `ValidationError` for a text of another form.
  fileprivate static func parse(_ text: String) throws -> SiteOverride {
    guard let override = SiteOverride(text) else {
      throw ValidationError("write SITES=POLICY, where POLICY is \(forms)")
    }
    return override
  }
}
