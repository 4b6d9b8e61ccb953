import AdaptGraph
import AdaptRuntime
import AdaptSyntax

// Lints: what is no error and probably not meant. Those of names and statements read the tree; those
// of models read the graphs that checking has traced. None runs anything.

extension Interpreter {
  /// The warnings of a file, without those that a comment allows.
  ///
  /// - Parameters:
  ///   - dry: the dry run that has checked the file.
  ///   - errors: what is wrong with it. Then only names and statements are looked at, on other lines:
  ///     what models come to is not known.
  func lint(_ tree: SyntaxTree, checkedBy dry: Interpreter, beside errors: [Diagnostic])
    -> [Diagnostic]
  {
    var names = NameLints(moduleNames: importedNames)
    names.lint(file: tree.block)
    var flow = FlowLints(pure: Interpreter.pureNames, text: { self.store.map.text(of: $0) })
    flow.lint(file: tree.block)
    var found = names.diagnostics + flow.diagnostics + selectionLints(tree.block)
    if errors.isEmpty { found += dry.modelLints(tree.block) }
    let allowed = allowedLints(tree.tokens, source: tree.block.span.source)
    let blamed = Set(
      errors.flatMap { [$0.span] + $0.notes.map(\.span) }.compactMap { $0.map(line(of:)) })
    var seen: Set<Place> = []
    return found.filter { diagnostic in
      guard let span = diagnostic.span else { return true }
      let line = line(of: span)
      return !blamed.contains(line) && allowed[line]?.contains(diagnostic.id.rawValue) != true
        && seen.insert(Place(id: diagnostic.id, span: span)).inserted
    }
  }

  private func line(of span: Span) -> Int {
    store.map.position(of: Int(span.start), in: span.source).line
  }

  /// One lint at one place is enough, however many copies of a layer there are.
  private struct Place: Hashable {
    let id: DiagnosticID
    let span: Span
  }

  private func importedNames(_ path: [Identifier]) -> [String]? {
    guard let first = path.first, let tree = try? moduleTree(path, at: first.span) else {
      return nil
    }
    return tree.block.statements.flatMap(\.boundNames).map(\.text).filter { !$0.hasPrefix("_") }
  }

  /// Functions and methods that do nothing but compute.
  private static var pureNames: Set<String> {
    let functions =
      listFunctions + stringFunctions + mathFunctions + tensorFunctions + objectiveFunctions
    return Set(functions.map(\.name) + ["len", "string", "int", "number", "type"])
  }

  // MARK: Allowed

  /// What `// lint: allow W0101` allows, by line: its own and the next one.
  func allowedLints(_ tokens: [Token], source: UInt16) -> [Int: Set<String>] {
    var allowed: [Int: Set<String>] = [:]
    for token in tokens where token.kind == .lineComment || token.kind == .blockComment {
      let span = Span(source: source, start: Int(token.start), end: Int(token.end))
      let words = store.map.text(of: span).split { " ,/*:".contains($0) }.map(String.init)
      guard words.prefix(2) == ["lint", "allow"] else { continue }
      let line = store.map.position(of: Int(token.start), in: source).line
      for line in [line, line + 1] { allowed[line, default: []].formUnion(words.dropFirst(2)) }
    }
    return allowed
  }

  // MARK: Routers

  /// Routers that select by one rule in training and by another in inference.
  private func selectionLints(_ block: Block) -> [Diagnostic] {
    SyntaxNode.block(block).statements.compactMap { statement in
      guard case .router(let router) = statement.kind else { return nil }
      let training = selection(of: router, in: .training)
      let inference = selection(of: router, in: .inference)
      guard let training, let inference, text(training) != text(inference) else { return nil }
      return Diagnostic(
        .selectionDiffers,
        "router \(router.name.text) selects otherwise in inference than in training",
        at: inference.span, label: "in inference",
        notes: [.init(span: training.span, text: "in training")],
        hint: "use one rule, or say that it is meant so: // lint: allow W0204")
    }
  }

  private func text(_ expression: Expression) -> String { store.map.text(of: expression.span) }

