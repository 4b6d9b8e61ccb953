import AdaptGraph
import AdaptPlatform
import AdaptRuntime
import AdaptSyntax
import AdaptTensor

/// What a model keeps from one use to the next: its parameters and what it was traced for.
public final class ModelState {
  public let parameters: ParameterStore
  /// What it was used on first: a model keeps to one kind of data.
  public var input: RowFormat?
  /// Rows in a group of the data it was trained or evaluated on last; nil before.
  public var window: Int?
  /// Training steps that were done.
  public var steps = 0
  /// Traced for inference, by how its knobs are set; a model's graphs change by surgery only.
  var graphs: [String: ModelGraph] = [:]
  /// Its places and parameters, likewise.
  var structure: ModelStructure?

  init(seed: UInt64) { parameters = ParameterStore(seed: seed) }

  /// Notes what the model is used on. What was traced for nothing in particular no longer counts.
  func adopt(_ format: RowFormat) {
    guard input != format else { return }
    (input, graphs, structure) = (format, [:], nil)
  }

  /// The state of another model that begins with all this one has.
  init(copying other: ModelState) {
    parameters = other.parameters.copy()
    (input, window, steps) = (other.input, other.window, other.steps)
    (graphs, structure) = (other.graphs, other.structure)
  }
}

extension Call {
  /// A model, or a layer that can stand for one.
  func model(_ index: Int) throws -> Flow {
    guard case .flow(let flow) = self[index], flow.layer != nil else {
      throw wrongType(index, expected: "a model")
    }
    return flow
  }

  func split(_ index: Int) throws -> SplitData {
    guard case .object(let object) = self[index], let split = object as? SplitData else {
      throw wrongType(index, expected: "a split of data, such as book.train,")
    }
    return split
  }

  /// The units of a split, of which there must be some.
  func units(_ index: Int) throws -> any Dataset {
    let data = try split(index).split
    guard data.count > 0 else {
      throw interpreter.failure(
        .dataEmpty, "\(name) needs data, and \(data.name) holds none", at: span(index),
        hint: "'split:' of data(…) says how much is held out")
    }
    return data
  }

  /// A split of a text, for what is about bytes.
  func byteSplit(_ index: Int) throws -> ByteSplit {
    let data = try split(index).split
    guard let bytes = data as? ByteSplit else {
      throw interpreter.failure(
        .wrongType, "\(name) is for windows of bytes, not for \(data.format.input)",
        at: span(index), hint: "text(…).bytes().windows(…) makes them")
    }
    return bytes
  }

  func seed(_ index: Int) throws -> UInt64 { UInt64(try int(index, in: 0...Int.max)) }

  /// A number of something, or nil for none.
  func optionalInt(_ index: Int, in range: ClosedRange<Int>) throws -> Int? {
    if case .none = self[index] { return nil }
    return try int(index, in: range)
  }
}

extension Interpreter {
  /// A model's state; made the first time.
  func state(of model: Flow, seed: UInt64 = 0) -> ModelState {
    if let state = model.root.attachment as? ModelState { return state }
    let state = ModelState(seed: seed)
    model.root.attachment = state
    return state
  }

  /// What a model was used on so far; open before.
  func knownInput(of model: Flow) -> ModelInput {
    let root = model.root
    let traced =
      isDryRun ? tracedModels.last { $0.flow.root === root && $0.input != .open } : nil
    return traced?.input ?? pretendedInputs[ObjectIdentifier(root)]
      ?? (root.attachment as? ModelState)?.input.map { .rows($0) } ?? .open
  }

  /// Refuses data of another kind than a model was used on before.
  func checkInput(_ model: Flow, _ format: RowFormat, at span: Span) throws {
    guard case .rows(let known) = knownInput(of: model), known != format else { return }
    throw failure(
      .wrongShape, "the model was made for \(known), and these data are \(format)", at: span,
      hint: "a model keeps to one kind of data: make another for this one")
  }

