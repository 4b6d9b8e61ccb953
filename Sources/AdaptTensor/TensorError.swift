import AdaptPlatform

/// What can go wrong with tensors, their memory and their files.
public enum TensorError: Error, Sendable, Equatable, CustomStringConvertible {
  /// `bytes` of memory could not be had; `nil` when the size itself does not fit a number.
  case outOfMemory(bytes: Int?)
  /// A shape with a negative size.
  case invalidShape([Int])
  /// A shape that asks for `expected` elements, given `actual`.
  case elementCount(shape: [Int], expected: Int, actual: Int)
  /// An access as one element type to a tensor of another.
  case elementType(expected: ElementType, actual: ElementType)
  /// A file of tensors that does not keep to its format.
  case malformed(String)
  /// An operation of the file system that failed: what, on which path, and `errno`.
  case file(operation: String, path: String, code: Int32)

  public var description: String {
    switch self {
    case .outOfMemory(let bytes?): "not enough memory for \(bytes) bytes"
    case .outOfMemory(nil): "a size in bytes that exceeds every memory"
    case .invalidShape(let shape): "a shape has a negative size: \(shape)"
    case .elementCount(let shape, let expected, let actual):
      "shape \(shape) holds \(expected) elements, not \(actual)"
    case .elementType(let expected, let actual):
      "expected a tensor of \(expected.rawValue), found \(actual.rawValue)"
    case .malformed(let what): "malformed tensor file: \(what)"
    case .file(let operation, let path, let code):
      "cannot \(operation) \(path): \(systemMessage(code))"
    }
  }
}
