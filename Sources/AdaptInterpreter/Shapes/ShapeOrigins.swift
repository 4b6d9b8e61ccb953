import AdaptGraph
import AdaptSyntax

/// Where a size was said.
struct SizeOrigin {
  /// How the script writes it, `width` or `4 * width`; nil for a plain number.
  let symbol: String?
  /// The argument, default or declaration that says it; nil when that is not known.
  let span: Span?
}

/// A layer that is being applied, with the sizes that its signature bound.
struct ActiveLayer {
  let layer: LayerInstance
  var sizes: [String: SizeOrigin] = [:]
}

/// Where the values of a trace and their sizes come from. Kept for messages only.
struct ShapeOrigins {
  /// From the model inwards.
  var layers: [ActiveLayer] = []
  /// The script's expression that gave a value, and what it used of the library for it.
  var values: [ValueID: (span: Span, name: String?)] = [:]
  /// Of a value's sizes, where they were declared.
  var sizes: [ValueID: [Int: SizeOrigin]] = [:]
}

extension Interpreter {
  // MARK: Noting

  /// Notes the expression of the script that gives a value.
  func noteOrigin(of value: ValueID, _ trace: Trace, at span: Span) {
    guard store.isLibrary(span) else {
      trace.origins.values[value] = (span, nil)
      return
    }
    guard let call = calls.records.last(where: { !store.isLibrary($0.callSite) }) else { return }
    trace.origins.values[value] = (call.callSite, call.name)
  }

  /// Notes where a size comes from that the current layer's signature bound.
  func noteSize(_ name: String, _ origin: SizeOrigin) {
    guard let trace, !trace.origins.layers.isEmpty else { return }
    trace.origins.layers[trace.origins.layers.count - 1].sizes[name] = origin
  }

  /// Notes where the sizes of a layer's result were declared.
  func noteSizes(of value: ValueID, _ shape: [AxisCode]) {
    guard let trace else { return }
    let dims = trace.graph.type(value).dims
    for (axis, size) in zip(shape.reversed(), dims.reversed()) {
      let origin: SizeOrigin? =
        switch axis.kind {
        case .rest: nil
        case .name(let name, _): sizeOrigin(named: name)
        case .size: SizeOrigin(symbol: store.map.text(of: axis.span), span: axis.span)
        }
      guard let origin, trace.origins.sizes[value]?[size] == nil else { continue }
      trace.origins.sizes[value, default: [:]][size] = origin
    }
  }

  // MARK: Asking

  /// Where a name of the current layer's signature has its size from.
  func sizeOrigin(named name: String) -> SizeOrigin? {
    guard let trace else { return nil }
    return sizeOrigin(named: name, trace.origins.layers[...])
  }

  /// The size of a name in the innermost of some layers: bound by its input, or a hyperparameter whose
  /// argument may be a name of a layer around.
  private func sizeOrigin(named name: String, _ layers: ArraySlice<ActiveLayer>) -> SizeOrigin? {
    guard let layer = layers.last else { return nil }
    if let bound = layer.sizes[name] { return bound }
    guard let span = layer.layer.sources[name] else { return nil }
    let text = store.map.text(of: span)
    if let home = layers.dropLast().lastIndex(where: { $0.layer.holds(span) }),
      let outer = sizeOrigin(named: text, layers[...home])
    {
      return SizeOrigin(symbol: outer.symbol ?? text, span: outer.span)
    }
    let isNumber = text.allSatisfy { $0.isNumber || $0 == "_" }
    let symbol = isNumber ? (store.isLibrary(layer.layer.declaration.name.span) ? nil : name) : text
    return SizeOrigin(symbol: symbol, span: span)
  }

  /// Where a size of a value was declared: by the layer that gave it, or by what it was made of.
  func sizeOrigin(of value: ValueID, _ size: Int) -> SizeOrigin? {
    guard let trace else { return nil }
    var open = [value]
    var seen = Set(open)
    // What is far away explains nothing.
    while !open.isEmpty, seen.count < 64 {
      let next = open.removeFirst()
      if let origin = trace.origins.sizes[next]?[size] { return origin }
      for input in trace.graph.node(of: next).inputs
      where trace.graph.type(input).dims.contains(size) && seen.insert(input).inserted {
        open.append(input)
      }
    }
    return nil
  }

