import Adapt
import AdaptGraph
import AdaptInterpreter
import ArgumentParser

struct GraphCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "graph",
    abstract: "Print the graphs of a script's models.",
    discussion: """
      Passes, in order: \(Pass.all.map { "\($0.name) (\($0.summary))" }.joined(separator: ", ")).
      """)

  @OptionGroup var options: ScriptOptions

  @Option(help: "Show the graph after this pass, or 'trace' for the graph as traced.")
  var after: String?

  @Option(help: "Only the model bound to this name.")
  var model: String?

  func validate() throws {
    let names = ["trace"] + Pass.all.map(\.name)
    if let after, !names.contains(after) {
      throw ValidationError("no pass '\(after)'; there are \(names.joined(separator: ", "))")
    }
  }

  func run() throws {
    let bytes = try options.source()
    let engine = options.engine()
    do {
      let models = try engine.modelGraphs(bytes, name: options.name)
        .filter { model == nil || $0.name == model }
      guard !models.isEmpty else {
        Terminal.error(
          model.map { "the script binds no model to '\($0)'" } ?? "the script binds no model")
        throw ExitStatus.scriptError
      }
      for (name, graph) in models {
        var program = GraphProgram(graph: graph.graph, outputs: [graph.output])
        for pass in Pass.all where after != "trace" {
          pass.apply(&program)
          if pass.name == after { break }
        }
        try program.graph.verify()
        Terminal.output("model \(name)\n" + program.graph.text(outputs: program.outputs))
      }
    } catch let error as ScriptError {
      engine.show(error.diagnostics)
      throw Engine.status(error.diagnostics) ?? ExitStatus.internalError
    }
  }
}
