import Foundation

/// The scripts of the repository, which inputs are made of, and the files that scripts may read.
public struct Corpus: Sendable {
  /// Texts of the scripts, in the order of their paths.
  public let scripts: [[UInt8]]
  /// The standard library: path inside `stdlib/` and text.
  public let library: [(name: String, text: String)]
  /// What a script finds under a path: the modules and data of the language's suite.
  let files: [String: [UInt8]]

  /// - Parameter root: the folder of the repository.
  public init(root: URL) {
    let folders = ["Tests/LanguageSuite/scripts", "examples", "stdlib", "Benchmarks/workloads"]
    scripts = folders.flatMap { Corpus.scripts(under: root.appendingPathComponent($0)) }
      .map { Array($0.text.utf8) }
    library = Corpus.scripts(under: root.appendingPathComponent("stdlib"))
    var files = ["data.txt": Array(String(repeating: "Once there was a cat. ", count: 60).utf8)]
    for (name, text) in Corpus.scripts(under: root.appendingPathComponent(folders[0])) {
      guard let range = name.range(of: "modules/") else { continue }
      files[String(name[range.lowerBound...])] = Array(text.utf8)
    }
    self.files = files
  }

  private static func scripts(under folder: URL) -> [(name: String, text: String)] {
    let names = (try? FileManager.default.subpathsOfDirectory(atPath: folder.path)) ?? []
    return names.filter { $0.hasSuffix(".adapt") }.sorted().compactMap { name in
      let text = try? String(contentsOf: folder.appendingPathComponent(name), encoding: .utf8)
      return text.map { (name, $0) }
    }
  }
}
