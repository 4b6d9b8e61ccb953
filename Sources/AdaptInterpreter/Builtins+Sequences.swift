import AdaptGraph
import AdaptSyntax

// Functions along the rows of a sequence.

extension Interpreter {
  static var sequenceFunctions: [NativeFunction] {
    [
      NativeFunction(
        "delay", ["x", .optional("count", .none)],
        documentation: """
          Each row as the row so many places before it in its sequence, zeros before the first; \
          delay(n) alone is a flow: [.., token, d] → the same
          """, delayed),
      NativeFunction(
        "previous", ["x"],
        documentation: "What the row before has, zeros for the first: delay(x, 1)"
      ) { call in
        try shifted(call, by: 1)
      },
      NativeFunction(
        "convolve",
        [
          "x", "weight", .optional("stride", .int(1)), .optional("padding", .string("same")),
          .optional("dilation", .int(1)), .optional("groups", .int(1)),
        ],
        documentation: """
          The product of each window of x with a weight [window.., d / groups, outputs]: along the rows of \
          each sequence, or along one or two axes before the last. Zeros around by padding: "same", "causal" \
          (before only) or a number.
          """, convolved),
    ]
  }

  /// `delay(x, n)`, or `delay(n)` as a flow.
  private static func delayed(_ call: Call) throws -> Value {
    if case .none = call[1], !call[0].isTensor {
      let count = try call.int(0, in: 0...Int(Int32.max))
      return .function(
        Function(NativeFunction("delay", ["x"]) { try shifted($0, by: count) }))
    }
    if case .none = call[1] { return try shifted(call, by: 1) }
    return try shifted(call, by: try call.int(1, in: 0...Int(Int32.max)))
  }

  private static func shifted(_ call: Call, by count: Int) throws -> Value {
    let (interpreter, x) = (call.interpreter, try call.tensorOperand(0))
    guard x.type.rows != nil else {
      throw call.wrongValue(
        0,
        "only rows of a sequence have others before them, and \(interpreter.describe(x)) has none")
    }
    if let graph = interpreter.trace?.graph, graph.isScanned(graph.region) {
      throw interpreter.failure(
        .misplacedStatement, "a step of a scan sees one row", at: call.span,
        hint: "carry what the next row needs: scan over token carrying (before = zeros(n)) { … }")
    }
    return try interpreter.compute([x], axes: x.axes, keepsIntegers: true, at: call.span) {
      try $0.add(.shift(count), $1[0])
    }
  }
}
