import AdaptPlatform
import AdaptSyntax

/// What is known of a name: how it is used, what it does, and where it comes from.
public struct DocumentationEntry: Sendable {
  /// In the order of the index.
  public enum Kind: String, Sendable, CaseIterable {
    case model = "models"
    case layer = "layers"
    case router = "routers"
    case objective = "objectives"
    case optimizer = "optimizers"
    case function = "functions"
    case method = "methods of lists, strings and models"
    case value = "values"
  }

  public var name: String
  public var kind: Kind
  /// `Linear(width, bias = true): x [.., d] -> [.., width]`.
  public var signature: String
  /// Plain text; examples stand between lines of ```.
  public var text: String
  /// `built in`, or a file and line.
  public var place: String

  /// The first sentence, without remarks in parentheses.
  public var summary: String {
    var depth = 0
    var result = ""
    for character in text.split(separator: "\n\n", maxSplits: 1, omittingEmptySubsequences: false)[
      0]
    {
      if character == "(" { depth += 1 }
      if depth == 0 { result.append(character.isNewline ? " " : character) }
      if character == ")" { depth -= 1 }
      if depth == 0, result.hasSuffix(". ") { break }
    }
    return result.replacing(" .", with: ".").trimmed()
  }

  /// The lines between ``` in the text, each run of them a script.
  public var examples: [String] {
    let parts = text.split(separator: "```", omittingEmptySubsequences: false)
    return stride(from: 1, to: parts.count, by: 2).map {
      parts[$0].trimmed() + "\n"
    }
  }
}

extension Interpreter {
  /// All that scripts see without an import: the standard library and what is built in.
  /// - Throws: ``ScriptError`` when the library cannot be loaded.
  public func documentation() throws -> [DocumentationEntry] {
    try onOwnThread { try self.begin() }
    let library = store.preludeTrees().flatMap { entries(of: $0.tree.block) }
    return (library + builtInEntries()).sorted { ($0.name, $0.signature) < ($1.name, $1.signature) }
  }

  /// What the declarations of a script say of themselves.
  public func documentation(of bytes: [UInt8], name: String) -> [DocumentationEntry] {
    entries(of: store.parse(bytes, name: name).block)
  }

  /// What a session has bound, the library and what is built in, under one name.
  public func documentation(named name: String) throws -> [DocumentationEntry] {
    let known = try documentation().filter { $0.name == name }
    guard let span = globals.own(name)?.span, let file = store.map.file(span.source) else {
      return known
    }
    let tree = parse(bytes: file.bytes, source: span.source)
    return entries(of: tree.block).filter { $0.name == name } + known
  }

  // MARK: Entries

  private func entries(of block: Block) -> [DocumentationEntry] {
    block.statements.flatMap { statement -> [DocumentationEntry] in
      let kind = DocumentationEntry.Kind(statement)
      // Names of values are no part of what a file declares unless it says something of them.
      if kind == .value, statement.documentation.isEmpty { return [] }
      return statement.boundNames.map { name in
        DocumentationEntry(
          name: name.text, kind: kind, signature: signature(of: statement),
          text: statement.documentation, place: place(of: name.span))
      }
    }
  }

  private func place(of span: Span) -> String {
    let line = store.map.position(of: Int(span.start), in: span.source).line
    return "\(store.map.file(span.source)?.name ?? ""):\(line)"
  }

  /// The statement up to its body, on one line.
  private func signature(of statement: Statement) -> String {
    let end =
      switch statement.kind {
      case .function(let declaration), .optimizer(let declaration): declaration.body.span.start
      case .layer(let layer): layer.body.span.start
      case .objective(_, let body): body.span.start
      case .router(let router): router.clauses.first?.span.start ?? statement.span.end
      default: statement.span.end
      }
    let head = Span(
      source: statement.span.source, start: Int(statement.span.start), end: Int(end))
    let text = store.map.text(of: head).split(whereSeparator: \.isWhitespace)
      .joined(separator: " ").replacing("( ", with: "(").replacing(" )", with: ")")
    return text.hasSuffix(" {") ? String(text.dropLast(2)) : text
  }

  private func builtInEntries() -> [DocumentationEntry] {
    let functions = Interpreter.builtins.map { Interpreter.entry($0, .function) }
    let named = Set(functions.map(\.name))
    // Those that can also be called by themselves are there already.
    let lists = Interpreter.listFunctions.filter { !named.contains($0.name) }
    let methods = lists.map { Interpreter.entry($0, .method) }
    let strings = Interpreter.stringFunctions.map { Interpreter.entry($0, .method) }
    let values = Interpreter.constants.map { name, _ in
      DocumentationEntry(
        name: name, kind: .value, signature: name,
        text: Interpreter.constantDocumentation[name] ?? "", place: "built in")
    }
    let models = (Interpreter.accessFunctions + [Interpreter.viewFunction])
      .map { Interpreter.entry($0, .method) }
    return functions + methods + strings + models + values
  }

  private static func entry(_ native: NativeFunction, _ kind: DocumentationEntry.Kind)
    -> DocumentationEntry
  {
    var parameters = native.parameters.map(\.signature)
    var receiver = ""
    if kind == .method { receiver = parameters.removeFirst() + "." }
    let block = native.takesBlock ? " { … }" : ""
    return DocumentationEntry(
      name: native.name, kind: kind,
      signature: "\(receiver)\(native.name)(\(parameters.joined(separator: ", ")))\(block)",
      text: native.documentation.isEmpty ? documentation(of: native, kind) : native.documentation,
      place: "built in")
  }

  /// Functions that say nothing beside their code are described in the tables of this folder.
  private static func documentation(
    of native: NativeFunction, _ kind: DocumentationEntry.Kind
  ) -> String {
    let isString = kind == .method && native.parameters.first?.name == "string"
    return (isString ? stringDocumentation : functionDocumentation)[native.name] ?? ""
  }

  private static let functionDocumentation = [
    basicDocumentation, mathDocumentation, listDocumentation, tensorDocumentation,
    modelDocumentation,
  ].reduce(into: [:]) { $0.merge($1) { first, _ in first } }

  private static let constantDocumentation = [
    "pass": "The empty path that hands on its input: a flow that changes nothing.",
    "zero":
      "The empty path that adds nothing: zeros in the shape of its input, which a join leaves out.",
    "zeros": "A start for parameters: all 0. `param bias: [d] = zeros`.",
    "ones": "A start for parameters: all 1. `param gain: [d] = ones`.",
    "pi": "The ratio of a circle's circumference to its diameter, 3.14159….",
  ]
}

extension DocumentationEntry.Kind {
  init(_ statement: Statement) {
    switch statement.kind {
    case .layer(let layer): self = layer.isModel ? .model : .layer
    case .router: self = .router
    case .objective: self = .objective
    case .optimizer: self = .optimizer
    case .function: self = .function
    default: self = .value
    }
  }
}

extension NativeFunction.Parameter {
  /// `digits = 0`, `values…`.
  fileprivate var signature: String {
    if isVariadic { return name + "…" }
    guard let defaultValue else { return name }
    var writer = ValueWriter(limit: 40)
    writer.write(defaultValue, quoted: true)
    return "\(name) = \(writer.text)"
  }
}
