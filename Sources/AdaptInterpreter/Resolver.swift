import AdaptSyntax

/// Finds names that nothing binds, before anything runs.
///
/// A name is seen from where it is bound to the end of its block; bodies of functions and layers,
/// which run later, also see what their surroundings bind below them.
struct Resolver {
  private struct Level {
    /// Bound so far.
    var bound: Set<String>
    /// Bound anywhere in the block.
    let all: [String: Span]
    /// How many bodies that run later stand around it.
    let depth: Int
  }

  private let outside: Scope
  /// The names an imported file binds; nil when it cannot be read, which is reported elsewhere.
  private let moduleNames: ([Identifier]) -> [String]?
  private var levels: [Level] = []
  private var depth = 0
  /// An import could not be read, so any name may come from it.
  private var isOpen = false
  private(set) var diagnostics: [Diagnostic] = []

  init(outside: Scope, moduleNames: @escaping ([Identifier]) -> [String]?) {
    self.outside = outside
    self.moduleNames = moduleNames
  }

  mutating func resolveFile(_ block: Block) {
    let hoisted = block.statements.compactMap(Resolver.declared).map(\.text)
    resolve(block, with: hoisted)
  }

  // MARK: Blocks

  private mutating func resolve(_ block: Block, with names: [String] = []) {
    var all: [String: Span] = [:]
    for statement in block.statements {
      guard let name = Resolver.bound(statement) else { continue }
      if let first = all[name.text] {
        diagnostics.append(
          Diagnostic(
            .duplicateName, "'\(name.text)' is bound twice", at: name.span,
            notes: [.init(span: first, text: "bound here before")],
            hint: "change a 'var' with '\(name.text) = …', or take another name"))
      } else {
        all[name.text] = name.span
      }
    }
    levels.append(Level(bound: Set(names), all: all, depth: depth))
    for statement in block.statements { resolve(statement) }
    levels.removeLast()
  }

  /// A body that runs later, with its own names.
  private mutating func resolveLater(_ block: Block, with names: [String]) {
    depth += 1
    resolve(block, with: names)
    depth -= 1
  }

  private mutating func resolve(_ parameters: [Parameter]) -> [String] {
    // A default sees the parameters before it.
    levels.append(Level(bound: [], all: [:], depth: depth))
    for parameter in parameters {
      if let value = parameter.defaultValue { resolve(value) }
      define(parameter.name.text)
    }
    levels.removeLast()
    return parameters.map(\.name.text)
  }

  private mutating func define(_ name: String) {
    guard !levels.isEmpty else { return }
    levels[levels.count - 1].bound.insert(name)
  }

  // MARK: Statements

  private mutating func resolve(_ statement: Statement) {
    switch statement.kind {
    case .binding(_, let value, _): resolve(value)
    case .assignment(let target, _, let value):
      resolve(value)
      guard case .name(let name) = target.kind, !isBound(name) else { return resolve(target) }
      diagnostics.append(
        Diagnostic(
          .unknownName, "there is no '\(name)' here", at: target.span, label: "unknown name",
          hint: "'let \(name) = …' binds a new name, 'var' one that may change"))
      // It is clear what was meant: no error for each use.
      define(name)
    case .function(let declaration):
      define(declaration.name.text)
      resolveLater(declaration.body, with: resolve(declaration.parameters))
    case .layer(let declaration): resolve(declaration)
    case .router(let declaration): resolve(declaration)
    case .objective(_, let body): resolveLater(body, with: ["output", "target"])
    case .optimizer(let declaration):
      let names = resolve(declaration.parameters)
      resolveLater(declaration.body, with: names + ["parameter", "gradient", "step"])
    case .parameter(_, let shape, let initial):
      for item in shape { resolve(item) }
      if let initial { resolve(initial) }
    case .state(_, let initial): resolve(initial)
    case .forIn(let pattern, let sequence, let body):
      resolve(sequence)
      resolve(body, with: pattern.names.map(\.text))
    case .whileLoop(let condition, let body):
      resolve(condition)
      resolve(body)
    case .returnValue(let value): if let value { resolve(value) }
    case .importModule(let item): resolveImport(item.path)
    case .print(let values): for item in values { resolve(item) }
    case .minimize(let value), .expression(let value): resolve(value)
    case .breakLoop, .continueLoop, .expect, .test: break
    }
    if let name = Resolver.bound(statement) { define(name.text) }
  }

  private mutating func resolveImport(_ path: [Identifier]) {
    guard let names = moduleNames(path) else {
      isOpen = true
      return
    }
    for item in names { define(item) }
  }

