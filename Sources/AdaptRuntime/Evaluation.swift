import AdaptGraph
import AdaptPlatform
import AdaptTensor

/// What a model does on a data set.
public struct Evaluation: Sendable {
  public struct SiteShare: Sendable {
    public var site: String
    public var paths: [String]
    /// Of the units that reached the site, the share that took each path.
    public var shares: [Double]
    /// Units that reached the site, and of them those that took each path.
    public var units: Int
    public var counts: [Int]
  }

  /// How many rounds of a loop that units may leave were run for one of them, in the mean.
  public struct LoopRounds: Sendable {
    public var loop: String
    public var mean: Double
  }

  /// Of classes the mean of −log p(target) in nats, of quantities the mean squared error.
  public var loss: Double
  /// The share of the targets whose class has the highest logit; nil for quantities.
  public var accuracy: Double?
  /// Units that were looked at, and rows in them.
  public var units: Int
  public var rows: Int
  public var sites: [SiteShare]
  public var loops: [LoopRounds]
  /// Operations a row that were executed.
  public var flopsPerRow: Double
  /// Operations a row if every unit took the costliest paths.
  public var fullFlopsPerRow: Double

  /// The loss of classes in bits.
  public var bits: Double { loss / log(2) }

  /// Executed operations relative to the costliest paths everywhere.
  public var executedShare: Double {
    fullFlopsPerRow > 0 ? flopsPerRow / fullFlopsPerRow : 1
  }
}

/// Runs a model over data without changing it.
public final class Evaluator {
  private let executor: Executor
  private let full: Double
  private let target: TargetFormat
  private let columns: Int

  /// - Parameters:
  ///   - model: traced for inference, with a row of logits for each class that is asked for, or a row
  ///     like each target.
  /// - Throws: `GraphError` when the output does not go with the targets.
  public init(_ model: ModelGraph, format: DataFormat, cpu: CPU) throws {
    var model = model
    try model.checkOutput(format.target)
    var outputs = [model.output]
    if format.target.isClass {
      let target = try model.addTarget(format.target)
      outputs.append(try model.graph.add(.logLoss, [model.output, target])[0])
    }
    target = format.target
    columns = model.graph.type(model.output).count
    full = model.graph.costs(of: model.output, length: format.length).full(RegionID(0))
    executor = try Executor(model.graph, outputs: outputs, cpu: cpu)
  }

  /// - Parameters:
  ///   - units: at most so many units, from the start; nil for all.
  ///   - batch: units at once; it does not change the result.
  ///   - onBatch: called after each batch with the share done; throwing stops.
  public func evaluate(
    _ data: any Dataset, _ parameters: ParameterStore, units: Int? = nil, batch: Int = 16,
    policies: [String: Policy] = [:], onBatch: (Double) throws -> Void = { _ in }
  ) throws -> Evaluation {
    let total = max(0, min(data.count, units ?? data.count))
    var (score, rows, flops) = (Score(), 0, 0.0)
    var counts = executor.graph.sites.map { Array(repeating: 0, count: $0.paths.count) }
    var reached = executor.graph.sites.map { _ in 0 }
    var policies = policies
    for start in stride(from: 0, to: total, by: max(1, batch)) {
      let fed = data.batch(start..<min(start + max(1, batch), total))
      try executor.run(fed, parameters, policies: policies)
      policies = executor.following(policies)
      add(fed, to: &score)
      rows += fed.layout.rows
      flops += executor.flops(for: [0])
      for (site, units) in executor.unitCounts.enumerated() { reached[site] += units }
      for (site, paths) in executor.pathCounts.enumerated() {
        for (path, count) in paths.enumerated() { counts[site][path] += count }
      }
      try onBatch(min(1, Double(start + batch) / Double(total)))
    }
    let weight = max(score.weight, .leastNormalMagnitude)
    return Evaluation(
      loss: score.loss / weight, accuracy: target.isClass ? score.hits / weight : nil,
      units: total, rows: rows, sites: shares(counts, of: reached),
      loops: rounds(counts, of: reached),
      flopsPerRow: flops / Double(max(1, rows)), fullFlopsPerRow: full)
  }

