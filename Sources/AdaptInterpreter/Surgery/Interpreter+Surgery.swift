import AdaptGraph
import AdaptRuntime
import AdaptSyntax

// Changing a model after it was written. All of it happens in place, as training does: whoever holds
// the model sees it, and `copy` makes a model of its own first.

extension Interpreter {
  // MARK: State

  /// What was changed in a model; in a dry run also what the script would have changed.
  func surgery(of model: Flow) -> Surgery {
    pretendedSurgeries[ObjectIdentifier(model.root)]?.surgery ?? model.root.surgery
  }

  /// Makes a surgery hold. A dry run leaves the model as it is and only remembers.
  /// - Parameter change: what becomes of the values that the parameters have already.
  func commit(
    _ surgery: Surgery, of model: Flow, _ change: (ParameterStore) -> Void = { _ in }
  ) {
    guard !isDryRun else {
      pretendedSurgeries[ObjectIdentifier(model.root)] = (model.root, surgery)
      return
    }
    model.root.surgery = surgery
    guard let state = model.root.attachment as? ModelState else { return }
    change(state.parameters)
    (state.graphs, state.structure) = ([:], nil)
  }

  /// A model's places and parameters.
  func structure(of model: Flow, at span: Span) throws -> ModelStructure {
    let isSet = model.view?.settings.isEmpty == false
    let state = isDryRun || isSet ? nil : model.root.attachment as? ModelState
    if let known = state?.structure { return known }
    let result = try judging(model) {
      let trace = Trace(mode: .inference)
      let graph = try traceModel(
        model, surgery(of: model), trace, input: knownInput(of: model), at: span)
      return ModelStructure(trace, graph)
    }
    state?.structure = result
    return result
  }

  // MARK: Replacing

  /// `replace(model, "blocks[*].ffn", with: FFN(64))`.
  func replace(_ call: Call) throws -> Value {
    let (model, glob) = (try call.model(0), PathGlob(try call.string(1)))
    let before = try structure(of: model, at: call.span(0))
    let places = outermost(try layers(glob, before, call))
    var surgery = surgery(of: model)
    var heirs: [(from: String, to: String)] = []
    for place in places {
      heirs += surgery.replace(place.path, with: try replacement(call, for: place.path))
    }
    try checkFit(of: places, surgery, model, call)
    let lost = places.flatMap { before.parameters(inside: $0.path) }.map(\.name)
    commit(surgery, of: model) { store in
      for heir in heirs { store[heir.to] = store[heir.from] }
      for name in lost { store[name] = nil }
    }
    return call[0]
  }

  /// Without the places that are inside of others.
  private func outermost(_ places: [ModelStructure.Layer]) -> [ModelStructure.Layer] {
    places.filter { place in
      !places.contains { $0.path != place.path && Surgery.isInside(place.path, $0.path) }
    }
  }

  /// What comes to one place: the layer itself, or what a function gives for the path.
  private func replacement(_ call: Call, for path: String) throws -> Flow {
    var value = call[2]
    if case .function(let function) = value, case .script = function.kind {
      value = try self.call(function, with: [.string(path)], at: call.span(2))
    }
    if value.isUnknown { throw UnknownReached() }
    switch value {
    case .flow(let flow): return snapshot(of: flow)
    case .function(let function) where !function.isDeclaration:
      return Flow(.function(function), span: call.span(2))
    default:
      throw wrongType(
        "a place takes a layer or a flow, not \(value.typeName)", at: call.span(2),
        label: "this is \(brief(value))", hint: hintToCall(value))
    }
  }

  /// A flow as it is now: what is done to it later, or that it is the model itself, does not matter.
  private func snapshot(of flow: Flow) -> Flow {
    let copy = flow.copied()
    copy.surgery = surgery(of: flow)
    return copy
  }

  /// Traces the model as it would be, and says of what does not fit where that is.
  private func checkFit(
    of places: [ModelStructure.Layer], _ surgery: Surgery, _ model: Flow, _ call: Call
  ) throws {
    let trace = Trace(mode: .inference)
    do {
      _ = try traceModel(
        model, surgery, trace, input: knownInput(of: model), at: call.span(0))
    } catch let error as Diagnostic {
      guard [.wrongShape, .pathShapes, .unknownWidth].contains(error.id) else { throw error }
      throw misfit(error, at: culprit(of: places, trace), trace, call)
    }
  }

