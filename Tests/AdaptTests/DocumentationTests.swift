import Adapt
import AdaptInterpreter
import AdaptSyntax
import Foundation
import Testing

/// All that scripts can name says what it is, and its examples are scripts without a fault.
@Suite struct DocumentationTests {
  private static let entries = (try? Engine().interpreter.documentation()) ?? []

  @Test func knowsTheLibraryAndWhatIsBuiltIn() {
    let names = Set(DocumentationTests.entries.map(\.name))
    for name in ["Linear", "TopK", "AdamW", "cost", "train", "sqrt", "sorted", "trimmed", "pass"] {
      #expect(names.contains(name), "\(name)")
    }
  }

  @Test(arguments: entries.map(\.signature))
  func isDocumented(_ signature: String) throws {
    let entry = try #require(DocumentationTests.entries.first { $0.signature == signature })
    #expect(entry.text.count > 10, "\(entry.name) in \(entry.place) has no documentation")
    #expect(!entry.summary.isEmpty && entry.summary.count < 240, "\(entry.summary)")
  }

  @Test(arguments: entries.flatMap(\.examples))
  func exampleIsClean(_ example: String) throws {
    let folder = try Folder()
    try folder.write("book.txt", String(repeating: "In the beginning. ", count: 40))
    let engine = Engine(
      Engine.Options(
        files: FileAccess(readable: [folder.url.path], scriptFolder: folder.url.path)))
    let found = engine.check(Array(example.utf8), name: "example.adapt")
    #expect(found.isEmpty, "\(found.map { engine.render($0) }.joined(separator: "\n"))")
  }

  /// What stands in the library is fit to be learned from.
  @Test(arguments: Engine.library.map(\.name))
  func theLibraryHasNoWarnings(_ name: String) throws {
    let text = try #require(Engine.library.first { $0.name == name }?.text)
    let engine = Engine()
    let found = engine.check(Array(text.utf8), name: name)
    #expect(found.isEmpty, "\(found.map { engine.render($0) }.joined(separator: "\n"))")
  }

  @Test func theExamplesOfTheRepositoryHaveNoWarnings() throws {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent().appending(path: "examples")
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
      .filter { $0.hasSuffix(".adapt") }
    #expect(!names.isEmpty)
    for name in names {
      let bytes = [UInt8](try Data(contentsOf: folder.appending(path: name)))
      let engine = Engine(
        Engine.Options(
          files: FileAccess(readable: [folder.path], scriptFolder: folder.path)))
      // The book itself is no part of the repository.
      let found = engine.check(bytes, name: name).filter { $0.id != .fileMissing }
      #expect(found.isEmpty, "\(found.map { engine.render($0) }.joined(separator: "\n"))")
    }
  }
}
