import AdaptGraph
import AdaptTensor

/// The trained tensors of a model, by their dotted names, in the order they were made.
///
/// A parameter starts from numbers that follow from the seed and its own name only, so adding a layer
/// does not change how the others start.
public final class ParameterStore {
  public let seed: UInt64
  public private(set) var names: [String] = []
  private var tensors: [String: Tensor] = [:] {
    didSet { version += 1 }
  }
  /// Another number after every change.
  private(set) var version = 0

  public init(seed: UInt64 = 0) { self.seed = seed }

  /// Another store of the same values; what happens to one does not change the other.
  public func copy() -> ParameterStore {
    let result = ParameterStore(seed: seed)
    (result.names, result.tensors) = (names, tensors)
    return result
  }

  /// Makes the parameters of a model that do not exist yet.
  /// - Throws: ``RuntimeError/badInput(_:)`` when one exists in another shape.
  public func ensure(_ model: ModelGraph) throws {
    for info in model.graph.parameters where tensors[info.name] == nil {
      if let start = model.starts[info.name] { self[info.name] = start }
    }
    try ensure(model.graph.parameters)
  }

  /// Makes the parameters that do not exist yet.
  /// - Throws: ``RuntimeError/badInput(_:)`` when one exists in another shape.
  public func ensure(_ infos: [ParameterInfo]) throws {
    for info in infos {
      if let tensor = tensors[info.name] {
        guard tensor.shape == info.shape else {
          throw RuntimeError.badInput(
            "parameter \(info.name) is \(tensor.shape) here and \(info.shape) in the model")
        }
      } else {
        tensors[info.name] = try initial(info)
        names.append(info.name)
      }
    }
  }

  /// A parameter's value; setting one that does not exist adds it.
  public subscript(name: String) -> Tensor? {
    get { tensors[name] }
    set {
      if tensors[name] == nil, newValue != nil { names.append(name) }
      if newValue == nil { names.removeAll { $0 == name } }
      tensors[name] = newValue
    }
  }

  /// Numbers in all parameters together.
  public var count: Int { tensors.values.reduce(0) { $0 + $1.count } }

  /// The memory of a parameter, for reading during one run.
  func pointer(_ info: ParameterInfo) throws -> UnsafeMutableRawPointer {
    guard let tensor = tensors[info.name], tensor.shape == info.shape else {
      throw RuntimeError.missingParameter(info.name)
    }
    return tensor.storage.pointer
  }

  private func initial(_ info: ParameterInfo) throws -> Tensor {
    let count = info.shape.reduce(1, *)
    var random = Philox(seed: seed, stream: info.name)
    let values = [Float](unsafeUninitializedCapacity: count) { values, filled in
      let numbers = UnsafeMutableBufferPointer(rebasing: values[..<count])
      switch info.initial {
      case .constant(let value): numbers.update(repeating: Float(value))
      case .normal(let deviation):
        random.fillNormalsSingly(numbers)
        for i in numbers.indices { numbers[i] *= Float(deviation) }
      case .uniform(let bound):
        random.fillUniform(numbers)
        for i in numbers.indices { numbers[i] = (2 * numbers[i] - 1) * Float(bound) }
      }
      filled = count
    }
    return try Tensor(info.shape, values)
  }

  /// Calls `body` with the memory of a parameter, for reading and writing in place.
  func withMutable<R>(_ name: String, _ body: (UnsafeMutablePointer<Float>, Int) throws -> R) throws
    -> R
  {
    guard var tensor = tensors.removeValue(forKey: name) else {
      throw RuntimeError.missingParameter(name)
    }
    // Taken out while it is written, so that the tensor is not copied; put back whatever happens.
    defer { tensors[name] = tensor }
    return try tensor.withMutableFloats { buffer in
      guard let base = buffer.baseAddress else { throw RuntimeError.missingParameter(name) }
      return try body(base, buffer.count)
    }
  }

  /// Calls `body` with the memory of several parameters, each named once, for reading and writing in place.
  func withMutable<R>(
    all names: [String], _ body: ([UnsafeMutableBufferPointer<Float>]) throws -> R
  ) throws -> R {
    for name in names where tensors[name] == nil { throw RuntimeError.missingParameter(name) }
    // Taken out as above; they hold their memory until they are put back.
    var taken = names.compactMap { tensors.removeValue(forKey: $0) }
    defer { for (name, tensor) in zip(names, taken) { tensors[name] = tensor } }
    return try body(taken.indices.map { try taken[$0].withMutableFloats { $0 } })
  }
}
