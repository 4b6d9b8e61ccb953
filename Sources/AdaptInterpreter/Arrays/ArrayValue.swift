import AdaptGraph
import AdaptTensor

/// A tensor of numbers that a script holds, with a name for each axis that has one.
///
/// Never changes: whoever has one keeps what it had. In a dry run only the shape is known.
public final class ArrayValue {
  public let type: TensorType
  /// One for each axis; nil for an axis without a name.
  public let axes: [String?]
  /// The numbers; nil in a dry run.
  public let tensor: Tensor?

  /// A tensor of numbers. Names that do not fit the axes are left out.
  public init(_ tensor: Tensor, axes: [String?] = []) {
    type = TensorType(tensor.shape, tensor.elementType)
    self.tensor = tensor
    self.axes = ArrayValue.fitting(axes, tensor.shape.count)
  }

  /// A tensor of which only the type is known.
  init(unknown type: TensorType, axes: [String?] = []) {
    self.type = type
    tensor = nil
    self.axes = ArrayValue.fitting(axes, type.dims.count)
  }

  /// The sizes, outermost first.
  public var shape: [Int] { type.dims }

  /// The number of a tensor without axes.
  public var scalar: Double? {
    guard shape.isEmpty, let tensor else { return nil }
    return ArrayValue.element(tensor, 0).asDouble
  }

  /// The same numbers under other names.
  func named(_ axes: [String?]) -> ArrayValue {
    guard let tensor else { return ArrayValue(unknown: type, axes: axes) }
    return ArrayValue(tensor, axes: axes)
  }

  /// The element at a place in row-major order, as a script's number.
  static func element(_ tensor: Tensor, _ index: Int) -> Value {
    switch tensor.elementType {
    case .float32: .number(Double(tensor.storage.floats[index]))
    case .int32: .int(Int(tensor.storage.integers[index]))
    }
  }

  /// All numbers, in double precision; none in a dry run.
  var doubles: [Double] {
    guard let tensor else { return [] }
    switch tensor.elementType {
    case .float32: return tensor.floats.map(Double.init)
    case .int32:
      return (0..<tensor.count).map { Double(tensor.storage.integers[$0]) }
    }
  }

  /// Exactly one name an axis.
  static func fitting(_ axes: [String?], _ rank: Int) -> [String?] {
    axes.count == rank ? axes : Array(repeating: nil, count: rank)
  }

  /// `[row: 2, column: 3] float32`.
  var shapeText: String {
    ArrayValue.text(of: shape, axes) + (type.element == .int32 ? " of integers" : "")
  }

  static func text(of shape: [Int], _ axes: [String?]) -> String {
    let parts = zip(shape, fitting(axes, shape.count)).map { size, name in
      name.map { "\($0): \(size)" } ?? "\(size)"
    }
    return "[\(parts.joined(separator: ", "))]"
  }
}

extension ElementType {
  /// As scripts write it.
  var scriptName: String {
    switch self {
    case .float32: "float32"
    case .int32: "int32"
    }
  }

  init?(scriptName: String) {
    guard let match = ElementType.allCases.first(where: { $0.scriptName == scriptName }) else {
      return nil
    }
    self = match
  }
}
