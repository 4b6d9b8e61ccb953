import AdaptInterpreter
import AdaptPlatform
import AdaptTensor

/// Which files a script may read and write.
///
/// A relative path is looked up in the script's folder and then in the working folder for reading, and
/// stands in the working folder for writing. Whatever a path or a link in it leads to must lie in a
/// granted folder.
public struct FileAccess: Sendable {
  /// Folders that may be read, with all inside them.
  public var readable: [String]
  /// Folders that may be written to, with all inside them.
  public var writable: [String]
  /// Where relative paths are looked up first for reading; the script's folder.
  public var scriptFolder: String?
  /// The largest file that is read, in bytes.
  public var largestFile: Int

  public init(
    readable: [String] = [], writable: [String] = [], scriptFolder: String? = nil,
    largestFile: Int = 1 << 30
  ) {
    self.readable = readable
    self.writable = writable
    self.scriptFolder = scriptFolder
    self.largestFile = largestFile
  }

  /// No files at all.
  public static let none = FileAccess()

  /// What a command line grants: reading and writing in the working folder, reading in the script's.
  public static func commandLine(script: String?) -> FileAccess {
    let here = FileManager.default.currentDirectoryPath
    let folder = script.map { URL(fileURLWithPath: $0).deletingLastPathComponent().path }
    return FileAccess(
      readable: [here] + [folder].compactMap { $0 }, writable: [here], scriptFolder: folder)
  }

  /// The bytes of a file.
  /// - Throws: `HostError` when it does not exist, lies outside what is granted, or is no plain file.
  public func read(_ path: String) throws -> [UInt8] {
    let candidates = path.hasPrefix("/") ? [path] : folders.map { $0 + "/" + path }
    guard let found = candidates.first(where: { FileManager.default.fileExists(atPath: $0) }) else {
      throw HostError.missing
    }
    let real = try resolve(found)
    guard FileAccess.isInside(real, readable) else {
      throw HostError.refused("'\(path)' lies outside the folders that may be read")
    }
    guard let size = plainFileSize(real) else {
      throw HostError.unreadable("'\(path)' is no plain file")
    }
    guard size <= largestFile else {
      throw HostError.unreadable("'\(path)' is larger than \(largestFile) bytes")
    }
    guard let bytes = plainFileBytes(real, atMost: largestFile) else {
      throw HostError.unreadable("'\(path)' cannot be read: permission denied or a failing disk")
    }
    return bytes
  }

  /// Writes a file as a whole or not at all.
  /// - Throws: `HostError` when it lies outside what is granted or the system refuses.
  public func write(_ path: String, _ bytes: [UInt8]) throws {
    let target = path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path
    let url = URL(fileURLWithPath: target)
    guard let folder = try? resolve(url.deletingLastPathComponent().path) else {
      throw HostError.unwritable("the folder of '\(path)' does not exist")
    }
    let real = folder + "/" + url.lastPathComponent
    guard FileAccess.isInside(real, writable), try !isLinkOutside(real) else {
      throw HostError.refused("'\(path)' lies outside the folders that may be written to")
    }
    do {
      try AtomicFile.write(bytes, to: real)
    } catch {
      throw HostError.unwritable("\(error)")
    }
  }

  private var folders: [String] {
    [scriptFolder, FileManager.default.currentDirectoryPath].compactMap { $0 }
  }

  /// A link in place of the file would lead the write elsewhere.
  private func isLinkOutside(_ path: String) throws -> Bool {
    guard (try? FileManager.default.destinationOfSymbolicLink(atPath: path)) != nil else {
      return false
    }
    guard let real = try? resolve(path) else { return true }
    return !FileAccess.isInside(real, writable)
  }

  private func resolve(_ path: String) throws -> String {
    guard let resolved = realpath(path, nil) else { throw HostError.missing }
    defer { free(resolved) }
    return String(cString: resolved)
  }

  static func isInside(_ path: String, _ folders: [String]) -> Bool {
    folders.contains { folder in
      guard let resolved = realpath(folder, nil) else { return false }
      defer { free(resolved) }
      let root = String(cString: resolved)
      return path == root || path.hasPrefix(root == "/" ? "/" : root + "/")
    }
  }
}
