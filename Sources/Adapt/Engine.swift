import AdaptInterpreter
import AdaptPlatform
import AdaptRuntime
import AdaptSyntax
import AdaptTensor

/// Runs scripts for a host: the standard library, an interpreter, and what the host grants.
///
/// ```swift
/// let engine = Engine(Engine.Options(output: { print($0, terminator: "") }))
/// try engine.run(Array("print 1 + 1".utf8), name: "sum.adapt")
/// ```
///
/// One thread at a time may use an engine; ``cancel()`` may be called from any.
public final class Engine {
  /// What the host grants a script, and where its results go.
  public struct Options {
    /// Text of `print`, with its line breaks.
    public var output: (String) -> Void
    public var files: FileAccess
    public var limits: Limits
    /// How far long work is.
    public var progress: (AdaptInterpreter.Progress) -> Void
    /// Warnings of a run, such as of a path that nothing takes any more, with the texts that they point
    /// into: `sources.render(warning)` is what a person reads.
    public var warn: (_ warning: Diagnostic, _ sources: SourceMap) -> Void
    /// Whether printed text may carry terminal colours.
    public var isColored: Bool
    /// Threads for the numeric work; nil for all cores.
    public var threads: Int?
    /// The instruction set of the numeric work; the best this processor has where it lacks that one.
    public var level: SIMDLevel
    /// What products are computed in where a script does not say: ``Engine/precision``.
    public var precision: Precision
    /// What models add the times of their ops to; nil where nobody asks. ``ProfileReport`` shows it.
    public var profile: Profile?

    public init(
      output: @escaping (String) -> Void = { _ in }, files: FileAccess = .none,
      limits: Limits = Limits(), progress: @escaping (AdaptInterpreter.Progress) -> Void = { _ in },
      warn: @escaping (Diagnostic, SourceMap) -> Void = { _, _ in },
      isColored: Bool = false, threads: Int? = nil, level: SIMDLevel = .best,
      precision: Precision = .fp32, profile: Profile? = nil
    ) {
      self.output = output
      self.files = files
      self.limits = limits
      self.progress = progress
      self.warn = warn
      self.isColored = isColored
      self.threads = threads
      self.level = level
      self.precision = precision
      self.profile = profile
    }
  }

  /// What the factors of products of many rows are rounded to: `fp32` or `bf16`.
  public typealias Precision = AdaptTensor.Precision

  public let interpreter: Interpreter
  private let cancellation = Cancellation()
  private let results = ReportBox()

  public init(_ options: Options = Options()) {
    let results = results
    let host = Host(
      output: options.output,
      read: options.files.read,
      write: options.files.write,
      progress: options.progress,
      report: { results.report.add($0, $1) },
      warn: options.warn,
      limits: options.limits,
      cancellation: cancellation,
      isColored: options.isColored,
      threads: options.threads,
      level: options.level,
      precision: options.precision,
      profile: options.profile)
    interpreter = Interpreter(host: host, library: Engine.library)
  }

  /// The standard library: path inside `stdlib/` and text.
  public static var library: [(name: String, text: String)] {
    StandardLibrarySources.scripts.sorted { $0.key < $1.key }.map { ($0.key + ".adapt", $0.value) }
  }

  /// Checks a script and runs it.
  /// - Throws: `ScriptError` with every diagnostic.
  public func run(_ bytes: [UInt8], name: String) throws {
    try interpreter.run(bytes, name: name)
  }

  /// All that is wrong with a script, errors and warnings, without running it.
  public func check(_ bytes: [UInt8], name: String) -> [Diagnostic] {
    interpreter.check(bytes, name: name)
  }

  /// Runs one piece of a session; what it binds stays.
  /// - Returns: the value of its last statement, when that is an expression.
  public func evaluate(_ text: String, name: String = "prompt") throws -> Value? {
    try interpreter.evaluate(Array(text.utf8), name: name)
  }

  /// The models that a script binds at its top, traced for inference as they would meet bytes.
  ///
  /// The script is checked and evaluated with its effects left out.
  /// - Throws: `ScriptError` when it has errors.
  public func modelGraphs(_ bytes: [UInt8], name: String) throws -> [(
    name: String, graph: ModelGraph
  )] {
    try interpreter.modelGraphs(bytes, name: name)
  }

  /// Checks a script, runs it, and then its tests, those whose name holds `wanted` where it is given.
  /// - Parameter report: called after each test.
  /// - Throws: `ScriptError` when the script itself is wrong or fails.
  public func test(
    _ bytes: [UInt8], name: String, only wanted: String? = nil,
    report: @escaping (TestResult) -> Void = { _ in }
  ) throws -> [TestResult] {
    try interpreter.runTests(bytes, name: name, only: wanted, report: report)
  }

  /// Makes the fixes of a script's diagnostics in its text, and all that these bring about, until
  /// nothing more can be fixed.
  ///
  /// Fixes that would bring new errors are not made.
  /// - Returns: the new text and the diagnostics that were fixed, in the order of their fixing.
  public func fix(_ bytes: [UInt8], name: String) -> (bytes: [UInt8], fixed: [Diagnostic]) {
    var (text, fixed) = (bytes, [Diagnostic]())
    var found = check(text, name: name)
    // Each round mends what the ones before uncovered; a fix that brings itself back ends here.
    for _ in 0..<Engine.mostFixRounds {
      // Errors first: a name that seems unused may be the one that was misspelled.
      let errors = found.filter { $0.severity == .error }
      let (changed, made) = (errors.isEmpty ? found : errors).fixing(
        text, source: source(named: name, of: text))
      guard !made.isEmpty else { break }
      let after = check(changed, name: name)
      guard Engine.errors(after) <= Engine.errors(found) else { break }
      (text, found) = (changed, after)
      fixed += made
    }
    return (text, fixed)
  }

  private static let mostFixRounds = 8

  /// The id of a text that was checked.
  private func source(named name: String, of text: [UInt8]) -> UInt16 {
    let files = interpreter.sources.files
    let index = files.lastIndex { $0.name == name && $0.bytes == text }
    return UInt16(clamping: index ?? files.count)
  }

  private static func errors(_ diagnostics: [Diagnostic]) -> Int {
    diagnostics.filter { $0.severity == .error }.count
  }

  /// A diagnostic as a person reads it.
  public func render(_ diagnostic: Diagnostic, color: Bool = false) -> String {
    interpreter.sources.render(diagnostic, color: color)
  }

  /// What decides at the sites of models in inference, whatever scripts say; of several at a site the
  /// last counts. A host decides by itself with the policy `callback`.
  public var overrides: [SiteOverride] {
    get { interpreter.overrides }
    set { interpreter.overrides = newValue }
  }

  /// What products of many rows are computed in where a script does not say; `precision:` of a call
  /// counts more.
  public var precision: Precision {
    get { interpreter.precision }
    set { interpreter.precision = newValue }
  }

  /// What the scripts produced so far.
  public var report: Report { results.report }

  /// Ends the script that runs now, from any thread.
  public func cancel() { cancellation.cancel() }

  /// Makes the engine ready again after ``cancel()``.
  public func resetCancellation() { cancellation.reset() }
}

private final class ReportBox {
  var report = Report()
}
