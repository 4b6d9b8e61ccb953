import Adapt
import Foundation
import Testing

/// The rooms of docs/architecture.md and what they may see of each other, read from the sources.
@Suite struct ArchitectureTests {
  static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()

  /// Our own modules, and foreign ones that matter, that each folder may import.
  static let allowed: [String: Set<String>] = [
    "AdaptPlatform": ["Foundation", "FoundationEssentials", "Glibc", "Musl", "Darwin"],
    "AdaptSyntax": [],
    "AdaptTensor": ["CAdaptKernels", "COneDNN"],
    "AdaptGraph": ["AdaptTensor"],
    "AdaptRuntime": ["AdaptGraph", "AdaptTensor"],
    "AdaptInterpreter": [
      "AdaptSyntax", "AdaptGraph", "AdaptRuntime", "AdaptTensor", "OrderedCollections",
    ],
    "Adapt": ["AdaptInterpreter", "AdaptSyntax", "AdaptRuntime", "AdaptTensor"],
    "AdaptREPL": ["Adapt", "AdaptInterpreter", "AdaptSyntax", "CReadline"],
    "adapt-cli": [
      "Adapt", "AdaptREPL", "AdaptInterpreter", "AdaptSyntax", "AdaptGraph", "AdaptTensor",
      "ArgumentParser",
    ],
    "adapt-embed": ["Foundation"],
  ]
  static let system: Set<String> = ["AdaptPlatform"]

  private func files(_ folder: String, _ ending: String) throws -> [URL] {
    let url = Self.root.appending(path: folder)
    let names = try FileManager.default.subpathsOfDirectory(atPath: url.path)
    return names.filter { $0.hasSuffix(ending) }.map { url.appending(path: $0) }
  }

  private func imports(_ file: URL) throws -> Set<String> {
    let lines = try String(contentsOf: file, encoding: .utf8).split(separator: "\n")
    let names = lines.compactMap { line -> String? in
      let words = line.split(separator: " ")
      guard let place = words.firstIndex(of: "import"), words.count > place + 1,
        words.prefix(place).allSatisfy({ $0.hasPrefix("@") || $0 == "internal" || $0 == "public" })
      else { return nil }
      // `internal import X`, `@preconcurrency import X`, `import struct X.Y` and plain imports.
      let isQualified = ["struct", "class", "enum", "func", "protocol"].contains(words[place + 1])
      return words.dropFirst(place + (isQualified ? 2 : 1)).first.map { name in
        String(name.prefix { $0 != "." })
      }
    }
    return Set(names)
  }

  @Test(arguments: allowed.keys.sorted())
  func aRoomSeesOnlyWhatItMay(_ folder: String) throws {
    let may = try #require(Self.allowed[folder]).union(Self.system)
    let sources = try files("Sources/\(folder)", ".swift")
    #expect(!sources.isEmpty)
    for file in sources {
      let strangers = try imports(file).subtracting(may)
      #expect(strangers.isEmpty, "\(file.lastPathComponent) imports \(strangers)")
    }
  }

  @Test func everyRoomIsListed() throws {
    let folders = try FileManager.default.contentsOfDirectory(
      atPath: Self.root.appending(path: "Sources").path)
    let swift = folders.filter { !$0.hasPrefix("C") && !$0.hasPrefix(".") }
    #expect(Set(swift) == Set(Self.allowed.keys))
  }

  @Test func syntaxNeedsNoLibrary() throws {
    for file in try files("Sources/AdaptSyntax", ".swift") {
      #expect(try imports(file).isEmpty, "\(file.lastPathComponent)")
    }
  }

  /// GPL code and flags that keep a package from being a dependency.
  @Test func thePackageCanBeADependency() throws {
    let manifest = try String(
      contentsOf: Self.root.appending(path: "Package.swift"), encoding: .utf8)
    #expect(!manifest.contains("unsafeFlags"))
    #expect(manifest.components(separatedBy: "\"CReadline\"").count == 3)
  }
}

/// What documents show is true.
@Suite struct DocumentTests {
  let folder: Folder
  let tool: CommandLineTool

  init() throws {
    folder = try Folder()
    tool = CommandLineTool(in: folder)
    try FileManager.default.createDirectory(
      at: folder.url.appending(path: "data"), withIntermediateDirectories: true)
    try folder.write(
      "data/kjv.txt", String(repeating: "And God said, Let there be light.\n", count: 200))
  }

  @Test func theScriptsOfTheReadmeAreRight() throws {
    let readme = try String(
      contentsOf: ArchitectureTests.root.appending(path: "README.md"), encoding: .utf8)
    let scripts = readme.components(separatedBy: "```adapt\n").dropFirst()
      .compactMap { $0.components(separatedBy: "```").first }
    #expect(!scripts.isEmpty)
    for script in scripts {
      try folder.write("readme.adapt", script)
      let outcome = try tool.run("check", "readme.adapt")
      #expect(outcome.status == 0, "\(outcome.errors)")
    }
  }

  @Test func theReadmeShowsTheExample() throws {
    let root = ArchitectureTests.root
    let readme = try String(contentsOf: root.appending(path: "README.md"), encoding: .utf8)
    let example = try String(
      contentsOf: root.appending(path: "examples/duo.adapt"), encoding: .utf8)
    let script = try #require(
      readme.components(separatedBy: "```adapt\n").dropFirst().first?
        .components(separatedBy: "```").first)
    for line in script.split(separator: "\n") {
      #expect(example.contains(line), "\(line)")
    }
  }

  @Test func theGraphOfTheExampleIsShownAfterEveryPass() throws {
    let script = try String(
      contentsOf: ArchitectureTests.root.appending(path: "examples/duo.adapt"), encoding: .utf8)
    try folder.write("duo.adapt", script)
    for pass in ["trace", "deduplicate", "prune"] {
      let outcome = try tool.run("graph", "duo.adapt", "--after", pass)
      #expect(outcome.status == 0, "\(outcome.errors)")
      #expect(outcome.output.contains("rows token in sequence"))
      #expect(outcome.output.contains("choose[blocks[3].duo.route, top 1]"))
      #expect(outcome.output.contains("path blocks[0].duo.route.big"))
    }
    #expect(try tool.run("graph", "duo.adapt", "--after", "nonsense").status == 64)
  }
}
