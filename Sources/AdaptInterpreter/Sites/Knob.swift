import AdaptGraph
import AdaptSyntax

/// What stands behind a knob that a router sets: a route whose paths are the same lines in each of the
/// settings, with the same parameters.
final class KnobForm: SiteForm {
  enum Kind {
    case routed(RouteForm)
    /// A view says one setting for all: nothing is decided.
    case turned(RouteForm.Path)
  }

  let scope: String
  let kind: Kind

  init(_ name: String, _ kind: Kind) {
    scope = name
    self.kind = kind
  }

  func add(
    _ flow: Flow, to input: SymbolicTensor, _ trace: Trace, _ interpreter: Interpreter,
    at span: Span
  ) throws -> Value {
    try trace.scoped(scope) {
      try interpreter.occupy("knob", flow, input, trace, at: span) {
        try apply(to: input, trace, interpreter, at: span)
      }
    }
  }

  func apply(
    to input: SymbolicTensor, _ trace: Trace, _ interpreter: Interpreter, at span: Span
  ) throws -> Value {
    switch kind {
    case .routed(let route): try route.apply(to: input, trace, interpreter, at: span)
    case .turned(let path):
      try trace.setting(path.name) { try interpreter.runFlow(path.body, on: .tensor(input)) }
    }
  }
}

extension Trace {
  /// Runs `body` in the current scope as if no name had been given in it, so that each setting of a knob
  /// finds the parameters of the others.
  func setting<T>(_ name: String, _ body: () throws -> T) rethrows -> T {
    // A point would part the place in two.
    try inside("", place: String(name.map { $0 == "." ? "_" : $0 })) {
      // The name of the scope that the knob's router has.
      _ = take("router")
      return try body()
    }
  }
}
