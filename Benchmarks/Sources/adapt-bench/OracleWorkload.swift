import AdaptInterpreter
import AdaptRuntime
import AdaptTensor

/// The search for the best routing of a sequence.
final class OracleWorkload: Measurement {
  private let oracle: Oracle
  private let data: WorkloadData
  private let sequences: RowData
  private var result: OracleResult?

  init(_ script: WorkloadScript, _ options: Options, _ cpu: CPU) throws {
    let model = try script.inferenceGraph()
    data = try WorkloadData(script, for: model, file: options.weights)
    let (count, length) = (try script.count("sequences"), try script.count("length"))
    let lengths = Array(repeating: length, count: count)
    let ints = data.batch.ints
    func column(_ name: String) -> RowColumn {
      RowColumn(lengths: lengths, dims: [], ints: ints[name] ?? [])
    }
    sequences = RowData(
      name: "batch", format: .tokens(length: Double(length)), input: column(DataInput.input),
      target: column(DataInput.target), units: 0..<count)
    oracle = try Oracle(model, each: .sequence, length: length, cpu: cpu)
    _ = try step()
  }

  func step() throws -> Double {
    try seconds {
      result = try oracle.search(sequences, data.parameters, windows: sequences.count)
    }
  }

  func facts() -> [String: Any] {
    guard let result else { return [:] }
    return [
      "loss": result.unlimited.bitsPerByte, "labels": result.labels,
      "operations": result.operations,
    ]
  }
}
