import AdaptSyntax

/// Lints of names: what is bound and never read, never changed, or hides another.
///
/// A name is seen from where it is bound to the end of its
/// block, and bodies that run later see all of it; so these are looked at when their block ends.
struct NameLints {
  enum Kind { case constant, variable, parameter, importedName, other }

  private struct Variable {
    let name: String
    let span: Span
    let kind: Kind
    /// The statement that binds it.
    var statement: Span?
    var reads = 0
    var writes = 0
    /// Bound at the top of a file whose names others may import.
    var isPublic = false
  }

  /// A body that runs later.
  struct Later {
    let block: Block
    let parameters: [Parameter]
    /// What else its body sees.
    let names: [Identifier]
  }

  private let moduleNames: ([Identifier]) -> [String]?
  private var variables: [Variable] = []
  var levels: [[String: Int]] = []
  private var later: [[Later]] = []
  /// Imports of whole files, with the variables they bind.
  private var imports: [(span: Span, name: String, members: [Int])] = []
  private(set) var diagnostics: [Diagnostic] = []

  /// - Parameter moduleNames: the names an imported file binds; nil when it cannot be read.
  init(moduleNames: @escaping ([Identifier]) -> [String]?) {
    self.moduleNames = moduleNames
  }

  mutating func lint(file block: Block) {
    let isModule = block.statements.allSatisfy(NameLints.isDeclaration)
    run(block, isPublic: isModule)
    for variable in variables { report(variable) }
    for item in imports where item.members.allSatisfy({ variables[$0].reads == 0 }) {
      diagnostics.append(
        Diagnostic(
          .unusedImport, "nothing of '\(item.name)' is used", at: item.span, label: "imported here",
          hint: "remove the import", fix: .remove(item.span, "remove the import")))
    }
  }

  /// Whether a statement only binds: a file of such statements is there to be imported.
  private static func isDeclaration(_ statement: Statement) -> Bool {
    switch statement.kind {
    case .binding, .function, .layer, .router, .objective, .optimizer, .importModule, .test, .knob:
      true
    default: false
    }
  }

  // MARK: Reports

  private mutating func report(_ variable: Variable) {
    guard !variable.name.hasPrefix("_"), !variable.name.isEmpty else { return }
    switch variable.kind {
    case .constant, .variable: reportBinding(variable)
    case .parameter where variable.reads + variable.writes == 0:
      diagnostics.append(
        Diagnostic(
          .unusedParameter, "the parameter '\(variable.name)' is never used", at: variable.span,
          hint: "remove it, or name it '_\(variable.name)'"))
    case .importedName where variable.reads == 0:
      diagnostics.append(
        Diagnostic(
          .unusedImport, "the imported '\(variable.name)' is never used", at: variable.span,
          hint: "remove it from the import"))
    case .parameter, .importedName, .other: break
    }
  }

  private mutating func reportBinding(_ variable: Variable) {
    let name = variable.name
    if variable.reads == 0, !variable.isPublic {
      let isWritten = variable.writes > 0
      diagnostics.append(
        Diagnostic(
          .unusedBinding, "'\(name)' is never \(isWritten ? "read" : "used")", at: variable.span,
          label: isWritten ? "only assigned to" : "",
          hint: "remove it, or name it '_\(name)'",
          fix: isWritten ? nil : .replace(variable.span, with: "_\(name)")))
    } else if variable.kind == .variable, variable.writes == 0 {
      let word = variable.statement.map {
        Span(source: $0.source, start: Int($0.start), end: Int($0.start) + 3)
      }
      diagnostics.append(
        Diagnostic(
          .neverChanged, "'\(name)' is never changed", at: variable.span, hint: "write 'let'",
          fix: word.map { .replace($0, with: "let") }))
    }
  }

  // MARK: Scopes

  mutating func run(
    _ block: Block, isPublic: Bool = false, binding prepare: (inout NameLints) -> Void = { _ in }
  ) {
    levels.append([:])
    later.append([])
    prepare(&self)
    for statement in block.statements {
      guard let name = statement.declaredName else { continue }
      bind(name, .other)
    }
    for statement in block.statements { run(statement, isPublic: isPublic) }
    while let next = later[later.count - 1].popLast() { runLater(next) }
    levels.removeLast()
    later.removeLast()
  }

  private mutating func runLater(_ body: Later) {
    run(body.block) { lints in
      for parameter in body.parameters {
        if let value = parameter.defaultValue { lints.visit(value) }
        lints.bind(parameter)
      }
      for name in body.names { lints.bindQuietly(name) }
    }
  }

  private mutating func bind(_ parameter: Parameter) {
    for name in parameter.pattern?.names ?? [parameter.name] {
      bind(name, .parameter, mayHideFile: true)
    }
  }

  mutating func bind(
    _ name: Identifier, _ kind: Kind, statement: Span? = nil, isPublic: Bool = false,
    mayHideFile: Bool = false
  ) {
    guard !levels.isEmpty else { return }
    if kind != .importedName { checkShadow(name, mayHideFile: mayHideFile) }
    variables.append(
      Variable(
        name: name.text, span: name.span, kind: kind, statement: statement, isPublic: isPublic))
    levels[levels.count - 1][name.text] = variables.count - 1
  }

  /// Without a look at what it hides.
  mutating func bindQuietly(_ name: Identifier) {
    guard !levels.isEmpty else { return }
    variables.append(Variable(name: name.text, span: name.span, kind: .other))
    levels[levels.count - 1][name.text] = variables.count - 1
  }

  /// A name of the library is there to be taken: a file that declares its own means it.
  private mutating func checkShadow(_ name: Identifier, mayHideFile: Bool) {
    guard !name.text.hasPrefix("_"), !name.text.isEmpty else { return }
    let outer = levels.dropLast().dropFirst(mayHideFile ? 1 : 0)
    if let index = outer.reversed().lazy.compactMap({ $0[name.text] }).first {
      guard variables[index].span != name.span else { return }
      diagnostics.append(
        Diagnostic(
          .shadowedName, "'\(name.text)' hides another '\(name.text)'", at: name.span,
          notes: [.init(span: variables[index].span, text: "the other is bound here")],
          hint: "take another name"))
    }
  }

  mutating func read(_ name: String) {
    for level in levels.reversed() {
      guard let index = level[name] else { continue }
      variables[index].reads += 1
      return
    }
  }

  mutating func write(_ name: String) {
    for level in levels.reversed() {
      guard let index = level[name] else { continue }
      variables[index].writes += 1
      return
    }
  }

  mutating func postpone(_ body: Later) {
    guard !later.isEmpty else { return }
    later[later.count - 1].append(body)
  }

  mutating func runImport(_ item: Import, at span: Span) {
    if let alias = item.alias { return bind(alias, .importedName) }
    if let names = item.names {
      for name in names { bind(name.bound, .importedName) }
      return
    }
    guard let names = moduleNames(item.path) else { return }
    let first = variables.count
    for name in names { bindQuietly(Identifier(name, span: span)) }
    let path = item.path.map(\.text).joined(separator: ".")
    imports.append((span, path, Array(first..<variables.count)))
  }
}
