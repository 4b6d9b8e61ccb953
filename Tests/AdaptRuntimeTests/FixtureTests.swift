import AdaptGraph
import AdaptRuntime
import AdaptTensor
import Foundation
import Testing

/// What PyTorch made of two small models; see `make_fixtures.py` beside the files.
struct Fixture {
  let contents: SafeTensors.Contents

  init(_ name: String) throws {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().appending(path: "AdaptTests/Fixtures")
    let data = try Data(contentsOf: folder.appending(path: name + ".safetensors"))
    contents = try SafeTensors.decode([UInt8](data))
  }

  func tensor(_ name: String) throws -> Tensor { try #require(contents[name], "\(name)") }

  func scalar(_ name: String) throws -> Double { Double(try tensor(name).floats[0]) }

  var batch: Batch {
    get throws {
      let tokens = try tensor("tokens")
      return Batch(
        layout: RowLayout(groups: tokens.shape[0], length: tokens.shape[1]),
        ints: ["input": try tokens.integers, "target": try tensor("targets").integers])
    }
  }

  var parameters: ParameterStore {
    let store = ParameterStore()
    for entry in contents.entries where entry.name.hasPrefix("parameter.") {
      store[String(entry.name.dropFirst("parameter.".count))] = entry.tensor
    }
    return store
  }
}

/// Expects equality element by element, relative to the size of the largest element.
func expectClose(
  _ found: [Float], _ expected: [Float], _ tolerance: Float, _ what: String,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  #expect(found.count == expected.count, "\(what)", sourceLocation: sourceLocation)
  let scale = max(expected.map(abs).max() ?? 0, 1e-6)
  for (index, pair) in zip(found, expected).enumerated() {
    let isClose = abs(pair.0 - pair.1) <= tolerance * scale
    #expect(
      isClose, "\(what)[\(index)]: \(pair.0), expected \(pair.1)", sourceLocation: sourceLocation)
    if !isClose { return }
  }
}

@Suite struct FixtureTests {
  /// A trainer over a model whose loss is cross entropy and 0.01 of each balance.
  static func trainer(
    _ model: LanguageModel, _ parameters: ParameterStore, threads: Int = 2, clip: Double? = 1,
    optimizer: OptimizerGraph? = nil, policies: [String: Policy] = [:]
  ) throws -> Trainer {
    var builder = model
    var graph = try builder.build()
    let target = try graph.addTarget()
    let losses = try graph.graph.add(.logLoss, [graph.output, target])[0]
    let crossEntropy = try graph.graph.add(.sumRows(mean: true), losses)
    var objective = crossEntropy
    for balance in builder.balances {
      let term = try graph.graph.add(.binary(.multiply), balance, graph.graph.constant(0.01))
      objective = try graph.graph.add(.binary(.add), objective, term)
    }
    return try Trainer(
      graph, objective: objective,
      terms: [NamedValue(name: "crossEntropy", value: crossEntropy)],
      optimizer: try optimizer ?? adamW(rate: 1e-2, decay: 0.01), parameters: parameters,
      clip: clip, policies: policies, cpu: CPU(threads: threads))
  }

  @Test(arguments: ["dense_lm", "duo_lm"], [1, 2])
  func lossAndAllGradientsEqualPyTorch(_ name: String, _ threads: Int) throws {
    let fixture = try Fixture(name)
    let parameters = fixture.parameters
    let trainer = try Self.trainer(
      LanguageModel(small: name == "duo_lm" ? 4 : nil), parameters, threads: threads)
    let report = try trainer.step(fixture.batch)
    #expect(abs(report.loss - (try fixture.scalar("loss.total"))) < 1e-5)
    #expect(abs(report.terms[0].value - (try fixture.scalar("loss.crossEntropy"))) < 1e-5)
    for parameter in parameters.names {
      let found = try #require(trainer.gradient(parameter), "\(parameter)")
      // Zero in exact arithmetic: only its size can be held against anything.
      if parameter.hasSuffix("key.bias") {
        #expect(found.allSatisfy { abs($0) < 1e-6 })
      } else {
        expectClose(found, try fixture.tensor("gradient." + parameter).floats, 1e-4, parameter)
      }
    }
  }

  @Test func maskedDenseEqualsGathered() throws {
    let fixture = try Fixture("duo_lm")
    let masked = try Self.trainer(LanguageModel(small: 4, isMasked: true), fixture.parameters)
    let gathered = try Self.trainer(LanguageModel(small: 4), fixture.parameters)
    let (a, b) = (try masked.step(fixture.batch), try gathered.step(fixture.batch))
    #expect(abs(a.loss - b.loss) < 1e-6)
    for name in fixture.parameters.names where !name.hasSuffix("key.bias") {
      expectClose(
        try #require(gathered.gradient(name)), try #require(masked.gradient(name)), 1e-5, name)
    }
    #expect(gathered.flops < masked.flops)
  }

  @Test func threeStepsOfAdamWEqualPyTorch() throws {
    let fixture = try Fixture("dense_lm")
    let parameters = fixture.parameters
    let trainer = try Self.trainer(LanguageModel(), parameters)
    #expect(
      abs(try trainer.step(fixture.batch).gradientNorm - (try fixture.scalar("gradientNorm")))
        < 1e-4)
    _ = try trainer.step(fixture.batch)
    _ = try trainer.step(fixture.batch)
    for name in parameters.names where !name.hasSuffix("key.bias") {
      expectClose(
        try #require(parameters[name]).floats, try fixture.tensor("adamw." + name).floats, 1e-4,
        name)
    }
  }
}
