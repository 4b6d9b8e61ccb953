import Foundation

/// The scripts of the repository.
enum Scripts {
  static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("../..").standardizedFileURL

  struct Script: Sendable {
    /// From the root.
    var path: String
    var bytes: [UInt8]
  }

  /// Every `.adapt` file.
  static let all: [Script] = ["Benchmarks/workloads", "Tests", "examples", "stdlib"]
    .flatMap(scripts)

  private static func scripts(in folder: String) -> [Script] {
    let names = FileManager.default.enumerator(atPath: root.appendingPathComponent(folder).path)
    let scripts = (names?.allObjects ?? []).compactMap { $0 as? String }
      .filter { $0.hasSuffix(".adapt") }.sorted()
    return scripts.compactMap { name in
      let path = folder + "/" + name
      let data = FileManager.default.contents(atPath: root.appendingPathComponent(path).path)
      return data.map { Script(path: path, bytes: [UInt8]($0)) }
    }
  }
}
