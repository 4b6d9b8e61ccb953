import AdaptGraph
import AdaptSyntax

// Operations on symbolic tensors: each adds a node, and a shape that does not fit is an error at the
// script's expression.

extension Graph {
  /// Adds a node without inputs to the root, where all regions see it.
  mutating func addSource(_ op: Op) throws -> ValueID {
    let current = region
    region = RegionID(0)
    defer { region = current }
    return try add(op)
  }
}

extension Interpreter {
  /// Runs `body`, which builds graph, with its errors shown at the span.
  func traced<T>(at span: Span, _ body: () throws -> T) throws -> T {
    do { return try body() } catch let error as GraphError { throw shapeFailure(error, at: span) }
  }

  /// A type as a person reads it: `[token, 128]`, whatever path the rows are on.
  func describe(_ type: TensorType) -> String { describe(type, in: trace?.graph) }

  /// A type of a value in a graph, which may be another than the one being made.
  func describe(_ type: TensorType, in graph: Graph?) -> String {
    var parts = type.dims.map(String.init)
    if let rows = type.rows, let set = graph?[rows] { parts.insert(set.label, at: 0) }
    let shape = "[\(parts.joined(separator: ", "))]"
    return type.element == .float32 ? shape : "\(shape) of integers"
  }

  // MARK: Values

  /// The value of a tensor in the graph of the current trace.
  func value(of tensor: SymbolicTensor, at span: Span) throws -> ValueID {
    guard let trace, tensor.trace === trace else {
      throw wrongType(
        "this tensor belongs to another model than the one being made", at: span,
        hint: "a tensor cannot be kept outside of the layer that computes it")
    }
    switch tensor.content {
    case .value(let value): return value
    case .answers(let answers):
      throw failure(
        .wrongShape, "there are \(answers.count) results for each row here, not one", at: span,
        notes: callNotes(around: span),
        hint: "several results go through layers and functions of one tensor, to the model's end")
    case .zero(let like):
      return try traced(at: span) {
        try trace.graph.add(.binary(.multiply), like, trace.graph.addSource(.constant(0)))
      }
    case .pending:
      throw failure(
        .unknownWidth, "the width of the model's input is not known here", at: span,
        notes: callNotes(around: span),
        hint: "begin with Embedding(…), or declare it: 'model M(): x [token, 64] { … }'")
    }
  }

  func type(of tensor: SymbolicTensor, at span: Span) throws -> TensorType {
    let value = try value(of: tensor, at: span)
    return tensor.trace.graph.type(value)
  }

  func zeros(like tensor: SymbolicTensor, at span: Span) throws -> SymbolicTensor {
    SymbolicTensor(
      content: .zero(like: try value(of: tensor, at: span)), trace: tensor.trace)
  }

  // MARK: Nodes

  /// Adds a node and gives its first output.
  func add(_ op: Op, _ inputs: [SymbolicTensor], at span: Span) throws -> Value {
    let operands = try inputs.map { try value(of: $0, at: span) }
    guard let trace else { return try add(op, operands, at: span) }
    let (result, isContext) = try inContext(of: inputs, trace) { try add(op, operands, at: span) }
    guard isContext, case .tensor(var tensor) = result else { return result }
    tensor.isContext = true
    return .tensor(tensor)
  }

  func add(_ op: Op, _ inputs: [ValueID], at span: Span) throws -> Value {
    guard let trace else {
      throw wrongType("tensors are computed inside of layers only", at: span)
    }
    try charge(at: span)
    guard trace.graph.nodes.count < host.limits.nodes else {
      throw failure(
        .limitMemory, "the model has more than \(host.limits.nodes) nodes", at: span)
    }
    let inputs = try inputs.map { try aligned($0, trace, at: span) }
    let outputs = try traced(at: span, of: inputs) { try trace.graph.add(op, inputs) }
    guard let first = outputs.first else { return .none }
    noteOrigin(of: first, trace, at: span)
    try checkParameterSize(trace.graph.type(first).dims, at: span)
    return .tensor(SymbolicTensor(content: .value(first), trace: trace))
  }

  // MARK: Parameters

  /// `param w: [d, n] = normal(0.02)`.
  func makeParameter(
    _ name: Identifier, _ shape: [CodeNode], _ initial: CodeNode?, _ frame: Frame
  ) throws -> Value {
    guard let trace, trace.optimizer == nil, trace.objective == nil else {
      throw failure(
        .misplacedStatement, "'param' belongs into a layer", at: name.span)
    }
    let sizes = try shape.map { try size($0, frame) }
    try checkParameterSize(sizes, at: name.span)
    let start = try initial.map { try initializer(try $0.evaluate(self, frame), at: $0.span) }
    let info = try declare(
      ParameterInfo(
        name: trace.parameterName(name.text), shape: sizes, initial: start ?? .normal(0.02)),
      trace, at: name.span)
    let known = trace.graph.parameters.count
    let value = try traced(at: name.span) { try trace.graph.parameter(info) }
    noteParameter(value, shape, trace, at: name.span)
    if trace.graph.parameters.count > known {
      trace.parameterCount += sizes.reduce(1, *)
      guard trace.parameterCount <= host.limits.parameter else {
        throw failure(
          .limitMemory,
          "the model has more than \(host.limits.parameter) parameters together", at: name.span)
      }
    }
    return .tensor(SymbolicTensor(content: .value(value), trace: trace))
  }

  private func size(_ node: CodeNode, _ frame: Frame) throws -> Int {
    let value = try node.evaluate(self, frame)
    if value.isUnknown { throw UnknownReached() }
    guard let size = value.exactInt, size >= 1 else {
      throw failure(
        .wrongValue, "a size is an integer from 1, not \(brief(value))", at: node.span,
        notes: callNotes(around: node.span))
    }
    return size
  }

  /// Refuses sizes whose product no machine could hold, before anyone multiplies them.
  func checkParameterSize(_ sizes: [Int], at span: Span) throws {
    var count = 1
    for size in sizes {
      let (product, overflow) = count.multipliedReportingOverflow(by: size)
      guard !overflow, product <= host.limits.parameter else {
        throw failure(
          .limitMemory,
          "a tensor of \(sizes.map(String.init).joined(separator: " × ")) numbers is larger than "
            + "the limit of \(host.limits.parameter)", at: span)
      }
      count = product
    }
  }

  /// Functions that make tensors of one number, and stand for it where a parameter starts.
  static let constantStarts = ["zeros": 0.0, "ones": 1.0]

  private func initializer(_ value: Value, at span: Span) throws -> Initializer {
    switch value {
    case .object(let object):
      if let value = object as? InitializerValue { return value.initializer }
    case .function(let function):
      if let start = Interpreter.constantStarts[function.name], case .native = function.kind {
        return .constant(start)
      }
    case .unknown: throw UnknownReached()
    default:
      if let number = value.asDouble { return .constant(number) }
    }
    throw wrongType(
      "a parameter starts from an initializer, not from \(value.typeName)", at: span,
      hint: "normal(deviation), uniform(bound), zeros, ones or a number")
  }
}
