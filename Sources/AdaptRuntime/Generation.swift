import AdaptGraph
import AdaptPlatform
import AdaptTensor

/// Bytes with what each cost: a prompt or a text that a model wrote.
public struct RoutedBytes: Sendable {
  public var bytes: [UInt8]
  /// Operations that each byte took, relative to the costliest paths everywhere.
  public var costs: [Double]
  /// What each site decided for each byte: the paths' names and, by byte, the path taken (the first, if
  /// several), or -1 where the byte did not reach the site.
  public var sites: [(site: String, paths: [String], taken: [Int])]
}

/// Runs a model over bytes and writes new ones.
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
    for _ in 0..<max(0, count) {
      let seen = Array(context.suffix(window))
      try run(seen, parameters, policies)
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

  private func run(_ text: [UInt8], _ parameters: ParameterStore, _ policies: [String: Policy])
    throws
  {
    let batch = Batch(
      layout: RowLayout(groups: 1, length: text.count), ints: ["input": text.map(Int32.init)])
    try executor.run(batch, parameters, policies: policies, record: true)
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
        for (path, info) in site.paths.enumerated()
        where decision.mask[unit * site.paths.count + path] != 0 {
          result.costs[Int(row)] += costs.own(info.region)
          if result.sites[index].taken[Int(row)] < 0 { result.sites[index].taken[Int(row)] = path }
        }
      }
    }
    result.costs = result.costs.map { $0 / full }
    return result
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
