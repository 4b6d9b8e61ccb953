import AdaptGraph
import AdaptRuntime
import AdaptSyntax

/// What a model is applied to.
public enum ModelInput: Sendable, Hashable {
  /// Not known yet: the model itself says so by beginning with a table or a signature.
  case open
  /// Rows as data bring them.
  case rows(RowFormat)

  /// One integer a row in sequences, such as bytes of a text.
  public static let tokens = ModelInput.rows(.tokens)
}

/// A model with what is to be minimized.
public struct ObjectiveGraph: Sendable {
  /// The model, with its targets as a further input and the objective's nodes.
  public var model: ModelGraph
  /// The scalar to minimize: the script's expression and what the routers add.
  public var total: ValueID
  /// The objectives that the expression names, as they are before weighting.
  public var terms: [NamedValue]
  /// What the routers add, by the routers' names.
  public var routers: [NamedValue]
}

extension Interpreter {
  // MARK: Models

  /// Builds the graph of a model by applying it to an input.
  /// - Throws: ``ScriptError`` where a shape does not fit.
  public func trace(_ model: Flow, input: ModelInput, mode: TraceMode) throws -> ModelGraph {
    try onOwnThread {
      do { return try self.traceModel(model, input: input, mode: mode, at: model.span) } catch {
        throw self.asScriptError(error)
      }
    }
  }

  /// Builds the graph of a model, inside a run.
  /// - Parameter data: what it is trained on, where the weights of rows matter.
  func traceModel(
    _ model: Flow, input: ModelInput, mode: TraceMode, data: DataFormat? = nil, at span: Span
  ) throws -> ModelGraph {
    let weighting = data.flatMap { $0.isWeighted ? $0.target : nil }
    if !isDryRun, weighting == nil, let graph = checkedGraph(model, input, mode) { return graph }
    let trace = Trace(mode: mode)
    let graph = try traceModel(
      model, surgery(of: model), trace, input: input, weighting: weighting, at: span)
    if isDryRun {
      if weighting == nil { keep(graph, of: model, input, trace) }
      tracedModels.append(
        TracedModel(flow: model, input: input, mode: mode, span: span, graph: graph, trace: trace))
    }
    return graph
  }

  /// Builds the graph of a model as it is after a surgery.
  func traceModel(
    _ model: Flow, _ surgery: Surgery, _ trace: Trace, input: ModelInput,
    weighting: TargetFormat? = nil, at span: Span
  ) throws -> ModelGraph {
    try within(trace) {
      trace.adopt(surgery)
      let tensor = try makeInput(input, trace, at: span)
      trace.weight = try weighting.flatMap { try rowWeight($0, trace, at: span) }
      let result: Value
      if let layer = model.layer {
        // The model is the root: it adds no scope of its own.
        result = try applying(model, trace) {
          try applyLayer(layer, to: tensor, trace, at: span)
        }
      } else {
        result = try apply(model, to: .tensor(tensor), at: span)
      }
      guard case .tensor(let output) = result else {
        if result.isUnknown { throw UnknownReached() }
        throw wrongType("a model gives a tensor, not \(result.typeName)", at: span)
      }
      let answers = try self.answers(output, trace, at: span)
      guard let last = answers.last else { throw UnknownReached() }
      guard let data = trace.input else {
        throw failure(.unknownWidth, "the model does not use its input", at: span)
      }
      return ModelGraph(
        graph: trace.graph, input: data, output: last.value,
        answers: answers.count == 1
          ? [] : answers.map { ModelAnswer(value: $0.value, weight: $0.weight) },
        losses: trace.losses, updates: trace.updates, reward: trace.reward,
        expectedCost: trace.expectedCost, frozen: trace.frozenParameters, starts: trace.starts)
    }
  }

  /// How much each row of the input counts by the data, as `[rows]`.
  private func rowWeight(_ target: TargetFormat, _ trace: Trace, at span: Span) throws -> ValueID? {
    guard let input = trace.input, let rows = trace.graph.type(input).rows else { return nil }
    return try traced(at: span) {
      guard target.isPerGroup, let groups = trace.graph.openGroups(of: rows) else {
        return try trace.graph.addSource(.input(DataInput.weight, TensorType(rows: rows, [])))
      }
      let weight = try trace.graph.addSource(
        .input(DataInput.weight, TensorType(rows: groups, [])))
      return try trace.graph.spread(weight, like: input)
    }
  }

  private func makeInput(_ input: ModelInput, _ trace: Trace, at span: Span) throws
    -> SymbolicTensor
  {
    switch input {
    case .open: return SymbolicTensor(content: .pending, trace: trace)
    case .rows(let format):
      let rows = trace.graph.addRows(label: format.label, grouping: format.grouping)
      return try makeInput(TensorType(rows: rows, format.dims, format.element), trace, at: span)
    }
  }

  /// The input of a model that looks its input up in a table: integers, one a token.
  func makeTokens(_ trace: Trace, at span: Span) throws -> SymbolicTensor {
    try makeInput(.tokens, trace, at: span)
  }

  /// Runs `body` with another trace in place, and comes back to the one before.
  func within<T>(_ inner: Trace, _ body: () throws -> T) rethrows -> T {
    let outer = trace
    trace = inner
    defer { trace = outer }
    return try body()
  }
}
