import Adapt
import AdaptInterpreter
import AdaptPlatform
import AdaptSyntax
import ArgumentParser

struct FormatCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fmt",
    abstract: "Give scripts the one layout.",
    discussion: """
      Files are rewritten in place when they change; folders stand for all .adapt files in them. \
      Scripts with errors are shown and left as they are.
      """)

  @ArgumentParser.Argument(
    help: "Scripts and folders; - or none reads standard input and writes standard output.")
  var files: [String] = []

  @Flag(help: "Change nothing; name the files that would change, and exit with 1 if there are any.")
  var check = false

  func run() throws {
    guard !files.isEmpty, files != ["-"] else { return try formatInput() }
    guard !files.contains("-") else { throw ValidationError("- stands for the only file") }
    var worst: ExitCode?
    var changed = 0
    for path in try files.flatMap { try scripts($0) } {
      switch try format(path) {
      case .same: break
      case .changed:
        changed += 1
        if check { Terminal.output(path + "\n") }
      case .wrong: worst = ExitStatus.scriptError
      }
    }
    if let worst { throw worst }
    if check, changed > 0 { throw ExitCode(1) }
  }

  private enum Outcome { case same, changed, wrong }

  /// The scripts that a path of the command line stands for.
  private func scripts(_ path: String) throws -> [String] {
    guard FileManager.default.fileExists(atPath: path) else {
      Terminal.error("no file or folder '\(path)'")
      throw ExitStatus.inputMissing
    }
    return isFolder(path) ? try visibleScripts(in: path).sorted() : [path]
  }

  private func visibleScripts(in folder: String) throws -> [String] {
    guard let names = try? FileManager.default.contentsOfDirectory(atPath: folder) else {
      Terminal.error("'\(folder)' cannot be read")
      throw ExitStatus.inputMissing
    }
    // What is hidden, such as a build folder, is nobody's script.
    return try names.filter { !$0.hasPrefix(".") }.flatMap { name -> [String] in
      let path = folder.hasSuffix("/") ? folder + name : folder + "/" + name
      if isFolder(path) { return isLink(path) ? [] : try visibleScripts(in: path) }
      return name.hasSuffix(".adapt") ? [path] : []
    }
  }

  private func format(_ path: String) throws -> Outcome {
    guard let data = FileManager.default.contents(atPath: path) else {
      Terminal.error("'\(path)' cannot be read")
      throw ExitStatus.inputMissing
    }
    let old = [UInt8](data)
    guard let new = formatted(old, name: path) else { return .wrong }
    guard new != old else { return .same }
    guard !check else { return .changed }
    do {
      // A link is followed: the file that it names is what is formatted.
      let file = URL(fileURLWithPath: path).resolvingSymlinksInPath()
      try FileAccess(writable: [file.deletingLastPathComponent().path]).write(file.path, new)
    } catch HostError.refused(let reason), HostError.unwritable(let reason) {
      Terminal.error(reason)
      throw ExitStatus.internalError
    }
    return .changed
  }

  private func formatInput() throws {
    guard let bytes = Terminal.input() else {
      Terminal.error("no script can be read from standard input")
      throw ExitStatus.inputMissing
    }
    guard let new = formatted(bytes, name: "standard input") else { throw ExitStatus.scriptError }
    if !check {
      Terminal.output(String(decoding: new, as: UTF8.self))
    } else if new != bytes {
      Terminal.output("standard input\n")
      throw ExitCode(1)
    }
  }

  /// The text in the one layout; nil, with its errors shown, when it is no script.
  private func formatted(_ bytes: [UInt8], name: String) -> [UInt8]? {
    var sources = SourceMap()
    let tree = AdaptSyntax.parse(bytes: bytes, source: sources.add(name: name, bytes: bytes))
    if let new = AdaptSyntax.format(bytes: bytes, as: tree) { return new }
    for diagnostic in tree.diagnostics {
      Terminal.write(sources.render(diagnostic, color: Terminal.isColored(2)) + "\n", to: 2)
    }
    return nil
  }
}
