import AdaptInterpreter
import AdaptRuntime
import AdaptTensor

/// A language model that writes behind prompts, all side by side, the likeliest byte each time.
final class GenerationWorkload: Measurement {
  private let generator: Generator
  private let data: WorkloadData
  private let prompts: [[UInt8]]
  private let count: Int
  private let bandwidth: Double
  private var written: [[UInt8]] = []

  init(_ script: WorkloadScript, _ options: Options, _ cpu: CPU) throws {
    let model = try script.inferenceGraph()
    data = try WorkloadData(script, for: model, file: options.weights)
    bandwidth = Machine(cpu: cpu).bandwidth()
    let length = try script.count("length")
    count = try script.count("count")
    let bytes = (data.batch.ints[DataInput.input] ?? []).map { UInt8(clamping: $0) }
    prompts = stride(from: 0, to: bytes.count, by: length).map { Array(bytes[$0..<$0 + length]) }
    generator = try Generator(model, window: length + count, cpu: cpu)
    _ = try step()
  }

  func step() throws -> Double {
    try seconds {
      let tasks = prompts.map { WritingTask(after: $0, count: count, seed: 0) }
      written = try generator.generate(tasks, temperature: 0, data.parameters).map(\.bytes)
    }
  }

  func facts() throws -> [String: Any] {
    // Each weight is read at least once for every byte that is written, however many prompts there are.
    var facts: [String: Any] = [
      "bytes_read": 4 * data.parameters.count * count, "bandwidth": bandwidth,
    ]
    if let expected = try data.expected?.integers {
      let bytes = written.joined().map { Int32($0) }
      facts["difference"] = bytes == expected ? 0.0 : 1.0
    }
    return facts
  }
}
