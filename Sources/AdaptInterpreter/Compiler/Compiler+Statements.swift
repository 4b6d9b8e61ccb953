import AdaptSyntax

extension Compiler {
  /// What the lines of a block are.
  enum Lines {
    case statements
    /// Each is applied to what flows through the slot.
    case flow(Int)

    var slot: Int? {
      if case .flow(let slot) = self { return slot }
      return nil
    }
  }

  /// A block in a scope of its own.
  func compile(_ block: Block, _ lines: Lines = .statements) -> CodeNode {
    let (statements, scope) = scoped { () -> ContiguousArray<CodeNode> in
      guard let slot = lines.slot, let turned = TurnedBlock(block) else {
        declareNames(of: block.statements)
        return ContiguousArray(block.statements.map { compile($0, lines) })
      }
      declareNames(of: turned.before)
      let before = ContiguousArray(turned.before.map { compile($0, lines) })
      return before + [compile(turned, slot: slot)]
    }
    let cells = scope.cells
    if statements.count == 1, cells.isEmpty { return SingleNode(statements[0], block.span) }
    return BlockNode(statements, cells: cells, block.span)
  }

  /// The names a block binds are known to bodies inside it before they are bound.
  private func declareNames(of statements: some Sequence<Statement>) {
    guard let scope = function.blocks.last else { return }
    for statement in statements {
      for name in Compiler.bound(statement) where !reportDuplicate(name, in: scope) {
        declare(name, isMutable: Compiler.isMutable(statement), isBound: false)
      }
    }
  }

  func compile(_ statement: Statement, _ lines: Lines = .statements) -> CodeNode {
    let span = statement.span
    switch statement.kind {
    case .expression(let expression): return compileLine(expression, lines)
    case .binding(let pattern, let value, let mutable):
      return compileBinding(pattern, value, mutable, span)
    case .assignment(let target, let op, let value):
      return compileAssignment(target, op, value, span)
    case .forIn(let pattern, let sequence, let body):
      return compileFor(pattern, sequence, body, lines, span)
    case .whileLoop(let condition, let body):
      let test = compile(condition)
      return WhileNode(test, inLoop { compile(body, lines) }, flowSlot: lines.slot, span)
    case .returnValue(let value): return compileReturn(value, lines, span)
    case .breakLoop: return compileLeave(.broken, "break", span)
    case .continueLoop: return compileLeave(.continued, "continue", span)
    case .print(let values): return PrintNode(values.map { compile($0) }, span)
    case .expect(let condition):
      return ExpectNode(compile(condition), span)
    case .test(let name, let body): return TestNode(compile(name), compile(body), span)
    case .minimize(let value): return MinimizeNode(compile(value), span)
    case .importModule(let item): return compileImport(item, span)
    case .parameter(let name, let shape, let initial):
      let sizes = shape.map { compile($0) }
      let start = initial.map { compile($0) }
      return ParameterNode(name, bind(name), sizes, start, span)
    case .state(let name, let initial):
      let start = compile(initial)
      return StateNode(name, bind(name, isMutable: true), start, span)
    case .knob(let knob):
      let choices = compile(knob.choices)
      let start = knob.initial.map { compile($0) }
      if let decision = knob.decision { reportNoFlow(decision) }
      return KnobNode(knob.name, bind(knob.name), choices, start, span)
    case .function, .layer, .router, .objective, .optimizer: return compileDeclaration(statement)
    }
  }

  private func compileLine(_ expression: Expression, _ lines: Lines) -> CodeNode {
    if let branching = compileBranching(expression, lines) { return branching }
    let node = compile(expression)
    guard case .flow(let slot) = lines else { return node }
    return FlowLineNode(node, slot: slot, expression.span)
  }

  /// `if`, `match` and `try` as statements, from which loops and functions can be left.
  func compileBranching(_ expression: Expression, _ lines: Lines) -> CodeNode? {
    let span = expression.span
    switch expression.kind {
    case .conditional(let condition, let then, let otherwise):
      return ConditionalNode(
        compile(condition), compile(then, lines),
        otherwise.map { compile($0, lines) } ?? BlockNode([], cells: [], span),
        flowSlot: lines.slot, span)
    case .match(let subject, let arms):
      let value = compile(subject)
      return MatchNode(value, arms.map { compile($0, lines) }, flowSlot: lines.slot, span)
    case .attempt(let body, let pattern, let handler):
      let attempt = compile(body, lines)
      let (caught, _) = scoped { () -> (PatternNode?, CodeNode) in
        (pattern.map { compile($0) }, compile(handler, lines))
      }
      return AttemptNode(attempt, caught.0, caught.1, span)
    default: return nil
    }
  }

  private func compile(_ arm: MatchArm, _ lines: Lines) -> MatchNode.Arm {
    scoped {
      let pattern = compile(arm.pattern)
      let condition = arm.condition.map { compile($0) }
      return MatchNode.Arm(
        pattern: pattern, condition: condition, body: compile(arm.body, lines))
    }.0
  }

  // MARK: Bindings

  private func compileBinding(
    _ pattern: Pattern, _ value: Expression, _ isMutable: Bool, _ span: Span
  ) -> CodeNode {
    let result = compile(value)
    guard let name = pattern.singleName else {
      return BindingNode(compile(pattern, isMutable: isMutable), result, span)
    }
    let binder = bind(name, isMutable: isMutable)
    if case .slot(let slot) = binder.place {
      return LocalBindingNode(name.text, slot: slot, result, span)
    }
    return GlobalBindingNode(name.text, binder, result, span)
  }

