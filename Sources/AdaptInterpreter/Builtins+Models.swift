import AdaptGraph
import AdaptRuntime
import AdaptSyntax
import AdaptTensor

// What scripts do with models.

extension Interpreter {
  static var modelFunctions: [NativeFunction] {
    [
      NativeFunction(
        "train",
        [
          "model", "on", .optional("steps", .int(1000)), .optional("batch", .int(16)),
          .optional("optimizer"), .optional("seed", .int(0)), .optional("clip", .number(1)),
          .optional("knobs"), .precision,
        ], takesUnknown: true, takesBlock: true
      ) { try $0.interpreter.train($0) },
      NativeFunction(
        "evaluate",
        [
          "model", "on", .optional("windows"), .optional("batch", .int(16)), .optional("policy"),
          .precision,
        ]
      ) { try $0.interpreter.evaluate($0) },
      NativeFunction(
        "predict",
        ["model", "inputs", .optional("sequences"), .optional("policy"), .precision]
      ) { try $0.interpreter.predict($0) },
      NativeFunction(
        "generate",
        [
          "model", .optional("prompt", .string("\n")), .optional("bytes", .int(200)),
          .optional("temperature", .number(0.8)), .optional("seed", .int(0)), .optional("policy"),
          .precision,
        ]
      ) { try $0.interpreter.generate($0) },
      NativeFunction(
        "oracle",
        [
          "model", "on", .optional("budget"), .optional("windows", .int(8)),
          .optional("each", .string("token")), .precision,
        ]
      ) { try $0.interpreter.oracle($0) },
      NativeFunction("routes", ["model", "text", .optional("policy"), .precision]) {
        try $0.interpreter.routes($0)
      },
      NativeFunction("plot", ["value", "to"]) { try $0.interpreter.plot($0) },
      NativeFunction("paint", ["generation"]) { call in
        guard case .object(let object) = call[0], let text = object as? RoutedText else {
          throw call.wrongType(0, expected: "what generate or routes gave")
        }
        return .string(text.painted(isColored: call.interpreter.host.isColored))
      },
      NativeFunction("baseline", ["split"]) { call in
        let split = try call.byteSplit(0)
        let fields: [(name: String, value: Value)] = [
          ("unigram_bits", .number(split.unigramBits)), ("bigram_bits", .number(split.bigramBits)),
        ]
        if !call.interpreter.isDryRun {
          call.interpreter.host.report("baseline", [("split", .string(split.name))] + fields)
        }
        return try call.interpreter.makeRecord(fields, at: call.span)
      },
      NativeFunction("parameters", ["model"]) { call in
        let graph = try call.interpreter.tracedForPrinting(try call.model(0), at: call.span(0))
        return .int(graph.graph.parameters.reduce(0) { $0 + $1.shape.reduce(1, *) })
      },
      NativeFunction("save", ["model", "to"]) { try $0.interpreter.save($0) },
      NativeFunction("load", ["model", "from"]) { try $0.interpreter.load($0) },
    ] + policyFunctions + [calibrationFunction]
  }

  // MARK: Files

  func save(_ call: Call) throws -> Value {
    let (model, path) = (try call.model(0), try call.string(1))
    let (graph, state) = try inferenceGraph(model, at: call.span(0))
    guard !isDryRun else {
      pretendedFiles.insert(path)
      return .none
    }
    let entries = graph.graph.parameters.compactMap { info in
      state.parameters[info.name].map { (name: info.name, tensor: $0) }
    }
    var metadata = ["model": ValueWriter.text(model), "steps": String(state.steps)]
    if let window = state.window { metadata["window"] = String(window) }
    if let input = state.input { metadata["input"] = input.description }
    let bytes = try runtime(at: call.span) { try SafeTensors.encode(entries, metadata: metadata) }
    try write(bytes, to: path, at: call.span(1))
    host.report("save", [("path", .string(path)), ("tensors", .int(entries.count))])
    return .none
  }

  /// Fills a model's parameters from a file, all or none.
  func load(_ call: Call) throws -> Value {
    let (model, path) = (try call.model(0), try call.string(1))
    let bytes: [UInt8]
    do { bytes = try read(path, at: call.span(1)) } catch let unknown as UnknownReached {
      // Saved earlier in the script: what stands in it is known when that has run.
      if case .rows = knownInput(of: model) { _ = try inferenceGraph(model, at: call.span(0)) }
      throw unknown
    }
    let file: SafeTensors.Directory
    do { file = try SafeTensors.directory(of: bytes) } catch {
      throw failure(
        .fileUnreadable, "'\(path)' cannot be read", at: call.span(1), label: error.description)
    }
    let format = file.metadata["input"].flatMap { RowFormat($0) }
    let (graph, state) = try inferenceGraph(
      model, on: format, makesParameters: false, at: call.span(0))
    let entries = try entries(of: file, path, for: graph, at: call.span(1))
    guard !isDryRun else { return call[0] }
    let tensors = try runtime(at: call.span) { try entries.map { try $0.tensor(in: bytes) } }
    for (entry, tensor) in zip(entries, tensors) { state.parameters[entry.name] = tensor }
    state.window = file.metadata["window"].flatMap { Int($0) }.map { min(max(1, $0), 1 << 20) }
    // A file may claim anything; steps are counted on from there.
    let steps = file.metadata["steps"].flatMap { Int($0) } ?? 0
    state.steps = min(max(0, steps), 1 << 40)
    return call[0]
  }

  /// What a file holds of each of a model's parameters.
  private func entries(
    of file: SafeTensors.Directory, _ path: String, for model: ModelGraph, at span: Span
  ) throws -> [SafeTensors.Directory.Entry] {
    let byName = Dictionary(file.entries.map { ($0.name, $0) }) { first, _ in first }
    return try model.graph.parameters.map { info in
      guard let entry = byName[info.name] else {
        throw failure(.wrongValue, "'\(path)' has no '\(info.name)'", at: span)
      }
      guard entry.shape == info.shape, entry.elementType == .float32 else {
        throw failure(
          .wrongShape,
          "'\(info.name)' is \(entry.shape) in '\(path)' and \(info.shape) in the model", at: span)
      }
      return entry
    }
  }

  // MARK: Plots

  func plot(_ call: Call) throws -> Value {
    guard case .object(let object) = call[0], let text = object as? RoutedText else {
      throw call.wrongType(0, expected: "something to plot, such as routes(model, \"text\"),")
    }
    let path = try call.string(1)
    try write(Array(RoutesPlot(routed: text.routed).document().utf8), to: path, at: call.span(1))
    if !isDryRun { host.report("plot", [("path", .string(path))]) }
    return .none
  }
}
