import Adapt
import AdaptRuntime
import AdaptTensor
import Foundation
import Testing

/// The losses of the standard library, held against their equations in PyTorch.
@Suite struct LossFixtureTests {
  static let names = [
    "deep_supervision", "self_distillation", "round_distillation", "target_depth", "paced",
    "priced", "imitate",
  ]

  private func fixture(_ name: String) throws -> SafeTensors.Contents {
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appending(path: "Fixtures/loss_\(name).safetensors")
    return try SafeTensors.decode([UInt8](Data(contentsOf: file)))
  }

  private func expectClose(_ found: [Float], _ expected: [Float], _ what: String) {
    #expect(found.count == expected.count, "\(what)")
    // Sums over at most 25 rows, 4 rounds and 16 classes in Float.
    let scale = max(expected.map(abs).max() ?? 0, 1e-3)
    for (index, (a, b)) in zip(found, expected).enumerated() where abs(a - b) > 1e-4 * scale {
      Issue.record("\(what)[\(index)]: \(a), expected \(b)")
      return
    }
  }

  @Test(arguments: names) func lossGradientsAndPricesEqualPyTorch(_ name: String) throws {
    let fixture = try fixture(name)
    let bench = try RouterBench(
      try #require(fixture.metadata["script"]),
      minimizing: try #require(fixture.metadata["minimize"]))
    for entry in fixture.entries where entry.name.hasPrefix("parameter.") {
      bench.parameters[String(entry.name.dropFirst(10))] = entry.tensor
    }
    #expect(
      Set(bench.model.graph.parameters.map(\.name)) == Set(bench.parameters.names),
      "the language makes the very parameters that the fixture names")
    let batch = RouterBench.batch(
      try #require(fixture["lengths"]).integers.map(Int.init),
      try #require(fixture["tokens"]).integers,
      targets: try #require(fixture["targets"]).integers)
    let trainer = try bench.trainer()
    let report = try trainer.step(batch)
    #expect(abs(report.loss - Double(try #require(fixture["loss"]).floats[0])) < 1e-5)
    for entry in fixture.entries where entry.name.hasPrefix("gradient.") {
      let name = String(entry.name.dropFirst(9))
      expectClose(try #require(trainer.gradient(name)), entry.tensor.floats, name)
    }
    for entry in fixture.entries where entry.name.hasPrefix("update.") {
      let name = String(entry.name.dropFirst(7))
      expectClose(try #require(bench.parameters[name]).floats, entry.tensor.floats, name)
    }
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
