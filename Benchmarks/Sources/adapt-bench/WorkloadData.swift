import AdaptGraph
import AdaptRuntime
import AdaptTensor

/// The weights and the batch that a workload runs on: the rival's, or numbers of our own.
struct WorkloadData {
  let parameters = ParameterStore(seed: 1)
  private(set) var batch: Batch
  /// What the rival gave for it.
  private(set) var expected: Tensor?

  /// - Parameter file: the rival's; what it does not have of the model starts from its initializer.
  init(_ script: WorkloadScript, for model: ModelGraph, file: String?) throws {
    batch = Batch(layout: try script.layout())
    if let file { try read(file) } else { draw(try script.input(), try script.classes()) }
    try parameters.ensure(model)
  }

  private mutating func read(_ path: String) throws {
    for entry in try SafeTensors.decode(contents(of: path)).entries {
      switch entry.name {
      case "output": expected = entry.tensor
      case DataInput.input, DataInput.target: try feed(entry.tensor, as: entry.name)
      default: parameters[String(entry.name.dropFirst("parameter.".count))] = entry.tensor
      }
    }
  }

  private mutating func feed(_ tensor: Tensor, as name: String) throws {
    switch tensor.elementType {
    case .float32: batch.floats[name] = tensor.floats
    case .int32: batch.ints[name] = try tensor.integers
    }
  }

  /// The same every time.
  private mutating func draw(_ format: RowFormat, _ classes: Int) {
    var random = Philox(seed: 2, stream: "input")
    let rows = batch.layout.rows
    func integers(_ random: inout Philox) -> [Int32] {
      (0..<rows).map { _ in Int32(random.next(below: classes)) }
    }
    switch format.element {
    case .int32: batch.ints[DataInput.input] = integers(&random)
    case .float32:
      let count = rows * format.dims.reduce(1, *)
      batch.floats[DataInput.input] = (0..<count).map { _ in random.normal() }
    }
    batch.ints[DataInput.target] = integers(&random)
  }

  /// How far numbers are from what the rival gave: the largest difference, relative to its largest
  /// number; nil without a rival.
  func difference(of numbers: UnsafeBufferPointer<Float>) -> Double? {
    guard let wanted = expected?.floats else { return nil }
    guard wanted.count == numbers.count else { return .greatestFiniteMagnitude }
    let largest = wanted.reduce(0) { max($0, abs($1)) }
    let difference = zip(wanted, numbers).reduce(Float(0)) { max($0, abs($1.0 - $1.1)) }
    return Double(difference / max(largest, .leastNormalMagnitude))
  }
}
