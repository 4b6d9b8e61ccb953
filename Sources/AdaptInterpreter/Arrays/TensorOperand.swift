import AdaptGraph
import AdaptRuntime
import AdaptSyntax
import AdaptTensor

/// What a tensor operation takes: a tensor of numbers, one of the graph being traced, or a number.
struct TensorOperand {
  enum Source {
    case array(ArrayValue)
    case symbolic(SymbolicTensor)
    case number(Double)
  }

  let source: Source
  let type: TensorType
  /// Names of the axes behind the rows, one for each.
  let axes: [String?]

  var isSymbolic: Bool { symbolic != nil }

  /// The tensor of the graph being traced, where it is one.
  var symbolic: SymbolicTensor? {
    if case .symbolic(let tensor) = source { return tensor }
    return nil
  }

  /// How many axes a script sees: the rows are the first.
  var rank: Int { type.dims.count + lead }

  /// 1 when the first axis is that of the rows.
  var lead: Int { type.rows == nil ? 0 : 1 }

  /// What the script holds.
  var value: Value {
    switch source {
    case .array(let array): .array(array)
    case .symbolic(let tensor): .tensor(tensor)
    case .number(let number): .number(number)
    }
  }
}

extension Interpreter {
  /// The operand that a value stands for, or nil for what is neither a tensor nor a number.
  func tensorOperand(_ value: Value, at span: Span) throws -> TensorOperand? {
    switch value {
    case .unknown: throw UnknownReached()
    case .array(let array):
      return TensorOperand(source: .array(array), type: array.type, axes: array.axes)
    case .tensor(let tensor):
      let type = try type(of: tensor, at: span)
      return TensorOperand(
        source: .symbolic(tensor), type: type,
        axes: ArrayValue.fitting(tensor.axes, type.dims.count))
    case .bool(let truth):
      return TensorOperand(source: .number(truth ? 1 : 0), type: .scalar, axes: [])
    default:
      return value.asDouble.map {
        TensorOperand(source: .number($0), type: .scalar, axes: [])
      }
    }
  }

  /// `[token, row: 2, 3]`.
  func describe(_ operand: TensorOperand) -> String {
    let graph = operand.symbolic?.trace.graph
    guard operand.axes.contains(where: { $0 != nil }) else {
      return describe(operand.type, in: graph)
    }
    let text = ArrayValue.text(of: operand.type.dims, operand.axes)
    guard let rows = operand.type.rows, let set = graph?[rows] else { return text }
    return "[\(set.label), " + text.dropFirst()
  }

  /// Computes an operation: at once when all operands are numbers, else as nodes of the trace.
  /// - Parameters:
  ///   - axes: names of the result's axes.
  ///   - keepsIntegers: hand integers to `build` as they are; otherwise it sees floats only.
  func compute(
    _ operands: [TensorOperand], axes: [String?] = [], keepsIntegers: Bool = false, at span: Span,
    _ build: (inout Graph, [ValueID]) throws -> ValueID
  ) throws -> Value {
    try charge(at: span)
    func whole(_ graph: inout Graph, _ ids: [ValueID]) throws -> ValueID {
      try build(&graph, keepsIntegers ? ids : ids.map { try graph.floats($0) })
    }
    return operands.contains(where: \.isSymbolic)
      ? try traced(operands, axes, at: span, whole)
      : try calculated(operands, axes, at: span, whole)
  }

  private func traced(
    _ operands: [TensorOperand], _ axes: [String?], at span: Span,
    _ build: (inout Graph, [ValueID]) throws -> ValueID
  ) throws -> Value {
    guard let trace else { throw outsideOfTrace(at: span) }
    guard trace.graph.nodes.count < host.limits.nodes else {
      throw failure(
        .limitMemory, "the model has more than \(host.limits.nodes) nodes", at: span)
    }
    let known = trace.graph.values.count
    let (result, isContext) = try inContext(of: operands.compactMap(\.symbolic), trace) {
      let inputs = try operands.map {
        try aligned(try value(of: $0, trace, at: span), trace, at: span)
      }
      return try traced(at: span, of: inputs) { try build(&trace.graph, inputs) }
    }
    try checkTensors(trace.graph.values[known...], at: span)
    noteOrigin(of: result, trace, at: span)
    let rank = trace.graph.type(result).dims.count
    return .tensor(
      SymbolicTensor(
        content: .value(result), trace: trace, axes: ArrayValue.fitting(axes, rank),
        isContext: isContext))
  }

  private func outsideOfTrace(at span: Span) -> Diagnostic {
    wrongType(
      "this tensor belongs to a model or function that has been left", at: span,
      hint: "a tensor cannot be kept outside of the layer that computes it")
  }

