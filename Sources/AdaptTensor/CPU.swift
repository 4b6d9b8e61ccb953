import AdaptPlatform
import CAdaptKernels

/// The CPU backend: kernels over row-major contiguous float32 and the threads that run them.
///
/// An instance owns its threads and may be used from several threads at once: while one caller
/// has the pool, another runs its kernel in its own thread. The kernels take pointers and sizes
/// and check neither; sizes may be 0. Results depend on the instruction set level and on nothing
/// else: how work is split does not change any element, unless a kernel says so.
public final class CPU: Sendable {
  /// How many threads take part in a kernel, the caller's counted.
  public let threads: Int
  /// The instruction set the kernels run with.
  public let level: SIMDLevel

  /// What factors of matrix products of many rows are rounded to; other kernels never round.
  public let precision: Precision

  /// The same kernels in the calling thread alone, for work that is already split.
  public var alone: CPU { single ?? self }

  /// What runs add their times to; nil where nobody asks.
  public let profile: Profile?

  let kernels: adapt_kernels
  let products: any MatrixProduct
  private let pool: Pool
  /// Nil where this has one thread itself.
  private let single: CPU?

  /// A backend with `threads` threads (all processors when nil, at least one) at `level`, or at
  /// the best available level when this processor lacks that one.
  /// - Parameters:
  ///   - precision: what factors of matrix products of many rows are rounded to.
  ///   - profile: what runs add their times to.
  public init(
    threads: Int? = nil, level: SIMDLevel = .best, precision: Precision = .fp32,
    profile: Profile? = nil
  ) {
    self.profile = profile
    let table = adapt_kernels_at(level.rawValue) ?? adapt_kernels_at(SIMDLevel.best.rawValue)
    // The baseline is there on every processor, so the table is never nil.
    var kernels = table?.pointee ?? adapt_kernels()
    _ = adapt_multiply_pairs(&kernels)
    self.kernels = kernels
    self.precision = precision
    self.level = SIMDLevel(rawValue: kernels.level) ?? .baseline
    self.pool = Pool(threads: threads ?? processorCount())
    self.threads = pool.threads
    self.products = OneDNN()
    self.single =
      pool.threads > 1
      ? CPU(threads: 1, level: level, precision: precision, profile: profile) : nil
  }

  /// The same threads, with products of another precision.
  public func computing(in precision: Precision) -> CPU {
    self.precision == precision ? self : CPU(self, precision)
  }

  private init(_ other: CPU, _ precision: Precision) {
    (profile, kernels, level, pool) = (other.profile, other.kernels, other.level, other.pool)
    (threads, products) = (other.threads, other.products)
    self.precision = precision
    single = other.single?.computing(in: precision)
  }

  /// Runs `body` over `0..<count`, cut at fixed places into ranges of at least `grain` indices,
  /// on the pool's threads; the caller takes part.
  ///
  /// Where the cuts lie depends on `count`, `grain` and `threads` alone. Runs inline, as one
  /// range, when there is work for one range only or one thread. A call from inside a body runs
  /// in that thread.
  public func parallel(_ count: Int, grain: Int, _ body: (Range<Int>) -> Void) {
    guard count > 0 else { return }
    let grains = max(1, count / max(1, grain))
    let parts = threads == 1 ? 1 : min(grains, threads)
    guard parts > 1 else { return body(0..<count) }
    pool.run(parts) { part, _ in body(CPU.range(part, of: parts, count: count)) }
  }

  /// Runs `body` on each of `parts` nearly equal ranges of `0..<count`, with the range's number.
  public func split(_ count: Int, into parts: Int, _ body: (Int, Range<Int>) -> Void) {
    func run(_ part: Int) { body(part, CPU.range(part, of: parts, count: count)) }
    guard parts > 1, threads > 1 else { return (0..<parts).forEach(run) }
    pool.run(parts) { part, _ in run(part) }
  }

  /// Runs `body` on parts that threads take one after the other, with the part's number and the
  /// thread's, which is below ``threads``.
  public func share(_ parts: Int, _ body: (_ part: Int, _ thread: Int) -> Void) {
    guard parts > 1, threads > 1 else {
      for part in 0..<parts { body(part, 0) }
      return
    }
    pool.run(parts, body)
  }

  /// As `parallel`, but with more ranges than threads, so that a thread that is held up, or
  /// ranges of unequal cost, do not hold up the others.
  func balanced(_ count: Int, _ body: (Range<Int>) -> Void) {
    guard count > 0 else { return }
    let parts = threads == 1 ? 1 : min(count, threads * 8)
    guard parts > 1 else { return body(0..<count) }
    pool.run(parts) { part, _ in body(CPU.range(part, of: parts, count: count)) }
  }

  /// Part `part` of `parts` nearly equal ranges of `0..<count`.
  public static func range(_ part: Int, of parts: Int, count: Int) -> Range<Int> {
    let (size, extra) = count.quotientAndRemainder(dividingBy: parts)
    let start = part * size + min(part, extra)
    return start..<(start + size + (part < extra ? 1 : 0))
  }

  /// How many rows of `columns` elements make a range worth a thread.
  static func rowGrain(_ columns: Int, elements: Int = CPU.elementGrain) -> Int {
    max(1, elements / max(1, columns))
  }

  /// How many elements of a cheap kernel make a range worth a thread: about 2 µs of work.
  public static let elementGrain = 16384
  /// The same for kernels that compute an exponential or several passes for each element.
  static let heavyGrain = 4096
}

/// The pool of C threads, destroyed with its owner.
final class Pool: @unchecked Sendable {
  private let pool: OpaquePointer?
  let threads: Int

  init(threads: Int) {
    pool = adapt_pool_create(Int32(clamping: max(1, min(threads, 1024))))
    self.threads = pool.map { Int(adapt_pool_threads($0)) } ?? 1
  }

  deinit { adapt_pool_destroy(pool) }

  /// Calls `body` once for each part below `parts`, with the number of the thread that runs it;
  /// returns when all are done.
  func run(_ parts: Int, _ body: (Int, Int) -> Void) {
    guard let pool else {
      for part in 0..<parts { body(part, 0) }
      return
    }
    withoutActuallyEscaping(body) { body in
      var job = Job(body: body)
      withUnsafeMutablePointer(to: &job) {
        adapt_pool_run(
          pool, parts, { $0?.assumingMemoryBound(to: Job.self).pointee.body($1, $2) }, $0)
      }
    }
  }

  private struct Job { let body: (Int, Int) -> Void }
}
