import Adapt
import AdaptInterpreter
import AdaptSyntax
import ArgumentParser

struct TestCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "test", abstract: "Run the tests of scripts: test \"name\" { … }.",
    discussion: """
      Each file is checked and run, then its tests, one after the other. What does not hold ends with 65.
      """)

  @ArgumentParser.Argument(help: "Scripts, or folders of them; - reads one from standard input.")
  var files: [String]

  @Option(help: "Only tests whose name holds this text.")
  var only: String?

  @OptionGroup var processors: ProcessorOptions

  func run() throws {
    var tally = Tally()
    for path in ScriptFile.expand(files) { try test(path, &tally) }
    Terminal.output(tally.summary + "\n")
    if let status = tally.status { throw status }
  }

  /// What came of all tests.
  private struct Tally {
    var passed = 0
    var failed = 0
    /// Scripts whose tests could not be run.
    var broken = 0
    var status: ExitCode?

    var summary: String {
      let all = passed + failed
      let tests = "\(all) test\(all == 1 ? "" : "s")"
      let result = failed == 0 ? "\(tests), all passed" : "\(tests), \(failed) failed"
      return broken == 0 ? result : "\(result); \(broken) of the scripts could not be tested"
    }
  }

  private func test(_ path: String, _ tally: inout Tally) throws {
    let engine = Engine(
      Engine.Options(
        output: Terminal.output, files: .commandLine(script: path == "-" ? nil : path),
        warn: Terminal.warn, isColored: Terminal.isColored(1), threads: processors.threads,
        level: processors.level, precision: processors.precision))
    Interrupts.cancel(engine)
    let name = ScriptFile.name(path)
    do {
      let results = try engine.test(try ScriptFile.read(path), name: name, only: only) { result in
        Terminal.output("\(result.failure == nil ? "passed" : "FAILED")  \(result.name)\n")
        engine.show(result.failure?.diagnostics ?? [])
      }
      let failed = results.filter { $0.failure != nil }.count
      tally.failed += failed
      tally.passed += results.count - failed
      if failed > 0 { tally.status = ExitStatus.scriptError }
    } catch let error as ScriptError {
      engine.show(error.diagnostics)
      let status = Engine.status(error.diagnostics) ?? ExitStatus.internalError
      guard status != ExitStatus.interrupted else { throw status }
      tally.broken += 1
      tally.status = tally.status ?? status
    } catch let status as ExitCode {
      tally.broken += 1
      tally.status = tally.status ?? status
    }
  }
}
