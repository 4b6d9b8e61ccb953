import Adapt
import AdaptInterpreter
import AdaptSyntax
import Foundation
import Testing

extension EngineTests {
  private func engine(_ folder: Folder, largestFile: Int = 1 << 20) -> Engine {
    Engine(
      Engine.Options(
        files: FileAccess(
          readable: [folder.url.path], writable: [folder.url.path], scriptFolder: folder.url.path,
          largestFile: largestFile)))
  }

  @Test func aFileMayBeNoLargerThanGranted() throws {
    let folder = try Folder()
    try folder.write("small.txt", String(repeating: "x", count: 100))
    try folder.write("large.txt", String(repeating: "x", count: 101))
    let engine = engine(folder, largestFile: 100)
    guard case .int(100)? = try engine.evaluate("text(\"small.txt\").count") else {
      Issue.record("not read")
      return
    }
    #expect(ids(engine, "text(\"large.txt\")") == [.fileUnreadable])
  }

  @Test func aFolderIsNoFile() throws {
    let folder = try Folder()
    try FileManager.default.createDirectory(
      at: folder.url.appending(path: "sub"), withIntermediateDirectories: true)
    #expect(ids(engine(folder), "text(\"sub\")") == [.fileUnreadable])
  }

  @Test func aPipeIsNotWaitedFor() throws {
    let folder = try Folder()
    #expect(mkfifo(folder.url.appending(path: "pipe").path, 0o600) == 0)
    #expect(ids(engine(folder), "text(\"pipe\")") == [.fileUnreadable])
  }

  @Test(arguments: ["a\u{0}b", "", ".", "..", "/", String(repeating: "x", count: 10_000)])
  func noNameOfAFileIsTrusted(_ name: String) throws {
    let engine = engine(try Folder())
    let path = name.unicodeScalars.map { $0.value == 0 ? "\\u{0}" : String($0) }.joined()
    let found = ids(engine, "text(\"\(path)\")")
    #expect(found.count == 1 && found[0].rawValue.hasPrefix("E04"), "\(found)")
    let model = "model M() { Embedding(256, 4) >> Linear(256) }\n"
    let written = ids(engine, model + "save(M(), to: \"\(path)\")")
    #expect(written.count == 1 && written[0].rawValue.hasPrefix("E04"), "\(written)")
  }

  @Test func importsAreFilesToo() throws {
    let outer = try Folder()
    try outer.write("secret.adapt", "let secret = 42")
    let inner = outer.url.appending(path: "inner")
    try FileManager.default.createDirectory(at: inner, withIntermediateDirectories: true)
    try FileManager.default.createSymbolicLink(
      atPath: inner.appending(path: "link.adapt").path,
      withDestinationPath: outer.url.appending(path: "secret.adapt").path)
    let access = FileAccess(readable: [inner.path], scriptFolder: inner.path)
    let engine = Engine(Engine.Options(files: access))
    #expect(ids(engine, "import link\nprint secret") == [.fileRefused])
  }

  @Test func aFailedWriteLeavesTheOldFile() throws {
    let folder = try Folder()
    try folder.write("model.safetensors", "old")
    let engine = Engine(
      Engine.Options(files: FileAccess(readable: [folder.url.path], writable: [])))
    let script =
      "model M() { Embedding(256, 4) }\nsave(M(), to: \"\(folder.url.path)/model.safetensors\")"
    #expect(ids(engine, script) == [.fileRefused])
    #expect(try folder.read("model.safetensors") == Array("old".utf8))
    #expect(folder.names == ["model.safetensors"])
  }
}