  private mutating func resolve(_ layer: LayerDeclaration) {
    define(layer.name.text)
    var names = resolve(layer.parameters)
    if let signature = layer.signature {
      names.append(signature.input.text)
      let axes = signature.inputShape + (signature.outputShape ?? [])
      for axis in axes { if case .name(let name) = axis.kind { names.append(name) } }
      levels.append(Level(bound: Set(names), all: [:], depth: depth))
      for axis in axes { if case .size(let size) = axis.kind { resolve(size) } }
      levels.removeLast()
    }
    resolveLater(layer.body, with: names)
  }

  private mutating func resolve(_ router: RouterDeclaration) {
    define(router.name.text)
    let names = resolve(router.parameters) + ["paths"]
    depth += 1
    for clause in router.clauses {
      let known: [String] =
        switch clause.kind {
        case .scores: []
        case .select: ["top", "all", "score"]
        case .weigh, .loss: ["score", "selected"]
        }
      levels.append(Level(bound: Set(names + known), all: [:], depth: depth))
      switch clause.kind {
      case .scores(let block): resolve(block)
      case .select(let value), .weigh(let value), .loss(let value): resolve(value)
      }
      levels.removeLast()
    }
    depth -= 1
  }

  // MARK: Expressions

  private mutating func resolve(_ expression: Expression) {
    switch expression.kind {
    case .name(let name): check(name, at: expression.span)
    case .string(let segments):
      for case .interpolation(let value, _) in segments { resolve(value) }
    case .list(let values): for item in values { resolve(item) }
    case .record(let fields): for field in fields { resolve(field.value) }
    case .range(let first?, let second?, _), .binary(_, let first, let second),
      .compose(let first, let second):
      resolve(first)
      resolve(second)
    case .unary(_, let value), .member(let value, _): resolve(value)
    case .call(let callee, let arguments, let trailing):
      resolve(callee)
      for argument in arguments where !Resolver.namesAxis(argument) { resolve(argument.value) }
      if let trailing { resolveLater(trailing, with: ["output", "target"]) }
    case .index(let base, let indices):
      resolve(base)
      for item in indices { resolve(item.value) }
    case .closure(let parameters, let body):
      resolveLater(body, with: resolve(parameters))
    case .conditional(let condition, let then, let otherwise):
      resolve(condition)
      resolve(then)
      if let otherwise { resolve(otherwise) }
    case .residual(let body): resolve(body)
    case .parallel(let branches, _): for item in branches { resolve(item) }
    case .repeated(let count, let body), .loop(let count, let body):
      resolve(count)
      resolve(body)
    case .route(let route):
      resolve(route.router)
      for path in route.paths {
        if let count = path.count { resolve(count) }
        resolve(path.body)
      }
    case .integer, .number, .quantity, .boolean, .none, .missing, .range, .tuple, .map,
      .comprehension, .match, .attempt:
      break
    }
  }

  /// `axis: token` names an axis.
  private static func namesAxis(_ argument: Argument) -> Bool {
    guard argument.label?.text == "axis", case .name = argument.value.kind else { return false }
    return true
  }

  private func isBound(_ name: String) -> Bool {
    isOpen || outside.find(name) != nil
      || levels.contains { $0.bound.contains(name) || $0.all[name] != nil }
  }

  private mutating func check(_ name: String, at span: Span) {
    var later: Span?
    for level in levels.reversed() {
      if level.bound.contains(name) { return }
      guard let place = level.all[name] else { continue }
      if level.depth < depth { return }
      later = later ?? place
    }
    guard outside.find(name) == nil, !isOpen else { return }
    if let later {
      diagnostics.append(
        Diagnostic(
          .unknownName, "'\(name)' is used before it is bound", at: span,
          notes: [.init(span: later, text: "bound here")]))
      return
    }
    let names = levels.flatMap { Array($0.bound) + Array($0.all.keys) } + outside.visibleNames()
    let near = closest(name, among: names)
    diagnostics.append(
      Diagnostic(
        .unknownName, "there is no '\(name)' here", at: span, label: "unknown name",
        hint: near.map { "did you mean '\($0)'?" } ?? ""))
  }

  // MARK: Names

  /// The name that a statement binds.
  static func bound(_ statement: Statement) -> Identifier? {
    switch statement.kind {
    case .binding(let pattern, _, _): pattern.singleName
    case .parameter(let name, _, _), .state(let name, _): name
    default: declared(statement)
    }
  }

  /// The name that a declaration binds, from the beginning of its file.
  static func declared(_ statement: Statement) -> Identifier? {
    switch statement.kind {
    case .function(let declaration), .optimizer(let declaration): declaration.name
    case .layer(let declaration): declaration.name
    case .router(let declaration): declaration.name
    case .objective(let name, _): name
    default: nil
    }
  }
}
