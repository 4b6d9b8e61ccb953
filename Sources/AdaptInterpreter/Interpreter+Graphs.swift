import AdaptGraph
import AdaptRuntime
import AdaptSyntax

// Graphs for hosts: to look at, and to train step by step.

extension Interpreter {
  /// The models that a script binds at its top, by name, traced for inference.
  ///
  /// The script is checked and evaluated with its effects left out.
  /// - Throws: ``ScriptError`` with all that is wrong with the script.
  public func modelGraphs(_ bytes: [UInt8], name: String) throws -> [(
    name: String, graph: ModelGraph
  )] {
    let tree = store.parse(bytes, name: name)
    return try onOwnThread {
      let errors = self.check(tree).filter { $0.severity == .error }
      guard errors.isEmpty else { throw ScriptError(errors) }
      let dry = Interpreter(checkingFor: self)
      _ = dry.dryRun(dry.makeCompiler(into: dry.globals).compileFile(tree.block))
      return try dry.boundModels()
    }
  }

  private func boundModels() throws -> [(name: String, graph: ModelGraph)] {
    try topLevelNames.compactMap { name in
      guard case .flow(let flow)? = self[name], flow.layer?.isModel == true else { return nil }
      do { return (name, try tracedForPrinting(flow, at: flow.span)) } catch {
        throw asScriptError(error)
      }
    }
  }

  /// A model traced for training, with what the statements of `minimizing` minimize, for a host that
  /// trains step by step with a `Trainer`.
  /// - Parameters:
  ///   - minimizing: the inside of a block behind `train`: `minimize crossEntropy`.
  ///   - data: what the model is trained on.
  /// - Throws: ``ScriptError``
  public func objectiveGraph(of model: Flow, minimizing: String, data: DataFormat) throws
    -> ObjectiveGraph
  {
    let tree = store.parse(Array(minimizing.utf8), name: "objective")
    return try onOwnThread {
      guard tree.diagnostics.isEmpty else { throw ScriptError(tree.diagnostics) }
      do {
        try self.begin()
        let graph = try self.traceModel(
          model, input: .rows(data.input), mode: .training, data: data, at: model.span)
        let compiler = self.makeCompiler(into: self.globals)
        let code = compiler.compileObjective(tree.block)
        try self.report(compiler.diagnostics)
        return try self.traceObjective(
          Closure(code), of: graph, mode: .training, data: data, at: tree.block.span)
      } catch { throw self.asScriptError(error) }
    }
  }

  /// The same for sequences of so many tokens, each with a class.
  /// - Throws: ``ScriptError``
  public func objectiveGraph(of model: Flow, minimizing: String, length: Int) throws
    -> ObjectiveGraph
  {
    try objectiveGraph(of: model, minimizing: minimizing, data: .tokens(length: Double(length)))
  }
}
