import AdaptGraph
import AdaptRuntime
import AdaptSyntax

// What scripts do with models.

extension Interpreter {
  static var modelFunctions: [NativeFunction] { [] }
}