  /// The place that a failed trace was at, or else the last one that gives other sizes than before.
  private func culprit(of places: [ModelStructure.Layer], _ trace: Trace) -> ModelStructure.Layer? {
    let occupants = trace.occupants
    let entered = places.filter { occupants[$0.path] != nil }
    let open = entered.last { occupants[$0.path]?.output == nil }
    let changed = entered.last { trace.describe(occupants[$0.path]?.output) != $0.output }
    return open ?? changed ?? entered.last
  }

  private func misfit(
    _ error: Diagnostic, at place: ModelStructure.Layer?, _ trace: Trace, _ call: Call
  ) -> Diagnostic {
    guard let place, let traced = trace.occupants[place.path] else { return error }
    let output = trace.describe(traced.output)
    var label = place.input.isEmpty ? "" : "takes \(place.input) and "
    label = "'\(place.path)' \(label)gives \(place.output)"
    if !output.isEmpty, output != place.output { label += ", this gives \(output)" }
    let cause = error.span.flatMap { span in
      call.span.holds(span) ? nil : Diagnostic.Note(span: span, text: error.title)
    }
    // What was wrong with the replacement itself has no place of its own to be told at.
    let title = "what replaces '\(place.path)' does not fit"
    return failure(
      error.id, cause == nil ? "\(title): \(error.title)" : title, at: call.span(2), label: label,
      notes: [cause].compactMap { $0 } + error.notes.filter { !call.span.holds($0.span) },
      hint: error.hint)
  }

  // MARK: Applying

  /// Applies what stands at the current place: what was written there, or what replaced it.
  func occupy(
    _ kind: String, _ content: Flow, _ input: SymbolicTensor, _ trace: Trace, at span: Span,
    _ body: () throws -> Value
  ) throws -> Value {
    let replacement = trace.surgery.replaced[trace.prefix]
    let occupant = replacement ?? content
    let place = trace.note(
      TracedPlace(
        kind: replacement?.layer == nil ? kind : "layer", content: occupant,
        isReplaced: replacement != nil, input: input.content, span: span))
    trace.adopt(surgery(of: occupant))
    let result: Value
    if let replacement {
      // A new identity for each place, so that each has parameters of its own.
      result = try applyHere(replacement.copied(), to: input, trace, at: replacement.span)
    } else {
      result = try body()
    }
    if case .tensor(let output) = result { trace.finish(place, output.content) }
    return result
  }

  /// The parameter that a layer gets when it asks for one: its own, or the one it shares.
  func declare(_ info: ParameterInfo, _ trace: Trace, at span: Span) throws -> ParameterInfo {
    let surgery = trace.surgery
    let owner = surgery.shared[info.name] ?? info
    guard owner.shape == info.shape else {
      throw failure(
        .wrongShape,
        "parameter '\(info.name)' is \(info.shape) here and shares '\(owner.name)', which is "
          + "\(owner.shape)", at: span, notes: callNotes(around: span))
    }
    if let start = surgery.starts[info.name], start.shape != info.shape {
      throw failure(
        .wrongShape,
        "parameter '\(info.name)' is \(info.shape) here and brings values of \(start.shape)",
        at: span, notes: callNotes(around: span),
        hint: "a layer taken from a model keeps its sizes")
    }
    trace.note(
      DeclaredParameter(name: info.name, info: owner, isFrozen: !surgery.trains(info.name)))
    return owner
  }

  // MARK: Freezing

  /// `freeze(model, "embedding.**")` and `unfreeze`.
  func freeze(_ call: Call, _ isFrozen: Bool) throws -> Value {
    let (model, glob) = (try call.model(0), PathGlob(try call.string(1)))
    let structure = try structure(of: model, at: call.span(0))
    var surgery = surgery(of: model)
    for parameter in try parameters(glob, structure, call) {
      surgery.frozen[parameter.info.name] = isFrozen
    }
    commit(surgery, of: model)
    return call[0]
  }
}
