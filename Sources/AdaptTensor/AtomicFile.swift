import AdaptPlatform

/// Files that are either the old one or the new one, never a part of either.
public enum AtomicFile {
  /// Writes `bytes` to a new file beside `path`, forces it to the disk, gives it the name, and
  /// forces the directory to the disk. A link is followed; an existing file's permissions stay.
  ///
  /// Throws `TensorError.file`. Then the file at `path` is what it was and the new one is
  /// removed, unless it was the last step that failed: then the new file is in place, but a loss
  /// of power may undo that.
  public static func write(_ bytes: [UInt8], to path: String) throws(TensorError) {
    let target = resolved(path)
    let directory = parent(of: target)
    let (descriptor, temporary, isNamed) = try create(beside: target)
    do throws(TensorError) {
      try fill(descriptor, temporary, isNamed, bytes, permissionsOf: target)
      guard rename(temporary, target) == 0 else { throw failure("replace", target) }
    } catch {
      unlink(temporary)
      throw error
    }
    try synchronize(directory)
  }

  /// Opens a new file, and a name for it that nobody else uses.
  ///
  /// Where the system can, the file has no name until it is whole: then a process that is killed while
  /// it writes leaves nothing behind.
  private static func create(beside target: String) throws(TensorError) -> (Int32, String, Bool) {
    for _ in 0..<16 {
      let tag = String(UInt64.random(in: 0 ... .max), radix: 36)
      let name = parent(of: target) + "/.adapt-" + tag
      #if os(Linux)
        let nameless = open(parent(of: target), temporaryFile | O_WRONLY | O_CLOEXEC, 0o666)
        if nameless >= 0 { return (nameless, name, false) }
      #endif
      let descriptor = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
      if descriptor >= 0 { return (descriptor, name, true) }
      guard errno == EEXIST || errno == EINTR else { break }
    }
    throw failure("create a file beside", target)
  }

  #if os(Linux)
    /// `O_TMPFILE` of the kernel, a macro that Swift does not import.
    private static let temporaryFile: Int32 = 0o20_000_000 | O_DIRECTORY

    /// Gives a file without a name one.
    private static func link(_ descriptor: Int32, as name: String) -> Bool {
      linkat(AT_FDCWD, "/proc/self/fd/\(descriptor)", AT_FDCWD, name, AT_SYMLINK_FOLLOW) == 0
    }
  #endif

  /// Writes, forces to the disk, names and closes; closes on every way out.
  private static func fill(
    _ descriptor: Int32, _ name: String, _ isNamed: Bool, _ bytes: [UInt8],
    permissionsOf target: String
  ) throws(TensorError) {
    var open = true
    defer { if open { close(descriptor) } }
    var old = stat()
    if stat(target, &old) == 0 { fchmod(descriptor, old.st_mode & 0o7777) }
    guard writeAll(descriptor, bytes) else { throw failure("write", name) }
    guard fsync(descriptor) == 0 else { throw failure("write", name) }
    #if os(Linux)
      if !isNamed {
        guard link(descriptor, as: name) else { throw failure("name a file beside", target) }
      }
    #endif
    open = false
    guard close(descriptor) == 0 else { throw failure("write", name) }
  }

  private static func writeAll(_ descriptor: Int32, _ bytes: [UInt8]) -> Bool {
    bytes.withUnsafeBytes { buffer in
      var done = 0
      while done < buffer.count {
        let piece = UnsafeRawBufferPointer(rebasing: buffer[done...])
        let n = writeSome(descriptor, piece)
        if n < 0 && errno == EINTR { continue }
        guard n > 0 else { return false }
        done += n
      }
      return true
    }
  }

  private static func writeSome(_ descriptor: Int32, _ piece: UnsafeRawBufferPointer) -> Int {
    #if canImport(Darwin)
      Darwin.write(descriptor, piece.baseAddress, min(piece.count, 1 << 30))
    #elseif canImport(Musl)
      Musl.write(descriptor, piece.baseAddress, min(piece.count, 1 << 30))
    #else
      Glibc.write(descriptor, piece.baseAddress, min(piece.count, 1 << 30))
    #endif
  }

  /// Forces the directory's entries to the disk; some file systems have nothing to force.
  private static func synchronize(_ directory: String) throws(TensorError) {
    let descriptor = open(directory, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw failure("open", directory) }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 || errno == EINVAL else { throw failure("write", directory) }
  }

  /// The file a link leads to, so that the link is not replaced.
  private static func resolved(_ path: String) -> String {
    guard let real = realpath(path, nil) else { return path }
    defer { free(real) }
    return String(cString: real)
  }

  private static func parent(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  private static func failure(_ operation: String, _ path: String) -> TensorError {
    .file(operation: operation, path: path, code: errno)
  }
}
