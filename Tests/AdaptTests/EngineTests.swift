import Adapt
import AdaptInterpreter
import AdaptSyntax
import Foundation
import Testing

/// The library as a host uses it.
@Suite struct EngineTests {
  private final class Output {
    var text = ""
  }

  private func make(_ output: Output, files: FileAccess = .none, limits: Limits = Limits())
    -> Engine
  {
    Engine(Engine.Options(output: { output.text += $0 }, files: files, limits: limits))
  }

  func ids(_ engine: Engine, _ script: String) -> [DiagnosticID] {
    do {
      try engine.run(Array(script.utf8), name: "host.adapt")
      return []
    } catch let error as ScriptError { return error.diagnostics.map(\.id) } catch { return [] }
  }

  /// The program of the README.
  @Test func runsAScript() throws {
    let output = Output()
    try make(output).run(Array("print 6 * 7".utf8), name: "answer.adapt")
    #expect(output.text == "42\n")
  }

  @Test func keepsNamesBetweenPieces() throws {
    let engine = make(Output())
    _ = try engine.evaluate("let x = 4")
    guard case .int(8)? = try engine.evaluate("2 * x") else {
      Issue.record("not 8")
      return
    }
  }

  @Test func aScriptSeesNoFilesUnlessGranted() throws {
    let folder = try Folder()
    try folder.write("a.txt", "hello")
    let script = "print text(\"a.txt\").count"
    let refused = ids(make(Output()), script)
    #expect(refused == [.fileMissing] || refused == [.fileRefused])
    let output = Output()
    let granted = FileAccess(readable: [folder.url.path], scriptFolder: folder.url.path)
    #expect(ids(make(output, files: granted), script).isEmpty)
    #expect(output.text == "5\n")
  }

  @Test(arguments: ["/etc/passwd", "../secret.txt", "link.txt", "sub/../../secret.txt"])
  func noPathLeadsOutOfTheGrant(_ path: String) throws {
    let outer = try Folder()
    try outer.write("secret.txt", "secret")
    let inner = outer.url.appending(path: "inner")
    try FileManager.default.createDirectory(
      at: inner.appending(path: "sub"), withIntermediateDirectories: true)
    try FileManager.default.createSymbolicLink(
      atPath: inner.appending(path: "link.txt").path,
      withDestinationPath: outer.url.appending(path: "secret.txt").path)
    let access = FileAccess(
      readable: [inner.path], writable: [inner.path], scriptFolder: inner.path)
    #expect(throws: HostError.self) { try access.read(path) }
    let target = path.hasPrefix("/") ? path : inner.path + "/" + path
    #expect(throws: HostError.self) { try access.write(target, [1]) }
    #expect(try outer.read("secret.txt") == Array("secret".utf8))
  }

  @Test func limitsHaveErrorsOfTheirOwn() {
    let loop = "var x = 0\nwhile true { x = x + 1 }"
    #expect(ids(make(Output(), limits: Limits(steps: 1000)), loop) == [.limitSteps])
    #expect(ids(make(Output(), limits: Limits(time: .milliseconds(50))), loop) == [.limitTime])
    let deep = "fn f(x) { return f(x + 1) }\nprint f(0)"
    #expect(ids(make(Output(), limits: Limits(depth: 50)), deep) == [.limitDepth])
    let long = "for i in 0..1000 { print i }"
    #expect(ids(make(Output(), limits: Limits(output: 100)), long) == [.limitOutput])
  }

  @Test func anotherThreadCancels() {
    let engine = make(Output())
    let box = Canceller(engine)
    DispatchQueue.global().asyncAfter(deadline: .now() + 0.2) { box.engine.cancel() }
    let start = ContinuousClock.now
    #expect(ids(engine, "var x = 0\nwhile true { x = x + 1 }") == [.cancelled])
    #expect(ContinuousClock.now - start < .seconds(20))
    engine.resetCancellation()
    #expect(ids(engine, "print x").contains(.unknownName) == false)
  }

  /// `Engine.cancel` may be called from any thread.
  private final class Canceller: @unchecked Sendable {
    let engine: Engine
    init(_ engine: Engine) { self.engine = engine }
  }

  @Test func everyErrorIdIsExplained() {
    for id in DiagnosticID.allCases {
      #expect(id.explanation.text.count > 20, "\(id.rawValue)")
    }
    #expect(Set(DiagnosticID.allCases.map(\.rawValue)).count == DiagnosticID.allCases.count)
  }
}
