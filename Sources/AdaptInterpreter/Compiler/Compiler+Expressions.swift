import AdaptSyntax

extension Compiler {
  func compile(_ expression: Expression) -> CodeNode {
    let span = expression.span
    switch expression.kind {
    case .integer(let value): return ConstantNode(.int(value), span)
    case .number(let value): return ConstantNode(.number(value), span)
    case .quantity(let value, let unit):
      return ConstantNode(Interpreter.quantity(value, unit), span)
    case .boolean(let value): return ConstantNode(.bool(value), span)
    case .none: return ConstantNode(.none, span)
    case .string(let segments): return compileString(segments, span)
    case .name(let name): return compileName(name, at: span)
    case .list(let elements):
      return SequenceNode(elements.map { compile($0) }, isTuple: false, span)
    case .tuple(let elements):
      return SequenceNode(elements.map { compile($0) }, isTuple: true, span)
    case .record(let fields): return compileRecord(fields, span)
    case .map(let entries):
      return MapNode(entries.map { (compile($0.key), compile($0.value)) }, span)
    case .comprehension(let element, let clauses):
      return compileComprehension(element, clauses[...], [], span)
    case .range(let lower, let upper, let closed):
      return compileRange(lower, upper, closed, span)
    case .unary(let op, let operand): return compileUnary(op, operand, span)
    case .binary(let op, let left, let right): return compileBinary(op, left, right, span)
    case .compose(let left, let right): return ComposeNode(compile(left), compile(right), span)
    case .call(let callee, let arguments, let trailing):
      return compileCall(callee, arguments, trailing, span)
    case .index(let base, let subscripts):
      return IndexNode(compile(base), subscripts.map { compile($0) }, span)
    case .member(let base, let name): return MemberNode(compile(base), name, span)
    case .closure(let parameters, let body):
      return ClosureNode(compileClosure("closure", parameters, body, span), span)
    case .conditional, .match, .attempt: return compileInside(expression)
    case .residual, .recompute, .parallel, .repeated: return compileForm(expression)
    case .loop, .route, .keep, .scan, .exit, .cascade, .reuse: return compileSite(expression)
    case .missing: return ConstantNode(.unknown, span)
    }
  }

  /// A block that stands inside an expression: nothing can leave it.
  private func compileInside(_ expression: Expression) -> CodeNode {
    function.expressions += 1
    function.outerExpressions += 1
    defer {
      function.expressions -= 1
      function.outerExpressions -= 1
    }
    return compileBranching(expression, .statements) ?? CodeNode(expression.span)
  }

  // MARK: Literals

  private func compileString(_ segments: [StringSegment], _ span: Span) -> CodeNode {
    let parts = segments.map { segment -> StringNode.Segment in
      switch segment {
      case .text(let text): .text(text)
      case .interpolation(let value, let format): .value(compile(value), format: format)
      }
    }
    guard parts.count <= 1 else { return StringNode(parts, span) }
    switch parts.first {
    case nil: return ConstantNode(.string(""), span)
    case .text(let text): return ConstantNode(.string(text), span)
    case .value: return StringNode(parts, span)
    }
  }

  private func compileRecord(_ fields: [Argument], _ span: Span) -> CodeNode {
    var names: Set<String> = []
    var result: [(name: String, value: CodeNode)] = []
    for field in fields {
      guard let label = field.label else { continue }
      if !names.insert(label.text).inserted {
        report(.duplicateName, "the record has two fields '\(label.text)'", at: label.span)
      }
      result.append((label.text, compile(field.value)))
    }
    return RecordNode(result, span)
  }

  private func compileRange(
    _ lower: Expression?, _ upper: Expression?, _ closed: Bool, _ span: Span
  ) -> CodeNode {
    guard let lower, let upper else {
      report(
        .unexpectedToken, "a range needs both ends here", at: span,
        hint: "ends may be left out between the brackets of x[…] only")
      return ConstantNode(.unknown, span)
    }
    return RangeNode(compile(lower), compile(upper), closed: closed, span)
  }

