import AdaptRuntime
import Testing

/// The losses of the standard library, held against their equations in PyTorch.
@Suite struct LossFixtureTests {
  static let names = [
    "deep_supervision", "self_distillation", "round_distillation", "target_depth", "paced",
    "priced", "imitate",
  ]

  @Test(arguments: names) func lossGradientsAndPricesEqualPyTorch(_ name: String) throws {
    let fixture = try TorchFixture("loss_\(name)")
    let bench = try RouterBench(fixture, minimizing: fixture.text("minimize"))
    try bench.expectStep(fixture, hasZeros: false)
  }
}

/// Losses that are weighed by how far training is.
@Suite struct ProgressTests {
  @Test func aTrainerSaysHowFarItIs() throws {
    let bench = try RouterBench(
      "model M() { Embedding(4, 3) >> Linear(4) }",
      minimizing: "minimize crossEntropy * (1 + progress())")
    let trainer = try bench.trainer()
    let batch = RouterBench.batch([2], [0, 1], targets: [1, 2])
    let losses = try [0, 0.5, 1].map { try trainer.step(batch, progress: $0).loss }
    let plain = try #require(trainer.step(batch).terms.first).value
    for (found, factor) in zip(losses, [1, 1.5, 2]) {
      #expect(abs(found - factor * plain) < 1e-6)
    }
  }
}
