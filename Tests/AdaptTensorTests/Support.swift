import AdaptTensor
import Testing

/// An instruction set and a number of threads to run every kernel with.
struct Backend: Sendable, CustomTestStringConvertible {
  let level: SIMDLevel
  let threads: Int
  var testDescription: String { "\(level), \(threads) threads" }
  var cpu: CPU { CPU(threads: threads, level: level) }

  static let all = SIMDLevel.available.flatMap { level in
    [1, 2, 3].map { Backend(level: level, threads: $0) }
  }
}

/// Row lengths around the widths of vectors, and shapes large enough to be split among threads.
let shapes: [(rows: Int, columns: Int)] = [
  (0, 5), (3, 0), (0, 0), (1, 1), (7, 1), (5, 15), (4, 16), (3, 17), (9, 31), (2, 1000), (1, 1000),
  (300, 3), (70, 1000), (1, 100_000), (100_000, 1),
]

/// Floats between guards: a write outside is seen, and the alignment is that of a float only.
final class Floats {
  private static let margin = 37
  private static let mark = Float(bitPattern: 0x7fc0_beef)
  private let block: UnsafeMutablePointer<Float>
  let p: UnsafeMutablePointer<Float>
  let count: Int

  init(_ values: [Float]) {
    count = values.count
    block = .allocate(capacity: count + 2 * Floats.margin)
    block.initialize(repeating: Floats.mark, count: count + 2 * Floats.margin)
    p = block + Floats.margin
    for (i, value) in values.enumerated() { p[i] = value }
  }

  /// Numbers a kernel must overwrite.
  convenience init(count: Int) { self.init([Float](repeating: 123.5, count: count)) }

  deinit { block.deallocate() }

  subscript(i: Int) -> Float { p[i] }
  var values: [Float] { (0..<count).map { p[$0] } }
  var bits: [UInt32] { (0..<count).map { p[$0].bitPattern } }

  var intact: Bool {
    let after = block + Floats.margin + count
    return (0..<Floats.margin).allSatisfy {
      block[$0].bitPattern == Floats.mark.bitPattern
        && after[$0].bitPattern == Floats.mark.bitPattern
    }
  }
}

/// Random numbers of a test; the seed is the test's own.
struct Source {
  var generator: Philox
  init(_ seed: UInt64) { generator = Philox(seed: seed, stream: "tests") }

  mutating func normals(_ count: Int, scale: Float = 1) -> Floats {
    Floats((0..<count).map { _ in generator.normal() * scale })
  }

  mutating func integers(_ count: Int, below bound: Int) -> [Int32] {
    (0..<count).map { _ in Int32(generator.next(below: bound)) }
  }
}

/// Compares element by element: |a - e| <= relative |e| + absolute, NaN with NaN, and infinities
/// exactly. Reports the first difference only.
func expectClose(
  _ actual: Floats, _ expected: [Double], relative: Double, absolute: Double = 0,
  _ what: @autoclosure () -> String = "", sourceLocation: SourceLocation = #_sourceLocation
) {
  #expect(actual.count == expected.count, sourceLocation: sourceLocation)
  #expect(actual.intact, "\(what()): written outside", sourceLocation: sourceLocation)
  let bad = expected.indices.first {
    !isClose(Double(actual[$0]), expected[$0], relative, absolute)
  }
  if let bad {
    Issue.record(
      "\(what()) element \(bad) of \(expected.count): \(actual[bad]), expected \(expected[bad])",
      sourceLocation: sourceLocation)
  }
}

func isClose(_ a: Double, _ e: Double, _ relative: Double, _ absolute: Double) -> Bool {
  if e.isNaN || a.isNaN { return e.isNaN && a.isNaN }
  if abs(e) > Double(Float.greatestFiniteMagnitude) * (1 + 1e-7) {
    return a.isInfinite && a.sign == e.sign
  }
  return abs(a - e) <= relative * abs(e) + absolute
}
