import AdaptGraph
import AdaptRuntime
import AdaptSyntax

// Graphs for hosts that train step by step.

extension Interpreter {
  /// A model traced for training, with what the statements of `minimizing` minimize, for a host that
  /// trains step by step with a `Trainer`.
  /// - Parameters:
  ///   - minimizing: the inside of a block behind `train`: `minimize crossEntropy`.
  ///   - length: tokens in a sequence, for the cost of attention.
  /// - Throws: ``ScriptError``
  public func objectiveGraph(of model: Flow, minimizing: String, length: Int) throws
    -> ObjectiveGraph
  {
    let tree = store.parse(Array(minimizing.utf8), name: "objective")
    return try onOwnThread {
      guard tree.diagnostics.isEmpty else { throw ScriptError(tree.diagnostics) }
      do {
        try self.begin()
        let graph = try self.traceModel(
          model, input: .tokens, mode: .training, at: model.span)
        return try self.traceObjective(
          ScriptBlock(block: tree.block, scope: self.globals), of: graph, mode: .training,
          length: Double(length), at: tree.block.span)
      } catch { throw self.asScriptError(error) }
    }
  }
}