  // MARK: Telling

  /// A value's shape with the names of its sizes: `[token, width = 128]`.
  func symbolic(_ value: ValueID) -> String {
    guard let trace else { return "" }
    let type = trace.graph.type(value)
    var parts = type.dims.map { size in
      guard let symbol = sizeOrigin(of: value, size)?.symbol, symbol != "\(size)" else {
        return "\(size)"
      }
      return "\(symbol) = \(size)"
    }
    if let rows = type.rows { parts.insert(trace.graph[rows].label, at: 0) }
    let shape = "[\(parts.joined(separator: ", "))]"
    return type.element == .float32 ? shape : "\(shape) of integers"
  }

  /// Where a value comes from and where its last size was said.
  func origin(of value: ValueID, as what: String) -> [Diagnostic.Note] {
    guard let trace else { return [] }
    var notes: [Diagnostic.Note] = []
    if let origin = trace.origins.values[value] {
      let name = origin.name.map { "from \($0)" } ?? "from here"
      notes.append(.init(span: origin.span, text: "\(what), \(symbolic(value)), comes \(name)"))
    }
    if let size = trace.graph.type(value).dims.last, let origin = sizeOrigin(of: value, size) {
      notes += note(origin, size)
    }
    return notes
  }

  /// Where the names of a declared shape have their sizes from.
  func sizeNotes(_ shape: [AxisCode], _ frame: Frame) -> [Diagnostic.Note] {
    shape.flatMap { axis -> [Diagnostic.Note] in
      guard case .name(let name, let slot?) = axis.kind, let size = frame[slot].exactInt,
        let origin = sizeOrigin(named: name)
      else { return [] }
      return note(origin, size)
    }
  }

  private func note(_ origin: SizeOrigin, _ size: Int) -> [Diagnostic.Note] {
    guard let span = origin.span else { return [] }
    let name = origin.symbol.map { "\($0) = \(size)" } ?? "\(size)"
    return [.init(span: span, text: "\(name) is said here")]
  }

  /// Notes of a shape error, each place once, with the calls around it behind them.
  func shapeNotes(_ notes: [Diagnostic.Note], at span: Span?) -> [Diagnostic.Note] {
    let shown = notes.filter { $0.span != span && !store.isLibrary($0.span) }.prefix(4)
    var places: Set<Span> = []
    return (shown + callNotes(around: span)).filter { places.insert($0.span).inserted }
  }

  /// Runs `body`, which makes a node of values, with its errors shown at the span.
  func traced<T>(at span: Span, of inputs: [ValueID], _ body: () throws -> T) throws -> T {
    do { return try body() } catch let error as GraphError {
      let names = inputs.count == 2 ? ["the left side", "the right side"] : []
      let notes = inputs.prefix(3).enumerated().flatMap { index, input in
        origin(of: input, as: names.isEmpty ? "value \(index + 1)" : names[index])
      }
      throw shapeFailure(error, at: span, notes)
    }
  }

  /// Where each hyperparameter of a call was written.
  static func sources(_ parameters: [ParameterCode], _ arguments: [EvaluatedArgument])
    -> [String: Span]
  {
    var result: [String: Span] = [:]
    for parameter in parameters { result[parameter.name.text] = parameter.defaultValue?.span }
    // Arguments without a label stand before those with one.
    for (index, argument) in arguments.enumerated() {
      guard let label = argument.label else {
        if index < parameters.count { result[parameters[index].name.text] = argument.span }
        continue
      }
      result[label.text] = argument.span
    }
    return result
  }
}

extension LayerInstance {
  /// Whether a place is inside of the layer's body.
  func holds(_ span: Span) -> Bool {
    let body = declaration.code.span
    return span.source == body.source && body.start <= span.start && span.end <= body.end
  }
}
