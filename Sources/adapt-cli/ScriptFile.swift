import AdaptPlatform

/// Scripts as the command line names them: a path, or - for standard input.
enum ScriptFile {
  /// Bytes of the largest script that is read.
  static let largest = 64 << 20

  /// What messages call it.
  static func name(_ path: String) -> String { path == "-" ? "standard input" : path }

  /// The bytes of a script.
  /// - Throws: the exit code, after saying what is wrong.
  static func read(_ path: String) throws -> [UInt8] {
    if path == "-" {
      guard let bytes = Terminal.input() else {
        Terminal.error("no script can be read from standard input")
        throw ExitStatus.inputMissing
      }
      return bytes
    }
    guard FileManager.default.fileExists(atPath: path) else {
      Terminal.error("no script '\(path)'")
      throw ExitStatus.inputMissing
    }
    guard !isFolder(path), let data = FileManager.default.contents(atPath: path) else {
      Terminal.error("'\(path)' cannot be read: it is a folder or not permitted")
      throw ExitStatus.inputMissing
    }
    return [UInt8](data)
  }

  /// The scripts that paths stand for: a folder for all inside it, in the order of their names.
  static func expand(_ paths: [String]) -> [String] {
    paths.flatMap { path -> [String] in
      guard path != "-", isFolder(path) else { return [path] }
      let inside = (try? FileManager.default.subpathsOfDirectory(atPath: path)) ?? []
      return inside.filter { $0.hasSuffix(".adapt") }.sorted().map { path + "/" + $0 }
    }
  }
}
