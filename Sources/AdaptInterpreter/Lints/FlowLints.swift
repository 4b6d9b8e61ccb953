import AdaptSyntax

/// Lints of statements and expressions, one at a time: what is dropped, never reached or always so.
struct FlowLints {
  /// What becomes of the values of a block's lines.
  private enum Use {
    /// Each line is applied to what the line before gave.
    case flow
    /// The last line gives the value of the block.
    case last
    /// None counts.
    case none
  }

  private let text: (Span) -> String
  /// Natives that do nothing but compute.
  private let pure: Set<String>
  private(set) var diagnostics: [Diagnostic] = []

  /// - Parameters:
  ///   - pure: names of functions and methods whose call has no effect.
  ///   - text: the text of a span.
  init(pure: Set<String>, text: @escaping (Span) -> String) {
    self.pure = pure
    self.text = text
  }

  mutating func lint(file block: Block) { run(block, .none) }

  private mutating func report(
    _ id: DiagnosticID, _ title: String, at span: Span, label: String = "", hint: String = "",
    fix: FixIt? = nil
  ) {
    diagnostics.append(Diagnostic(id, title, at: span, label: label, hint: hint, fix: fix))
  }

  // MARK: Blocks

  private mutating func run(_ block: Block, _ use: Use) {
    var left: Statement?
    for (index, statement) in block.statements.enumerated() {
      if let last = left {
        diagnostics.append(
          Diagnostic(
            .unreachable, "this is never reached", at: statement.span,
            notes: [.init(span: last.span, text: "this leaves the block")],
            hint: "remove it, or put it before"))
        break
      }
      let isLast = index == block.statements.count - 1
      run(statement, use == .last && !isLast ? .none : use)
      if FlowLints.leaves(statement) { left = statement }
    }
  }

  /// Whether nothing behind the statement can run.
  private static func leaves(_ statement: Statement) -> Bool {
    switch statement.kind {
    case .returnValue, .breakLoop, .continueLoop: return true
    case .expression(let expression):
      switch expression.kind {
      case .conditional(_, let then, let otherwise?): return leaves(then) && leaves(otherwise)
      case .call(let callee, _, _):
        if case .name("fail") = callee.kind { return true }
        return false
      default: return false
      }
    default: return false
    }
  }

  private static func leaves(_ block: Block) -> Bool { block.statements.contains(where: leaves) }

  private mutating func run(_ statement: Statement, _ use: Use) {
    switch statement.kind {
    case .expression(let expression): run(expression, use)
    case .forIn(_, let sequence, let body):
      visit(sequence)
      run(body, use == .flow ? .flow : .none)
    case .whileLoop(let condition, let body):
      if condition.isTrue {
        visit(condition)
      } else {
        visit(condition: condition)
      }
      run(body, use == .flow ? .flow : .none)
    case .assignment(let target, nil, let value):
      visit(target)
      visit(value)
      checkAssignment(target, value, at: statement.span)
    case .function(let declaration), .optimizer(let declaration): run(declaration.body, .last)
    case .layer(let layer): run(layer.body, layer.signature == nil ? .flow : .last)
    case .objective(_, let body): run(body, .last)
    case .router(let router): run(router)
    case .test(_, let body): run(body, .none)
    default: for child in statement.children { visit(child) }
    }
  }

  private mutating func run(_ router: RouterDeclaration) {
    for clause in router.clauses {
      switch clause.kind {
      case .scores(let block): run(block, .flow)
      case .select(let value), .weigh(let value), .loss(let value), .state(_, let value):
        visit(value)
      case .update(let block): run(block, .none)
      }
    }
  }

  /// An expression that is a statement.
  private mutating func run(_ expression: Expression, _ use: Use) {
    switch expression.kind {
    case .conditional(let condition, let then, let otherwise):
      visit(condition: condition)
      run(then, use)
      if let otherwise { run(otherwise, use) }
    case .match(let subject, let arms):
      visit(subject)
      for arm in arms { run(arm.body, use) }
    case .attempt(let body, _, let handler):
      run(body, use)
      run(handler, use)
    default:
      visit(expression)
      if use == .none, isPure(expression) { reportDropped(expression) }
    }
  }

