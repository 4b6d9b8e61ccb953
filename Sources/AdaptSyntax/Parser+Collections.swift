// What stands between [ and ] as a value: lists, maps and comprehensions.
extension Parser {
  @inline(never)
  mutating func parseBracketed() -> Expression {
    let first = start
    if peek().kind == .colon, peek(2).kind == .rightBracket {
      for _ in 0..<3 { advance() }
      return Expression(.map([]), span: span(from: first))
    }
    var literal = CollectionLiteral()
    nested { parser in
      parser.parseList { $0.parseElement(into: &literal) }
    }
    return Expression(literal.kind, span: span(from: first))
  }

  /// `e`, `key: value`, or `e for p in s if c`.
  private mutating func parseElement(into literal: inout CollectionLiteral) {
    if literal.isComplete {
      report(
        .unexpectedToken, "a comprehension has one expression", at: span(current),
        label: "nothing may follow its last clause")
    }
    let isFirst = literal.elements.isEmpty
    let element = parseExpression()
    if current.kind == .colon, isFirst || literal.isMap {
      advance()
      literal.values.append(parseExpression())
    } else if literal.isMap {
      reportMissing("':' and the value of this key", hint: "a map is written [\"a\": 1, \"b\": 2]")
      literal.values.append(Expression(.missing, span: missingSpan))
    }
    literal.elements.append(element)
    if current.kind == .for, isFirst, !literal.isMap { literal.clauses = parseClauses() }
  }

  /// `for p in s if c for q in t`.
  private mutating func parseClauses() -> [ComprehensionClause] {
    var clauses: [ComprehensionClause] = []
    while true {
      if accept(.for) {
        let pattern = parsePattern("the name of the element")
        expectWord(.in, hint: "[x ^ 2 for x in sequence]")
        clauses.append(.forIn(pattern, parseExpression()))
      } else if accept(.if) {
        clauses.append(.condition(parseExpression()))
      } else {
        return clauses
      }
    }
  }
}

/// The parts of a list, a map or a comprehension while it is parsed.
private struct CollectionLiteral {
  /// The elements; of a map the keys.
  var elements: [Expression] = []
  var values: [Expression] = []
  var clauses: [ComprehensionClause] = []

  var isMap: Bool { !values.isEmpty }
  var isComplete: Bool { !clauses.isEmpty }

  var kind: Expression.Kind {
    if isMap { return .map(zip(elements, values).map { (key: $0, value: $1) }) }
    if let first = elements.first, isComplete { return .comprehension(first, clauses) }
    return .list(elements)
  }
}
