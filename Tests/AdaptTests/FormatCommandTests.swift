import Foundation
import Testing

@Suite struct FormatCommandTests {
  let folder: Folder
  let tool: CommandLineTool

  init() throws {
    folder = try Folder()
    tool = CommandLineTool(in: folder)
  }

  private func text(_ name: String) throws -> String {
    String(decoding: try folder.read(name), as: UTF8.self)
  }

  @Test func aFileIsRewritten() throws {
    try folder.write("a.adapt", "let  x=1")
    let outcome = try tool.run("fmt", "a.adapt")
    #expect(outcome.status == 0 && outcome.output.isEmpty && outcome.errors.isEmpty)
    #expect(try text("a.adapt") == "let x = 1\n")
    #expect(folder.names.filter { !$0.hasPrefix(".") } == ["a.adapt"])
  }

  @Test func foldersStandForTheirScripts() throws {
    let inner = folder.url.appending(path: "in")
    let hidden = folder.url.appending(path: ".hidden")
    for url in [inner, hidden] {
      try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }
    for name in ["a.adapt", "in/b.adapt", ".hidden/c.adapt", "d.txt"] {
      try folder.write(name, "x =1")
    }
    #expect(try tool.run("fmt", ".").status == 0)
    #expect(try text("a.adapt") == "x = 1\n")
    #expect(try text("in/b.adapt") == "x = 1\n")
    #expect(try text(".hidden/c.adapt") == "x =1")
    #expect(try text("d.txt") == "x =1")
  }

  @Test func checkingNamesWhatWouldChange() throws {
    try folder.write("a.adapt", "x =1")
    try folder.write("b.adapt", "x = 1\n")
    let outcome = try tool.run("fmt", "--check", "a.adapt", "b.adapt")
    #expect(outcome.status == 1)
    #expect(outcome.output == "a.adapt\n")
    #expect(try text("a.adapt") == "x =1")
    #expect(try tool.run("fmt", "--check", "b.adapt").status == 0)
  }

  @Test func scriptsWithErrorsAreLeftAlone() throws {
    try folder.write("a.adapt", "let  x=(")
    try folder.write("b.adapt", "x =1")
    let outcome = try tool.run("fmt", "a.adapt", "b.adapt")
    #expect(outcome.status == 65)
    #expect(outcome.errors.contains("a.adapt:1:9"))
    #expect(try text("a.adapt") == "let  x=(")
    #expect(try text("b.adapt") == "x = 1\n")
  }

  @Test func standardInputGoesToStandardOutput() throws {
    #expect(try tool.run("fmt", input: "x=1").output == "x = 1\n")
    #expect(try tool.run("fmt", "-", input: "x=1").output == "x = 1\n")
  }

  @Test func aMissingFileEndsWith66() throws {
    #expect(try tool.run("fmt", "nowhere.adapt").status == 66)
  }
}
