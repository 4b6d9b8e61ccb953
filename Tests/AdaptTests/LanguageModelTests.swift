import Adapt
import AdaptRuntime
import AdaptTensor
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

  /// A trainer of the script's model on the fixture's parameters, and the fixture's batch.
  private func trainer(_ script: String, _ fixture: TorchFixture) throws -> (
    Trainer, Batch, ParameterStore
  ) {
    let engine = try Engine(running: script)
    let objective = try engine.interpreter.objectiveGraph(
      of: engine.flow("lm"), minimizing: "minimize crossEntropy", length: 12)
    let parameters = ParameterStore()
    fixture.fill(parameters, of: objective.model)
    let tokens = try fixture.tensor("tokens")
    let batch = RouterBench.batch(
      Array(repeating: tokens.shape[1], count: tokens.shape[0]), try tokens.integers,
      targets: try fixture.tensor("targets").integers)
    let trainer = try Trainer(
      objective.model, objective: objective.total, terms: objective.terms,
      optimizer: engine.optimizer(), parameters: parameters, clip: 1, cpu: CPU(threads: 2))
    return (trainer, batch, parameters)
  }

  @Test(arguments: ["dense_lm", "duo_lm"])
  func lossAndAllGradientsEqualPyTorch(_ name: String) throws {
    let fixture = try TorchFixture(name)
    let script = (name == "duo_lm" ? Self.duo : Self.dense) + Self.model
    let (trainer, batch, parameters) = try trainer(script, fixture)
    let report = try trainer.step(batch)
    let total = Double(try fixture.floats("loss.total")[0])
    #expect(abs(report.loss - total) < 1e-5)
    // A shift of all scores of a query changes nothing: that gradient is zero but for rounding.
    for parameter in parameters.names where !parameter.hasSuffix("key.bias") {
      let gradient = try #require(trainer.gradient(parameter), "\(parameter)")
      expectClose(gradient, try fixture.floats("gradient." + parameter), parameter)
    }
  }

  @Test func theLibrarysAdamWEqualsPyTorchs() throws {
    let fixture = try TorchFixture("dense_lm")
    let (trainer, batch, parameters) = try trainer(Self.dense + Self.model, fixture)
    for _ in 0..<3 { _ = try trainer.step(batch) }
    for name in parameters.names where !name.hasSuffix("key.bias") {
      let found = try #require(parameters[name], "\(name)").floats
      expectClose(found, try fixture.floats("adamw." + name), name)
    }
  }
}
