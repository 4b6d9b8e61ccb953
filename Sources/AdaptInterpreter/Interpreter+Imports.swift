import AdaptSyntax

/// An imported file under a name: `import a.b as c`.
final class ModuleValue: ScriptObject {
  private let name: String
  private let scope: Scope

  init(_ name: String, _ scope: Scope) {
    self.name = name
    self.scope = scope
  }

  var typeName: String { "a module" }
  var text: String { "module \(name)" }
  var memberNames: [String] { scope.names.filter(Interpreter.isPublic) }

  func member(_ name: String) -> Value? {
    Interpreter.isPublic(name) ? scope.own(name)?.value : nil
  }
}

extension Interpreter {
  /// A name that begins with `_` is seen in its own file only.
  static func isPublic(_ name: String) -> Bool { !name.hasPrefix("_") }

  /// What an import binds, as far as the text of the module tells; nil when it cannot be read, which
  /// is reported where it runs.
  func names(of item: Import) -> [String]? {
    guard let span = item.path.first?.span, let tree = try? moduleTree(item.path, at: span) else {
      return nil
    }
    return tree.block.statements.flatMap { statement -> [String] in
      // A module hands on what it imports itself.
      if case .importModule(let inner) = statement.kind {
        if let alias = inner.alias { return [alias.text] }
        return inner.names.map { $0.map(\.bound.text) } ?? self.namesOfInner(inner)
      }
      return Compiler.bound(statement).map(\.text)
    }.filter(Interpreter.isPublic)
  }

  /// Modules that import each other in a circle are reported where they run.
  private func namesOfInner(_ item: Import) -> [String] {
    let file = Interpreter.file(item.path)
    guard !loading.contains(file), loading.count < 100 else { return [] }
    loading.append(file)
    defer { loading.removeLast() }
    return names(of: item) ?? []
  }

  /// A name of a module that was asked for.
  func value(of name: Identifier, in module: Scope, _ item: Import, at span: Span) throws -> Value {
    let file = item.path.map(\.text).joined(separator: ".")
    if item.names != nil, !Interpreter.isPublic(name.text) {
      throw failure(
        .unknownMember, "'\(name.text)' is private to \(file)", at: name.span,
        hint: "names that begin with '_' are seen in their own file only")
    }
    if let binding = module.own(name.text) { return binding.value }
    let near = closest(name.text, among: module.names.filter(Interpreter.isPublic))
    throw failure(
      .unknownName, "there is no '\(name.text)' in \(file)", at: name.span,
      hint: near.map { "did you mean '\($0)'?" } ?? "")
  }

  /// The names of a module; evaluated the first time it is imported.
  func module(_ path: [Identifier], at span: Span) throws -> Scope {
    let file = Interpreter.file(path)
    if let scope = modules[file] { return scope }
    guard !loading.contains(file) else {
      let circle = loading.drop { $0 != file } + [file]
      throw failure(
        .importCycle, "the import of \(file) leads back to itself", at: span,
        label: circle.joined(separator: " → "))
    }
    let tree = try moduleTree(path, at: span)
    guard tree.diagnostics.allSatisfy({ $0.severity != .error }) else {
      throw ScriptError(tree.diagnostics)
    }
    loading.append(file)
    defer { loading.removeLast() }
    let scope = Scope(parent: prelude)
    let code = try compile(tree.block, into: scope)
    // The calls of the importing script would be shown as callers of what the module does.
    let outer = calls.floor
    calls.floor = calls.count
    defer { calls.floor = outer }
    _ = try runTop(code)
    modules[file] = scope
    return scope
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
