import AdaptSyntax

/// Something that stands directly inside a node of the tree.
enum TreeNode {
  case statement(Statement)
  case expression(Expression)
  case block(Block)
}

extension Block {
  var children: [TreeNode] { statements.map(TreeNode.statement) }
}

extension Statement {
  /// The name that a declaration binds, from the beginning of its block.
  var declaredName: Identifier? {
    switch kind {
    case .function(let declaration), .optimizer(let declaration): declaration.name
    case .layer(let declaration): declaration.name
    case .router(let declaration): declaration.name
    case .objective(let name, _): name
    default: nil
    }
  }

  /// The names it binds in its block.
  var boundNames: [Identifier] {
    switch kind {
    case .binding(let pattern, _, _): pattern.names
    case .parameter(let name, _, _), .state(let name, _): [name]
    default: declaredName.map { [$0] } ?? []
    }
  }

  /// What stands directly inside, in the order of the text.
  var children: [TreeNode] {
    switch kind {
    case .binding(let pattern, let value, _): pattern.children + [.expression(value)]
    case .assignment(let target, _, let value): [.expression(target), .expression(value)]
    case .function(let declaration), .optimizer(let declaration):
      declaration.parameters.flatMap(\.children) + [.block(declaration.body)]
    case .layer(let layer): layer.children
    case .router(let router):
      router.parameters.flatMap(\.children) + router.clauses.map(\.child)
    case .objective(_, let body): [.block(body)]
    case .parameter(_, let shape, let initial):
      shape.map(TreeNode.expression) + optional(initial)
    case .state(_, let value), .minimize(let value), .expect(let value), .expression(let value):
      [.expression(value)]
    case .forIn(let pattern, let sequence, let body):
      pattern.children + [.expression(sequence), .block(body)]
    case .whileLoop(let condition, let body): [.expression(condition), .block(body)]
    case .returnValue(let value): optional(value)
    case .print(let values): values.map(TreeNode.expression)
    case .test(let name, let body): [.expression(name), .block(body)]
    case .breakLoop, .continueLoop, .importModule: []
    }
  }
}

extension Expression {
  /// What stands directly inside, in the order of the text.
  var children: [TreeNode] {
    switch kind {
    case .string(let segments): segments.compactMap(\.child)
    case .list(let values), .tuple(let values), .parallel(let values, _):
      values.map(TreeNode.expression)
    case .record(let fields): fields.map { .expression($0.value) }
    case .map(let pairs): pairs.flatMap { [.expression($0.key), .expression($0.value)] }
    case .comprehension(let element, let clauses):
      clauses.flatMap(\.children) + [.expression(element)]
    case .range(let first, let last, _): optional(first) + optional(last)
    case .unary(_, let value), .member(let value, _): [.expression(value)]
    case .binary(_, let left, let right), .compose(let left, let right):
      [.expression(left), .expression(right)]
    case .call(let callee, let arguments, let trailing):
      [.expression(callee)] + arguments.map { .expression($0.value) }
        + (trailing.map { [.block($0)] } ?? [])
    case .index(let base, let indices):
      [.expression(base)] + indices.map { .expression($0.value) }
    case .closure(let parameters, let body): parameters.flatMap(\.children) + [.block(body)]
    case .conditional(let condition, let then, let otherwise):
      [.expression(condition), .block(then)] + (otherwise.map { [.block($0)] } ?? [])
    case .match(let subject, let arms): [.expression(subject)] + arms.flatMap(\.children)
    case .attempt(let body, let pattern, let handler):
      [.block(body)] + (pattern?.children ?? []) + [.block(handler)]
    case .residual(let body): [.block(body)]
    case .repeated(let count, let body), .loop(let count, let body):
      [.expression(count), .block(body)]
    case .route(let route): [.expression(route.router)] + route.paths.flatMap(\.children)
    case .integer, .number, .quantity, .boolean, .none, .name, .missing: []
    }
  }
}

extension LayerDeclaration {
  fileprivate var children: [TreeNode] {
    let axes = signature.map { $0.inputShape + ($0.outputShape ?? []) } ?? []
    let sizes: [TreeNode] = axes.compactMap { axis in
      if case .size(let size) = axis.kind { return .expression(size) }
      return nil
    }
    return parameters.flatMap(\.children) + sizes + [.block(body)]
  }
}

extension Parameter {
  fileprivate var children: [TreeNode] { optional(defaultValue) + (pattern?.children ?? []) }
}

extension RouterDeclaration.Clause {
  fileprivate var child: TreeNode {
    switch kind {
    case .scores(let block): .block(block)
    case .select(let value), .weigh(let value), .loss(let value): .expression(value)
    }
  }
}

extension Route.Path {
  fileprivate var children: [TreeNode] { optional(count) + [.block(body)] }
}

extension MatchArm {
  fileprivate var children: [TreeNode] {
    pattern.children + optional(condition) + [.block(body)]
  }
}

extension ComprehensionClause {
  fileprivate var children: [TreeNode] {
    switch self {
    case .forIn(let pattern, let sequence): pattern.children + [.expression(sequence)]
    case .condition(let condition): [.expression(condition)]
    }
  }
}

extension Pattern {
  /// The values that it compares with.
  fileprivate var children: [TreeNode] {
    switch kind {
    case .value(let value): [.expression(value)]
    case .tuple(let parts), .list(let parts, _), .alternatives(let parts):
      parts.flatMap(\.children)
    case .record(let fields): fields.flatMap(\.pattern.children)
    case .wildcard, .name, .missing: []
    }
  }
}

extension StringSegment {
  fileprivate var child: TreeNode? {
    if case .interpolation(let value, _) = self { return .expression(value) }
    return nil
  }
}

private func optional(_ expression: Expression?) -> [TreeNode] {
  expression.map { [.expression($0)] } ?? []
}

extension TreeNode {
  var children: [TreeNode] {
    switch self {
    case .statement(let statement): statement.children
    case .expression(let expression): expression.children
    case .block(let block): block.children
    }
  }

  /// Calls `body` with this node and all inside it, the outer ones first.
  func walk(_ body: (TreeNode) -> Void) {
    body(self)
    for child in children { child.walk(body) }
  }

  /// The statements in here, at any depth.
  var statements: [Statement] {
    var found: [Statement] = []
    walk { if case .statement(let statement) = $0 { found.append(statement) } }
    return found
  }

  /// The expressions in here, at any depth.
  var expressions: [Expression] {
    var found: [Expression] = []
    walk { if case .expression(let expression) = $0 { found.append(expression) } }
    return found
  }
}
