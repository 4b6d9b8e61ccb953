import AdaptGraph
import AdaptTensor

/// What one training step came to.
public struct StepReport: Sendable {
  /// Steps done, this one included.
  public var step: Int
  /// The whole objective.
  public var loss: Double
  /// Its named terms, as in the trainer's `terms`.
  public var terms: [(name: String, value: Double)]
  /// What the routers bring to the objective, as in the trainer's `routers`.
  public var routers: [(name: String, value: Double)]
  /// Norm of all gradients together, before clipping.
  public var gradientNorm: Double
  /// Rows that took each path, by site.
  public var paths: [(site: String, names: [String], counts: [Int])]
  /// Units that decided, by site.
  public var units: [Int]
}

/// Trains a model: objective, gradient by graph transformation, clipping, update.
public final class Trainer {
  private let executor: Executor
  private let optimizer: Optimizer
  private let parameters: ParameterStore
  private let cpu: CPU
  private let clip: Double?
  private let policies: [String: Policy]
  private let termNames: [String]
  private let routerNames: [String]
  /// What changes from step to step without a gradient, by the executor's last outputs.
  private let updated: [String]
  /// Parameters that the objective depends on, by their place among the executor's outputs.
  private let trained: [String]

  /// - Parameters:
  ///   - model: traced for training. Its frozen parameters get no gradient and no update.
  ///   - objective: a scalar of the model's graph, with all that is to be minimized in it.
  ///   - terms: scalars to report.
  ///   - routers: scalars to report apart from them.
  ///   - clip: the largest norm of all gradients together (Pascanu, Mikolov & Bengio 2013), or nil.
  ///   - policies: what decides at a site instead of its router, by site name. What is random is drawn
  ///     anew in each step.
  ///   - other: a trainer of the same parameters in another setting, whose optimizer goes on here.
  /// - Throws: `GraphError` when the objective has no gradient.
  public init(
    _ model: ModelGraph, objective: ValueID, terms: [NamedValue], routers: [NamedValue] = [],
    optimizer: OptimizerGraph, parameters: ParameterStore, clip: Double?,
    policies: [String: Policy] = [:], cpu: CPU, sharing other: Trainer? = nil
  ) throws {
    var graph = model.graph
    let free = graph.parameters.filter { !model.frozen.contains($0.name) }
    let names = free.map(\.name)
    let values = try free.map { try graph.parameter($0) }
    let gradients = try graph.gradient(of: objective, withRespectTo: values)
    let pairs = zip(names, gradients).compactMap { name, gradient in gradient.map { (name, $0) } }
    try parameters.ensure(model)
    trained = pairs.map(\.0)
    termNames = terms.map(\.name)
    routerNames = routers.map(\.name)
    updated = model.updates.map(\.name)
    executor = try Executor(
      graph,
      outputs: [objective] + (terms + routers).map(\.value) + pairs.map(\.1)
        + model.updates.map(\.value), cpu: cpu)
    self.optimizer = try other?.optimizer ?? Optimizer(optimizer, cpu: cpu)
    self.parameters = parameters
    self.clip = clip
    self.policies = policies
    self.cpu = cpu
  }

  /// One step on one batch.
  /// - Parameter noise: what random numbers are drawn for; the trainer's own count of steps unless given.
  /// - Parameter progress: how far the training is, from 0 in its first step to 1 in the last.
  /// - Throws: ``RuntimeError/notFinite(place:row:)`` when a score or the gradient is not finite;
  ///   parameters are then as they were before the step.
  public func step(_ batch: Batch, noise: NoiseKey? = nil, progress: Double = 1) throws
    -> StepReport
  {
    var batch = batch
    batch.floats[DataInput.progress] = [Float(progress)]
    let noise = noise ?? NoiseKey(seed: parameters.seed, step: optimizer.step)
    let step = optimizer.step
    let policies = policies.mapValues { $0.drawn(in: step) }
    do {
      try executor.run(batch, parameters, policies: policies, noise: noise)
    } catch RuntimeError.notFinite(let place, let row) {
      throw RuntimeError.notFinite(place: "\(place) in step \(step + 1)", row: row)
    }
    let norm = try gradientNorm()
    try checkUpdates()
    try applyGradients(scale: clip.map { min(1, $0 / (norm + 1e-6)) } ?? 1)
    try applyUpdates()
    return report(norm)
  }

  private func applyGradients(scale: Double) throws {
    try parameters.withMutable(all: trained) { targets in
      try optimizer.apply(
        trained.indices.compactMap { index in
          guard let target = targets[index].baseAddress,
            let source = executor.output(firstGradient + index).baseAddress
          else { return nil }
          return Optimizer.Part(
            name: trained[index], parameter: target, gradient: source, count: targets[index].count)
        }, scale: scale)
    }
  }

  private func checkUpdates() throws {
    for (index, name) in updated.enumerated() {
      try executor.withFloats(firstUpdate + index) { numbers in
        guard numbers.allSatisfy(\.isFinite) else {
          throw RuntimeError.notFinite(
            place: "the update of \(name) in step \(optimizer.step + 1)", row: nil)
        }
      }
    }
  }

  /// Writes what the graph computed for parameters that no gradient changes.
  private func applyUpdates() throws {
    for (index, name) in updated.enumerated() {
      try executor.withFloats(firstUpdate + index) { numbers in
        guard let source = numbers.baseAddress else { return }
        try parameters.withMutable(name) { target, count in
          target.update(from: source, count: min(count, numbers.count))
        }
      }
    }
  }

  /// The gradient of a parameter in the last step, before clipping; nil when it is not trained.
  public func gradient(_ name: String) -> [Float]? {
    trained.firstIndex(of: name).map { executor.floats(firstGradient + $0) }
  }

  /// Bytes of the arena that activations and gradients live in.
  public var memory: Int { executor.memory }

  /// How often memory for activations and gradients has been asked for.
  public var allocations: Int { executor.allocations }

  /// Times by op of all steps since it was set to an empty profile.
  public var profile: Profile? {
    get { executor.profile }
    set { executor.profile = newValue }
  }

  /// Operations of the last step, forward and backward.
  public var flops: Double { executor.flops(for: Array(executor.outputs.indices)) }

  /// Operations of the last step in ops of the given kinds.
  public func flops(of kinds: Set<OpKind>) -> Double { executor.flops(of: kinds) }

  private var firstGradient: Int { 1 + termNames.count + routerNames.count }
  private var firstUpdate: Int { firstGradient + trained.count }

  private func gradientNorm() throws -> Double {
    var total = 0.0
    for (index, name) in trained.enumerated() {
      let square = executor.withFloats(firstGradient + index) { gradient in
        gradient.baseAddress.map { cpu.sumOfSquares($0, count: gradient.count) } ?? 0
      }
      guard square.isFinite else {
        throw RuntimeError.notFinite(
          place: "the gradient of \(name) in step \(optimizer.step + 1)", row: nil)
      }
      total += square
    }
    return total.squareRoot()
  }

  private func report(_ norm: Double) -> StepReport {
    let scalars = (termNames + routerNames).enumerated().map {
      (name: $1, value: Double(executor.scalar(1 + $0)))
    }
    let paths = executor.graph.sites.enumerated().map { index, site in
      (site.name, site.paths.map(\.name), executor.pathCounts[index])
    }
    return StepReport(
      step: optimizer.step, loss: Double(executor.scalar(0)),
      terms: Array(scalars.prefix(termNames.count)),
      routers: Array(scalars.dropFirst(termNames.count)), gradientNorm: norm, paths: paths,
      units: executor.unitCounts)
  }
}
