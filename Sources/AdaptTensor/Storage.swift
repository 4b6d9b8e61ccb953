import AdaptPlatform

/// Owner of a block of memory: 64-byte aligned, zeroed, freed with its last reference.
///
/// The owner does not guard the bytes: whoever hands a storage to several threads sees to it that
/// nobody writes while others read. `Tensor` does so by copying before it writes to a storage it
/// shares.
public final class Storage: @unchecked Sendable {
  /// The first byte. Valid, and not null, also when `byteCount` is 0.
  public let pointer: UnsafeMutableRawPointer
  /// How many bytes may be used.
  public let byteCount: Int

  /// A block of `byteCount` bytes, zero unless the caller writes all of them anyway.
  ///
  /// Throws `TensorError.outOfMemory` when `byteCount` is negative or more than this machine has.
  public init(byteCount: Int, zeroed: Bool = true) throws(TensorError) {
    // The system promises memory it does not have and kills the process at the first touch, so a
    // size beyond the machine's memory is refused here.
    guard byteCount >= 0, byteCount <= Storage.small || byteCount <= physicalMemory() else {
      throw .outOfMemory(bytes: byteCount < 0 ? nil : byteCount)
    }
    var block: UnsafeMutableRawPointer?
    guard posix_memalign(&block, 64, max(byteCount, 64)) == 0, let block else {
      throw .outOfMemory(bytes: byteCount)
    }
    if zeroed { memset(block, 0, max(byteCount, 64)) }
    self.pointer = block
    self.byteCount = byteCount
  }

  /// A block of `floatCount` float32 zeros. Throws as `init(byteCount:zeroed:)`.
  public convenience init(floatCount: Int, zeroed: Bool = true) throws(TensorError) {
    let (bytes, overflow) = floatCount.multipliedReportingOverflow(by: 4)
    guard !overflow else { throw .outOfMemory(bytes: nil) }
    try self.init(byteCount: bytes, zeroed: zeroed)
  }

  /// Bytes that every machine has; asking the system takes longer than to fill so many.
  private static let small = 1 << 20

  deinit { free(pointer) }

  /// The block as float32.
  public var floats: UnsafeMutablePointer<Float> {
    pointer.assumingMemoryBound(to: Float.self)
  }

  /// The block as int32.
  public var integers: UnsafeMutablePointer<Int32> {
    pointer.assumingMemoryBound(to: Int32.self)
  }
}
