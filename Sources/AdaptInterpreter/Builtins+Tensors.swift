import AdaptGraph
import AdaptSyntax

// Functions of tensors that layers are made of.

extension Interpreter {
  static var tensorFunctions: [NativeFunction] {
    [
      NativeFunction(
        "softmax", ["x", .optional("axis", .int(-1))],
        documentation:
          "exp(x) / Σ exp(x) along an axis, the last unless named: softmax(x, axis: 0)",
        softmax),
      NativeFunction(
        "normalize",
        ["x", .optional("epsilon", .number(1e-5)), .optional("kind", .string("layer"))],
        documentation: """
          Each row over its standard deviation around its mean ("layer") or its root mean square ("rms").
          """, normalized),
      NativeFunction(
        "attend",
        ["query", "key", "value", .optional("heads", .int(1)), .optional("causal", .bool(false))],
        documentation: """
          softmax(q kᵀ / √size) v in several heads, [.., token, d] → the same (Vaswani et al. 2017, eq. 1).
          """, attended),
      NativeFunction(
        "context", ["x"],
        documentation: """
          x with the rows of those who are on another path or have left, as they were then: for keys and
          values of attend.
          """, context),
      NativeFunction(
        "here", ["x"], documentation: "Of a context, the rows that are here", here),
      NativeFunction(
        "lookup", ["table", "index"],
        documentation: "Rows of a table by their integers: lookup([9, d], [token]) → [token, d]",
        lookup),
      NativeFunction(
        "positions", ["x"], documentation: "The place of each row in its sequence, integers"
      ) { call in
        try call.interpreter.add(.positions, [try call.tensor(0)], at: call.span)
      },
      NativeFunction(
        "noise", ["x", .optional("kind", .string("normal"))],
        documentation: """
          Random numbers in the shape of a tensor of a model, "normal", "uniform" or "gumbel": drawn anew in
          each step of training, the same for a row of the batch in every run of one seed.
          """, noise),
      NativeFunction(
        "tokens", ["x"], documentation: "The model's input at the rows of x", tokens),
      NativeFunction(
        "pool", ["x", .optional("kind", .string("mean"))],
        documentation: "The mean or \"sum\" of each sequence: [token, d] → [sequence, d]", pooled),
      NativeFunction(
        "unpool", ["x", "like"],
        documentation: "What each sequence has, for all its rows: unpool(pool(x), x)", unpooled),
      NativeFunction(
        "topMask", ["x", "count"],
        documentation: "1 at the largest numbers of each row, so many, else 0: topMask(x, 2)"
      ) { call in
        let count = try call.int(1, in: 0...4096)
        return try marked(call, .top(count))
      },
      NativeFunction(
        "bestMask", ["x", "amount"],
        documentation: """
          1 where a row's number is among the best of its sequence in that column, a number of them or a share,
          else 0: bestMask(x, 12.5%)
          """
      ) { call in
        try marked(call, .best(try call.interpreter.amount(call[1], at: call.span(1))))
      },
      NativeFunction(
        "oneHot", ["index", "count"],
        documentation: "1 at the place that each number says, else 0: [n] → [n, count]", oneHot),
      NativeFunction(
        "logLoss", ["logits", "targets"],
        documentation: "−log softmax(logits) at each target, in nats: [n, classes], [n] → [n]",
        logLoss),
      NativeFunction(
        "stopGradient", ["x"], documentation: "The same numbers, through which no gradient passes"
      ) { call in
        let x = try call.tensorOperand(0, numbers: true)
        guard x.isSymbolic else { return call[0] }
        return try call.interpreter.compute([x], axes: x.axes, at: call.span) {
          try $0.add(.stopGradient, $1[0])
        }
      },
      NativeFunction(
        "concat", [.rest("values"), .optional("axis", .string("last"))],
        documentation: """
          Tensors one behind the other along an axis: concat(a, b, axis: 0); along the rows of a model, each
          sequence of the one behind that of the other
          """,
        concatenated),
      NativeFunction(
        "slice", ["x", "start", "end"],
        documentation: "Places of the last axis from start to before end: slice(x, 0, 3)"
      ) { call in
        let (start, end) = (try call.int(1, in: 0...Int.max), try call.int(2, in: 0...Int.max))
        guard start <= end else {
          throw call.wrongValue(2, "the slice ends at \(end), before it starts at \(start)")
        }
        let x = try call.tensorOperand(0)
        return try call.interpreter.compute([x], axes: x.axes, keepsIntegers: true, at: call.span) {
          try $0.add(.slice(start: start, count: end - start), $1[0])
        }
      },
      NativeFunction("squaredError", ["output", "targets"], squaredError),
      NativeFunction("width", ["x"], documentation: "The size of the last axis") { call in
        .int(try call.tensorOperand(0).type.columns)
      },
    ]
  }

