/// The processors this process may use: those that run, that it is bound to, and that its control
/// groups pay for.
package func processorCount() -> Int {
  // What a process is bound to may name processors that do not run.
  let running = max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
  return [running, boundProcessorCount(), ControlGroups.processors()].compactMap { $0 }.min()
    ?? running
}

/// The processors this process is bound to; nil where the system does not tell.
private func boundProcessorCount() -> Int? {
  let status = smallFile("/proc/self/status").map { String(decoding: $0, as: UTF8.self) } ?? ""
  let name = "Cpus_allowed:"
  guard let line = status.split(separator: "\n").first(where: { $0.hasPrefix(name) }) else {
    return nil
  }
  // A bit a processor, in hexadecimal digits.
  let count = line.dropFirst(name.count).reduce(0) { $0 + ($1.hexDigitValue?.nonzeroBitCount ?? 0) }
  return count > 0 ? count : nil
}

/// What Linux grants a group of processes, as containers are.
package enum ControlGroups {
  /// Processors' worth of time that this process gets, rounded up; nil where nothing bounds it.
  static func processors() -> Int? {
    #if os(Linux)
      let groups = text("/proc/self/cgroup") ?? ""
      return folders(groups).compactMap { quota(inFolder: $0) }.min()
    #else
      return nil
    #endif
  }

  /// The folders that may bound this process's time, by what `/proc/self/cgroup` says: each group is
  /// bounded by those around it too.
  package static func folders(_ groups: String) -> [String] {
    groups.split(separator: "\n").flatMap { line -> [String] in
      // number:controllers:path; the second version has no controllers.
      let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard parts.count == 3 else { return [] }
      let controllers = parts[1].split(separator: ",")
      guard parts[1].isEmpty || controllers.contains("cpu") else { return [] }
      let root = parts[1].isEmpty ? "/sys/fs/cgroup" : "/sys/fs/cgroup/cpu"
      var names = parts[2].split(separator: "/").filter { $0 != ".." }
      var folders = [root]
      while !names.isEmpty {
        folders.append(root + "/" + names.joined(separator: "/"))
        names.removeLast()
      }
      return folders
    }
  }

  /// What the files of either version say in a folder.
  private static func quota(inFolder folder: String) -> Int? {
    if let both = text(folder + "/cpu.max") { return quota(both) }
    guard let quota = text(folder + "/cpu.cfs_quota_us"),
      let period = text(folder + "/cpu.cfs_period_us")
    else { return nil }
    return self.quota(quota + " " + period)
  }

  /// Processors of a time and the period it is for, in microseconds: `150000 100000` is 2. Nil for a
  /// time without a bound, `max` or `-1`, and for what is no such text.
  package static func quota(_ text: String) -> Int? {
    let words = text.split { $0.isWhitespace }
    guard words.count == 2, let time = Int(words[0]), let period = Int(words[1]), time > 0,
      period > 0
    else { return nil }
    return time / period + (time % period == 0 ? 0 : 1)
  }

  private static func text(_ path: String) -> String? {
    smallFile(path).map { String(decoding: $0, as: UTF8.self) }
  }
}

/// The first bytes of a file that the system makes as it is read; nil where there is none.
func smallFile(_ path: String) -> [UInt8]? {
  let file = open(path, O_RDONLY | O_CLOEXEC)
  guard file >= 0 else { return nil }
  defer { close(file) }
  var buffer = [UInt8](repeating: 0, count: 4096)
  let length = read(file, &buffer, buffer.count)
  return length < 0 ? nil : Array(buffer.prefix(length))
}
