import AdaptGraph
import AdaptSyntax

// Axes as scripts name them: by number from either end, or by name. The rows of a traced tensor are
// its first axis.

extension Interpreter {
  /// The axes that an argument names; nil for none.
  func axes(_ value: Value, of operand: TensorOperand, at span: Span) throws -> [Int]? {
    switch value {
    case .none: return nil
    case .unknown: throw UnknownReached()
    case .list(let list):
      let axes = try list.elements.map { try axis($0, of: operand, at: span) }
      guard Set(axes).count == axes.count else {
        throw failure(.wrongValue, "an axis is named twice", at: span)
      }
      return axes
    default: return [try axis(value, of: operand, at: span)]
    }
  }

  /// One axis, by number or name.
  func axis(_ value: Value, of operand: TensorOperand, at span: Span) throws -> Int {
    if value.isUnknown { throw UnknownReached() }
    if case .string(let name) = value { return try axis(named: name, of: operand, at: span) }
    guard let number = value.exactInt else {
      throw wrongType("an axis is a number or a name, not \(value.typeName)", at: span)
    }
    let place = number < 0 ? number + operand.rank : number
    guard (0..<operand.rank).contains(place) else {
      throw failure(
        .indexOutOfRange, "\(describe(operand)) has no axis \(number)", at: span,
        hint: operand.rank == 0
          ? "it is a single number" : "valid are 0 to \(operand.rank - 1), and -1 for the last")
    }
    return place
  }

  private func axis(named name: String, of operand: TensorOperand, at span: Span) throws -> Int {
    if let place = operand.axes.firstIndex(of: name) { return place + operand.lead }
    let label = operand.type.rows.flatMap { trace?.graph[$0].label }
    if name == label { return 0 }
    if name == "last", operand.rank > 0 { return operand.rank - 1 }
    let known = (operand.axes + [label]).compactMap { $0 }
    let near = closest(name, among: known)
    throw failure(
      .wrongValue, "there is no axis '\(name)' here", at: span, label: "it is \(describe(operand))",
      hint: near.map { "did you mean '\($0)'?" }
        ?? "an axis is a number from 0, 'last', or a name that labelled(…) gave")
  }

  /// Whether an argument names the axis that the rows of tensors are.
  func isAlongRows(_ value: Value, _ operands: [TensorOperand], at span: Span) throws -> Bool {
    let withRows = operands.filter { $0.lead == 1 }
    if case .string(let name) = value {
      let labels = withRows.map { $0.type.rows.flatMap { trace?.graph[$0].label } }
      if labels.contains(name) { return true }
    }
    guard let first = withRows.first, !first.type.dims.isEmpty else { return false }
    if case .string = value { return false }
    return try axis(value, of: first, at: span) == 0
  }

  /// An axis behind the rows, whose places stand beside each other in memory.
  func innerAxis(_ value: Value, of operand: TensorOperand, at span: Span) throws -> Int {
    let axis = try axis(value, of: operand, at: span)
    guard axis >= operand.lead else {
      throw failure(
        .wrongValue, "this does not go along the rows of \(describe(operand))", at: span,
        hint: "only sum and mean do")
    }
    return axis - operand.lead
  }

  // MARK: Reductions

  /// Reduces axes to one number each; all of them, or the rows where there are rows, when none is named.
  func reduce(
    _ reduction: Reduction, _ operand: TensorOperand, _ axes: [Int]?, keep: Bool, at span: Span
  ) throws -> Value {
    let axes = axes ?? (operand.lead == 1 ? [0] : Array(0..<operand.rank))
    let inner = axes.filter { $0 >= operand.lead }.map { $0 - operand.lead }
    let overRows = inner.count < axes.count
    guard !overRows || reduction == .sum || reduction == .mean else {
      throw failure(
        .wrongValue, "there is no \(reduction.rawValue) over the rows of \(describe(operand))",
        at: span, hint: "only sum and mean go over rows; name another axis")
    }
    if reduction == .mean, inner.contains(where: { operand.type.dims[$0] == 0 }) {
      throw failure(.wrongValue, "the mean of no values, of \(describe(operand))", at: span)
    }
    if overRows, let weights = try countingWeights(of: operand, at: span) {
      return try weighted(reduction, operand, weights, inner, keep: keep, at: span)
    }
    let operand = overRows && reduction == .mean ? try shared(operand, at: span) : operand
    let names = operand.axes.indices.filter { keep || !inner.contains($0) }.map { operand.axes[$0] }
    return try compute([operand], axes: names, at: span) { graph, ids in
      var value = ids[0]
      if !inner.isEmpty { value = try graph.reduced(reduction, value, axes: inner, keep: keep) }
      return overRows ? try graph.add(.sumRows(mean: reduction == .mean), value) : value
    }
  }

