import Adapt
import AdaptInterpreter
import AdaptRuntime

extension Engine {
  /// An engine that has run a script.
  convenience init(running script: String) throws {
    self.init()
    try run(Array(script.utf8), name: "model.adapt")
  }

  /// The model or layer that a name of the script stands for.
  func flow(_ name: String) throws -> Flow {
    guard case .flow(let flow)? = interpreter[name] else {
      throw RuntimeError.badInput("the script binds no model '\(name)'")
    }
    return flow
  }

  /// The update of the optimizer that the script calls `optimizer`.
  func optimizer() throws -> OptimizerGraph {
    guard case .object(let object)? = interpreter["optimizer"],
      let optimizer = object as? OptimizerInstance
    else { throw RuntimeError.badInput("the script binds no optimizer") }
    return try interpreter.trace(optimizer)
  }
}
