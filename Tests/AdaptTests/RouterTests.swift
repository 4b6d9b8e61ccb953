import AdaptGraph
import AdaptRuntime
import AdaptTensor
import Foundation
import Testing

/// The routers of the standard library, held against their equations in PyTorch.
@Suite struct RouterFixtureTests {
  static let names = [
    "gate_softmax", "gate_sigmoid", "noisy_top_k", "switch", "gshard", "gshard_full",
    "expert_choice", "mutual_choice", "mutual_batch", "mixture", "soft_moe", "uniform",
    "round_robin", "random_router", "sinkhorn", "loss_free", "gumbel_soft", "gumbel_hard",
    "relu_gate", "threshold", "mod", "predicted_mod", "norm_change", "saturation", "priced",
    "act", "ponder", "q_exit", "halt", "imitate",
  ]

  @Test(arguments: names) func lossGradientsAndStatesEqualPyTorch(_ name: String) throws {
    let fixture = try TorchFixture("router_\(name)")
    try RouterBench(fixture).expectStep(fixture, hasZeros: true)
  }
}

/// Routers that draw: held against what they are the estimate of.
@Suite struct DrawingRouterTests {
  static let drawn = """
    model M() {
      Embedding(4, 3)
      route each token by Reinforce() { a { Linear(4) }  b { Linear(4) }  c { zero } }
    }
    """

  /// The probability of each path for a token, by the router's own parameters.
  private func chances(_ bench: RouterBench, token: Int) throws -> [Double] {
    let table = try #require(bench.parameters["embedding.table"]).floats
    let weight = try #require(bench.parameters["route.router.linear.weight"]).floats
    let bias = try #require(bench.parameters["route.router.linear.bias"]).floats
    let logits = (0..<3).map { path in
      (0..<3).reduce(Double(bias[path])) {
        $0 + Double(table[token * 3 + $1]) * Double(weight[$1 * 3 + path])
      }
    }
    let total = logits.map(exp).reduce(0, +)
    return logits.map { exp($0) / total }
  }

  private func prepared() throws -> RouterBench {
    let bench = try RouterBench(Self.drawn)
    try bench.parameters.ensure(bench.model)
    bench.parameters["route.router.linear.bias"] = try Tensor([3], [0.5, -0.4, 0.1])
    bench.parameters["embedding.table"] = try Tensor(
      [4, 3], [1, 0.5, -1, 0.2, -0.7, 0.4, -1.2, 0.1, 0.9, 0, 1, 0.3])
    return bench
  }

  /// Gumbel-max (Maddison, Tarlow & Minka 2014): within four standard deviations of the softmax.
  @Test func pathsAreDrawnByTheirProbability() throws {
    let bench = try prepared()
    let trainer = try bench.trainer()
    let count = 20_000
    let tokens = Array(repeating: Int32(2), count: count)
    let report = try trainer.step(RouterBench.batch([count], tokens, targets: tokens))
    let counts = try #require(report.paths.first).counts
    for (found, chance) in zip(counts, try chances(bench, token: 2)) {
      let deviation = (chance * (1 - chance) / Double(count)).squareRoot()
      #expect(abs(Double(found) / Double(count) - chance) < 4 * deviation)
    }
  }

  /// The mean of the estimates over many draws is the gradient of the expected loss.
  @Test func reinforceEstimatesTheGradientOfTheExpectedLoss() throws {
    let bench = try prepared()
    let (tokens, targets): ([Int32], [Int32]) = ([0, 1, 2, 3], [1, 1, 0, 2])
    let batch = RouterBench.batch([4], tokens, targets: targets)
    var exact = [0.0, 0.0, 0.0]
    let losses = try ["a", "b", "c"].map { try self.losses(bench, batch, path: $0) }
    for (row, token) in tokens.enumerated() {
      let chance = try chances(bench, token: Int(token))
      let mean = (0..<3).reduce(0) { $0 + chance[$1] * losses[$1][row] }
      for path in 0..<3 { exact[path] += chance[path] * (losses[path][row] - mean) / 4 }
    }
    let trainer = try bench.trainer()
    let draws = 3000
    var (sums, squares) = ([0.0, 0.0, 0.0], [0.0, 0.0, 0.0])
    for draw in 0..<draws {
      _ = try trainer.step(batch, noise: NoiseKey(seed: 7, step: draw))
      let gradient = try #require(trainer.gradient("route.router.linear.bias"))
      for path in 0..<3 {
        sums[path] += Double(gradient[path])
        squares[path] += Double(gradient[path]) * Double(gradient[path])
      }
    }
    for path in 0..<3 {
      let mean = sums[path] / Double(draws)
      let variance = squares[path] / Double(draws) - mean * mean
      #expect(abs(mean - exact[path]) < 4 * (variance / Double(draws)).squareRoot())
    }
  }

  /// The loss of each row when all take one path.
  private func losses(_ bench: RouterBench, _ batch: Batch, path: String) throws -> [Double] {
    let executor = try Executor(
      bench.model.graph, outputs: [bench.model.output], cpu: CPU(threads: 1))
    try executor.run(batch, bench.parameters, policies: ["route": .always(path)])
    let logits = executor.floats(0).map(Double.init)
    return (batch.ints["target"] ?? []).enumerated().map { row, target in
      let own = logits[row * 4..<row * 4 + 4]
      return log(own.map(exp).reduce(0, +)) - own[own.startIndex + Int(target)]
    }
  }

  @Test func theBaselineFollowsTheReward() throws {
    let bench = try prepared()
    let batch = RouterBench.batch([2], [0, 1], targets: [1, 1])
    let trainer = try bench.trainer()
    let report = try trainer.step(batch)
    let loss = try #require(report.terms.first).value
    let baseline = try #require(bench.parameters["route.baseline"]).floats
    #expect(abs(Double(baseline[0]) + 0.1 * loss) < 1e-6)
  }

  @Test func drawsRepeatForASeedAndDifferBetweenSteps() throws {
    let bench = try prepared()
    let trainer = try bench.trainer()
    let tokens = (0..<64).map { Int32($0 % 4) }
    let batch = RouterBench.batch([32, 32], tokens, targets: tokens)
    func loss(_ seed: UInt64, _ step: Int) throws -> Double {
      try #require(trainer.step(batch, noise: NoiseKey(seed: seed, step: step)).terms.first).value
    }
    let first = try loss(1, 0)
    #expect(try loss(1, 0) == first)
    #expect(try loss(1, 1) != first)
    #expect(try loss(2, 0) != first)
  }

  /// The mean and variance of each kind of noise (of Gumbel's: Euler's constant and π²/6).
  @Test(arguments: [
    (Noise.uniform, 0.5, 1.0 / 12), (.normal, 0, 1),
    (.gumbel, 0.5772156649, Double.pi * Double.pi / 6),
  ]) func noiseIsDistributedAsItSays(_ noise: Noise, _ mean: Double, _ variance: Double) {
    let source = NoiseSource(noise, stream: "test", NoiseKey(seed: 3))
    let count = 40_000
    let numbers = (0..<count).map { Double(source.number(row: $0 / 8, column: $0 % 8)) }
    let found = numbers.reduce(0, +) / Double(count)
    let spread = numbers.reduce(0) { $0 + ($1 - found) * ($1 - found) } / Double(count)
    #expect(abs(found - mean) < 4 * (variance / Double(count)).squareRoot())
    // The fourth moment of none of them is above 6 times the squared variance.
    #expect(abs(spread - variance) < 4 * variance * (5 / Double(count)).squareRoot())
  }
}
