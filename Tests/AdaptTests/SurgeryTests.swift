import Adapt
import AdaptGraph
import AdaptInterpreter
import AdaptRuntime
import AdaptTensor
import Foundation
import Testing

/// Models that were changed after they were written: what training does to their parameters, and what
/// a file keeps of them.
@Suite struct SurgeryTests {
  static let model = """
    layer Block(hidden) { residual { Norm() >> FFN(hidden) } }
    model LM(width = 8, depth = 2) {
      Embedding(32, width)
      repeat depth { Block(16) }
      Linear(32)
    }
    let lm = LM()
    let optimizer = AdamW(1e-2)

    """

  /// A trainer of a script's model from the parameters that `values` gives by name, after one step.
  private func trained(_ surgery: String, _ values: (ParameterInfo) throws -> Tensor) throws -> (
    trainer: Trainer, parameters: ParameterStore
  ) {
    let engine = try Engine(running: Self.model + surgery)
    let objective = try engine.interpreter.objectiveGraph(
      of: engine.flow("lm"), minimizing: "minimize crossEntropy", length: 6)
    let parameters = ParameterStore()
    for info in objective.model.graph.parameters { parameters[info.name] = try values(info) }
    let trainer = try Trainer(
      objective.model, objective: objective.total, terms: objective.terms,
      optimizer: engine.optimizer(), parameters: parameters, clip: nil,
      cpu: CPU(threads: 1))
    let tokens = (0..<12).map { Int32($0 * 7 % 32) }
    _ = try trainer.step(
      Batch(
        layout: RowLayout(groups: 2, length: 6),
        ints: ["input": tokens, "target": tokens.map { ($0 + 3) % 32 }]))
    return (trainer, parameters)
  }

  /// Numbers that follow from the name, the same for both blocks.
  private func values(_ info: ParameterInfo) throws -> Tensor {
    let name = info.name.replacingOccurrences(of: "blocks[1]", with: "blocks[0]")
    var random = Philox(seed: 3, stream: name)
    return try Tensor(info.shape, (0..<info.shape.reduce(1, *)).map { _ in 0.3 * random.normal() })
  }

  @Test func frozenParametersHaveNoGradientAndStayBitForBit() throws {
    let (trainer, parameters) = try trained(
      "freeze(lm, \"embedding\")\nfreeze(lm, \"blocks[*].ffn.up.weight\")", values)
    let (free, _) = try trained("", values)
    for info in parameters.names {
      let isFrozen = info == "embedding.table" || info.hasSuffix("up.weight")
      #expect((trainer.gradient(info) == nil) == isFrozen, "\(info)")
      // What is trained gets the gradient it would get anyway.
      if !isFrozen { #expect(trainer.gradient(info) == free.gradient(info), "\(info)") }
      guard isFrozen, let now = parameters[info] else { continue }
      #expect(try now == values(ParameterInfo(name: info, shape: now.shape, initial: .normal(1))))
    }
    #expect(trainer.flops < free.flops)
  }

  @Test func theGradientOfASharedParameterIsTheSumOverItsPlaces() throws {
    let (apart, all) = try trained("", values)
    let (shared, few) = try trained(
      "share(lm, \"blocks[1]\", with: \"blocks[0]\")", values)
    #expect(Set(few.names) == Set(all.names.filter { !$0.hasPrefix("blocks[1]") }))
    for name in few.names {
      var expected = try #require(apart.gradient(name))
      let other = name.replacingOccurrences(of: "blocks[0]", with: "blocks[1]")
      if other != name {
        expected = zip(expected, try #require(apart.gradient(other))).map { $0 + $1 }
      }
      let found = try #require(shared.gradient(name))
      let scale = expected.map(abs).max() ?? 0
      // The order of the sum is another one.
      for (a, b) in zip(found, expected) {
        #expect(abs(a - b) <= 1e-5 * max(scale, 1e-3), "\(name)")
      }
    }
  }

  @Test func aReplacedLayerIsTheLayerWrittenThere() throws {
    let (replaced, names) = try trained(
      "replace(lm, \"blocks[*].ffn\", with: FFN(4))", values)
    #expect(names["blocks[1].ffn.up.weight"]?.shape == [8, 4])
    let written = Self.model.replacingOccurrences(of: "Block(16)", with: "Block(4)")
    let engine = try Engine(running: written)
    let graph = try engine.interpreter.trace(engine.flow("lm"), input: .tokens, mode: .training)
    #expect(graph.graph.parameters.map(\.name) == names.names)
    #expect(replaced.gradient("blocks[0].ffn.down.weight") != nil)
  }

  @Test func checkingAScriptLeavesTheModelsOfEarlierRunsAsTheyAre() throws {
    let engine = try Engine(running: Self.model)
    let change = """
      replace(lm, "blocks[*].ffn", with: FFN(3))
      freeze(lm, "embedding")
      share(lm, "blocks[1].norm", with: "blocks[0].norm")
      setParameter(lm, "linear.bias", zeros([32]))
      expect lm.parameter("blocks[1].ffn.up.bias").shape == [3]

      """
    #expect(engine.check(Array(change.utf8), name: "change.adapt").isEmpty)
    let lm = try engine.flow("lm")
    let graph = try engine.interpreter.trace(lm, input: .tokens, mode: .training)
    #expect(graph.frozen.isEmpty)
    #expect(graph.graph.parameters.contains { $0.name == "blocks[1].norm.gain" })
    #expect(
      graph.graph.parameters.first { $0.name == "blocks[1].ffn.up.bias" }?.shape == [16])
    try engine.run(Array(change.utf8), name: "change.adapt")
    let changed = try engine.interpreter.trace(lm, input: .tokens, mode: .training)
    #expect(changed.frozen == ["embedding.table"])
  }

  @Test func aFileKeepsAModelAfterSurgery() throws {
    let folder = try Folder()
    let tool = CommandLineTool(in: folder)
    let verse = "In the beginning God created the heaven and the earth. "
    try folder.write("book.txt", String(repeating: verse, count: 40))
    let begin =
      Self.model.replacingOccurrences(of: "32", with: "256") + """
        let book = text("book.txt").bytes().windows(8)
        replace(lm, "blocks[0].ffn", with: FFN(3))
        share(lm, "blocks[1].norm", with: "blocks[0].norm")
        freeze(lm, "embedding")

        """
    let end =
      "print evaluate(lm, on: book.valid).bits_per_byte, lm.parameter(\"blocks[1].norm.gain\")\n"
    try folder.write(
      "save.adapt",
      begin + "train(lm, on: book.train, steps: 3)\nsave(lm, to: \"lm.safetensors\")\n" + end)
    try folder.write("load.adapt", begin + "load(lm, from: \"lm.safetensors\")\n" + end)
    let saved = try tool.run("run", "save.adapt")
    let loaded = try tool.run("run", "load.adapt")
    #expect(saved.status == 0, "\(saved.errors)")
    #expect(loaded.status == 0, "\(loaded.errors)")
    #expect(!saved.output.isEmpty)
    #expect(saved.output == loaded.output)
    let file = try SafeTensors.decode(folder.read("lm.safetensors"))
    #expect(file["blocks[1].norm.gain"] == nil)
    #expect(file["blocks[0].ffn.up.weight"]?.shape == [8, 3])
  }
}
