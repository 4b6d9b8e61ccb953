import Adapt
import AdaptGraph
import AdaptInterpreter
import AdaptRuntime
import Foundation

/// A script of `workloads/`, run, and the record that its function `workload` gives.
struct WorkloadScript {
  let engine: Engine
  private let record: RecordValue

  init(_ options: Options) throws {
    engine = Engine(Engine.Options(output: { FileHandle.standardError.write(Data($0.utf8)) }))
    try engine.run(contents(of: options.script), name: options.script)
    let call = "workload(\(options.settings.joined(separator: ", ")))"
    guard case .record(let record)? = try engine.evaluate(call) else {
      throw RuntimeError.badInput("\(call) gives no record")
    }
    self.record = record
  }

  func text(_ name: String) throws -> String {
    guard case .string(let text)? = record[name] else { throw missing(name, "a string") }
    return text
  }

  func count(_ name: String) throws -> Int {
    guard case .int(let count)? = record[name] else { throw missing(name, "an integer") }
    return count
  }

  /// How many classes integer inputs and targets have: bytes, unless it says otherwise.
  func classes() throws -> Int { record["classes"] == nil ? 256 : try count("classes") }

  func model() throws -> Flow {
    guard case .flow(let flow)? = record["model"] else { throw missing("model", "a model") }
    return flow
  }

  /// The model as it runs on the input.
  func inferenceGraph() throws -> ModelGraph {
    try engine.interpreter.trace(model(), input: .rows(input()), mode: .inference)
  }

  func optimizer() throws -> OptimizerInstance {
    guard case .object(let object)? = record["optimizer"],
      let optimizer = object as? OptimizerInstance
    else { throw missing("optimizer", "an optimizer") }
    return optimizer
  }

  /// What a row of the input is.
  func input() throws -> RowFormat {
    guard let format = RowFormat(try text("input")) else {
      throw missing("input", "such as [sequence, token] of integers")
    }
    return format
  }

  /// The groups of the input: sequences of one length, or samples.
  func layout() throws -> RowLayout {
    RowLayout(groups: try count("sequences"), length: try count("length"))
  }

  private func missing(_ name: String, _ what: String) -> RuntimeError {
    RuntimeError.badInput("a workload's \(name) is \(what)")
  }
}
