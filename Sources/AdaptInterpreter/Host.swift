import AdaptPlatform
import AdaptSyntax
import AdaptTensor

/// What the embedder grants a script. The interpreter itself opens nothing.
///
/// The closures are called on the interpreter's own thread while a script runs.
public struct Host {
  /// Text of `print`, one line with its line break.
  public var output: (String) -> Void
  /// The bytes of a file, by the path the script wrote.
  /// - Throws: ``HostError``
  public var read: (String) throws -> [UInt8]
  /// Writes a file as a whole or not at all.
  /// - Throws: ``HostError``
  public var write: (String, [UInt8]) throws -> Void
  /// How far a long work is; called at most a few times a second's worth of work.
  public var progress: (Progress) -> Void
  /// Entries for a report of the run: a kind, and named values.
  public var report: (_ kind: String, _ values: [(name: String, value: Value)]) -> Void
  /// Warnings of the run: what goes wrong in a model while nothing fails, with the texts that they
  /// point into.
  public var warn: (_ warning: Diagnostic, _ sources: SourceMap) -> Void
  public var limits: Limits
  /// Another thread sets it to end the script.
  public var cancellation: Cancellation
  /// Whether printed text may carry terminal colours.
  public var isColored: Bool
  /// Threads for the numeric work; nil for all cores.
  public var threads: Int?
  /// The instruction set of the numeric work, or the best this processor has where it lacks that one.
  public var level: SIMDLevel
  /// What products are computed in where a script does not say.
  public var precision: Precision
  /// What models add the times of their ops to; nil where nobody asks.
  public var profile: Profile?

  /// A host that grants output only.
  public init(
    output: @escaping (String) -> Void,
    read: @escaping (String) throws -> [UInt8] = { _ in throw HostError.refused("no files here") },
    write: @escaping (String, [UInt8]) throws -> Void = { _, _ in
      throw HostError.refused("no files here")
    },
    progress: @escaping (Progress) -> Void = { _ in },
    report: @escaping (String, [(name: String, value: Value)]) -> Void = { _, _ in },
    warn: @escaping (Diagnostic, SourceMap) -> Void = { _, _ in },
    limits: Limits = Limits(),
    cancellation: Cancellation = Cancellation(),
    isColored: Bool = false,
    threads: Int? = nil,
    level: SIMDLevel = .best,
    precision: Precision = .fp32,
    profile: Profile? = nil
  ) {
    self.output = output
    self.read = read
    self.write = write
    self.progress = progress
    self.report = report
    self.warn = warn
    self.limits = limits
    self.cancellation = cancellation
    self.isColored = isColored
    self.threads = threads
    self.level = level
    self.precision = precision
    self.profile = profile
  }
}

/// How far a long work is.
public struct Progress: Sendable {
  /// `train`, `evaluate`.
  public var activity: String
  public var step: Int
  public var steps: Int
  /// What to show beside it: `loss 1.32`.
  public var note: String

  public init(activity: String, step: Int, steps: Int, note: String) {
    self.activity = activity
    self.step = step
    self.steps = steps
    self.note = note
  }
}

/// Why the host did not do what a script asked.
public enum HostError: Error, Sendable {
  case missing
  /// The host does not grant it; the text says why.
  case refused(String)
  case unreadable(String)
  case unwritable(String)
}

/// How much a script may take.
public struct Limits: Sendable {
  /// Statements and rounds of loops, and elements of lists that are made.
  public var steps: Int
  /// Calls inside one another.
  public var depth: Int
  /// Elements in a list, bytes in a string.
  public var elements: Int
  /// Nodes of one traced model.
  public var nodes: Int
  /// Numbers in the parameters of one model.
  public var parameter: Int
  /// Bytes of one tensor.
  public var tensorBytes: Int
  /// Bytes that the process may hold while a script runs, looked at once in a while: all lists and
  /// tensors together. Three quarters of the machine's memory without a word.
  public var memory: Int
  /// Bytes of output.
  public var output: Int
  /// Wall-clock time; nil without a limit.
  public var time: Duration?
  /// Steps that checking before a run may take; then it is content.
  public var checkSteps: Int

  public init(
    steps: Int = 1_000_000_000, depth: Int = 2000, elements: Int = 16_000_000,
    nodes: Int = 1_000_000, parameter: Int = 1 << 31, tensorBytes: Int = 4 << 30,
    memory: Int = physicalMemory() / 4 * 3,
    output: Int = 64 << 20,
    time: Duration? = nil, checkSteps: Int = 50_000
  ) {
    self.steps = steps
    self.depth = depth
    self.elements = elements
    self.nodes = nodes
    self.parameter = parameter
    self.tensorBytes = tensorBytes
    self.memory = memory
    self.output = output
    self.time = time
    self.checkSteps = checkSteps
  }
}

/// A flag that any thread may set to end a script.
public final class Cancellation: @unchecked Sendable {
  private let lock = Lock()
  private var flag = false

  public init() {}

  public func cancel() { lock.withLock { flag = true } }
  /// Ready for the next run.
  public func reset() { lock.withLock { flag = false } }
  public var isCancelled: Bool { lock.withLock { flag } }
}
