import AdaptGraph
import AdaptSyntax

// Functions of tensors, for the bodies of layers.

extension Interpreter {
  static var tensorFunctions: [NativeFunction] {
    [
      NativeFunction("softmax", ["x"]) { call in
        try call.interpreter.add(.softmax, [try call.tensor(0)], at: call.span)
      },
      NativeFunction(
        "normalize",
        ["x", .optional("epsilon", .number(1e-5)), .optional("kind", .string("layer"))],
        normalized),
      NativeFunction(
        "attend",
        ["query", "key", "value", .optional("heads", .int(1)), .optional("causal", .bool(false))]
      ) { call in
        let op = Op.attention(heads: try call.int(3, in: 1...65536), causal: try call.bool(4))
        return try call.interpreter.add(
          op, [try call.tensor(0), try call.tensor(1), try call.tensor(2)], at: call.span)
      },
      NativeFunction("lookup", ["table", "index"], lookup),
      NativeFunction("positions", ["x"]) { call in
        try call.interpreter.add(.positions, [try call.tensor(0)], at: call.span)
      },
      NativeFunction("logLoss", ["logits", "targets"]) { call in
        try call.interpreter.add(
          .logLoss, [try call.tensor(0), try call.tensor(1)], at: call.span)
      },
      NativeFunction("stopGradient", ["x"]) { call in
        try call.interpreter.add(.stopGradient, [try call.tensor(0)], at: call.span)
      },
      NativeFunction(
        "concat", [.rest("values"), .optional("axis", .string("last"))], concatenated),
      NativeFunction("slice", ["x", "start", "end"]) { call in
        let (start, end) = (try call.int(1, in: 0...Int.max), try call.int(2, in: 0...Int.max))
        guard start <= end else {
          throw call.wrongValue(2, "the slice ends at \(end), before it starts at \(start)")
        }
        return try call.interpreter.add(
          .slice(start: start, count: end - start), [try call.tensor(0)], at: call.span)
      },
      NativeFunction("width", ["x"]) { call in
        let type = try call.interpreter.type(of: try call.tensor(0), at: call.span(0))
        return .int(type.columns)
      },
      NativeFunction("expectedCost", []) { call in
        try call.interpreter.expectedCost(at: call.span)
      },
    ]
  }

  private static func normalized(_ call: Call) throws -> Value {
    let epsilon = try call.number(1)
    guard epsilon.isFinite, epsilon >= 0 else {
      throw call.wrongValue(1, "epsilon is a small number from 0")
    }
    let name = try call.string(2)
    guard let kind = Normalization(rawValue: name) else {
      let known = Normalization.allCases.map(\.rawValue)
      throw call.wrongValue(
        2, "there is no normalization \"\(name)\"",
        hint: "known are \(known.map { "\"\($0)\"" }.joined(separator: " and "))")
    }
    return try call.interpreter.add(
      .normalize(kind, epsilon: epsilon), [try call.tensor(0)], at: call.span)
  }

  /// A model's input whose type is open becomes integers here: only those can be looked up.
  private static func lookup(_ call: Call) throws -> Value {
    let table = try call.tensor(0)
    var index = try call.tensor(1)
    if case .pending = index.content {
      if let known = index.trace.input {
        index = SymbolicTensor(content: .value(known), trace: index.trace)
      } else {
        index = try call.interpreter.makeTokens(index.trace, at: call.span)
      }
    }
    return try call.interpreter.add(.gather, [table, index], at: call.span)
  }

  private static func concatenated(_ call: Call) throws -> Value {
    let axis = try call.string(1)
    guard axis == "last" else {
      throw call.wrongValue(1, "tensors are joined along the axis 'last' only, not '\(axis)'")
    }
    let tensors = try call.elements(0).map { value -> SymbolicTensor in
      guard case .tensor(let tensor) = value else { throw call.wrongType(0, expected: "tensors") }
      return tensor
    }
    guard !tensors.isEmpty else { throw call.wrongValue(0, "concat needs at least one tensor") }
    return try call.interpreter.add(.concat, tensors, at: call.span)
  }
}
