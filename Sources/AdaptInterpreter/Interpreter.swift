import AdaptGraph
import AdaptPlatform
import AdaptSyntax
import AdaptTensor

/// Evaluates scripts.
///
/// Not Sendable: one thread at a time may call it. Each entry runs the script on a thread of its own
/// with a stack that fits the limit of depth, and waits for it, so that no recursion of a script can
/// take the process down.
///
/// Files, output and limits come from the ``Host``.
public final class Interpreter {
  public let host: Host
  /// Whether effects are left out: checking before a run.
  let isDryRun: Bool
  let store: SourceStore

  let graveyard: Graveyard
  let stack = ValueStack()
  /// Natives.
  let root: Scope
  /// The standard library.
  let prelude: Scope
  /// What the script binds at its top.
  var globals: Scope

  /// Functions that can stand behind a list or range, and behind a string, with a point.
  let listMethods = Interpreter.table(Interpreter.listFunctions)
  let stringMethods = Interpreter.table(Interpreter.stringFunctions + Interpreter.listFunctions)
  let mapMethods = Interpreter.table(Interpreter.mapFunctions + Interpreter.listFunctions)
  /// Likewise behind a model or layer.
  let modelMethods = Interpreter.table(
    Interpreter.accessFunctions + Interpreter.surgeryFunctions + [Interpreter.viewFunction])
  /// Functions that can stand behind a tensor with a point.
  let tensorMethods = Interpreter.table(Interpreter.tensorMethodFunctions)

  /// What products are computed in where a script does not say; the host's until it is set.
  public var precision: Precision {
    didSet { cpu = cpu.computing(in: precision) }
  }

  /// What models run on; made the first time one does.
  private(set) lazy var cpu = CPU(
    threads: host.threads, level: host.level, precision: precision, profile: host.profile)

  // The state of a run.
  /// Steps until the next look at the limits, and those that are left behind it.
  var fuel = 0
  var stepsLeft: Int
  /// Steps since the memory was looked at.
  var unlooked = 0
  /// Where random tensors without a seed of their own come from.
  var ambientRandom = Interpreter.ambientStart
  var outputBytes = 0
  let calls: CallStack
  /// Whether tests are kept as the file runs, and those that were.
  var testsWanted = false
  var tests: [TestNode] = []
  /// What names stood for that a host has bound anew, until the next run.
  private var retired: [Value] = []
  /// What a `return` hands to the call it leaves.
  var returned = Value.none
  var stackBase: UInt = 0
  var deadline: ContinuousClock.Instant?
  /// In a dry run, inside a branch that may not be taken.
  var unknownBranches = 0
  /// Modules that are being imported, for cycles.
  var loading: [String] = []
  var modules: [String: Scope] = [:]
  /// The model that is being traced.
  var trace: Trace?
  /// What decides at the sites of models in inference, whatever scripts say; the later ones count.
  public var overrides: [SiteOverride] = []
  /// The sites of those that decided somewhere.
  var usedOverrides: Set<String> = []
  /// Models that a dry run has found wrong; a model is reported once, however often it is used.
  private var faulty: [Flow] = []
  /// What a dry run would have changed in models, which it must leave as they are.
  var pretendedSurgeries: [ObjectIdentifier: (model: Flow, surgery: Surgery)] = [:]
  /// What copies that a dry run has made were used on, before they were copied.
  var pretendedInputs: [ObjectIdentifier: ModelInput] = [:]
  /// What a dry run has traced, for lints.
  var tracedModels: [TracedModel] = []
  /// What the check before a run has traced, and the run need not trace again.
  var checkedModels: [CheckedModel] = []
  /// Where this run has warned of what.
  var warned: Set<WarnedPlace> = []
  /// Files that a dry run would have written, so that reading them back is no error.
  var pretendedFiles: Set<String> = []
  /// Names that closures share, to be emptied at the end.
  var shared: [WeakCell] = []
  private var isLibraryLoaded = false

  /// - Parameters:
  ///   - library: scripts of the standard library. Those without a folder in their name are evaluated
  ///     before any script, in this order; the others can be imported.
  public convenience init(host: Host, library: [(name: String, text: String)]) {
    self.init(host: host, store: SourceStore(library: library))
  }

  init(host: Host, store: SourceStore) {
    self.host = host
    self.store = store
    precision = host.precision
    isDryRun = false
    stepsLeft = host.limits.steps
    calls = CallStack(capacity: host.limits.depth)
    graveyard = Graveyard()
    root = Scope()
    prelude = Scope(parent: root)
    globals = Scope(parent: prelude)
    for function in Interpreter.builtins {
      root.define(function.name, .function(Function(function)))
    }
    for (name, value) in Interpreter.constants { root.define(name, value) }
  }

  /// A dry run that sees the library and the names of another interpreter, and changes neither.
  init(checkingFor other: Interpreter) {
    host = other.host
    store = other.store
    precision = other.precision
    isDryRun = true
    stepsLeft = host.limits.checkSteps
    calls = CallStack(capacity: host.limits.depth)
    graveyard = other.graveyard
    root = other.root
    prelude = other.prelude
    globals = Scope(parent: prelude)
    isLibraryLoaded = true
    stackBase = other.stackBase
    deadline = other.deadline
    overrides = other.overrides
    for name in other.globals.names {
      guard let binding = other.globals.own(name) else { continue }
      globals.define(name, binding.value, mutable: binding.isMutable, at: binding.span)
    }
  }

