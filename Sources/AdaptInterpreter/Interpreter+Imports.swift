import AdaptSyntax

extension Interpreter {
  /// `import a.b`: makes the top-level names of `a/b.adapt` visible here.
  func runImport(_ path: [Identifier], _ scope: Scope, at span: Span) throws {
    let module = try module(path, at: span)
    for name in module.names {
      guard let binding = module.own(name) else { continue }
      scope.define(name, binding.value, at: binding.span)
    }
  }

  /// The scope of a module; evaluated the first time it is imported.
  private func module(_ path: [Identifier], at span: Span) throws -> Scope {
    let file = Interpreter.file(path)
    if let scope = modules[file] { return scope }
    guard !loading.contains(file) else {
      let circle = loading.drop { $0 != file } + [file]
      throw failure(
        .importCycle, "the import of \(file) leads back to itself", at: span,
        label: circle.joined(separator: " → "))
    }
    let tree = try moduleTree(path, at: span)
    guard tree.diagnostics.isEmpty else { throw ScriptError(tree.diagnostics) }
    let names = resolve(tree.block)
    guard names.isEmpty else { throw ScriptError(names) }
    loading.append(file)
    defer { loading.removeLast() }
    let scope = Scope(parent: prelude)
    // Frames of the importing script would be shown as the callers of what the module does.
    let outer = frames
    frames = []
    defer { frames = outer }
    _ = try runModule(tree.block, scope)
    modules[file] = scope
    return scope
  }

  private func runModule(_ block: Block, _ scope: Scope) throws {
    try hoist(block, scope)
    for statement in block.statements {
      guard case .normal = try run(statement, scope, flow: nil) else {
        throw failure(.misplacedStatement, "nothing to leave here", at: statement.span)
      }
    }
  }

  /// The tree of an imported file, of the library or from the host.
  func moduleTree(_ path: [Identifier], at span: Span) throws -> SyntaxTree {
    let file = Interpreter.file(path)
    if let tree = store.libraryModule(file) { return tree }
    do {
      return try store.module(file) { try host.read(file) }
    } catch let error as HostError {
      throw fileFailure(error, file, at: span)
    }
  }

  private static func file(_ path: [Identifier]) -> String {
    path.map(\.text).joined(separator: "/") + ".adapt"
  }

  /// What a host's refusal means for the script.
  func fileFailure(_ error: HostError, _ path: String, at span: Span) -> Diagnostic {
    switch error {
    case .missing:
      failure(
        .fileMissing, "there is no file '\(path)'", at: span,
        hint: "paths are relative to the folder that the host grants")
    case .refused(let reason):
      failure(.fileRefused, "the host refuses '\(path)'", at: span, label: reason)
    case .unreadable(let reason):
      failure(.fileUnreadable, "'\(path)' cannot be read", at: span, label: reason)
    case .unwritable(let reason):
      failure(.fileUnwritable, "'\(path)' cannot be written", at: span, label: reason)
    }
  }
}
