#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// The system's text for an `errno`.
func systemMessage(_ code: Int32) -> String {
  var buffer = [CChar](repeating: 0, count: 256)
  guard strerror_r(code, &buffer, buffer.count) == 0 else { return "error \(code)" }
  return buffer.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" }
}

/// The memory of this machine in bytes.
func physicalMemory() -> Int {
  let (bytes, overflow) = sysconf(Int32(_SC_PHYS_PAGES))
    .multipliedReportingOverflow(by: sysconf(Int32(_SC_PAGESIZE)))
  return overflow || bytes <= 0 ? Int.max : bytes
}

/// The processors this process may use.
func processorCount() -> Int { max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) }