  /// What the rows of a loss count by, where the data weigh them; groups by the mean of their rows.
  private func countingWeights(of operand: TensorOperand, at span: Span) throws -> TensorOperand? {
    guard let trace, var weight = trace.counting, operand.isSymbolic,
      let rows = trace.graph.type(weight).rows
    else { return nil }
    if rows != operand.type.rows {
      guard trace.graph.groups(of: rows) == operand.type.rows else { return nil }
      weight = try traced(at: span) { try trace.graph.pooled(weight) }
    }
    return TensorOperand(
      source: .symbolic(SymbolicTensor(content: .value(weight), trace: trace)),
      type: trace.graph.type(weight), axes: [])
  }

  /// The sum or mean over rows that count by their weights; the mean of rows that do not count is 0.
  private func weighted(
    _ reduction: Reduction, _ operand: TensorOperand, _ weights: TensorOperand, _ inner: [Int],
    keep: Bool, at span: Span
  ) throws -> Value {
    let names = operand.axes.indices.filter { keep || !inner.contains($0) }.map { operand.axes[$0] }
    return try compute([operand, weights], axes: names, at: span) { graph, ids in
      var value = ids[0]
      if !inner.isEmpty { value = try graph.reduced(reduction, value, axes: inner, keep: keep) }
      let weight = try graph.add(.reshape(graph.type(value).dims.map { _ in 1 }), ids[1])
      let sum = try graph.add(
        .sumRows(mean: false), graph.add(.binary(.multiply), value, weight))
      guard reduction == .mean else { return sum }
      let total = try graph.add(.reshape([]), graph.add(.sumRows(mean: false), weight))
      let least = try graph.add(.binary(.maximum), total, graph.addSource(.constant(1e-12)))
      return try graph.add(.binary(.divide), sum, least)
    }
  }

  /// How many numbers a reduction takes together, or nil when rows are among them.
  func reducedCount(_ operand: TensorOperand, _ axes: [Int]?) -> Int? {
    guard operand.lead == 0 else {
      guard let axes, !axes.contains(0) else { return nil }
      return axes.reduce(1) { $0 * operand.type.dims[$1 - 1] }
    }
    return (axes ?? Array(0..<operand.rank)).reduce(1) { $0 * operand.type.dims[$1] }
  }

  // MARK: Shapes

  /// Puts axes in another order.
  func permuted(_ operand: TensorOperand, _ order: [Int], at span: Span) throws -> Value {
    try compute(
      [operand], axes: order.map { operand.axes[$0] }, keepsIntegers: true, at: span
    ) { try $0.add(.permute(order), $1[0]) }
  }

  /// The same numbers under other sizes, one of which may be −1 for what is left.
  func reshaped(_ operand: TensorOperand, _ sizes: [Int], at span: Span) throws -> Value {
    var dims = sizes
    let open = sizes.indices.filter { sizes[$0] == -1 }
    guard open.count <= 1, sizes.allSatisfy({ $0 >= -1 }) else {
      throw failure(
        .wrongValue, "a shape has sizes from 0, and at most one -1, not \(sizes)", at: span)
    }
    if let place = open.first {
      let rest = sizes.filter { $0 != -1 }.reduce(1) { $0.multipliedReportingOverflow(by: $1).0 }
      guard rest > 0, operand.type.count % rest == 0 else {
        throw failure(
          .wrongShape, "\(describe(operand)) does not divide into \(sizes)", at: span)
      }
      dims[place] = operand.type.count / rest
    }
    return try compute([operand], keepsIntegers: true, at: span) { try $0.viewed($1[0], as: dims) }
  }
}
