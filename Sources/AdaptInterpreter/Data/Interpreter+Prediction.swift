import AdaptGraph
import AdaptRuntime
import AdaptSyntax
import AdaptTensor

extension Interpreter {
  /// `predict(model, inputs)`: what the model gives for inputs as `data` takes them.
  ///
  /// A tensor with a row for each sample; for sequences a list of a tensor each.
  func predict(_ call: Call) throws -> Value {
    let model = try call.model(0)
    let wish: Bool? = if case .none = call[2] { nil } else { try call.bool(2) }
    let units = try UnitColumn(call[1], named: "input", self, at: call.span(1))
    let input = try inputRows(units, sequences: wish, at: call.span(1))
    let (graph, state) = try inferenceGraph(model, on: input.format, at: call.span(0))
    let (policies, precision) = (try policies(call, 3, graph), try call.precision(4))
    let type = graph.graph.type(graph.output)
    let groups = try outputLengths(graph, input.column, at: call.span(0))
    guard !isDryRun else {
      guard groups == nil else { return .unknown }
      return unknownArray(TensorType([input.column.units] + type.dims, type.element), [])
    }
    let executor = try runtime(at: call.span) {
      try Executor(graph.graph, outputs: [graph.output], cpu: cpu.computing(in: precision))
    }
    let parts = try outputs(executor, input.column, state, policies, at: call.span)
    guard let groups else {
      return try arrayValue(
        TensorType([input.column.units] + type.dims, type.element), at: call.span
      ) { try Tensor([input.column.units] + type.dims, parts) }
    }
    var start = 0
    let tensors = try groups.map { rows in
      defer { start += rows * type.count }
      return try arrayValue(TensorType([rows] + type.dims, type.element), at: call.span) {
        try Tensor([rows] + type.dims, Array(parts[start..<start + rows * type.count]))
      }
    }
    return try makeList(tensors, at: call.span)
  }

  /// Rows of the output for each unit where there are several; nil for one a unit.
  private func outputLengths(_ model: ModelGraph, _ input: RowColumn, at span: Span) throws
    -> [Int]?
  {
    let (rows, output) = (model.graph.type(model.input).rows, model.graph.type(model.output))
    guard output.element == .float32 else {
      throw failure(.wrongShape, "predict needs a model that gives numbers, not integers", at: span)
    }
    if output.rows == rows, let rows {
      return model.graph[rows].grouping == nil ? nil : (0..<input.units).map(input.length)
    }
    _ = try runtime(at: span) { try model.targetRows(TargetFormat(isPerGroup: true, [], .int32)) }
    return nil
  }

  /// Units that are run at once.
  private static let unitsAtOnce = 256

  private func outputs(
    _ executor: Executor, _ input: RowColumn, _ state: ModelState, _ policies: [String: Policy],
    at span: Span
  ) throws -> [Float] {
    var numbers: [Float] = []
    for start in stride(from: 0, to: input.units, by: Interpreter.unitsAtOnce) {
      try checkTime(at: span)
      let units = start..<min(start + Interpreter.unitsAtOnce, input.units)
      try charge(input.starts[units.upperBound] - input.starts[start], at: span)
      try runtime(at: span) {
        try executor.run(input.inputs(units), state.parameters, policies: policies)
      }
      executor.withFloats(0) { numbers += $0 }
    }
    return numbers
  }
}
