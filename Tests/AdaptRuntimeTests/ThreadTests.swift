import AdaptGraph
import AdaptRuntime
import AdaptTensor
import Testing

/// That results do not depend on the number of threads, but for the rounding of sums that are added in
/// other parts. What is promised, and held here:
///
/// - losses of the same steps agree to 1e-5, relatively;
/// - gradients, and parameters behind steps that are linear in gradients, agree to 1e-5 of the largest
///   number of their tensor.
///
/// Steps that divide by the size of a gradient, as Adam's first, make a whole step of a gradient that is
/// nothing but rounding, so single parameters may be a learning rate apart.
@Suite struct ThreadTests {
  /// Large enough that every kernel is split: 768 rows of 64, and 256 inside of paths.
  private static func model(isRouted: Bool) -> LanguageModel {
    LanguageModel(
      vocab: 64, width: 64, depth: 2, heads: 4, hidden: 256, limit: 64, small: isRouted ? 32 : nil)
  }

  private static func batches() throws -> [Batch] {
    let text = (0..<4000).map { (i: Int) -> UInt8 in
      let sum: Int = i * 7 + i / 5 + i * i / 11
      return UInt8(sum % 64)
    }
    let split = try ByteWindows(bytes: text, length: 64).train
    return (0..<5).map { split.sample(12, seed: 3, step: $0) }
  }

  /// Plain gradient descent, with a momentum.
  private static func descent(rate: Double) throws -> OptimizerGraph {
    var graph = Graph()
    let rows = graph.addRows(label: "element", grouping: nil)
    let type = TensorType(rows: rows, [])
    let parameter = try graph.add(.input("parameter", type))
    let gradient = try graph.add(.input("gradient", type))
    let velocity = try graph.add(.input("state.v", type))
    let slowed = try graph.add(.binary(.multiply), graph.constant(0.9), velocity)
    let faster = try graph.add(.binary(.add), slowed, gradient)
    let step = try graph.add(.binary(.multiply), graph.constant(rate), faster)
    let new = try graph.add(.binary(.subtract), parameter, step)
    return OptimizerGraph(
      graph: graph, states: [("v", 0)], newParameter: new, newStates: [faster])
  }

  private struct Run {
    var losses: [Double] = []
    var gradients: [String: [Float]] = [:]
    var paths: [[[Int]]] = []
    let parameters: ParameterStore
  }

  private static func train(
    isRouted: Bool, threads: Int, _ optimizer: OptimizerGraph
  ) throws -> Run {
    var run = Run(parameters: ParameterStore(seed: 11))
    let trainer = try FixtureTests.trainer(
      model(isRouted: isRouted), run.parameters, threads: threads, optimizer: optimizer)
    for batch in try batches() {
      let report = try trainer.step(batch)
      run.losses.append(report.loss)
      run.paths.append(report.paths.map(\.counts))
      guard run.gradients.isEmpty else { continue }
      for name in run.parameters.names { run.gradients[name] = trainer.gradient(name) }
    }
    return run
  }

  @Test(arguments: [false, true], [2, 3])
  func stepsOfManyThreadsAreThoseOfOne(_ isRouted: Bool, _ threads: Int) throws {
    let optimizer = try Self.descent(rate: 0.1)
    let one = try Self.train(isRouted: isRouted, threads: 1, optimizer)
    let many = try Self.train(isRouted: isRouted, threads: threads, optimizer)
    expectSameLosses(one, many)
    for (name, gradient) in one.gradients where !name.hasSuffix("key.bias") {
      expectClose(try #require(many.gradients[name]), gradient, 1e-5, name)
    }
    // A row whose two best scores are equal but for rounding may go either way, and trains another
    // path from there on.
    guard one.paths == many.paths else { return }
    for name in one.parameters.names {
      expectClose(
        try #require(many.parameters[name]).floats, try #require(one.parameters[name]).floats, 1e-5,
        name)
    }
  }

  @Test(arguments: [false, true])
  func lossesUnderAdamWAgreeToo(_ isRouted: Bool) throws {
    let optimizer = try adamW(rate: 1e-3, decay: 0.01)
    expectSameLosses(
      try Self.train(isRouted: isRouted, threads: 1, optimizer),
      try Self.train(isRouted: isRouted, threads: 3, optimizer))
  }

  private func expectSameLosses(_ one: Run, _ many: Run) {
    #expect(one.losses.count == 5 && one.losses[4] < one.losses[0])
    for (a, b) in zip(one.losses, many.losses) { #expect(abs(a - b) <= 1e-5 * abs(a)) }
  }
}
