/// The type of a tensor's elements; the raw value is its name in safetensors files.
public enum ElementType: String, Sendable, CaseIterable {
  case float32 = "F32"
  case int32 = "I32"

  /// Bytes of one element.
  public var size: Int { 4 }
}

/// A value: a shape, an element type, and row-major contiguous elements.
///
/// Copies share their storage until one of them is written to.
public struct Tensor: Sendable {
  /// The sizes, outermost first; empty for a single number.
  public let shape: [Int]
  /// The type of the elements.
  public let elementType: ElementType
  /// How many elements there are: the product of the shape.
  public let count: Int
  /// The memory that holds the elements. Not to be written to but through this type.
  public private(set) var storage: Storage

  /// Zeros. Throws `invalidShape` for a negative size and `outOfMemory`.
  public init(zeros shape: [Int], elementType: ElementType = .float32) throws(TensorError) {
    self.count = try Tensor.count(of: shape)
    self.shape = shape
    self.elementType = elementType
    self.storage = try Storage(floatCount: count)
  }

  /// Memory that the caller fills at once. Throws as `init(zeros:)`.
  private init(unfilled shape: [Int], elementType: ElementType) throws(TensorError) {
    self.count = try Tensor.count(of: shape)
    self.shape = shape
    self.elementType = elementType
    self.storage = try Storage(floatCount: count, zeroed: false)
  }

  /// The float32 tensor with these elements in row-major order. Throws as `init(zeros:)`, and
  /// `elementCount` when their number is not the shape's.
  public init(_ shape: [Int], _ floats: [Float]) throws(TensorError) {
    try self.init(unfilled: shape, elementType: .float32)
    try expect(floats.count)
    floats.withUnsafeBufferPointer { storage.copy(UnsafeRawBufferPointer($0)) }
  }

  /// The int32 tensor with these elements in row-major order. Throws as `init(_:_:)`.
  public init(_ shape: [Int], integers: [Int32]) throws(TensorError) {
    try self.init(unfilled: shape, elementType: .int32)
    try expect(integers.count)
    integers.withUnsafeBufferPointer { storage.copy(UnsafeRawBufferPointer($0)) }
  }

  /// A tensor with the bytes of its elements. Throws as `init(_:_:)`.
  public init(_ shape: [Int], elementType: ElementType, bytes: UnsafeRawBufferPointer)
    throws(TensorError)
  {
    try self.init(unfilled: shape, elementType: elementType)
    guard bytes.count == byteCount else {
      throw .elementCount(
        shape: shape, expected: count, actual: bytes.count / elementType.size)
    }
    storage.copy(bytes)
  }

  /// A tensor over memory that its maker has filled and writes no more.
  ///
  /// Throws `invalidShape`, `outOfMemory`, and `elementCount` when the memory is too small.
  package init(_ shape: [Int], elementType: ElementType, storage: Storage) throws(TensorError) {
    let count = try Tensor.count(of: shape)
    guard count <= storage.byteCount / elementType.size else {
      throw .elementCount(
        shape: shape, expected: count, actual: storage.byteCount / elementType.size)
    }
    self.init(shape: shape, elementType: elementType, count: count, storage: storage)
  }

  /// Bytes of all elements.
  public var byteCount: Int { count * elementType.size }

  /// The elements as float32, converted if they are int32.
  public var floats: [Float] {
    switch elementType {
    case .float32: Array(UnsafeBufferPointer(start: storage.floats, count: count))
    case .int32: UnsafeBufferPointer(start: storage.integers, count: count).map(Float.init)
    }
  }

  /// The elements of an int32 tensor; throws `elementType` for another.
  public var integers: [Int32] {
    get throws(TensorError) {
      try expect(.int32)
      return Array(UnsafeBufferPointer(start: storage.integers, count: count))
    }
  }

  /// Calls `body` with the elements of a float32 tensor; throws `elementType` for another, and
  /// what `body` throws.
  public func withFloats<R>(_ body: (UnsafeBufferPointer<Float>) throws -> R) throws -> R {
    try expect(.float32)
    defer { withExtendedLifetime(storage) {} }
    return try body(UnsafeBufferPointer(start: storage.floats, count: count))
  }

  /// As `withFloats`, for writing. Copies the elements first when another tensor shares them;
  /// throws `outOfMemory` when that fails.
  public mutating func withMutableFloats<R>(
    _ body: (UnsafeMutableBufferPointer<Float>) throws -> R
  ) throws -> R {
    try expect(.float32)
    try makeUnique()
    defer { withExtendedLifetime(storage) {} }
    return try body(UnsafeMutableBufferPointer(start: storage.floats, count: count))
  }

  /// Calls `body` with the bytes of the elements; throws what `body` throws.
  public func withBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
    defer { withExtendedLifetime(storage) {} }
    return try body(UnsafeRawBufferPointer(start: storage.pointer, count: byteCount))
  }

  /// The same elements in another shape. Throws as `init(_:_:)`.
  public func reshaped(_ shape: [Int]) throws(TensorError) -> Tensor {
    let expected = try Tensor.count(of: shape)
    guard expected == count else {
      throw .elementCount(shape: shape, expected: expected, actual: count)
    }
    return Tensor(shape: shape, elementType: elementType, count: count, storage: storage)
  }

  /// The number of elements of a shape. Throws `invalidShape` for a negative size and
  /// `outOfMemory` when the product is no number.
  public static func count(of shape: [Int]) throws(TensorError) -> Int {
    guard shape.allSatisfy({ $0 >= 0 }) else { throw .invalidShape(shape) }
    // A zero anywhere makes it 0, also where the other sizes alone would not fit.
    if shape.contains(0) { return 0 }
    var count = 1
    for size in shape {
      let (product, overflow) = count.multipliedReportingOverflow(by: size)
      guard !overflow else { throw .outOfMemory(bytes: nil) }
      count = product
    }
    return count
  }

  private init(shape: [Int], elementType: ElementType, count: Int, storage: Storage) {
    self.shape = shape
    self.elementType = elementType
    self.count = count
    self.storage = storage
  }

  private mutating func makeUnique() throws(TensorError) {
    guard !isKnownUniquelyReferenced(&storage) else { return }
    let copy = try Storage(byteCount: byteCount, zeroed: false)
    copy.copy(UnsafeRawBufferPointer(start: storage.pointer, count: byteCount))
    storage = copy
  }

  private func expect(_ type: ElementType) throws(TensorError) {
    guard elementType == type else { throw .elementType(expected: type, actual: elementType) }
  }

  private func expect(_ actual: Int) throws(TensorError) {
    guard actual == count else {
      throw .elementCount(shape: shape, expected: count, actual: actual)
    }
  }
}

extension Storage {
  /// Copies as many of `bytes` as fit.
  fileprivate func copy(_ bytes: UnsafeRawBufferPointer) {
    guard let source = bytes.baseAddress else { return }
    pointer.copyMemory(from: source, byteCount: min(bytes.count, byteCount))
  }
}

extension Tensor: Equatable {
  /// Same shape, type and bits: NaN equals itself, and 0 differs from -0.
  public static func == (a: Tensor, b: Tensor) -> Bool {
    guard a.shape == b.shape, a.elementType == b.elementType else { return false }
    return a.withBytes { x in b.withBytes { y in x.elementsEqual(y) } }
  }
}
