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

/// A text that is to be written.
public struct WritingTask: Sendable, Hashable {
  public var prompt: [UInt8]
  /// How many bytes are to come.
  public var count: Int
  /// For the random numbers that its bytes are drawn by.
  public var seed: UInt64

  public init(after prompt: [UInt8], count: Int, seed: UInt64) {
    (self.prompt, self.count, self.seed) = (prompt, count, seed)
  }
}

/// Runs a model over bytes and writes new ones.
///
/// As long as the context fits the window, a causal model computes each new byte's row alone, on what
/// the rows before left (``StepwiseRun``). Beyond it the window moves, every row stands at another
/// place, and the whole window is computed for each byte; so it is for a model that needs whole
/// sequences. Several texts are written side by side, a byte of each in a run, so that the weights are
/// read once for all of them.
public final class Generator {
  let executor: Executor
  let costs: RegionCosts
  private let window: Int
  /// Rows of contexts that are kept at once: what more texts would gain is little, and memory is not.
  private static let mostRows = 8192

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
    try generate(
      [WritingTask(after: prompt, count: count, seed: seed)], temperature: temperature, parameters,
      policies: policies, onByte: onByte)[0]
  }

  /// Writes several texts, each as if it were the only one, to rounding.
  ///
  /// - Parameters:
  ///   - temperature: divides the logits; at 0 the likeliest byte is taken.
  ///   - onByte: called after each byte with how many there are of all texts; throwing stops.
  /// - Returns: the new bytes of each text.
  public func generate(
    _ tasks: [WritingTask], temperature: Double, _ parameters: ParameterStore,
    policies: [String: Policy] = [:], onByte: (Int) throws -> Void = { _ in }
  ) throws -> [RoutedBytes] {
    var (texts, written) = ([RoutedBytes](), 0)
    // A model that needs whole sequences may let them depend on one another: each runs alone.
    let isStepwise = steps(for: [], policies) != nil
    for part in parts(of: tasks, isAlone: !isStepwise) {
      var batch = tasks[part].map { WrittenText($0, temperature, siteHeaders()) }
      let steps = isStepwise ? steps(for: tasks[part], policies) : nil
      while batch.contains(where: { $0.left > 0 }) {
        try writeBytes(to: &batch, steps, parameters, policies) {
          written += 1
          try onByte(written)
        }
      }
      texts += batch.map(\.result)
    }
    return texts
  }

  /// Texts whose contexts fit into memory together, one at least.
  private func parts(of tasks: [WritingTask], isAlone: Bool) -> [Range<Int>] {
    var (parts, rows) = ([Range<Int>](), 0)
    for (number, task) in tasks.enumerated() {
      rows += expectedRows(task)
      if let last = parts.last, !isAlone, rows <= Generator.mostRows {
        parts[parts.count - 1] = last.lowerBound..<number + 1
      } else {
        parts.append(number..<number + 1)
        rows = expectedRows(task)
      }
    }
    return parts
  }

  private func expectedRows(_ task: WritingTask) -> Int {
    task.count < window ? min(window, task.prompt.count + max(1, task.count)) : window
  }

  private func steps(for tasks: ArraySlice<WritingTask>, _ policies: [String: Policy])
    -> StepwiseRun?
  {
    StepwiseRun(
      executor, sequences: tasks.count, expected: tasks.map(expectedRows).max() ?? 0,
      policies: policies)
  }

  /// Writes a byte to each text that is not done.
  private func writeBytes(
    to texts: inout [WrittenText], _ steps: StepwiseRun?, _ parameters: ParameterStore,
    _ policies: [String: Policy], _ onByte: () throws -> Void
  ) throws {
    let open = texts.indices.filter { texts[$0].left > 0 }
    let near = open.filter { steps != nil && texts[$0].context.count <= window }
    let far = open.filter { steps == nil || texts[$0].context.count > window }
    if let steps, !near.isEmpty {
      // A text that is done, or beyond its window, has no row in this run.
      var rows = Array(repeating: [UInt8](), count: texts.count)
      for text in near { rows[text] = Array(texts[text].context.dropFirst(steps.lengths[text])) }
      let batch = batch(of: rows)
      try steps.run(batch, parameters, record: true)
      try append(to: &texts, near, by: near, batch.layout, onByte)
    } else {
      steps?.forget()
    }
    guard !far.isEmpty else { return }
    let batch = batch(of: far.map { Array(texts[$0].context.suffix(window)) })
    try executor.run(batch, parameters, policies: policies, record: true)
    try append(to: &texts, far, by: Array(far.indices), batch.layout, onByte)
  }

  /// Draws a byte for each of the texts behind the last row of its group.
  private func append(
    to texts: inout [WrittenText], _ numbers: [Int], by groups: [Int], _ layout: RowLayout,
    _ onByte: () throws -> Void
  ) throws {
    let routes = routes(of: layout)
    for (text, group) in zip(numbers, groups) {
      let row = layout.range(of: group).upperBound - 1
      executor.withFloats(0) { logits in
        let count = logits.count / max(1, layout.rows)
        texts[text].append(logits[row * count..<(row + 1) * count], routes, row)
      }
      try onByte()
    }
  }

  /// What every site decides for each byte of a text no longer than the window.
  public func routes(
    of text: [UInt8], _ parameters: ParameterStore, policies: [String: Policy] = [:]
  ) throws -> RoutedBytes {
    guard !text.isEmpty, text.count <= window else {
      throw RuntimeError.badInput("routes need 1 to \(window) bytes, not \(text.count)")
    }
    let batch = batch(of: [text])
    try executor.run(batch, parameters, policies: policies, record: true)
    var result = routes(of: batch.layout)
    result.bytes = text
    return result
  }

  /// Texts as sequences of a batch.
  private func batch(of texts: [[UInt8]]) -> Batch {
    Batch(
      layout: RowLayout(lengths: texts.map(\.count)),
      ints: [DataInput.input: texts.flatMap { $0.map(Int32.init) }])
  }

  private func siteHeaders() -> [(site: String, paths: [String], taken: [Int])] {
    executor.graph.sites.map { ($0.name, $0.paths.map(\.name), []) }
  }

  /// What the last run decided for each row, without bytes.
  private func routes(of layout: RowLayout) -> RoutedBytes {
    let full = max(costs.full(RegionID(0)), .leastNormalMagnitude)
    var result = RoutedBytes(
      bytes: [], costs: Array(repeating: costs.own(RegionID(0)), count: layout.rows),
      sites: siteHeaders())
    for index in result.sites.indices {
      result.sites[index].taken = Array(repeating: -1, count: layout.rows)
    }
    for decision in executor.decisions {
      guard let index = executor.graph.sites.firstIndex(where: { $0.name == decision.site }) else {
        continue
      }
      let site = executor.graph.sites[index]
      for (unit, row) in decision.rows.enumerated() {
        let place = place(Int(row), of: site.rows, layout.rows)
        for (path, info) in site.paths.enumerated()
        where decision.mask[unit * site.paths.count + path] != 0 {
          for row in place.rows.clamped(to: 0..<layout.rows) {
            result.costs[row] += costs.own(info.region) * place.share
            if result.sites[index].taken[row] < 0 { result.sites[index].taken[row] = path }
          }
        }
      }
    }
    result.costs = result.costs.map { $0 / full }
    return result
  }

  /// The bytes that a unit consists of or stands in, and how much of such a byte's units it is.
  private func place(_ unit: Int, of rows: RowSetID, _ count: Int) -> (
    rows: Range<Int>, share: Double
  ) {
    switch executor.graph[rows].origin {
    case .input: return (unit..<unit + 1, 1)
    case .selected(let parent, _, _), .step(let parent): return place(unit, of: parent, count)
    case .unfolded(let from, let parts):
      let row = place(unit / max(1, parts), of: from, count)
      return (row.rows, row.share / Double(max(1, parts)))
    // Which byte a row that was cut out stands for is nowhere kept. Such a model runs on one text.
    case .groups, .picked, .joined: return (0..<count, 1)
    }
  }
}

/// A text while it is written.
private struct WrittenText {
  var context: [UInt8]
  private(set) var result: RoutedBytes
  private let task: WritingTask
  private let temperature: Double
  private var random: Philox

  init(
    _ task: WritingTask, _ temperature: Double,
    _ sites: [(site: String, paths: [String], taken: [Int])]
  ) {
    (self.task, self.temperature) = (task, temperature)
    context = task.prompt.isEmpty ? [UInt8(ascii: "\n")] : task.prompt
    result = RoutedBytes(bytes: [], costs: [], sites: sites)
    random = Philox(seed: task.seed, stream: "generate")
  }

  /// Bytes that are to come.
  var left: Int { task.count - result.bytes.count }

  /// Draws the next byte, which cost what a row of a run cost.
  mutating func append(
    _ logits: Slice<UnsafeBufferPointer<Float>>, _ routes: RoutedBytes, _ row: Int
  ) {
    let byte = draw(Array(logits))
    context.append(byte)
    result.bytes.append(byte)
    result.costs.append(routes.costs[row])
    for site in result.sites.indices {
      result.sites[site].taken.append(routes.sites[site].taken[row])
    }
  }

  private mutating func draw(_ logits: [Float]) -> UInt8 {
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
