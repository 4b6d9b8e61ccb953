import Adapt
import ArgumentParser

struct DocCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doc", abstract: "Say what a name means, or list all names.",
    discussion: """
      adapt doc                     the standard library and what is built in
      adapt doc Attention           one name of it
      adapt doc script.adapt        what a script declares
      adapt doc script.adapt Block  one name of it
      """)

  @ArgumentParser.Argument(help: "A name; or a script, and perhaps a name in it.")
  var names: [String] = []

  func validate() throws {
    if names.count > 2 { throw ValidationError("one name, or a script and a name, is enough") }
  }

  func run() throws {
    do { Terminal.output(try text(Engine())) } catch let error as UndocumentedName {
      throw ValidationError(error.description)
    }
  }

  private func text(_ engine: Engine) throws -> String {
    guard let name = names.first else { return try engine.documentationIndex() }
    guard name.hasSuffix(".adapt") else { return try engine.documentation(of: name) }
    let wanted = names.count > 1 ? names[1] : nil
    return try engine.documentation(of: wanted, in: try ScriptFile.read(name), file: name)
  }
}