  private static func table(_ functions: [NativeFunction]) -> [String: Function] {
    Dictionary(functions.map { ($0.name, Function($0)) }) { first, _ in first }
  }

  deinit {
    for weak in shared { weak.cell?.value = .unbound }
    for scope in modules.values { scope.clear() }
    globals.clear()
    guard !isDryRun else { return }
    prelude.clear()
    root.clear()
  }

  /// The texts that spans point into, for rendering diagnostics.
  public var sources: SourceMap { store.map }

  // MARK: Names

  /// Overrides that no model had a site for, so far.
  public var idleOverrides: [SiteOverride] {
    overrides.filter { !usedOverrides.contains($0.sites) }
  }

  /// Names at the top level, for completion.
  public var topLevelNames: [String] { globals.visibleNames().sorted() }

  /// What a name stands for at the top level.
  public subscript(name: String) -> Value? { globals.find(name)?.value }

  /// Binds a name for the scripts to come.
  public func define(_ name: String, _ value: Value) {
    // A call that is going on may still run what the name stood for.
    if let old = globals.own(name)?.value { retired.append(old) }
    globals.define(name, value)
  }

  // MARK: Runs

  func report(_ diagnostics: [Diagnostic]) throws {
    let errors = diagnostics.filter { $0.severity == .error }
    guard errors.isEmpty else { throw ScriptError(errors) }
  }

  /// Loads the library once and resets what counts for one run.
  func begin() throws {
    (fuel, stepsLeft) = (0, isDryRun ? host.limits.checkSteps : host.limits.steps)
    outputBytes = 0
    warned = []
    retired = []
    calls.removeAll()
    returned = .none
    unknownBranches = 0
    trace = nil
    ambientRandom = Interpreter.ambientStart
    deadline = host.limits.time.map { ContinuousClock.now + $0 }
    try loadLibrary()
  }

  private func loadLibrary() throws {
    guard !isLibraryLoaded else { return }
    isLibraryLoaded = true
    prelude.later = LaterNames(store.preludeNames) { [unowned self] in self.loadLibrary($0) }
  }

  /// Runs one file of the library, at no cost to the script that asked for it.
  private func loadLibrary(_ number: Int) {
    let (fuel, stepsLeft) = (fuel, stepsLeft)
    defer { (self.fuel, self.stepsLeft) = (fuel, stepsLeft) }
    let tree = store.prelude(number)
    do {
      try report(tree.diagnostics)
      _ = try runFile(try compile(tree.block, into: prelude))
    } catch {
      // Its names stay unknown; the library's own tests say what is wrong with it.
    }
  }

  /// Compiles a file whose names go into the scope.
  /// - Throws: ``ScriptError`` for names that nothing binds and the like.
  func compile(_ block: Block, into scope: Scope) throws -> FileCode {
    let compiler = makeCompiler(into: scope)
    let code = compiler.compileFile(block)
    try report(compiler.diagnostics)
    return code
  }

  func makeCompiler(into scope: Scope) -> Compiler {
    Compiler(
      into: scope, graveyard: graveyard, isNoteworthy: { !self.store.isLibrary($0) },
      moduleNames: { self.names(of: $0) })
  }

  /// Runs the statements of a file, with every failure as a ``ScriptError``.
  @discardableResult
  func runFile(_ code: FileCode) throws -> Value? {
    do { return try runTop(code) } catch {
      calls.removeAll()
      trace = nil
      throw asScriptError(error)
    }
  }

  /// Runs the statements of a file.
  /// - Parameter after: what runs while the names of its blocks are still there.
  func runTop(_ code: FileCode, after: (Frame) throws -> Void = { _ in }) throws -> Value? {
    let span = code.statements.first?.node.span ?? Span(start: 0, end: 0)
    guard let frame = stack.push(code.slotCount) else { throw tooDeep("the script", at: span) }
    defer { release(frame, code.slotCount) }
    for node in code.hoisted { _ = try node.execute(self, frame) }
    var last: Value?
    for statement in code.statements {
      try tick(statement.node.span)
      var value = Value.none
      _ = try statement.node.finish(self, frame, &value)
      last = value
    }
    try after(frame)
    return last
  }

  func asScriptError(_ error: any Error) -> ScriptError {
    switch error {
    case let error as ScriptError: error
    case let error as Diagnostic: ScriptError([error])
    default: ScriptError([Diagnostic(.wrongValue, "\(error)", at: calls.records.first?.callSite)])
    }
  }

  /// Runs `body`, which looks whether a model is fit for something. In a dry run a model that is not is
  /// reported once and then counts as unknown.
  func judging<T>(_ model: Flow, _ body: () throws -> T) throws -> T {
    guard isDryRun else { return try body() }
    if faulty.contains(where: { $0 === model }) { throw UnknownReached() }
    do { return try body() } catch let error as Diagnostic {
      faulty.append(model)
      throw error
    }
  }
}

/// Why a script ended: one or more diagnostics.
public struct ScriptError: Error, Sendable {
  public let diagnostics: [Diagnostic]

  public init(_ diagnostics: [Diagnostic]) { self.diagnostics = diagnostics }
}

/// A call that is going on.
struct CallRecord {
  /// What was called, which whoever calls holds; a record needs no counting of references.
  unowned(unsafe) let code: Code
  let callSite: Span

  var name: String { code.name }
}
