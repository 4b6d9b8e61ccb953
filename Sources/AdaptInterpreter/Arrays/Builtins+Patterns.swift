import AdaptGraph
import AdaptSyntax

// Axes by a pattern: taken apart, put together, reduced, repeated, multiplied.

extension Interpreter {
  static var patternFunctions: [NativeFunction] {
    [
      NativeFunction(
        "rearrange", ["x", "pattern", .labels("sizes")],
        documentation: """
          Axes apart, together and in another order, by a pattern (Rogozhnikov 2022).
          rearrange(x, "b t (h d) -> b h t d", h: 4)
          """
      ) { call in
        try call.rearranged(reduction: nil, mayRepeat: false)
      },
      NativeFunction(
        "collapse", ["x", "pattern", "reduction", .labels("sizes")],
        documentation: """
          As rearrange; axes that are not on the right are reduced: "sum", "mean", "product", "maximum", "minimum".
          collapse(x, "b t d -> b d", "mean")
          """
      ) { call in
        let short = try ["max": Reduction.maximum, "min": .minimum][call.string(2)]
        return try call.rearranged(reduction: try short ?? call.choice(2), mayRepeat: false)
      },
      NativeFunction(
        "spread", ["x", "pattern", .labels("sizes")],
        documentation: """
          As rearrange; axes that are new on the right repeat the numbers.
          spread(x, "b d -> b t d", t: 4)
          """
      ) { call in
        try call.rearranged(reduction: nil, mayRepeat: true)
      },
      NativeFunction(
        "einsum", [.rest("values")],
        documentation: """
          Products of tensors, summed over the axes that are not on the right; the pattern comes last.
          einsum(x, w, "b t d, d n -> b t n")
          """
      ) { call in
        try call.einsum()
      },
    ]
  }
}

extension Call {
  /// Runs `body` with the failures of a pattern shown inside its string.
  private func reading<T>(_ span: Span, _ text: String, _ body: () throws -> T) throws -> T {
    do { return try body() } catch let error as AxisPattern.Failure {
      var place = span
      // A string without escapes stands between two quotes.
      if Int(span.end - span.start) == text.utf8.count + 2 {
        place.start = span.start + 1 + UInt32(error.range.lowerBound)
        place.end = max(place.start + 1, span.start + 1 + UInt32(error.range.upperBound))
      }
      throw interpreter.failure(
        .wrongShape, error.message, at: place, notes: interpreter.callNotes(around: place))
    }
  }

  private func sizes(_ index: Int) throws -> [String: Int] {
    guard case .record(let record) = self[index] else { return [:] }
    var sizes: [String: Int] = [:]
    for (name, value) in record.fields {
      if value.isUnknown { throw UnknownReached() }
      guard let size = value.exactInt, size >= 0 else {
        throw wrongValue(index, "'\(name)' is a size: an integer from 0")
      }
      sizes[name] = size
    }
    return sizes
  }

  /// The tensor by its pattern; sizes are in the last argument.
  fileprivate func rearranged(reduction: Reduction?, mayRepeat: Bool) throws -> Value {
    let x = try tensorOperand(0)
    let text = try string(1)
    let given = try sizes(values.count - 1)
    let rows = x.type.rows.flatMap { interpreter.trace?.graph[$0].label }
    let (plan, names) = try reading(span(1), text) {
      var pattern = try AxisPattern(text)
      if let rows { try pattern.dropRows(rows) }
      let plan = try RearrangePlan(
        pattern, x.type.dims, given: given, shown: interpreter.describe(x),
        mayReduce: reduction != nil, mayRepeat: mayRepeat)
      return (plan, pattern.output.map { $0.names.count == 1 ? $0.names[0].text : nil })
    }
    // Behind rows the names stay: an axis can decide for itself.
    return try interpreter.compute(
      [x], axes: rows == nil ? [] : names, keepsIntegers: reduction == nil, at: span
    ) { graph, ids in
      try plan.apply(ids[0], reduction, &graph)
    }
  }

  fileprivate func einsum() throws -> Value {
    let arguments = try elements(0)
    guard case .string(let text)? = arguments.last, arguments.count >= 2 else {
      throw wrongValue(
        0, "einsum takes tensors and then a pattern: einsum(x, w, \"b d, d n -> b n\")")
    }
    let operands = try arguments.dropLast().map { try interpreter.operand($0, at: span) }
    guard operands.allSatisfy({ $0.type.rows == nil }) else {
      throw wrongValue(0, "rows have no size: einsum is for tensors without rows")
    }
    let plan = try reading(span, text) {
      try EinsumPlan(
        AxisPattern(text), operands.map(\.type.dims), shown: operands.map(interpreter.describe))
    }
    return try interpreter.compute(operands, at: span) { try plan.apply($1, &$0) }
  }
}

/// The steps of one rearrangement.
private struct RearrangePlan {
  let apart: [Int]
  let reduced: [Int]
  let order: [Int]
  /// Sizes with 1 where an axis is new, and as it is repeated.
  let open: [Int]
  let full: [Int]
  let together: [Int]

