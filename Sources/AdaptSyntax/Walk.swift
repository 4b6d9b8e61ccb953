// Children of a node, in the order of the text, for whoever goes over a tree without interest in
// most of it: lints, formatters, editors. One switch for statements, one for expressions and one for
// patterns; a new form is added here and every walk knows it.

/// A node of the tree, whatever its sort.
public enum SyntaxNode: Sendable {
  case block(Block)
  case statement(Statement)
  case expression(Expression)
  case pattern(Pattern)

  /// Where it stands.
  public var span: Span {
    switch self {
    case .block(let block): block.span
    case .statement(let statement): statement.span
    case .expression(let expression): expression.span
    case .pattern(let pattern): pattern.span
    }
  }

  /// The nodes right below it, in the order of the text.
  public var children: [SyntaxNode] {
    switch self {
    case .block(let block): block.children
    case .statement(let statement): statement.children
    case .expression(let expression): expression.children
    case .pattern(let pattern): pattern.children
    }
  }

  /// Visits this node and then all below it, in the order of the text.
  ///
  /// - Parameter visit: Says whether to go on with what is below the node.
  /// - Note: Goes as deep as the tree is high, which ``ParseLimits`` bounds.
  public func walk(_ visit: (SyntaxNode) -> Bool) {
    guard visit(self) else { return }
    for child in children { child.walk(visit) }
  }
}

extension Block {
  /// Its statements, as nodes.
  public var children: [SyntaxNode] { statements.map(SyntaxNode.statement) }

  /// Visits the block and all below it; see ``SyntaxNode/walk(_:)``.
  public func walk(_ visit: (SyntaxNode) -> Bool) { SyntaxNode.block(self).walk(visit) }
}

extension Statement {
  /// The nodes right below it, in the order of the text.
  public var children: [SyntaxNode] {
    switch kind {
    case .binding(let pattern, let value, _): [.pattern(pattern), .expression(value)]
    case .assignment(let target, _, let value): [.expression(target), .expression(value)]
    case .function(let function), .optimizer(let function):
      function.parameters.nodes + [.block(function.body)]
    case .layer(let layer): layer.children
    case .router(let router): router.parameters.nodes + router.clauses.map(\.node)
    case .objective(_, let body): [.block(body)]
    case .parameter(_, let shape, let initial): shape.nodes + initial.nodes
    case .state(_, let initial): [.expression(initial)]
    case .knob(let knob):
      [.expression(knob.choices)] + knob.initial.nodes + (knob.decision?.router).nodes
    case .forIn(let pattern, let sequence, let body):
      [.pattern(pattern), .expression(sequence), .block(body)]
    case .whileLoop(let condition, let body): [.expression(condition), .block(body)]
    case .returnValue(let value): value.nodes
    case .breakLoop, .continueLoop, .importModule: []
    case .print(let values): values.nodes
    case .minimize(let value), .expect(let value), .expression(let value): [.expression(value)]
    case .test(let name, let body): [.expression(name), .block(body)]
    }
  }
}

extension LayerDeclaration {
  fileprivate var children: [SyntaxNode] {
    let axes = (signature?.inputShape ?? []) + (signature?.outputShape ?? [])
    return parameters.nodes + axes.compactMap(\.node) + [.block(body)]
  }
}

extension Axis {
  fileprivate var node: SyntaxNode? {
    if case .size(let size) = kind { return .expression(size) }
    return nil
  }
}

extension RouterDeclaration.Clause {
  fileprivate var node: SyntaxNode {
    switch kind {
    case .scores(let block): .block(block)
    case .select(let value), .weigh(let value), .loss(let value): .expression(value)
    case .state(_, let initial): .expression(initial)
    case .update(let block): .block(block)
    }
  }
}

extension Expression {
  /// The nodes right below it, in the order of the text.
  public var children: [SyntaxNode] {
    switch kind {
    case .integer, .number, .quantity, .boolean, .none, .name, .missing: []
    case .string(let segments): segments.compactMap(\.node)
    case .list(let values), .tuple(let values), .parallel(let values, _): values.nodes
    case .record(let fields): fields.map { .expression($0.value) }
    case .map(let pairs): pairs.flatMap { [.expression($0.key), .expression($0.value)] }
    case .comprehension(let value, let clauses): [.expression(value)] + clauses.flatMap(\.nodes)
    case .range(let lower, let upper, _): lower.nodes + upper.nodes
    case .unary(_, let operand): [.expression(operand)]
    case .binary(_, let left, let right), .compose(let left, let right):
      [.expression(left), .expression(right)]
    case .call(let callee, let arguments, let trailing):
      [.expression(callee)] + arguments.map { .expression($0.value) } + trailing.nodes
    case .index(let base, let indices):
      [.expression(base)] + indices.map { .expression($0.value) }
    case .member(let base, _): [.expression(base)]
    case .closure(let parameters, let body): parameters.nodes + [.block(body)]
    case .conditional, .match, .attempt: childrenOfChoice
    case .residual(let body), .recompute(let body): [.block(body)]
    case .repeated(let count, let body): [.expression(count), .block(body)]
    case .loop, .route, .keep, .scan, .exit, .cascade, .reuse: childrenOfSite
    }
  }

