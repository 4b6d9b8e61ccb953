import AdaptGraph
import AdaptSyntax

/// Something that is applied to data: a layer, a composition, one of the forms between braces.
///
/// A flow is made when its expression is evaluated, and its body runs each time it is applied. It has
/// an identity: applied a second time in one model it finds the parameters of the first.
public final class Flow {
  enum Kind {
    /// Hands on its input.
    case pass
    /// Adds nothing.
    case zero
    case function(Function)
    case layer(LayerInstance)
    case compose([Flow])
    case residual(Closure)
    case recompute(Closure)
    case parallel([Closure], join: Identifier?)
    case repeated(Int, Closure)
    /// A route, a loop, an exit: where something is decided.
    case site(any SiteForm)
    /// Lines that are applied one after the other: a path of a route, or a round of a loop.
    case body(Closure)
  }

  let kind: Kind
  let span: Span
  /// The name it was bound to first, which becomes its scope.
  var boundName: String?
  /// What was changed in it after it was written.
  var surgery = Surgery()
  let depth: Int
  /// Under what policies and settings another model is seen as this one; nil for a model itself.
  var view: ModelView?
  /// What the runtime keeps with a model: parameters, for example.
  public var attachment: AnyObject?

  init(_ kind: Kind, span: Span) {
    self.kind = kind
    self.span = span
    if case .compose(let parts) = kind {
      depth = 1 + parts.reduce(0) { max($0, $1.depth) }
    } else if case .layer(let layer) = kind {
      depth = 1 + Value.depth(of: layer.arguments.lazy.map(\.value))
    } else {
      depth = 1
    }
  }

  var kindName: String {
    switch kind {
    case .layer(let layer): layer.isModel ? "a model" : "a layer"
    case .function: "a function"
    default: "a flow"
    }
  }

  /// The instance of a model or layer, when it is one.
  public var layer: LayerInstance? {
    if case .layer(let layer) = kind { return layer }
    return nil
  }
}

/// A layer or model with its hyperparameters.
public final class LayerInstance {
  let declaration: LayerCode
  let body: Closure
  /// Hyperparameters by name.
  public let arguments: [(name: String, value: Value)]
  /// Where each hyperparameter was written, in their order: an argument, or the default of its
  /// declaration.
  let sources: [Span?]

  public var name: String { declaration.name.text }
  public var isModel: Bool { declaration.isModel }

  init(
    _ declaration: LayerCode, _ body: Closure, arguments: [(name: String, value: Value)],
    sources: [Span?]
  ) {
    self.declaration = declaration
    self.body = body
    self.arguments = arguments
    self.sources = sources
  }
}

/// A router with its hyperparameters.
public final class RouterInstance: ScriptObject {
  let declaration: RouterCode
  let body: Closure
  let arguments: [(name: String, value: Value)]
  let span: Span

  init(
    _ declaration: RouterCode, _ body: Closure, arguments: [(name: String, value: Value)],
    span: Span
  ) {
    self.declaration = declaration
    self.body = body
    self.arguments = arguments
    self.span = span
  }

  public var typeName: String { "a router" }
  var name: String { declaration.name.text }

  public var text: String { "router \(name)" }
  public var nesting: Int { 1 + Value.depth(of: arguments.lazy.map(\.value)) }
}

/// An optimizer with its hyperparameters.
public final class OptimizerInstance: ScriptObject {
  let declaration: OptimizerCode
  let body: Closure
  public let arguments: [(name: String, value: Value)]
  let span: Span

  public var name: String { declaration.name.text }

  init(
    _ declaration: OptimizerCode, _ body: Closure, arguments: [(name: String, value: Value)],
    span: Span
  ) {
    self.declaration = declaration
    self.body = body
    self.arguments = arguments
    self.span = span
  }

  public var typeName: String { "an optimizer" }
  public var text: String { "optimizer \(name)" }
  public var nesting: Int { 1 + Value.depth(of: arguments.lazy.map(\.value)) }
}

/// A named term of an objective.
public final class Objective: ScriptObject {
  public let name: String
  let body: Closure

  init(name: String, body: Closure) {
    self.name = name
    self.body = body
  }

  public var typeName: String { "an objective" }
  public var text: String { "objective \(name)" }
}

/// How a parameter starts, as a value: `normal(0.02)`.
final class InitializerValue: ScriptObject {
  let initializer: Initializer

  init(_ initializer: Initializer) { self.initializer = initializer }

  var typeName: String { "an initializer" }
  var text: String {
    switch initializer {
    case .normal(let deviation): "normal(\(deviation))"
    case .uniform(let bound): "uniform(\(bound))"
    case .constant(let value): value == 0 ? "zeros" : value == 1 ? "ones" : "constant(\(value))"
    }
  }
}