  init(
    _ pattern: AxisPattern, _ shape: [Int], given: [String: Int], shown: String, mayReduce: Bool,
    mayRepeat: Bool
  ) throws {
    let input = pattern.inputs[0]
    guard pattern.inputs.count == 1 else {
      throw AxisPattern.Failure(message: "this pattern is for one tensor", range: 0..<1)
    }
    let (left, right) = (AxisPattern.names(input), AxisPattern.names(pattern.output))
    for name in left where !mayReduce && !right.contains(name) {
      throw AxisPattern.Failure(
        message: "axis '\(name.text)' is missing on the right", range: name.range)
    }
    for name in right where !left.contains(name) && !(mayRepeat && given[name.text] != nil) {
      throw AxisPattern.Failure(
        message: mayRepeat
          ? "the size of the new axis '\(name.text)' is open: give '\(name.text): …'"
          : "axis '\(name.text)' is missing on the left", range: name.range)
    }
    let sizes = try pattern.sizes(of: input, shape, given: given, shown)
    apart = left.map { sizes[$0.text] ?? 1 }
    reduced = left.indices.filter { !right.contains(left[$0]) }
    let kept = left.filter(right.contains)
    order = right.compactMap { kept.firstIndex(of: $0) }
    open = right.map { left.contains($0) ? sizes[$0.text] ?? 1 : 1 }
    full = right.map { sizes[$0.text] ?? 1 }
    together = pattern.output.map { axis in
      axis.names.reduce(1) { $0.multipliedReportingOverflow(by: sizes[$1.text] ?? 1).0 }
    }
  }

  func apply(_ value: ValueID, _ reduction: Reduction?, _ graph: inout Graph) throws -> ValueID {
    var result = try graph.viewed(value, as: apart)
    if let reduction, !reduced.isEmpty {
      result = try graph.reduced(reduction, result, axes: reduced, keep: false)
    }
    if order != Array(order.indices) { result = try graph.add(.permute(order), result) }
    result = try graph.spread(graph.viewed(result, as: open), to: full)
    return try graph.viewed(result, as: together)
  }
}

/// Products of several tensors, two at a time from the left.
private struct EinsumPlan {
  private let inputs: [[String]]
  private let output: [String]
  private let sizes: [String: Int]

  init(_ pattern: AxisPattern, _ shapes: [[Int]], shown: [String]) throws {
    guard pattern.inputs.count == shapes.count else {
      throw AxisPattern.Failure(
        message:
          "the pattern is for \(pattern.inputs.count) tensors, and there are \(shapes.count)",
        range: 0..<1)
    }
    var sizes: [String: Int] = [:]
    for (number, axes) in pattern.inputs.enumerated() {
      for axis in axes + pattern.output where axis.names.count != 1 {
        throw AxisPattern.Failure(
          message: "einsum has one name an axis", range: axis.names.first?.range ?? 0..<1)
      }
      sizes = try pattern.sizes(of: axes, shapes[number], given: sizes, shown[number])
    }
    let known = pattern.inputs.flatMap(AxisPattern.names)
    for name in AxisPattern.names(pattern.output) where !known.contains(name) {
      throw AxisPattern.Failure(
        message: "axis '\(name.text)' is missing on the left", range: name.range)
    }
    inputs = pattern.inputs.map { AxisPattern.names($0).map(\.text) }
    output = AxisPattern.names(pattern.output).map(\.text)
    self.sizes = sizes
  }

  func apply(_ values: [ValueID], _ graph: inout Graph) throws -> ValueID {
    var (value, names) = (values[0], inputs[0])
    for number in values.indices.dropFirst() {
      let later = Set(inputs[(number + 1)...].joined()).union(output)
      (value, names) = try product(
        value, names, values[number], inputs[number], keeping: later, &graph)
    }
    (value, names) = try summed(value, names, keeping: Set(output), &graph)
    let order = output.compactMap { names.firstIndex(of: $0) }
    return order == Array(order.indices) ? value : try graph.add(.permute(order), value)
  }

  /// Sums over axes that nothing needs.
  private func summed(
    _ value: ValueID, _ names: [String], keeping: Set<String>, _ graph: inout Graph
  ) throws -> (ValueID, [String]) {
    let gone = names.indices.filter { !keeping.contains(names[$0]) }
    guard !gone.isEmpty else { return (value, names) }
    let sum = try graph.reduced(.sum, value, axes: gone, keep: false)
    return (sum, names.filter(keeping.contains))
  }

  /// One product: axes of both that are needed later are places, the others of both are summed over.
  private func product(
    _ a: ValueID, _ namesA: [String], _ b: ValueID, _ namesB: [String], keeping: Set<String>,
    _ graph: inout Graph
  ) throws -> (ValueID, [String]) {
    let (x, left) = try summed(a, namesA, keeping: keeping.union(namesB), &graph)
    let (y, right) = try summed(b, namesB, keeping: keeping.union(namesA), &graph)
    let both = left.filter(right.contains)
    let places = both.filter(keeping.contains)
    let inner = both.filter { !keeping.contains($0) }
    let rows = left.filter { !both.contains($0) }
    let columns = right.filter { !both.contains($0) }
    let first = try matrix(x, left, [places, rows, inner], &graph)
    let second = try matrix(y, right, [places, inner, columns], &graph)
    let result = try graph.product(first, second)
    let names = places + rows + columns
    return (try graph.viewed(result, as: names.map { sizes[$0] ?? 1 }), names)
  }

  /// The value as `[places, rows, columns]`, or `[rows, columns]` without places.
  private func matrix(
    _ value: ValueID, _ names: [String], _ groups: [[String]], _ graph: inout Graph
  ) throws -> ValueID {
    let order = groups.joined().compactMap { names.firstIndex(of: $0) }
    let turned =
      order == Array(order.indices) ? value : try graph.add(.permute(order), value)
    let dims = groups.map { $0.reduce(1) { $0 * (sizes[$1] ?? 1) } }
    return try graph.viewed(turned, as: groups[0].isEmpty ? Array(dims.dropFirst()) : dims)
  }
}
