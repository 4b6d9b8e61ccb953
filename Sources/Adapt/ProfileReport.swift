import AdaptPlatform
import AdaptTensor

/// What people and viewers of traces read of a profile.
public struct ProfileReport {
  private let profile: Profile
  /// What the numeric work ran on.
  private let cpu: CPU

  /// - Parameters:
  ///   - threads: what the numeric work ran on; nil for all cores.
  ///   - level: the instruction set that it ran with.
  public init(_ profile: Profile, threads: Int?, level: SIMDLevel = .best) {
    self.profile = profile
    cpu = CPU(threads: threads, level: level)
  }

  /// Rows of a table that are shown at most.
  private static let mostRows = 20

  /// Two tables, by op and by place: calls, time and its share, FLOP/s and their share of what a product
  /// of 512 × 1024 × 256 reaches here, bytes moved a second.
  public var text: String {
    // What the body of a scan does counts by itself, on each thread.
    let total = profile.table.reduce(0) { $0 + ($1.op == "scan" ? 0 : $1.seconds) }
    guard total > 0 else { return "profile: no model has run\n" }
    let peak = ProfileReport.peak(cpu)
    let threads = cpu.threads == 1 ? "1 thread" : "\(cpu.threads) threads"
    let title =
      String(printf: "profile: %.3f s in ops on ", total) + "\(threads) at level \(cpu.level.name)"
      + String(printf: ", where a product reaches %.0f GFLOP/s\n", peak / 1e9)
    let ops = lines("op", profile.table, total, peak) {
      $0.op + ($0.way.isEmpty ? "" : " (\($0.way))")
    }
    let places = lines("place", profile.places, total, peak) {
      $0.place.isEmpty ? "outside of sites" : $0.place
    }
    return title + (ops + (places.count > 2 ? places : [])).joined(separator: "\n") + "\n"
  }

  private func lines(
    _ title: String, _ entries: [Profile.Entry], _ total: Double, _ peak: Double,
    name: (Profile.Entry) -> String
  ) -> [String] {
    let shown = entries.prefix(ProfileReport.mostRows)
    let width = min(48, max(16, shown.map { name($0).count }.max() ?? 0))
    let head =
      "  " + pad(title, width)
      + "    calls        ms   share     GFLOP  GFLOP/s  of peak     GB/s"
    let rows = shown.map { entry in
      let rate = entry.seconds > 0 ? entry.flops / entry.seconds : 0
      return "  " + pad(name(entry), width)
        + String(
          printf: " %8d %9.2f %6.1f%% %9.3f %8.1f %7.1f%% %8.1f", entry.calls,
          entry.seconds * 1000, 100 * entry.seconds / total, entry.flops / 1e9, rate / 1e9,
          100 * rate / peak, entry.seconds > 0 ? entry.bytes / entry.seconds / 1e9 : 0)
    }
    let rest = entries.count - shown.count
    return [head] + rows + (rest > 0 ? ["  … and \(rest) more"] : [])
  }

  private func pad(_ text: String, _ width: Int) -> String {
    let text = text.count > width ? String(text.prefix(width - 1)) + "…" : text
    return text + String(repeating: " ", count: max(0, width - text.count))
  }

  /// The best of some products, in FLOP a second.
  private static func peak(_ cpu: CPU) -> Double {
    let (m, n, k) = (512, 1024, 256)
    let (a, b) = (
      Array(repeating: Float(1), count: m * k), Array(repeating: Float(1), count: k * n)
    )
    var c = Array(repeating: Float(0), count: m * n)
    let clock = ContinuousClock()
    let times = (0..<20).map { _ in
      clock.measure {
        cpu.matmul(
          a, transposeA: false, b, transposeB: false, &c, m: m, n: n, k: k, accumulate: false)
      } / .seconds(1)
    }
    return 2 * Double(m * n * k) / max(times.min() ?? 1, 1e-9)
  }

  /// The order of all ops as JSON in the Trace Event Format, which Perfetto and Chrome show.
  public func trace() -> [UInt8] {
    let (kept, lost) = profile.events
    let events = kept.map { event in
      JSON.object([
        "name": .string(event.op), "cat": .string(event.place.isEmpty ? "model" : event.place),
        "ph": .string("X"), "pid": .int(1), "tid": .int(1), "ts": .number(event.start * 1e6),
        "dur": .number(event.seconds * 1e6),
        "args": .object([
          "way": .string(event.way), "place": .string(event.place),
          "flops": .number(event.flops), "bytes": .number(event.bytes),
        ]),
      ])
    }
    return JSON.object([
      "displayTimeUnit": .string("ms"), "traceEvents": .array(events),
      "otherData": .object(["eventsNotKept": .int(lost)]),
    ]).text()
  }
}