  private func compileAssignment(
    _ target: Expression, _ op: BinaryOperator?, _ value: Expression, _ span: Span
  ) -> CodeNode {
    let new = compile(value)
    let general = AssignmentNode(compileTarget(target), op, new, span)
    guard case .name(let name) = target.kind, case .found(.slot(let slot), true, _) = resolve(name)
    else { return general }
    if let op, op == .add || op == .subtract || op == .multiply {
      return LocalIncrementNode(slot: slot, op, new, general: general, span)
    }
    // `x = x + e` is `x += e`.
    if op == nil, case .binary(let inner, let left, _) = value.kind, case .name(name) = left.kind,
      inner == .add || inner == .subtract || inner == .multiply, let binary = new as? BinaryNode
    {
      return LocalIncrementNode(slot: slot, inner, binary.right, general: general, span)
    }
    return general
  }

  private func compileTarget(_ target: Expression) -> TargetNode {
    switch target.kind {
    case .name(let name): return compileTarget(name, target.span)
    case .index(let base, let subscripts):
      return ElementTarget(
        compileTarget(base), subscripts.map { compile($0) }, target.span)
    case .member(let base, let name):
      return FieldTarget(compileTarget(base), name, target.span)
    case .tuple(let parts):
      return TupleTarget(parts.map { compileTarget($0) }, target.span)
    case .missing: return TargetNode(target.span)
    default:
      report(
        .misplacedStatement, "this cannot be assigned to", at: target.span,
        hint: "a name, an element of a list or a field of a record can")
      return TargetNode(target.span)
    }
  }

  private func compileTarget(_ name: String, _ span: Span) -> TargetNode {
    switch resolve(name) {
    case .found(let place, true, _): return NameTarget(name, place, span)
    case .found(_, false, let boundAt):
      report(
        .immutableBinding, "'\(name)' cannot be changed", at: span, label: "assigned here",
        notes: boundAt.map { isNoteworthy($0) ? [.init(span: $0, text: "bound here")] : [] } ?? [],
        hint: "bind it with 'var' to change it later")
    case .objective: report(.immutableBinding, "'\(name)' cannot be changed", at: span)
    case .unknown:
      guard !isOpen else { break }
      if function.find(name) != nil {
        reportUnknown(name, at: span)
      } else {
        report(
          .unknownName, "there is no '\(name)' here", at: span, label: "unknown name",
          hint: "'let \(name) = …' binds a new name, 'var' one that may change")
        // It is clear what was meant: no error for each use.
        declare(Identifier(name, span: span), isMutable: true)
      }
    }
    return TargetNode(span)
  }

  // MARK: Loops and leaving them

  private func compileFor(
    _ pattern: Pattern, _ sequence: Expression, _ body: Block, _ lines: Lines, _ span: Span
  ) -> CodeNode {
    let values = compile(sequence)
    return scoped {
      let names = compile(pattern)
      var slot: Int?
      if case .slot(let place)? = (names as? NamePattern)?.binder.place { slot = place }
      return ForNode(
        names, slot: slot, values, inLoop { compile(body, lines) }, flowSlot: lines.slot, span)
    }.0
  }

  private func inLoop<T>(_ body: () -> T) -> T {
    let outer = (function.loops, function.expressions)
    (function.loops, function.expressions) = (outer.0 + 1, 0)
    defer { (function.loops, function.expressions) = outer }
    return body()
  }

  private func compileReturn(_ value: Expression?, _ lines: Lines, _ span: Span) -> CodeNode {
    let result = value.map { compile($0) }
    function.returns = true
    if case .flow = lines {
      report(
        .misplacedStatement, "a flow has no 'return': its last line gives the result", at: span)
    } else if function.kind != .function {
      report(.misplacedStatement, "nothing to leave here", at: span)
    } else if function.expressions > 0 || function.outerExpressions > 0 {
      reportInsideExpression(span)
    }
    return ReturnNode(result, span)
  }

  private func compileLeave(_ signal: Signal, _ word: String, _ span: Span) -> CodeNode {
    if function.expressions > 0 {
      reportInsideExpression(span)
    } else if function.loops == 0 {
      report(.misplacedStatement, "'\(word)' belongs into a loop", at: span)
    }
    return LeaveNode(signal, span)
  }

  private func reportInsideExpression(_ span: Span) {
    report(
      .misplacedStatement, "a block that stands inside an expression cannot leave it", at: span,
      hint: "make the whole line an if, match or try")
  }

  // MARK: Imports

  private func compileImport(_ item: Import, _ span: Span) -> CodeNode {
    let names = importedNames(of: item, at: span)
    return ImportNode(item, names.map { ($0.name, bindImported($0.bound)) }, span)
  }

  /// The names that an import binds, and what they are called in the module.
  func importedNames(of item: Import, at span: Span) -> [(name: Identifier, bound: Identifier)] {
    if let alias = item.alias { return [(alias, alias)] }
    if let chosen = item.names { return chosen.map { ($0.name, $0.bound) } }
    guard let all = moduleNames(item) else {
      isOpen = true
      return []
    }
    return all.map { (Identifier($0, span: span), Identifier($0, span: span)) }
  }

  private func bindImported(_ name: Identifier) -> Binder {
    guard functions.count == 1, function.blocks.count == 1,
      let known = function.blocks[0].variables[name.text]
    else { return bind(name) }
    // The file's own name stands; what is imported under it is not seen.
    guard known.isImported else { return Binder(place: .cell(Cell()), publication: nil) }
    known.isBound = true
    return binder(known)
  }
}