  private mutating func reportDropped(_ expression: Expression) {
    if case .binary(.equal, let left, _) = expression.kind, case .name(let name) = left.kind {
      return report(
        .unusedValue, "the result of this comparison is not used", at: expression.span,
        hint: "'\(name) = …' assigns")
    }
    var hint = "print it, bind it with 'let', or remove it"
    if case .call(let callee, _, _) = expression.kind, case .member(_, let name) = callee.kind {
      hint = "'\(name.text)' changes nothing in place: bind what it gives"
    }
    report(.unusedValue, "this value is not used", at: expression.span, hint: hint)
  }

  // MARK: Expressions

  private mutating func visit(_ node: SyntaxNode) {
    switch node {
    case .expression(let expression): visit(expression)
    case .block(let block): run(block, .last)
    case .statement(let statement): run(statement, .last)
    case .pattern(let pattern): for child in pattern.children { visit(child) }
    }
  }

  private mutating func visit(_ expression: Expression) {
    switch expression.kind {
    case .conditional(let condition, let then, let otherwise):
      visit(condition: condition)
      run(then, .last)
      if let otherwise { run(otherwise, .last) }
    case .residual(let body), .recompute(let body): run(body, .flow)
    case .repeated, .loop, .route, .keep, .scan, .exit, .cascade, .reuse:
      // Their blocks are flows.
      for child in expression.children {
        if case .block(let body) = child { run(body, .flow) } else { visit(child) }
      }
    case .call(let callee, let arguments, let trailing):
      visit(callee)
      for argument in arguments { visit(argument.value) }
      if let trailing { run(trailing, .last) }
    case .binary(let op, let left, let right):
      visit(left)
      visit(right)
      checkComparison(op, left, right, at: expression.span)
    default:
      for child in expression.children { visit(child) }
    }
  }

  private mutating func visit(condition: Expression) {
    visit(condition)
    guard condition.isConstant else { return }
    report(
      .constantCondition, "this condition is always the same", at: condition.span,
      hint: "remove the branch that is never taken")
  }

  private mutating func checkComparison(
    _ op: BinaryOperator, _ left: Expression, _ right: Expression, at span: Span
  ) {
    switch op {
    case .equal, .notEqual, .less, .lessOrEqual, .greater, .greaterOrEqual: break
    default: return
    }
    guard !left.isConstant, isPure(left), text(left.span) == text(right.span) else { return }
    report(
      .selfComparison, "both sides are '\(text(left.span))'", at: span,
      label: "always the same, unless it is NaN")
  }

  private mutating func checkAssignment(
    _ target: Expression, _ value: Expression, at span: Span
  ) {
    guard isPure(value), text(target.span) == text(value.span) else { return }
    report(
      .selfAssignment, "'\(text(target.span))' is assigned to itself", at: span,
      hint: "remove the line", fix: .remove(span, "remove the assignment"))
  }

  /// Whether evaluating it does nothing but give a value.
  private func isPure(_ expression: Expression) -> Bool {
    switch expression.kind {
    case .closure: return true
    case .missing, .conditional, .match, .attempt: return false
    case .call(let callee, let arguments, let trailing):
      guard trailing == nil, !arguments.contains(where: { $0.value.isClosure }) else {
        return false
      }
      switch callee.kind {
      case .name(let name): return pure.contains(name) && arguments.allSatisfy { isPure($0.value) }
      case .member(let base, let name):
        return pure.contains(name.text) && isPure(base)
          && arguments.allSatisfy { isPure($0.value) }
      default: return false
      }
    case .residual, .recompute, .repeated, .loop, .route, .parallel, .keep, .scan, .exit,
      .cascade, .reuse:
      return true
    default:
      return expression.children.allSatisfy { child in
        if case .expression(let inner) = child { return isPure(inner) }
        return false
      }
    }
  }
}

extension Expression {
  fileprivate var isTrue: Bool {
    if case .boolean(true) = kind { return true }
    return false
  }

  fileprivate var isClosure: Bool {
    if case .closure = kind { return true }
    return false
  }

  /// Whether it is made of literals only.
  fileprivate var isConstant: Bool {
    switch kind {
    case .integer, .number, .quantity, .boolean, .none: true
    case .string(let segments): segments.allSatisfy { if case .text = $0 { true } else { false } }
    case .unary(_, let value): value.isConstant
    case .binary(_, let left, let right): left.isConstant && right.isConstant
    default: false
    }
  }
}