  private static func softmax(_ call: Call) throws -> Value {
    let x = try call.tensorOperand(0)
    // A row without axes is all of its softmax.
    let axis =
      x.type.dims.isEmpty ? nil : try call.interpreter.innerAxis(call[1], of: x, at: call.span(1))
    return try call.interpreter.compute([x], axes: x.axes, at: call.span) { graph, ids in
      guard let axis, axis != x.type.dims.count - 1 else { return try graph.add(.softmax, ids[0]) }
      var order = Array(x.type.dims.indices)
      order.swapAt(axis, order.count - 1)
      let shares = try graph.add(.softmax, graph.add(.permute(order), ids[0]))
      return try graph.add(.permute(order), shares)
    }
  }

  private static func normalized(_ call: Call) throws -> Value {
    let epsilon = try call.number(1)
    guard epsilon.isFinite, epsilon >= 0 else {
      throw call.wrongValue(1, "epsilon is a small number from 0")
    }
    let kind = try call.choice(2, of: Normalization.self)
    let x = try call.tensorOperand(0)
    return try call.interpreter.compute([x], axes: x.axes, at: call.span) { graph, ids in
      try graph.add(.normalize(kind, epsilon: epsilon), ids)[0]
    }
  }

  private static func attended(_ call: Call) throws -> Value {
    let parts = try (0..<3).map { try call.tensorOperand($0) }
    let (heads, causal) = (try call.int(3, in: 1...65536), try call.bool(4))
    if parts[1...].contains(where: { $0.symbolic?.isContext == true }) {
      return try attendedContext(call, parts, heads, causal)
    }
    return try call.interpreter.compute(parts, axes: parts[0].axes, at: call.span) { graph, ids in
      if parts.contains(where: { $0.type.rows != nil }) {
        return try graph.add(.attention(heads: heads, causal: causal), ids)[0]
      }
      return try graph.attention(ids[0], ids[1], ids[2], heads: heads, causal: causal)
    }
  }

  /// The rows that are here look at the keys and values of a context.
  private static func attendedContext(
    _ call: Call, _ parts: [TensorOperand], _ heads: Int, _ causal: Bool
  ) throws -> Value {
    let interpreter = call.interpreter
    let keys = parts.dropFirst().compactMap(\.symbolic)
    guard let trace = interpreter.trace, let query = parts[0].symbolic, keys.count == 2 else {
      throw call.wrongType(0, expected: "tensors of a model")
    }
    let (sources, _) = try interpreter.inContext(of: keys, trace) {
      try keys.map {
        try interpreter.aligned(
          interpreter.value(of: $0, at: call.span), trace, at: call.span)
      }
    }
    let x = try interpreter.aligned(
      interpreter.value(of: query, at: call.span(0)), trace, at: call.span(0))
    return try interpreter.traced(at: call.span, of: [x] + sources) {
      let output = try trace.graph.add(.attention(heads: heads, causal: causal), [x] + sources)[0]
      return .tensor(SymbolicTensor(content: .value(output), trace: trace, axes: parts[0].axes))
    }
  }