  /// The clauses from the left: each sees what those before it bind.
  private func compileComprehension(
    _ element: Expression, _ clauses: ArraySlice<ComprehensionClause>,
    _ done: [ComprehensionNode.Clause], _ span: Span
  ) -> CodeNode {
    guard let first = clauses.first else {
      return ComprehensionNode(compile(element), done, span)
    }
    switch first {
    case .condition(let condition):
      let test = ComprehensionNode.Clause.condition(compile(condition))
      return compileComprehension(element, clauses.dropFirst(), done + [test], span)
    case .forIn(let pattern, let sequence):
      let values = compile(sequence)
      return scoped {
        let names = compile(pattern)
        return compileComprehension(
          element, clauses.dropFirst(), done + [.forIn(names, values)], span)
      }.0
    }
  }

  func compile(_ item: Subscript) -> SubscriptCode {
    let span = item.label.map { $0.span.union(item.value.span) } ?? item.value.span
    guard case .range(let lower, let upper, let closed) = item.value.kind else {
      return SubscriptCode(label: item.label, kind: .value(compile(item.value)), span: span)
    }
    return SubscriptCode(
      label: item.label,
      kind: .slice(
        lower: lower.map { compile($0) }, upper: upper.map { compile($0) }, closed: closed),
      span: span)
  }

  // MARK: Operators

  /// A negated literal is a literal.
  private func compileUnary(_ op: UnaryOperator, _ operand: Expression, _ span: Span) -> CodeNode {
    switch (op, operand.kind) {
    case (.negate, .integer(let value)) where value != .min: ConstantNode(.int(-value), span)
    case (.negate, .number(let value)): ConstantNode(.number(-value), span)
    default: UnaryNode(op, compile(operand), span)
    }
  }

  private func compileBinary(
    _ op: BinaryOperator, _ left: Expression, _ right: Expression, _ span: Span
  ) -> CodeNode {
    let (a, b) = (compile(left), compile(right))
    switch op {
    case .and, .or: return LogicalNode(op, a, b, span)
    case .add, .subtract, .multiply, .remainder, .divide:
      if op != .divide, let local = a as? LocalNode,
        case .int(let constant)? = (b as? ConstantNode)?.value
      {
        return LocalConstantNode(op, local, constant, b, span)
      }
      return ArithmeticNode(op, a, b, span)
    case .matmul, .power: return BinaryNode(op, a, b, span)
    case .equal, .notEqual, .less, .lessOrEqual, .greater, .greaterOrEqual:
      if let local = a as? LocalNode, Compiler.isLocalOrInteger(b) {
        return LocalComparisonNode(op, local, b, span)
      }
      return ComparisonNode(op, a, b, span)
    }
  }

  private static func isLocalOrInteger(_ node: CodeNode) -> Bool {
    if node is LocalNode { return true }
    if case .int? = (node as? ConstantNode)?.value { return true }
    return false
  }

  // MARK: Calls

  private func compileCall(
    _ callee: Expression, _ arguments: [Argument], _ trailing: Block?, _ span: Span
  ) -> CodeNode {
    if case .member(let base, let name) = callee.kind {
      let receiver = compile(base)
      return MemberCallNode(
        receiver, name, arguments.map { compile($0) }, trailing.map { compileTrailing($0) }, span)
    }
    let function = compile(callee)
    let values = arguments.map { compile($0) }
    if trailing == nil, values.allSatisfy({ $0.label == nil }) {
      return values.count == 1
        ? SingleCallNode(function, values[0], span) : PlainCallNode(function, values, span)
    }
    return CallNode(function, values, trailing.map { compileTrailing($0) }, span)
  }

  private func compile(_ argument: Argument) -> ArgumentCode {
    ArgumentCode(label: argument.label, value: compileValue(of: argument))
  }

  private func compileValue(of argument: Argument) -> CodeNode {
    guard argument.label?.text == "axis", case .name(let name) = argument.value.kind else {
      return compile(argument.value)
    }
    let span = argument.value.span
    if case .unknown = resolve(name) { return AxisNameNode(name, value: nil, span) }
    return AxisNameNode(name, value: compileName(name, at: span), span)
  }

  private func compileTrailing(_ block: Block) -> ClosureNode {
    ClosureNode(
      compileClosure("closure", [], block, hasObjectiveNames: true, block.span), block.span)
  }
}
