import AdaptRuntime
import AdaptTensor
import Foundation
import Testing

/// What routers do in inference, and those that draw, by their definition.
@Suite struct RouterRuleTests {
  private static let count = 20_000

  /// Many tokens of one kind, in one sequence.
  private static var batch: Batch {
    let tokens = Array(repeating: Int32(1), count: count)
    return RouterBench.batch([count], tokens, targets: tokens)
  }

  /// Within four standard deviations of a binomial count.
  private func expectShare(_ found: Int, of count: Int, near chance: Double, _ what: String) {
    let deviation = (chance * (1 - chance) / Double(count)).squareRoot()
    let share = Double(found) / Double(count)
    #expect(abs(share - chance) <= 4 * deviation + 1e-9, "\(what): \(share), expected \(chance)")
  }

  // MARK: Halting

  private func halting(_ router: String, join: String) throws -> RouterBench {
    let bench = try RouterBench(
      """
      model M() {
        Embedding(4, 2)
        loop up to 4 each token until \(router) { Linear(2) >> tanh } join \(join)
        Linear(4)
      }
      """)
    try bench.parameters.ensure(bench.model)
    // Every score is 0.3, whatever the row.
    bench.parameters["loop.halt.router.linear.weight"] = try Tensor([2, 1], [0, 0])
    bench.parameters["loop.halt.router.linear.bias"] = try Tensor([1], [Float(log(0.3 / 0.7))])
    return bench
  }

  /// 1 − 0.7ⁿ goes beyond 0.25, 0.5, 0.6 and 0.65 after one, two, three rounds, beyond 0.7 after none.
  @Test(arguments: zip([0.25, 0.5, 0.6, 0.65, 0.7], [0, 1, 2, 2, 3]))
  func qExitHaltsAtItsQuantile(_ quantile: Double, _ round: Int) throws {
    let bench = try halting("QExit(\(quantile), start: 0)", join: "expected")
    let tokens: [Int32] = [0, 1, 2]
    let decisions = try bench.decisions(RouterBench.batch([3], tokens, targets: tokens))
    let halted = decisions.map { $0.counts.first ?? 0 }
    #expect(halted == (0..<3).map { $0 == round ? 3 : 0 })
  }

  /// 0.3, 0.7 · 0.3, 0.7² · 0.3 of all, of whom those were left.
  private func expectGeometric(_ counts: [(site: String, counts: [Int])]) {
    #expect(counts.map(\.site) == (0..<3).map { "loop[\($0)].halt" })
    #expect(counts.first?.counts.reduce(0, +) == Self.count)
    for (site, counts) in counts {
      expectShare(counts[0], of: counts.reduce(0, +), near: 0.3, site)
    }
    for (before, after) in zip(counts, counts.dropFirst()) {
      #expect(after.counts.reduce(0, +) == before.counts[1], "who went on is asked again")
    }
  }

  @Test(arguments: [("Ponder(start: 0)", "expected"), ("Halt(0.99, start: 0)", "sample")])
  func theRoundIsDrawnInInference(_ router: String, _ join: String) throws {
    let decisions = try halting(router, join: join).decisions(Self.batch)
    expectGeometric(decisions.map { ($0.site, $0.counts) })
  }

  @Test func joinSampleDrawsTheRoundInTraining() throws {
    let bench = try halting("Ponder(start: 0)", join: "sample")
    let report = try bench.trainer().step(Self.batch)
    expectGeometric(report.paths.map { ($0.site, $0.counts) })
  }

  // MARK: Routes

  private func routed(_ router: String) throws -> RouterBench {
    let bench = try RouterBench(
      """
      model M() {
        Embedding(4, 3)
        residual { route each token by \(router) { 4 experts { Linear(3) } } }
        Linear(4)
      }
      """)
    try bench.parameters.ensure(bench.model)
    bench.parameters["embedding.table"] = try Tensor(
      [4, 3], [0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1])
    return bench
  }

  @Test(arguments: [1, 2, 3]) func randomRoutersTakeEachPathAlike(_ k: Int) throws {
    let bench = try routed("RandomRouter(\(k))")
    let report = try bench.trainer().step(Self.batch)
    let counts = try #require(report.paths.first).counts
    #expect(counts.reduce(0, +) == k * Self.count)
    for found in counts { expectShare(found, of: Self.count, near: Double(k) / 4, "\(counts)") }
  }

  /// The second is drawn with twice its part of both: of logits 2 and 1 it is 1 / (1 + e).
  @Test func theSecondExpertIsTakenByChance() throws {
    let bench = try routed("GShard(capacity: 4)")
    bench.parameters["route.router.linear.weight"] = try Tensor(
      [3, 4], [0, 2, -1, 1, 0, 0, 0, 0, 0, 0, 0, 0])
    let report = try bench.trainer().step(Self.batch)
    let counts = try #require(report.paths.first).counts
    #expect(counts[0] == 0 && counts[1] == Self.count && counts[2] == 0)
    expectShare(counts[3], of: Self.count, near: 2 / (1 + exp(1)), "\(counts)")
    // In inference where that is above one half: 0.54 is.
    let decided = try bench.decisions(Self.batch)
    #expect(decided.first?.counts == [0, Self.count, 0, Self.count])
  }

  /// Room for two of five on each: firsts by their place, then seconds.
  @Test func secondChoicesComeBehindAllFirstOnes() throws {
    let bench = try routed("GShard(capacity: 0.8)")
    // Token 1 wants path 0, then 1; token 2 path 1, then 0, both nearly alike.
    bench.parameters["route.router.linear.weight"] = try Tensor(
      [3, 4], [5, 4.9, 0, 0, 4.9, 5, 0, 0, 0, 0, 0, 0])
    let tokens: [Int32] = [1, 2, 2, 1, 1]
    let decision = try #require(
      try bench.decisions(RouterBench.batch([5], tokens, targets: tokens)).first)
    #expect(
      decision.mask == [1, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0])
  }

  /// In inference a row is kept where the predictor says so, whatever its score.
  @Test(arguments: [-1, 1] as [Float]) func thePredictorDecidesInInference(_ bias: Float) throws {
    let bench = try RouterBench(
      """
      model M() {
        Embedding(4, 3)
        residual { keep 50% of token by PredictedMoD(50%) { Linear(3) } else { zero } }
        Linear(4)
      }
      """)
    try bench.parameters.ensure(bench.model)
    let place = "keep.router.moDScore.predictor.linear2"
    bench.parameters["\(place).weight"] = try Tensor([16, 1], Array(repeating: 0, count: 16))
    bench.parameters["\(place).bias"] = try Tensor([1], [bias])
    let decision = try #require(
      try bench.decisions(RouterBench.batch([3], [0, 1, 2], targets: [0, 1, 2])).first)
    #expect(decision.counts == (bias > 0 ? [3, 0] : [0, 3]))
  }
}