  private static func logLoss(_ call: Call) throws -> Value {
    let (logits, targets) = (try call.tensorOperand(0), try call.tensorOperand(1))
    return try call.interpreter.compute(
      [logits, targets], axes: targets.axes, keepsIntegers: true, at: call.span
    ) { graph, ids in
      // Targets of a script's own are whole numbers in whatever type.
      let classes = targets.type.rows == nil ? try graph.integers(ids[1]) : ids[1]
      return try graph.add(.logLoss, [ids[0], classes])[0]
    }
  }

  private static func squaredError(_ call: Call) throws -> Value {
    let (output, target) = (try call.tensorOperand(0), try call.tensorOperand(1))
    let interpreter = call.interpreter
    guard output.type.dims == target.type.dims else {
      throw interpreter.failure(
        .wrongShape,
        "\(interpreter.describe(output)) and \(interpreter.describe(target)) are held against each "
          + "other number by number", at: call.span, hint: "they need the same shape")
    }
    return try interpreter.compute([output, target], at: call.span) { graph, ids in
      let difference = try graph.add(.binary(.subtract), ids[0], ids[1])
      let square = try graph.add(.binary(.multiply), difference, difference)
      let flat = try graph.viewed(square, as: [output.type.count])
      return try graph.viewed(graph.add(.reduce(.mean, axis: 0), flat), as: [])
    }
  }

  /// A model's input whose type is open becomes integers here: only those can be looked up.
  private static func lookup(_ call: Call) throws -> Value {
    let interpreter = call.interpreter
    let table = try call.tensorOperand(0)
    var place = call[1]
    if case .tensor(let index) = place, case .pending = index.content {
      let known =
        try index.trace.input.map {
          SymbolicTensor(content: .value($0), trace: index.trace)
        } ?? interpreter.makeTokens(index.trace, at: call.span)
      place = .tensor(known)
    }
    guard let index = try interpreter.tensorOperand(place, at: call.span(1)), place.isTensor else {
      throw call.wrongType(1, expected: "a tensor")
    }
    let axes = index.axes + table.axes.dropFirst()
    return try interpreter.compute([table, index], axes: axes, keepsIntegers: true, at: call.span) {
      graph, ids in
      guard index.type.rows == nil else { return try graph.add(.gather, ids)[0] }
      let flat = try graph.viewed(graph.integers(ids[1]), as: [index.type.count])
      let rows = try graph.add(.take(axis: 0), ids[0], flat)
      return try graph.viewed(rows, as: index.type.dims + table.type.dims.dropFirst())
    }
  }

  private static func concatenated(_ call: Call) throws -> Value {
    let interpreter = call.interpreter
    var values = try call.elements(0)
    if values.count == 1, case .list(let list) = values[0] { values = list.elements }
    let parts = try values.map { value -> TensorOperand in
      guard let part = try interpreter.tensorOperand(value, at: call.span(0)), value.isTensor else {
        throw call.wrongType(0, expected: "tensors")
      }
      return part
    }
    guard let first = parts.first else {
      throw call.wrongValue(0, "concat needs at least one tensor")
    }
    if parts.contains(where: { $0.type.rows != nil }),
      try interpreter.isAlongRows(call[1], parts, at: call.span(1))
    {
      return try interpreter.compute(parts, axes: first.axes, at: call.span) {
        try $0.joinedRows($1)
      }
    }
    guard first.rank > first.lead else {
      throw call.wrongValue(0, "\(interpreter.describe(first)) has no axis to concatenate along")
    }
    let axis = try interpreter.innerAxis(call[1], of: first, at: call.span(1))
    let isInteger = parts.allSatisfy { $0.type.element == .int32 }
    return try interpreter.compute(
      parts, axes: first.axes, keepsIntegers: isInteger, at: call.span
    ) { graph, ids in
      // Along the last axis the op says what is wrong, with rows and all.
      axis == first.type.dims.count - 1
        ? try graph.add(.concat, ids)[0] : try graph.joined(ids, axis: axis)
    }
  }
}
