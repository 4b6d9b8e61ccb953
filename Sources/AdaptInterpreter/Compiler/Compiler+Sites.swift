import AdaptSyntax

// Forms in which something is decided.

extension Compiler {
  func compileSite(_ expression: Expression) -> CodeNode {
    let span = expression.span
    switch expression.kind {
    case .loop(let loop): return compile(loop, span)
    case .route(let route): return compile(route, span)
    case .keep(let keep): return compile(keep, span)
    case .scan(let scan):
      let content = compileCarrying("scan", scan.carried, scan.body)
      return ScanNode(scan.axis, content, reverse: scan.reverse, span)
    case .exit(let exit):
      let criterion = compile(exit.criterion, ConditionCode.Name.ofExits)
      let head = exit.head.map { compile($0) }
      return criterion.map {
        ExitNode(exit.unit, $0, word: exit.criterion.word, head: head, span)
      } ?? ConstantNode(.unknown, span)
    case .cascade(let cascade): return compile(cascade, span)
    case .reuse(let reuse):
      let condition = compileCondition(reuse.criterion.value, ConditionCode.Name.ofResults)
      let body = compileFlow("reuse", reuse.body)
      return condition.map { ReuseNode(reuse.unit, $0, body, span) }
        ?? ConstantNode(.unknown, span)
    default: return ConstantNode(.unknown, span)
    }
  }

  private func compile(_ route: Route, _ span: Span) -> CodeNode {
    let router = compile(route.router)
    return RouteNode(route.unit, router, route.paths.map { compile($0) }, span)
  }

  /// `8 experts { … }` knows the number of each as `index`, unless the name means something already.
  private func compile(_ path: Route.Path) -> RouteNode.Path {
    let count = path.count.map { compile($0) }
    return scoped {
      let index = Identifier("index", span: path.name.span)
      let variable = count == nil || isNamed(index.text) ? nil : declare(index)
      return RouteNode.Path(
        role: path.role, count: count, name: path.name,
        body: compileFlow(path.name.text, path.body), indexSlot: variable.map { slot(of: $0) })
    }.0
  }

  private func compile(_ keep: Keep, _ span: Span) -> CodeNode {
    let amount = KeepNode.Amount(
      kind: keep.amount.kind, value: compile(keep.amount.value), span: keep.amount.span)
    let router = compile(keep.router)
    let body = keep.body.map { compileFlow("keep", $0) }
    let otherwise = keep.otherwise.map { otherwise -> KeepNode.Otherwise in
      switch otherwise {
      case .block(let block): .body(compileFlow("else", block))
      case .drop(let word): .drop(word)
      case .merge(let word): .merge(word)
      }
    }
    return KeepNode(
      amount, of: keep.unit, each: keep.group, by: router, body, otherwise: otherwise, span)
  }

  // MARK: Rounds

  private func compile(_ loop: Loop, _ span: Span) -> CodeNode {
    if case .count(let count) = loop.rounds, loop.carried.isEmpty, loop.join == nil {
      return RoundsNode(compile(count), compileFlow("loop", loop.body), isLoop: true, span)
    }
    let rounds: LoopNode.Rounds =
      switch loop.rounds {
      case .count(let count): .count(compile(count))
      case .upTo(let limit, let unit, let until):
        .upTo(limit: compile(limit), unit: unit, until: compile(until))
      }
    let content = compileCarrying("loop", loop.carried, loop.body)
    return LoopNode(
      rounds, content, join: loop.join.flatMap(joinOfRounds), joinName: loop.join, span)
  }

  private func joinOfRounds(_ name: Identifier) -> LoopNode.Join? {
    if let join = LoopNode.Join(rawValue: name.text) { return join }
    let names = LoopNode.Join.allCases.map(\.rawValue)
    report(
      .wrongValue, "rounds cannot be joined by '\(name.text)'", at: name.span,
      hint: closest(name.text, among: names).map { "did you mean '\($0)'?" }
        ?? "the joins are \(names.joined(separator: ", "))")
    return nil
  }

  /// A flow with names that it carries: the first values are found around it.
  private func compileCarrying(_ name: String, _ carried: [Carried], _ body: Block)
    -> CarryingCode
  {
    let initials = carried.map { compile($0.initial) }
    var variables: [Variable] = []
    let code = compileCode(name, [], .flow, body.span) { code in
      variables = carried.map { self.declare($0.name, isMutable: true) }
      self.fillFlow(code, body)
    }
    // Whether closures share a name is known once the body is compiled.
    let names = zip(variables, initials).map { variable, initial in
      CarriedCode(
        name: variable.name, slot: slot(of: variable), initial: initial,
        isShared: variable.needsCell)
    }
    return CarryingCode(body: code, carried: names)
  }

  // MARK: Criteria

  private func compile(_ cascade: Cascade, _ span: Span) -> CodeNode {
    checkStages(cascade, span)
    let stages = cascade.stages.map { stage in
      let body = compileFlow(stage.name.text, stage.body)
      let criterion = stage.acceptance.flatMap { compile($0, ConditionCode.Name.ofAnswers) }
      let word = stage.acceptance?.word ?? stage.name.span
      return CascadeNode.Stage(
        name: stage.name, body: body, acceptance: criterion.map { ($0, word) })
    }
    return CascadeNode(cascade.unit, stages, span)
  }

  /// All stages but the last say what they accept.
  private func checkStages(_ cascade: Cascade, _ span: Span) {
    guard let last = cascade.stages.last else {
      return report(
        .misplacedStatement, "a cascade needs a stage", at: span,
        hint: "cascade each sample { small { … } accept when confidence > 0.9  big { … } }")
    }
    if let acceptance = last.acceptance {
      report(
        .misplacedStatement, "the last stage accepts everything", at: acceptance.word,
        hint: "remove 'accept', or add a stage behind it")
    }
    for stage in cascade.stages.dropLast() where stage.acceptance == nil {
      report(
        .misplacedStatement, "the stage '\(stage.name.text)' does not say what it accepts",
        at: stage.name.span, hint: "\(stage.name.text) { … } accept when confidence > 0.9")
    }
  }

  /// Nil when it was reported to be wrong.
  private func compile(_ criterion: Criterion, _ names: [ConditionCode.Name]) -> CriterionCode? {
    switch criterion.kind {
    case .by: .by(compile(criterion.value))
    case .when: compileCondition(criterion.value, names).map(CriterionCode.when)
    }
  }

  private func compileCondition(_ condition: Expression, _ names: [ConditionCode.Name])
    -> ConditionCode?
  {
    guard case .binary(let op, let left, let right) = condition.kind,
      [.less, .lessOrEqual, .greater, .greaterOrEqual].contains(op)
    else {
      if case .missing = condition.kind { return nil }
      report(
        .wrongValue, "'when' compares a quantity with a number", at: condition.span,
        hint: "for example \(names.first?.rawValue ?? "") > 0.9; by what else, a router says")
      return nil
    }
    let threshold = compile(right)
    var slots: [ConditionCode.Name: Int] = [:]
    let quantity = compileCode("when", [], .flow, left.span) { code in
      for name in names {
        slots[name] = self.slot(of: self.declare(Identifier(name.rawValue, span: left.span)))
      }
      code.body = self.compile(left)
      code.lastSpan = left.span
    }
    return ConditionCode(
      quantity: quantity, slots: slots, comparison: op, threshold: threshold,
      span: condition.span)
  }
}