  private var childrenOfSite: [SyntaxNode] {
    switch kind {
    case .loop(let loop): loop.rounds.nodes + loop.carried.nodes + [.block(loop.body)]
    case .route(let route): [.expression(route.router)] + route.paths.flatMap(\.nodes)
    case .keep(let keep):
      [.expression(keep.amount.value), .expression(keep.router)] + keep.body.nodes
        + (keep.otherwise?.nodes ?? [])
    case .scan(let scan): scan.carried.nodes + [.block(scan.body)]
    case .exit(let exit): [.expression(exit.criterion.value)] + exit.head.nodes
    case .cascade(let cascade): cascade.stages.flatMap(\.nodes)
    case .reuse(let reuse): [.expression(reuse.criterion.value), .block(reuse.body)]
    default: []
    }
  }

  private var childrenOfChoice: [SyntaxNode] {
    switch kind {
    case .conditional(let condition, let block, let other):
      [.expression(condition), .block(block)] + other.nodes
    case .match(let subject, let arms): [.expression(subject)] + arms.flatMap(\.nodes)
    case .attempt(let body, let pattern, let handler):
      [.block(body)] + (pattern.map { [.pattern($0)] } ?? []) + [.block(handler)]
    default: []
    }
  }
}

extension Pattern {
  /// The nodes right below it, in the order of the text.
  public var children: [SyntaxNode] {
    switch kind {
    case .wildcard, .name, .missing: []
    case .value(let value): [.expression(value)]
    case .tuple(let parts), .list(let parts, _), .alternatives(let parts):
      parts.map(SyntaxNode.pattern)
    case .record(let fields): fields.map { .pattern($0.pattern) }
    }
  }
}

// MARK: Parts that are no nodes themselves

extension StringSegment {
  fileprivate var node: SyntaxNode? {
    if case .interpolation(let value, _) = self { return .expression(value) }
    return nil
  }
}

extension ComprehensionClause {
  fileprivate var nodes: [SyntaxNode] {
    switch self {
    case .forIn(let pattern, let sequence): [.pattern(pattern), .expression(sequence)]
    case .condition(let condition): [.expression(condition)]
    }
  }
}

extension MatchArm {
  fileprivate var nodes: [SyntaxNode] { [.pattern(pattern)] + condition.nodes + [.block(body)] }
}

extension Route.Path {
  fileprivate var nodes: [SyntaxNode] { count.nodes + [.block(body)] }
}

extension Keep.Otherwise {
  fileprivate var nodes: [SyntaxNode] {
    if case .block(let block) = self { return [.block(block)] }
    return []
  }
}

extension Loop.Rounds {
  fileprivate var nodes: [SyntaxNode] {
    switch self {
    case .count(let count): [.expression(count)]
    case .upTo(let limit, _, let until): [.expression(limit), .expression(until)]
    }
  }
}

extension [Carried] {
  fileprivate var nodes: [SyntaxNode] { map { .expression($0.initial) } }
}

extension Cascade.Stage {
  fileprivate var nodes: [SyntaxNode] {
    [.block(body)] + (acceptance.map { [.expression($0.value)] } ?? [])
  }
}

extension [Parameter] {
  /// Patterns and default values.
  fileprivate var nodes: [SyntaxNode] {
    flatMap { ($0.pattern.map { [.pattern($0)] } ?? []) + $0.defaultValue.nodes }
  }
}

extension [Expression] {
  fileprivate var nodes: [SyntaxNode] { map(SyntaxNode.expression) }
}

extension Expression? {
  fileprivate var nodes: [SyntaxNode] { map { [.expression($0)] } ?? [] }
}

extension Block? {
  fileprivate var nodes: [SyntaxNode] { map { [.block($0)] } ?? [] }
}
