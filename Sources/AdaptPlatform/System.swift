/// The system's text for an `errno`.
package func systemMessage(_ code: Int32) -> String {
  var buffer = [CChar](repeating: 0, count: 256)
  guard strerror_r(code, &buffer, buffer.count) == 0 else { return "error \(code)" }
  return buffer.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" }
}

/// Whether a path leads to a folder, links followed.
package func isFolder(_ path: String) -> Bool {
  var found = stat()
  return stat(path, &found) == 0 && found.st_mode & S_IFMT == S_IFDIR
}

/// The bytes of a plain file, links followed; nil for what is none.
package func plainFileSize(_ path: String) -> Int? {
  var found = stat()
  guard stat(path, &found) == 0, found.st_mode & S_IFMT == S_IFREG else { return nil }
  return Int(found.st_size)
}

/// The bytes of a plain file, links followed, read into their array at once; nil for what is none, is
/// larger, or cannot be read.
///
/// A file that shrinks meanwhile gives the bytes it still has, one that grows those it had.
package func plainFileBytes(_ path: String, atMost limit: Int) -> [UInt8]? {
  // Without waiting for who writes into what may have become a pipe.
  let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
  guard file >= 0 else { return nil }
  defer { close(file) }
  var found = stat()
  guard fstat(file, &found) == 0, found.st_mode & S_IFMT == S_IFREG, found.st_size <= limit else {
    return nil
  }
  var hasFailed = false
  let bytes = [UInt8](unsafeUninitializedCapacity: Int(found.st_size)) { buffer, filled in
    while filled < buffer.count, let base = buffer.baseAddress {
      let count = read(file, base + filled, buffer.count - filled)
      if count < 0, errno == EINTR { continue }
      hasFailed = count < 0
      guard count > 0 else { break }
      filled += count
    }
  }
  return hasFailed ? nil : bytes
}

/// Whether a path names a symbolic link.
package func isLink(_ path: String) -> Bool {
  var found = stat()
  return lstat(path, &found) == 0 && found.st_mode & S_IFMT == S_IFLNK
}

/// The memory of this machine in bytes.
public func physicalMemory() -> Int {
  let (bytes, overflow) = sysconf(Int32(_SC_PHYS_PAGES))
    .multipliedReportingOverflow(by: sysconf(Int32(_SC_PAGESIZE)))
  return overflow || bytes <= 0 ? Int.max : bytes
}

/// The memory that this process holds now, in bytes; 0 where the system does not tell.
public func residentMemory() -> Int {
  #if canImport(Darwin)
    var info = mach_task_basic_info()
    let size = MemoryLayout<mach_task_basic_info>.size / MemoryLayout<natural_t>.size
    var count = mach_msg_type_number_t(size)
    let status = withUnsafeMutablePointer(to: &info) {
      $0.withMemoryRebound(to: integer_t.self, capacity: size) {
        task_info(mach_task_self_, task_flavor_t(MACH_TASK_BASIC_INFO), $0, &count)
      }
    }
    return status == KERN_SUCCESS ? Int(clamping: info.resident_size) : 0
  #else
    // The second number is the resident pages.
    let words = smallFile("/proc/self/statm")?.split(separator: UInt8(ascii: " ")) ?? []
    guard words.count > 1, let pages = Int(String(decoding: words[1], as: UTF8.self)) else {
      return 0
    }
    return pages.multipliedReportingOverflow(by: sysconf(Int32(_SC_PAGESIZE))).partialValue
  #endif
}
