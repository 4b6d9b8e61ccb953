import AdaptRuntime
import AdaptTensor
import Foundation
import Testing

/// A file of `Fixtures/`: the parameters and batch of a model, and what PyTorch gives for them.
struct TorchFixture {
  let contents: SafeTensors.Contents

  init(_ name: String) throws {
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appending(path: "Fixtures/\(name).safetensors")
    contents = try SafeTensors.decode([UInt8](Data(contentsOf: file)))
  }

  func tensor(_ name: String) throws -> Tensor { try #require(contents[name], "\(name)") }

  func floats(_ name: String) throws -> [Float] { try tensor(name).floats }

  func text(_ name: String) throws -> String { try #require(contents.metadata[name], "\(name)") }

  /// The tensors called `kind.NAME`, by NAME.
  func all(_ kind: String) -> [(name: String, tensor: Tensor)] {
    let prefix = kind + "."
    return contents.entries.filter { $0.name.hasPrefix(prefix) }
      .map { (String($0.name.dropFirst(prefix.count)), $0.tensor) }
  }

  /// The batch of sequences whose lengths the file names.
  func batch() throws -> Batch {
    let lengths = try tensor("lengths").integers.map(Int.init)
    return RouterBench.batch(
      lengths, try tensor("tokens").integers, targets: try tensor("targets").integers)
  }

  /// Puts the file's parameters in a store, and expects them to be those of a model.
  func fill(_ parameters: ParameterStore, of model: ModelGraph) {
    for (name, tensor) in all("parameter") { parameters[name] = tensor }
    #expect(
      Set(model.graph.parameters.map(\.name)) == Set(parameters.names),
      "the language makes the very parameters that the fixture names")
  }
}

/// Expects each number within `tolerance` of the largest number there, which counts as `floor` at least.
func expectClose(
  _ found: [Float], _ expected: [Float], tolerance: Float = 1e-4, floor: Float = 1e-6,
  _ what: String
) {
  #expect(found.count == expected.count, "\(what)")
  let scale = max(expected.map(abs).max() ?? 0, floor)
  // So that NaN is not close to anything.
  let isFar = { (a: Float, b: Float) in !(abs(a - b) <= tolerance * scale) }
  for (index, (a, b)) in zip(found, expected).enumerated() where isFar(a, b) {
    Issue.record("\(what)[\(index)]: \(a), expected \(b)")
    return
  }
}
