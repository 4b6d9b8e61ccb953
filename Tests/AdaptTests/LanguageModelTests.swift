import Adapt
import AdaptGraph
import AdaptInterpreter
import AdaptRuntime
import AdaptTensor
import Foundation
import Testing

/// The fixtures of PyTorch, held against models that are written in the language.
@Suite struct LanguageModelTests {
  static let dense = """
    layer Block(heads, hidden) {
      residual { Norm() >> Attention(heads, causal: true) }
      residual { Norm() >> FFN(hidden) }
    }
    """
  static let duo = """
    layer Duo(hidden) {
      route each token by TopK(1) {
        big { FFN(hidden) }
        small { FFN(hidden / 16) }
        skip { zero }
      }
    }
    layer Block(heads, hidden) {
      residual { Norm() >> Attention(heads, causal: true) }
      residual { Norm() >> Duo(hidden) }
    }
    """
  static let model = """

    model LM(vocab, width, depth, heads) {
      Embedding(vocab, width) >> Positions(limit: 64)
      repeat depth { Block(heads, 4 * width) }
      Norm() >> Linear(vocab)
    }
    let lm = LM(vocab: 32, width: 16, depth: 2, heads: 2)
    let optimizer = AdamW(1e-2)
    """

  private func fixture(_ name: String) throws -> SafeTensors.Contents {
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appending(path: "Fixtures/\(name).safetensors")
    return try SafeTensors.decode([UInt8](Data(contentsOf: file)))
  }

  /// A trainer of the script's model on the fixture's parameters, and the fixture's batch.
  private func trainer(_ script: String, _ fixture: SafeTensors.Contents) throws -> (
    Trainer, Batch, ParameterStore
  ) {
    let engine = Engine()
    try engine.run(Array(script.utf8), name: "model.adapt")
    guard case .flow(let lm)? = engine.interpreter["lm"],
      case .object(let object)? = engine.interpreter["optimizer"]
    else { throw RuntimeError.badInput("the script binds no model") }
    let optimizer = try #require(object as? OptimizerInstance)
    let objective = try engine.interpreter.objectiveGraph(
      of: lm, minimizing: "minimize crossEntropy", length: 12)
    let parameters = ParameterStore()
    for entry in fixture.entries where entry.name.hasPrefix("parameter.") {
      parameters[String(entry.name.dropFirst(10))] = entry.tensor
    }
    let names = Set(parameters.names)
    // The language makes the very parameters that the fixture names.
    #expect(Set(objective.model.graph.parameters.map(\.name)) == names)
    let tokens = try #require(fixture["tokens"])
    let batch = Batch(
      layout: RowLayout(groups: tokens.shape[0], length: tokens.shape[1]),
      ints: [
        "input": try tokens.integers, "target": try #require(fixture["targets"]).integers,
      ])
    let trainer = try Trainer(
      objective.model, objective: objective.total, terms: objective.terms,
      optimizer: engine.interpreter.trace(optimizer), parameters: parameters, clip: 1,
      cpu: CPU(threads: 2))
    return (trainer, batch, parameters)
  }

  private func expectClose(_ found: [Float], _ expected: [Float], _ what: String) {
    #expect(found.count == expected.count)
    let scale = max(expected.map(abs).max() ?? 0, 1e-6)
    for (a, b) in zip(found, expected) where abs(a - b) > 1e-4 * scale {
      Issue.record("\(what): \(a), expected \(b)")
      return
    }
  }

  @Test(arguments: ["dense_lm", "duo_lm"])
  func lossAndAllGradientsEqualPyTorch(_ name: String) throws {
    let fixture = try fixture(name)
    let script = (name == "duo_lm" ? Self.duo : Self.dense) + Self.model
    let (trainer, batch, parameters) = try trainer(script, fixture)
    let report = try trainer.step(batch)
    let total = Double(try #require(fixture["loss.total"]).floats[0])
    #expect(abs(report.loss - total) < 1e-5)
    // A shift of all scores of a query changes nothing: that gradient is zero but for rounding.
    for parameter in parameters.names where !parameter.hasSuffix("key.bias") {
      let gradient = try #require(trainer.gradient(parameter), "\(parameter)")
      expectClose(gradient, try #require(fixture["gradient." + parameter]).floats, parameter)
    }
  }

  @Test func theLibrarysAdamWEqualsPyTorchs() throws {
    let fixture = try fixture("dense_lm")
    let (trainer, batch, parameters) = try trainer(Self.dense + Self.model, fixture)
    for _ in 0..<3 { _ = try trainer.step(batch) }
    for name in parameters.names where !name.hasSuffix("key.bias") {
      expectClose(
        try #require(parameters[name]).floats, try #require(fixture["adamw." + name]).floats, name)
    }
  }
}
