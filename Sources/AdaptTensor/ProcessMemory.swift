import CAdaptKernels

/// How this process takes memory from the system.
public enum ProcessMemory {
  /// Suits the C library's memory to programs that run scripts: a script runs on a thread of its own and
  /// does nearly all the allocating, and tensors and files come and go.
  ///
  /// For programs that are about scripts, such as `adapt`, to be called before the first thread starts;
  /// other hosts may want the library's own ways. At most 64 MiB that are free stay with the process.
  public static func keepFreed() { adapt_memory_keep() }
}