  /// The clause that counts in a mode: the last one for it, or else the last one for both.
  private func selection(
    of router: RouterDeclaration, in mode: RouterDeclaration.Clause.Mode
  ) -> Expression? {
    let rules = router.clauses.compactMap { clause -> (isOwn: Bool, rule: Expression)? in
      guard case .select(let rule) = clause.kind, clause.mode == nil || clause.mode == mode else {
        return nil
      }
      return (clause.mode == mode, rule)
    }
    return (rules.last { $0.isOwn } ?? rules.last)?.rule
  }

  // MARK: Models

  /// Models are looked at once a declaration, however many a sweep makes.
  private static let mostModels = 32

  /// The warnings of the models that this dry run has met, or that the file binds at its top.
  private func modelLints(_ block: Block) -> [Diagnostic] {
    var found: [Diagnostic] = []
    var seen: Set<String> = []
    let models = metModels()
    guard !models.isEmpty else { return decodingLints(block) }
    let places = ModelLints.Places(block)
    for model in models where seen.count < Interpreter.mostModels {
      guard let name = model.layer?.name, seen.insert(name).inserted,
        let training = traced(model, .training), let inference = traced(model, .inference)
      else { continue }
      var lints = ModelLints(
        training: training, inference: inference, places: places, place: place)
      lints.lint()
      found += lints.diagnostics
    }
    return found + decodingLints(block)
  }

  private func metModels() -> [Flow] {
    let bound = topLevelNames.compactMap { name -> Flow? in
      guard case .flow(let flow)? = self[name], flow.layer?.isModel == true else { return nil }
      return flow
    }
    let met = tracedModels.map(\.flow) + bound
    var seen: Set<ObjectIdentifier> = []
    return met.filter { seen.insert(ObjectIdentifier($0)).inserted }
  }

  /// What was traced of a model in a mode, or is now, for the input it was used with.
  private func traced(_ model: Flow, _ mode: TraceMode) -> TracedModel? {
    let known = tracedModels.filter { $0.flow === model }
    if let found = known.last(where: { $0.mode == mode || !$0.trace.differsByMode }) {
      return found
    }
    let input = known.last?.input ?? .open
    let graph = try? traceModel(model, input: input, mode: mode, at: model.span)
    return graph == nil ? nil : tracedModels.last
  }

  /// Calls of generate with a model whose tokens depend on later ones.
  private func decodingLints(_ block: Block) -> [Diagnostic] {
    let arguments = SyntaxNode.block(block).expressions.compactMap { expression -> Expression? in
      guard case .call(let callee, let arguments, _) = expression.kind,
        case .name("generate") = callee.kind
      else { return nil }
      return (arguments.first { $0.label?.text == "model" } ?? arguments.first)?.value
    }
    return arguments.compactMap { argument in
      guard let model = decodedModel(argument), let traced = traced(model, .inference),
        let place = traced.graph.graph.placesThatLookAhead.first
      else { return nil }
      let isSite = traced.graph.graph.sites.contains { $0.name == place }
      return Diagnostic(
        .seesFuture, "generate uses a model whose tokens depend on later ones", at: argument.span,
        label: "what comes later does not exist yet",
        notes: [.init(span: self.place(place, in: traced), text: "here it looks ahead (\(place))")],
        hint: isSite
          ? "a threshold decides for each token by itself: above(0.5)"
          : "write 'causal: true' there")
    }
  }

  private func decodedModel(_ argument: Expression) -> Flow? {
    if let traced = tracedModels.last(where: { $0.span == argument.span }) { return traced.flow }
    guard case .name(let name) = argument.kind, case .flow(let flow)? = self[name] else {
      return nil
    }
    return flow
  }

  /// The innermost flow of the script around a scope of a model.
  func place(_ scope: String, in model: TracedModel) -> Span {
    var scope = scope
    while true {
      if let span = model.trace.span(of: scope), !store.isLibrary(span) { return span }
      guard let dot = scope.lastIndex(of: ".") else { return model.flow.span }
      scope = String(scope[..<dot])
    }
  }
}