  /// An operand as a value of the trace's graph.
  func value(of operand: TensorOperand, _ trace: Trace, at span: Span) throws -> ValueID {
    switch operand.source {
    case .symbolic(let tensor): return try value(of: tensor, at: span)
    case .number(let number):
      return try traced(at: span) { try trace.graph.addSource(.constant(number)) }
    case .array(let array):
      let op = Interpreter.source(array, number: trace.graph.nodes.count)
      return try traced(at: span) { try trace.graph.addSource(op) }
    }
  }

  /// The node that stands for a tensor of numbers; in a dry run only its type is there.
  private static func source(_ array: ArrayValue, number: Int) -> Op {
    array.tensor.map { .literal(Literal($0)) } ?? .input("tensor\(number)", array.type)
  }

  private func calculated(
    _ operands: [TensorOperand], _ axes: [String?], at span: Span,
    _ build: (inout Graph, [ValueID]) throws -> ValueID
  ) throws -> Value {
    var graph = Graph()
    let result = try traced(at: span) {
      let inputs = try operands.map { operand in
        switch operand.source {
        case .array(let array):
          return try graph.add(Interpreter.source(array, number: graph.nodes.count))
        case .number(let number): return try graph.constant(number)
        case .symbolic: throw GraphError(.invalid, "a traced tensor has no numbers")
        }
      }
      return try build(&graph, inputs)
    }
    try checkTensors(graph.values[...], at: span)
    let type = graph.type(result)
    guard !isDryRun else { return unknownArray(type, axes) }
    let tensors = try runtime(at: span) { try Eager(cpu: cpu).run(graph, outputs: [result]) }
    return tensors.first.map { .array(ArrayValue($0, axes: axes)) } ?? .none
  }

  /// What a dry run knows of a tensor; nothing of a single number, which decides what a script does.
  func unknownArray(_ type: TensorType, _ axes: [String?]) -> Value {
    trace?.metNumbers = true
    return type.dims.isEmpty ? .unknown : .array(ArrayValue(unknown: type, axes: axes))
  }

  /// A tensor of numbers as a script's value.
  func arrayValue(
    _ type: TensorType, axes: [String?] = [], at span: Span, _ make: () throws -> Tensor
  ) throws -> Value {
    try checkTensor(type, at: span)
    guard !isDryRun else { return unknownArray(type, axes) }
    return .array(ArrayValue(try runtime(at: span, make), axes: axes))
  }

  // MARK: Limits

  /// More axes than any tensor has; what walks them may recurse.
  static let mostAxes = 32

  private func checkTensors(_ values: ArraySlice<ValueInfo>, at span: Span) throws {
    for value in values { try checkTensor(value.type, at: span) }
  }

  /// Refuses a tensor beyond the limit, before any memory is asked for, and counts its making.
  func checkTensor(_ type: TensorType, at span: Span) throws {
    guard type.dims.count <= Interpreter.mostAxes else {
      throw failure(
        .limitMemory, "a tensor of \(type.dims.count) axes has more than \(Interpreter.mostAxes)",
        at: span)
    }
    let (bytes, overflow) = type.count.multipliedReportingOverflow(by: type.element.size)
    guard type.isPossible, !overflow, bytes <= host.limits.tensorBytes else {
      let sizes = type.dims.map(String.init).joined(separator: " × ")
      throw failure(
        .limitMemory,
        "a tensor of \(sizes) numbers is larger than the limit of \(host.limits.tensorBytes) bytes",
        at: span)
    }
    // A dry run makes nothing.
    if type.rows == nil, !isDryRun { try charge(type.count / 1024, at: span) }
  }
}

extension Interpreter {
  /// A tensor of numbers as one of the model being traced, when there is one.
  func lifted(_ value: Value, at span: Span) throws -> Value {
    guard case .array(let array) = value, let trace,
      let operand = try tensorOperand(value, at: span)
    else { return value }
    let id = try self.value(of: operand, trace, at: span)
    return .tensor(SymbolicTensor(content: .value(id), trace: trace, axes: array.axes))
  }
}

extension Graph {
  /// The value as floats.
  mutating func floats(_ value: ValueID) throws -> ValueID {
    type(value).element == .float32 ? value : try add(.convert(.float32), value)
  }

  /// The value as integers.
  mutating func integers(_ value: ValueID) throws -> ValueID {
    type(value).element == .int32 ? value : try add(.convert(.int32), value)
  }
}

extension Call {
  /// A tensor of either kind, or a number where `numbers` allows one.
  func tensorOperand(_ index: Int, numbers: Bool = false) throws -> TensorOperand {
    guard let operand = try interpreter.tensorOperand(self[index], at: span(index)),
      numbers || self[index].isTensor
    else { throw wrongType(index, expected: numbers ? "a tensor or number" : "a tensor") }
    return operand
  }
}
