import Foundation
import Testing

/// A folder that is gone after the test.
final class Folder {
  let url: URL

  init() throws {
    url = FileManager.default.temporaryDirectory
      .appending(path: "adapt-tests-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  @discardableResult
  func write(_ name: String, _ text: String) throws -> String {
    try write(name, Array(text.utf8))
  }

  @discardableResult
  func write(_ name: String, _ bytes: [UInt8]) throws -> String {
    let file = url.appending(path: name)
    try Data(bytes).write(to: file)
    return file.path
  }

  func read(_ name: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: url.appending(path: name)))
  }

  var names: Set<String> {
    Set((try? FileManager.default.contentsOfDirectory(atPath: url.path)) ?? [])
  }
}

/// What a run of the command line came to.
struct Outcome {
  var status: Int32
  var output: String
  var errors: String
  var seconds: Double
}

/// The `adapt` binary, as a user runs it.
struct CommandLineTool {
  let folder: Folder

  init(in folder: Folder) { self.folder = folder }

  /// The binary that was built together with the tests.
  static var binary: URL {
    // The test program lies beside the other products.
    var place = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
    while place.path != "/" {
      let candidate = place.deletingLastPathComponent().appending(path: "adapt")
      if FileManager.default.isExecutableFile(atPath: candidate.path) { return candidate }
      place = place.deletingLastPathComponent()
    }
    return URL(fileURLWithPath: "adapt")
  }

  /// A process that has not been started, writing to files so that no pipe can fill.
  func process(_ arguments: [String], input: String = "") throws -> Process {
    let process = Process()
    process.executableURL = Self.binary
    process.arguments = arguments
    process.currentDirectoryURL = folder.url
    var environment = ProcessInfo.processInfo.environment
    environment["HOME"] = folder.url.path
    process.environment = environment
    let inputFile = try folder.write(".input", input)
    process.standardInput = try FileHandle(forReadingFrom: URL(fileURLWithPath: inputFile))
    for name in [".output", ".errors"] { try folder.write(name, "") }
    process.standardOutput = try FileHandle(
      forWritingTo: folder.url.appending(path: ".output"))
    process.standardError = try FileHandle(forWritingTo: folder.url.appending(path: ".errors"))
    return process
  }

  /// Runs to the end, or fails after `limit` seconds.
  func run(_ arguments: String..., input: String = "", limit: Double = 120) throws -> Outcome {
    let process = try process(arguments, input: input)
    let start = ContinuousClock.now
    try process.run()
    let watchdog = DispatchWorkItem { process.terminate() }
    DispatchQueue.global().asyncAfter(deadline: .now() + limit, execute: watchdog)
    process.waitUntilExit()
    watchdog.cancel()
    return try outcome(process, (ContinuousClock.now - start) / .seconds(1))
  }

  func outcome(_ process: Process, _ seconds: Double = 0) throws -> Outcome {
    Outcome(
      status: process.terminationStatus,
      output: String(decoding: try folder.read(".output"), as: UTF8.self),
      errors: String(decoding: try folder.read(".errors"), as: UTF8.self), seconds: seconds)
  }
}