  /// The loss on some batches, and the operations a row that were executed.
  func measure(_ batches: [Batch], _ parameters: ParameterStore, _ policies: [String: Policy])
    throws
    -> (loss: Double, flops: Double)
  {
    var (score, rows, flops) = (Score(), 0, 0.0)
    for batch in batches {
      try executor.run(batch, parameters, policies: policies)
      add(batch, to: &score)
      rows += batch.layout.rows
      flops += executor.flops(for: [0])
    }
    return (
      score.loss / max(score.weight, .leastNormalMagnitude), flops / Double(max(1, rows))
    )
  }

  /// Sums over targets, each counted by its weight.
  private struct Score {
    var loss = 0.0
    var hits = 0.0
    var weight = 0.0
  }

  private func add(_ batch: Batch, to score: inout Score) {
    let weights = batch.floats[DataInput.weight]
    func weight(_ place: Int) -> Double { weights.map { Double($0[place]) } ?? 1 }
    executor.withFloats(0) { output in
      if target.isClass {
        addClasses(output, batch.ints[DataInput.target] ?? [], weight, to: &score)
      } else {
        addQuantities(output, batch.floats[DataInput.target] ?? [], weight, to: &score)
      }
    }
  }

  private func addClasses(
    _ logits: UnsafeBufferPointer<Float>, _ classes: [Int32], _ weight: (Int) -> Double,
    to score: inout Score
  ) {
    executor.withFloats(1) { losses in
      for (place, loss) in losses.enumerated() {
        let row = logits[place * columns..<(place + 1) * columns]
        score.loss += weight(place) * Double(loss)
        score.hits += highest(row) == Int(classes[place]) ? weight(place) : 0
        score.weight += weight(place)
      }
    }
  }

  private func addQuantities(
    _ output: UnsafeBufferPointer<Float>, _ wanted: [Float], _ weight: (Int) -> Double,
    to score: inout Score
  ) {
    guard columns > 0 else { return }
    for place in 0..<wanted.count / columns {
      let squares = (place * columns..<(place + 1) * columns).reduce(0.0) { sum, index in
        let difference = Double(output[index]) - Double(wanted[index])
        return sum + difference * difference
      }
      score.loss += weight(place) * squares / Double(columns)
      score.weight += weight(place)
    }
  }

  /// The place of the highest number, the first of several; -1 where one is NaN.
  private func highest(_ row: Slice<UnsafeBufferPointer<Float>>) -> Int {
    var best = row.startIndex
    for index in row.indices {
      if row[index].isNaN { return -1 }
      if row[index] > row[best] { best = index }
    }
    return best - row.startIndex
  }

  private func shares(_ counts: [[Int]], of reached: [Int]) -> [Evaluation.SiteShare] {
    zip(executor.graph.sites, zip(counts, reached)).map { site, numbers in
      let units = Double(max(1, numbers.1))
      return Evaluation.SiteShare(
        site: site.name, paths: site.paths.map(\.name),
        shares: numbers.0.map { Double($0) / units }, units: numbers.1, counts: numbers.0)
    }
  }

  /// Every unit that is asked behind a round has run it, and who goes on behind the last question runs
  /// one more.
  private func rounds(_ counts: [[Int]], of reached: [Int]) -> [Evaluation.LoopRounds] {
    let stops = executor.graph.sites.enumerated().compactMap { index, site in
      site.stop.flatMap { $0.kind == .round ? (index: index, stop: $0) : nil }
    }
    var names: [String] = []
    for (_, stop) in stops where !names.contains(stop.chain) { names.append(stop.chain) }
    return names.map { name in
      let chain = stops.filter { $0.stop.chain == name }
      let last = chain.map(\.stop.number).max()
      let begun = chain.reduce(0) { $0 + ($1.stop.number == 0 ? reached[$1.index] : 0) }
      let run = chain.reduce(0) { sum, place in
        let goesOn = place.stop.number == last ? counts[place.index].last ?? 0 : 0
        return sum + reached[place.index] + goesOn
      }
      return Evaluation.LoopRounds(loop: name, mean: Double(run) / Double(max(1, begun)))
    }
  }
}
