import Adapt
import AdaptInterpreter
import AdaptSyntax
import Foundation
import Testing

/// What an engine has warned of.
private final class Warnings {
  private(set) var all: [Diagnostic] = []

  func add(_ warning: Diagnostic) { all.append(warning) }
}

/// An example of an explanation with all it needs.
private struct Example {
  let id: DiagnosticID
  let folder: Folder
  let engine: Engine
  private let warnings: Warnings
  private let isBad: Bool

  init(_ id: DiagnosticID, isBad: Bool) throws {
    self.id = id
    self.isBad = isBad
    folder = try Folder()
    let setting = id.explanation.setting
    for (name, text) in setting.files { try folder.write(name, text) }
    var limits = Limits()
    var files = FileAccess(
      readable: [folder.url.path], writable: [FileManager.default.temporaryDirectory.path],
      scriptFolder: folder.url.path)
    if isBad {
      switch setting.condition {
      case .limited: limits = Example.limits(id)
      case .withoutFiles: files.readable = []
      default: break
      }
    }
    let warnings = Warnings()
    self.warnings = warnings
    engine = Engine(
      Engine.Options(files: files, limits: limits, warn: { warning, _ in warnings.add(warning) }))
    if isBad, case .cancelled = setting.condition { engine.cancel() }
  }

  private static func limits(_ id: DiagnosticID) -> Limits {
    switch id {
    case .limitTime: Limits(time: .milliseconds(50))
    case .limitOutput: Limits(output: 100)
    default: Limits(steps: 1000)
    }
  }

  /// What checking or, where the setting asks for it, running gives.
  func diagnostics(_ text: String, runs: Bool) -> [Diagnostic] {
    let bytes = bytes(text)
    guard runs else { return engine.check(bytes, name: "example.adapt") }
    do {
      try engine.run(bytes, name: "example.adapt")
      return warnings.all
    } catch let error as ScriptError { return error.diagnostics } catch { return [] }
  }

  private func bytes(_ text: String) -> [UInt8] {
    guard isBad else { return Array(text.utf8) }
    switch id.explanation.setting.condition {
    case .savedAsLatin1: return text.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) }
    case .repeated:
      let line = Array(text.utf8)
      return Array(Array(repeating: line, count: (16 << 20) / line.count + 1).joined())
    case .nested:
      let (open, close) = (String(repeating: "(", count: 300), String(repeating: ")", count: 300))
      return Array(
        text.replacingOccurrences(of: "((", with: open).replacingOccurrences(of: "))", with: close)
          .utf8)
    default: return Array(text.utf8)
    }
  }

  /// The diagnostics of the bad script.
  func bad() -> [Diagnostic] {
    let runs =
      switch id.explanation.setting.condition {
      case .run, .limited, .cancelled: true
      default: false
      }
    return diagnostics(id.explanation.bad, runs: runs)
  }
}

/// Every id is explained by examples that are what they claim to be.
@Suite struct ExplanationTests {
  @Test(arguments: DiagnosticID.allCases)
  func isWhole(_ id: DiagnosticID) {
    let explanation = id.explanation
    #expect(!explanation.title.isEmpty && explanation.title != id.rawValue)
    #expect(explanation.text.count > 20)
    #expect(!explanation.good.isEmpty)
    if case .hostOnly = explanation.setting.condition { return }
    #expect(!explanation.bad.isEmpty)
    // What a reader must do beside typing the script is said in words.
    if case .checked = explanation.setting.condition { return }
    #expect(!explanation.setting.words.isEmpty)
  }

  @Test(arguments: DiagnosticID.allCases)
  func theBadExampleGivesTheId(_ id: DiagnosticID) throws {
    if case .hostOnly = id.explanation.setting.condition { return }
    let example = try Example(id, isBad: true)
    let found = example.bad()
    let pictures = found.map { example.engine.render($0) }.joined(separator: "\n")
    #expect(found.map(\.id) == [id], "\(pictures)")
  }

  @Test(arguments: DiagnosticID.allCases)
  func theGoodExampleIsClean(_ id: DiagnosticID) throws {
    let good = id.explanation.good
    let example = try Example(id, isBad: false)
    let found = example.diagnostics(good, runs: false)
    let pictures = found.map { example.engine.render($0) }.joined(separator: "\n")
    #expect(found.isEmpty, "\(pictures)")
    let here = FileManager.default.currentDirectoryPath
    // What it saves goes to the working folder, which is not granted.
    guard !good.contains("save(") || here == "/" else { return }
    #expect(example.diagnostics(good, runs: true).map(\.id) == [])
  }

  /// The picture of each bad example, as it stands in `Golden/`. To write them anew after a change of
  /// words, run the tests with ADAPT_WRITE_GOLDEN=1 and read what changed.
  @Test(arguments: DiagnosticID.allCases)
  func thePictureIsTheGoldenOne(_ id: DiagnosticID) throws {
    if case .hostOnly = id.explanation.setting.condition { return }
    let example = try Example(id, isBad: true)
    let picture = example.bad().map { example.engine.render($0) + "\n" }.joined(separator: "\n")
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appending(path: "Golden/\(id.rawValue).txt")
    if ProcessInfo.processInfo.environment["ADAPT_WRITE_GOLDEN"] != nil {
      try Data(picture.utf8).write(to: file)
    }
    #expect(picture == String(decoding: try Data(contentsOf: file), as: UTF8.self))
  }
}