  /// The model's graph for inference, with its parameters made.
  /// - Parameters:
  ///   - format: what it is used on; nil for what it was used on before, or else says itself.
  ///   - makesParameters: false for who is about to set them all.
  func inferenceGraph(
    _ model: Flow, on format: RowFormat? = nil, makesParameters: Bool = true, at span: Span
  ) throws -> (ModelGraph, ModelState) {
    // A dry run makes no parameters, and leaves alone what models of earlier runs have.
    let state = isDryRun ? ModelState(seed: 0) : state(of: model)
    if let format { try checkInput(model, format, at: span) }
    let input = format.map { .rows($0) } ?? knownInput(of: model)
    let key = model.view?.key ?? ""
    // What was traced before the data were known is for what the model says itself.
    let known = format == state.input || format == nil ? state.graphs[key] : nil
    let graph = try judging(model) {
      try known ?? traceModel(model, input: input, mode: .inference, at: span)
    }
    guard !isDryRun else { return (graph, state) }
    if let format { state.adopt(format) }
    try checkMemory(graph, copies: 1, at: span)
    if makesParameters { try runtime(at: span) { try state.parameters.ensure(graph) } }
    state.graphs[key] = graph
    return (graph, state)
  }

  /// Refuses a model that this machine cannot hold: the system promises memory that it does not have,
  /// and ends the process at its first use.
  func checkMemory(_ model: ModelGraph, copies: Int, at span: Span) throws {
    let count = model.graph.parameters.reduce(0.0) { sum, info in
      let copies = model.frozen.contains(info.name) ? 1 : Double(copies)
      return sum + copies * info.shape.reduce(1.0) { $0 * Double($1) }
    }
    let largest = model.graph.parameters.map { $0.shape.reduce(1.0) { $0 * Double($1) } }.max() ?? 0
    // The largest stands twice while its first values are made.
    let bytes = 4 * (count + largest)
    guard bytes > Double(physicalMemory()) else { return }
    throw failure(
      .limitMemory,
      "the model needs \(String(printf: "%.1f", bytes / 1e9)) GB, more than this machine has",
      at: span)
  }

  /// Checks that a model gives what is asked of it.
  /// - Parameter isExact: whether it must give numbers of the targets' sizes; otherwise an objective
  ///   of the script's own makes something of them.
  func checkOutput(_ model: ModelGraph, for data: any Dataset, isExact: Bool, at span: Span) throws
  {
    if data is ByteSplit { return try checkLogits(model, at: span) }
    let target = data.format.target
    _ = try runtime(at: span) { try model.targetRows(target) }
    if target.isClass || isExact { try runtime(at: span) { try model.checkOutput(target) } }
    let columns = model.graph.type(model.output).columns
    if let highest = data.highestClass, highest.number >= columns {
      throw failure(
        .wrongValue,
        "the target of unit \(highest.unit) of \(data.name) is class \(highest.number), and the model "
          + "gives \(counted(columns, "logit"))", at: span,
        hint: "classes count from 0: end the model with Linear(\(highest.number + 1)) or more")
    }
  }

  /// A language model's graph: one of 256 classes for every byte.
  func checkLogits(_ model: ModelGraph, at span: Span) throws {
    let type = model.graph.type(model.output)
    guard type.rows == model.graph.type(model.input).rows, type.dims.count == 1,
      type.columns >= 256
    else {
      let shape = model.graph.describe(type)
      throw failure(
        .wrongShape, "the model gives \(shape) where bytes need 256 logits a token", at: span,
        hint: "end the model with Linear(256)")
    }
  }

  /// Runs `body`, which calls the runtime, with its errors shown at the span.
  func runtime<T>(at span: Span, _ body: () throws -> T) throws -> T {
    do { return try body() } catch let error as RuntimeError {
      let id = Interpreter.id(of: error)
      throw failure(
        id, error.description, at: span,
        hint: id == .notFinite ? "the model may have diverged: try a smaller learning rate" : "")
    } catch let error as TensorError {
      let id: DiagnosticID = if case .outOfMemory = error { .limitMemory } else { .wrongValue }
      throw failure(id, error.description, at: span)
    } catch let error as GraphError {
      throw shapeFailure(error, at: span)
    }
  }

  private static func id(of error: RuntimeError) -> DiagnosticID {
    switch error {
    case .badInput, .missingParameter: .wrongValue
    case .notFinite: .notFinite
    case .unknownSite: .unknownSite
    case .cancelled: .cancelled
    }
  }
}
