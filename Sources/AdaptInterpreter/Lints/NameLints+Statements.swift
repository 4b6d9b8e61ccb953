import AdaptSyntax

// What statements bind, read and write.

extension NameLints {
  mutating func run(_ statement: Statement, isPublic: Bool) {
    switch statement.kind {
    case .binding(let pattern, let value, let mutable):
      visit(value)
      for name in pattern.names {
        bind(
          name, mutable ? .variable : .constant,
          statement: pattern.singleName == nil ? nil : statement.span, isPublic: isPublic)
      }
    case .assignment(let target, _, let value):
      visit(value)
      assign(target)
    case .parameter(let name, _, _), .state(let name, _):
      visit(.statement(statement))
      // It may take the name of a hyperparameter: the name is the tensor's in the saved model.
      bindQuietly(name)
    case .knob(let knob):
      visit(.statement(statement))
      bind(knob.name, .constant, isPublic: isPublic)
    case .forIn(let pattern, let sequence, let body):
      visit(sequence)
      run(body) { for name in pattern.names { $0.bind(name, .other) } }
    case .importModule(let item): runImport(item, at: statement.span)
    case .function, .optimizer, .layer, .router, .objective: declare(statement)
    default: visit(.statement(statement))
    }
  }

  private mutating func declare(_ statement: Statement) {
    switch statement.kind {
    case .function(let declaration), .optimizer(let declaration):
      let names = ["parameter", "gradient", "step"].map { Identifier($0, span: statement.span) }
      var isOptimizer = false
      if case .optimizer = statement.kind { isOptimizer = true }
      postpone(
        Later(
          block: declaration.body, parameters: declaration.parameters,
          names: isOptimizer ? names : []))
    case .layer(let layer): declare(layer)
    case .router(let router): declare(router)
    case .objective(_, let body): postpone(Later(block: body, parameters: [], names: []))
    default: break
    }
  }

  /// A signature reads the hyperparameters it names, and binds the other sizes.
  private mutating func declare(_ layer: LayerDeclaration) {
    let axes = layer.signature.map { $0.inputShape + ($0.outputShape ?? []) } ?? []
    var reads: [Statement] = []
    for axis in axes {
      switch axis.kind {
      case .name(let name):
        reads.append(
          Statement(kind: .expression(Expression(.name(name), span: axis.span)), span: axis.span))
      case .size(let size): reads.append(Statement(kind: .expression(size), span: axis.span))
      case .rest: break
      }
    }
    let input = layer.signature.map { Parameter(name: $0.input, defaultValue: nil) }
    let body = Block(statements: reads + layer.body.statements, span: layer.body.span)
    postpone(
      Later(block: body, parameters: layer.parameters + [input].compactMap { $0 }, names: []))
  }

  private mutating func declare(_ router: RouterDeclaration) {
    let clauses = router.clauses.map { clause -> Statement in
      let value: Expression =
        switch clause.kind {
        case .scores(let block), .update(let block):
          Expression(.residual(block), span: clause.span)
        case .select(let value), .weigh(let value), .loss(let value), .state(_, let value): value
        }
      return Statement(kind: .expression(value), span: clause.span)
    }
    let span = router.name.span
    let slots = RouterCode.Slots(first: 0)
    let known = Set(router.clauses.flatMap { slots.names(in: $0.kind).map(\.name) } + ["paths"])
    let own = Set(router.parameters.map(\.name.text))
    let states = router.clauses.compactMap { clause -> Identifier? in
      if case .state(let name, _) = clause.kind { return name }
      return nil
    }
    postpone(
      Later(
        block: Block(statements: clauses, span: span), parameters: router.parameters,
        names: known.subtracting(own).sorted().map { Identifier($0, span: span) } + states))
  }

  /// The name at the root of a target is written, what stands in brackets is read.
  private mutating func assign(_ target: Expression) {
    switch target.kind {
    case .name(let name): write(name)
    case .member(let base, _): assign(base)
    case .index(let base, let indices):
      assign(base)
      for item in indices { visit(item.value) }
    case .tuple(let parts), .list(let parts): for part in parts { assign(part) }
    default: visit(target)
    }
  }
}
