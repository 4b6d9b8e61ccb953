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
    guard let call = calls.last(where: { !store.isLibrary($0.callSite) }) else { return }
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

  /// Where the operands come from that are values of a trace.
  func origins(of operands: [TensorOperand], _ names: [String]) -> [Diagnostic.Note] {
    zip(operands, names).flatMap { operand, name -> [Diagnostic.Note] in
      guard case .symbolic(let tensor) = operand.source, case .value(let value) = tensor.content,
        tensor.trace === trace
      else { return [] }
      return origin(of: value, as: name)
    }
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
    return [
      .init(span: span, text: origin.symbol.map { "\($0) is \(size) here" } ?? "this is \(size)")
    ]
  }

  /// Notes of a shape error, each place once, with the calls around it behind them.
  func shapeNotes(_ notes: [Diagnostic.Note], at span: Span?) -> [Diagnostic.Note] {
    var places = [span].compactMap { $0 }.filter { !store.map.text(of: $0).contains("\n") }
    var shown: [Diagnostic.Note] = []
    // What stands inside of a place that is shown already is seen there.
    for note in notes where !store.isLibrary(note.span) && shown.count < 4 {
      guard !places.contains(where: { $0.holds(note.span) }) else { continue }
      places.append(note.span)
      shown.append(note)
    }
    return shown
      + callNotes(around: span).filter { call in !shown.contains { $0.span == call.span } }
  }

  /// A value that stands for another one of the same sizes comes from where that one does.
  func carryOrigin(from value: ValueID, to other: ValueID, _ trace: Trace) {
    trace.origins.values[other] = trace.origins.values[value]
  }

  /// Notes what a parameter's sizes were written as.
  func noteParameter(_ value: ValueID, _ shape: [CodeNode], _ trace: Trace, at span: Span) {
    trace.origins.values[value] = (span, nil)
    for (node, size) in zip(shape, trace.graph.type(value).dims) {
      let text = store.map.text(of: node.span)
      guard !text.allSatisfy(\.isNumber) else { continue }
      trace.origins.sizes[value, default: [:]][size] =
        sizeOrigin(named: text) ?? SizeOrigin(symbol: text, span: node.span)
    }
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
    declaration.code.span.holds(span)
  }
}

extension Span {
  /// Whether another place is inside of this one.
  func holds(_ other: Span) -> Bool {
    source == other.source && start <= other.start && other.end <= end
  }
}
