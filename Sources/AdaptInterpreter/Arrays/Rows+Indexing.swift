import AdaptGraph
import AdaptSyntax

// Places of the rows of a model: in each sequence by itself.

extension Interpreter {
  /// The subscript of the rows, where there is one that does not take all, and all of them in its place.
  func rowSubscript(
    _ subscripts: [SubscriptArgument], _ operand: TensorOperand, at span: Span
  ) throws -> (pick: SubscriptArgument, rest: [SubscriptArgument])? {
    let named = try subscripts.firstIndex { argument in
      try argument.label.map {
        try axis(.string($0.text), of: operand, at: $0.span) == 0
      } ?? false
    }
    // Without a name the first one is that of the rows, unless '..' stands for them and others.
    let first = named ?? subscripts.firstIndex { $0.label == nil }
    guard let place = first else { return nil }
    if case .rest = subscripts[place].value { return nil }
    if named == nil, subscripts.count { $0.label == nil } > operand.rank { return nil }
    var rest = subscripts
    rest[place].value = .rest
    return (subscripts[place], rest)
  }

  /// The rows that a range has in each sequence, as far as they exist; of one place, one row a sequence.
  func pickedRows(
    _ operand: TensorOperand, _ pick: SubscriptArgument, _ rest: [SubscriptArgument], at span: Span
  ) throws -> Value {
    let (rule, isOne): (RowPick, Bool)
    switch pick.value {
    case .slice(let lower, let upper):
      (rule, isOne) = (.range(lower: lower ?? 0, upper: upper), false)
    case .index(let place):
      (rule, isOne) = (.range(lower: place, upper: place == -1 ? nil : place + 1), true)
    case .list, .mask, .rest:
      throw failure(
        .wrongValue, "the rows of \(describe(operand)) are not picked by a list", at: pick.span,
        hint: "x[0..n] has the first ones of each sequence; a route picks any")
    }
    let part = try compute(
      [operand], axes: operand.axes, keepsIntegers: !isOne, at: pick.span
    ) { graph, ids in
      let rows = try graph.picked(ids[0], rule)
      return isOne ? try graph.pooled(rows, mean: false) : rows
    }
    guard rest.count > 1 else { return part }
    return try subscriptTensor(try self.operand(part, at: span), rest, at: span)
  }
}
