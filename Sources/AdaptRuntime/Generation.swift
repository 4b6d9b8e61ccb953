import AdaptGraph
import AdaptPlatform
import AdaptTensor

/// Bytes with what each cost: a prompt or a text that a model wrote.
public struct RoutedBytes: Sendable {
  public var bytes: [UInt8]
  /// Operations that each byte took, relative to the costliest paths everywhere.
  public var costs: [Double]
  /// What each site decided for each byte: the paths' names and, by byte, the path taken (the first, if
  /// several, of the first unit, if the byte has several), or -1 where the byte did not reach the site.
  public var sites: [(site: String, paths: [String], taken: [Int])]
}

/// Runs a model over bytes and writes new ones.
///
/// As long as the context fits the window, a causal model computes each new byte's row alone, on what
/// the rows before left (``StepwiseRun``). Beyond it the window moves, every row stands at another
/// place, and the whole window is computed for each byte; so it is for a model that needs whole
/// sequences.
public final class Generator {
  private let executor: Executor
  private let costs: RegionCosts
  private let window: Int

  /// - Parameter window: the longest context, in bytes.
  public init(_ model: ModelGraph, window: Int, cpu: CPU) throws {
    costs = model.graph.costs(of: model.output, length: Double(window))
    executor = try Executor(model.graph, outputs: [model.output], cpu: cpu)
    self.window = max(1, window)
  }

  /// Appends `count` bytes to the prompt, one at a time, each drawn from the model's distribution.
  ///
  /// - Parameters:
  ///   - temperature: divides the logits; at 0 the likeliest byte is taken.
  ///   - onByte: called after each byte with how many there are; throwing stops.
  /// - Returns: the new bytes only.
  public func generate(
    after prompt: [UInt8], count: Int, temperature: Double, seed: UInt64,
    _ parameters: ParameterStore, policies: [String: Policy] = [:],
    onByte: (Int) throws -> Void = { _ in }
  ) throws -> RoutedBytes {
    var random = Philox(seed: seed, stream: "generate")
    var context = prompt.isEmpty ? [UInt8(ascii: "\n")] : prompt
    var result = RoutedBytes(bytes: [], costs: [], sites: siteHeaders())
    let expected = count < window ? min(window, context.count + count) : window
    let steps = StepwiseRun(executor, sequences: 1, expected: expected, policies: policies)
    for _ in 0..<max(0, count) {
      let seen = try runLatest(context, steps, parameters, policies)
      let byte = draw(lastRow(seen.count), temperature, &random)
      let routed = routes(of: seen)
      result.bytes.append(byte)
      result.costs.append(routed.costs[seen.count - 1])
      for site in result.sites.indices {
        result.sites[site].taken.append(routed.sites[site].taken[seen.count - 1])
      }
      context.append(byte)
      try onByte(result.bytes.count)
    }
    return result
  }

  /// What every site decides for each byte of a text no longer than the window.
  public func routes(
    of text: [UInt8], _ parameters: ParameterStore, policies: [String: Policy] = [:]
  ) throws -> RoutedBytes {
    guard !text.isEmpty, text.count <= window else {
      throw RuntimeError.badInput("routes need 1 to \(window) bytes, not \(text.count)")
    }
    try run(text, parameters, policies)
    return routes(of: text)
  }

  /// Runs what is new of a context, or where that cannot be, its last window.
  /// - Returns: the bytes that were run, to the last of the context.
  private func runLatest(
    _ context: [UInt8], _ steps: StepwiseRun?, _ parameters: ParameterStore,
    _ policies: [String: Policy]
  ) throws -> [UInt8] {
    guard let steps, context.count <= window else {
      steps?.forget()
      let seen = Array(context.suffix(window))
      try run(seen, parameters, policies)
      return seen
    }
    let new = Array(context.dropFirst(steps.lengths[0]))
    try steps.run(batch(of: new), parameters, record: true)
    return new
  }

  private func run(_ text: [UInt8], _ parameters: ParameterStore, _ policies: [String: Policy])
    throws
  {
    try executor.run(batch(of: text), parameters, policies: policies, record: true)
  }

  private func batch(of text: [UInt8]) -> Batch {
    Batch(layout: RowLayout(groups: 1, length: text.count), ints: ["input": text.map(Int32.init)])
  }

  private func siteHeaders() -> [(site: String, paths: [String], taken: [Int])] {
    executor.graph.sites.map { ($0.name, $0.paths.map(\.name), []) }
  }

  private func routes(of text: [UInt8]) -> RoutedBytes {
    let full = max(costs.full(RegionID(0)), .leastNormalMagnitude)
    var result = RoutedBytes(
      bytes: text, costs: Array(repeating: costs.own(RegionID(0)), count: text.count),
      sites: siteHeaders())
    for index in result.sites.indices {
      result.sites[index].taken = Array(repeating: -1, count: text.count)
    }
    for decision in executor.decisions {
      guard let index = executor.graph.sites.firstIndex(where: { $0.name == decision.site }) else {
        continue
      }
      let site = executor.graph.sites[index]
      for (unit, row) in decision.rows.enumerated() {
        let place = place(Int(row), of: site.rows, text.count)
        for (path, info) in site.paths.enumerated()
        where decision.mask[unit * site.paths.count + path] != 0 {
          for row in place.rows.clamped(to: 0..<text.count) {
            result.costs[row] += costs.own(info.region) * place.share
            if result.sites[index].taken[row] < 0 { result.sites[index].taken[row] = path }
          }
        }
      }
    }
    result.costs = result.costs.map { $0 / full }
    return result
  }

  /// The bytes of the one text that a unit consists of or stands in, and how much of such a byte's units
  /// it is.
  private func place(_ unit: Int, of rows: RowSetID, _ length: Int) -> (
    rows: Range<Int>, share: Double
  ) {
    switch executor.graph[rows].origin {
    case .input: return (unit..<unit + 1, 1)
    case .selected(let parent, _, _), .step(let parent): return place(unit, of: parent, length)
    case .unfolded(let from, let count):
      let row = place(unit / max(1, count), of: from, length)
      return (row.rows, row.share / Double(max(1, count)))
    // Which byte a row that was cut out stands for is nowhere kept.
    case .groups, .picked, .joined: return (0..<length, 1)
    }
  }

  private func lastRow(_ rows: Int) -> [Float] {
    executor.withFloats(0) { Array($0.suffix($0.count / max(rows, 1))) }
  }

  private func draw(_ logits: [Float], _ temperature: Double, _ random: inout Philox) -> UInt8 {
    let best = logits.indices.max { logits[$0] < logits[$1] } ?? 0
    guard temperature > 0, temperature.isFinite else { return UInt8(clamping: best) }
    let top = Double(logits[best])
    let weights = logits.map { exp((Double($0) - top) / temperature) }
    var rest = Double(random.uniform()) * weights.reduce(0, +)
    for (byte, weight) in weights.enumerated() {
      rest -= weight
      if rest < 0 { return UInt8(clamping: byte) }
    }
    return UInt8(clamping: best)
  }
}
