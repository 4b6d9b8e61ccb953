import AdaptGraph
import AdaptRuntime
import AdaptSyntax

// Shapes that a layer declares, held against what it is applied to.

extension Interpreter {
  /// Checks the input against the signature, and binds its name and the sizes it names.
  /// - Returns: the input, which the signature may have made known.
  func bind(
    _ signature: SignatureCode, to input: SymbolicTensor, _ frame: Frame, _ trace: Trace,
    at span: Span
  ) throws -> SymbolicTensor {
    var input = input
    if case .pending = input.content {
      input = try declareInput(signature, frame, trace) ?? input
    }
    if case .pending = input.content {
      // What a name like `d` stands for only the type could say.
      if namesOpenSize(signature, frame) { _ = try value(of: input, at: span) }
    } else {
      try match(
        signature.inputShape, try value(of: input, at: span), frame, signature, at: span,
        what: "\(calls.last?.name ?? "the layer") takes")
    }
    frame[signature.inputSlot] = .tensor(input)
    return input
  }

  private func namesOpenSize(_ signature: SignatureCode, _ frame: Frame) -> Bool {
    signature.inputShape.contains { axis in
      switch axis.kind {
      case .name(_, let slot?): size(in: slot, frame) == nil
      case .size(let term): !term.openNames(frame).isEmpty
      default: false
      }
    }
  }

  /// What a name in a shape stands for; nil when nothing has bound it yet.
  private func size(in slot: Int?, _ frame: Frame) -> Value? {
    guard let slot else { return nil }
    if case .unbound = frame[slot] { return nil }
    return frame[slot]
  }

  /// Checks what the body gave against the declared result.
  func checkResult(
    _ result: Value, _ signature: SignatureCode, _ layer: LayerInstance, _ input: SymbolicTensor,
    _ frame: Frame, at span: Span
  ) throws {
    if result.isUnknown { return }
    guard case .tensor(let tensor) = result else {
      _ = try notATensor(result, at: layer.declaration.code.span)
      return
    }
    guard let shape = signature.outputShape else { return }
    for value in try results(of: tensor, at: span) {
      try match(
        shape, value, frame, signature, at: span, what: "\(layer.name) declares to give")
      noteSizes(of: value, shape)
    }
  }

  /// Its value, or each of them where there are several.
  private func results(of tensor: SymbolicTensor, at span: Span) throws -> [ValueID] {
    guard case .answers(let answers) = tensor.content else {
      return [try value(of: tensor, at: span)]
    }
    return answers.map(\.value)
  }

  // MARK: Matching

  /// Names that mean a kind of row, never a size.
  static let rowLabels: Set<String> = [
    "token", "sequence", "sample", "patch", "head", "step", "batch",
  ]

  /// Holds a declared shape against a value: labels and names first, then sizes, as far as names are
  /// bound. What does not fit is an error that says where both shapes come from.
  private func match(
    _ shape: [AxisCode], _ value: ValueID, _ frame: Frame, _ signature: SignatureCode,
    at span: Span, what: String
  ) throws {
    guard let trace else { return }
    let mismatch = { (reason: String) throws -> Diagnostic in
      try self.mismatch(shape, value, frame, signature, reason, at: span, what: what)
    }
    var rest = Array(axes(of: trace.graph.type(value)))
    var sizes: [(term: SizeTerm, size: Int, span: Span)] = []
    for axis in shape.reversed() {
      // A size that stands last, behind axes that go without saying, is none of the rows.
      if what.hasSuffix("takes"), isOpenSize(axis, frame), rest.last?.isSize == false,
        axis.span == shape.last?.span,
        shape.contains(where: { if case .rest = $0.kind { true } else { false } })
      {
        throw try mismatch("there are fewer axes")
      }
      if case .rest = axis.kind {
        rest = []
        break
      }
      guard let actual = rest.popLast() else { throw try mismatch("there are fewer axes") }
      if case .size(let term) = axis.kind, case .size(let size) = actual {
        sizes.append((term, size, axis.span))
      } else if let reason = match(axis, actual, frame, value) {
        throw try mismatch(reason)
      }
    }
    // A group of rows may go without saying: [token, d] is [sequence, token, d].
    let groups = rest.allSatisfy { if case .group = $0 { true } else { false } }
    guard groups else { throw try mismatch("there are more axes") }
    if let reason = try solve(sizes, frame, value) { throw try mismatch(reason) }
  }

  private func mismatch(
    _ shape: [AxisCode], _ value: ValueID, _ frame: Frame, _ signature: SignatureCode,
    _ reason: String, at span: Span, what: String
  ) throws -> Diagnostic {
    var notes: [Diagnostic.Note] = []
    if !store.isLibrary(signature.span) {
      notes.append(.init(span: signature.span, text: "the shapes are declared here"))
    }
    notes += origin(of: value, as: what.hasSuffix("takes") ? "what goes in" : "the result")
    notes += sizeNotes(shape, frame)
    let isInteger = trace?.graph.type(value).element == .int32
    return failure(
      .wrongShape, "\(what) \(try describe(shape, frame)), not \(symbolic(value))", at: span,
      label: reason, notes: shapeNotes(notes, at: span),
      hint: isInteger ? "integers are looked up first: Embedding(count, width)" : "")
  }

  /// Binds the names that sizes leave open, those with one open name first.
  /// - Returns: nil when all fit, else why not.
  private func solve(
    _ sizes: [(term: SizeTerm, size: Int, span: Span)], _ frame: Frame, _ value: ValueID
  ) throws -> String? {
    var left = sizes
    while !left.isEmpty {
      let place = left.firstIndex { $0.term.openNames(frame).count < 2 } ?? 0
      let (term, size, span) = left.remove(at: place)
      let text = store.map.text(of: span)
      let open = Set(term.openNames(frame))
      switch try term.solve(for: size, self, frame, at: span) {
      case .fits:
        for name in open { trace?.origins.bind(name, .known(.init(symbol: name, span: span))) }
      case .unknown: break
      case .differs(let found): return "\(text) is \(found), here it is \(size)"
      case .impossible(let name): return "there is no '\(name)' for which \(text) is \(size)"
      case .ambiguous:
        let names = open.sorted().joined(separator: " and ")
        return "\(text) does not say what \(names) are"
      }
    }
    return nil
  }

  private enum FoundAxis {
    case group(String)
    case rows(String)
    case size(Int)

    var isSize: Bool { if case .size = self { true } else { false } }
  }

  /// Whether a name in a shape is no kind of row and has no size yet.
  private func isOpenSize(_ axis: AxisCode, _ frame: Frame) -> Bool {
    guard case .name(let name, let slot?) = axis.kind else { return false }
    return !Interpreter.rowLabels.contains(name) && size(in: slot, frame) == nil
  }

  private func axes(of type: TensorType) -> [FoundAxis] {
    var result = type.dims.map(FoundAxis.size)
    guard let rows = type.rows, let set = trace?.graph[rows] else { return result }
    result.insert(.rows(set.label), at: 0)
    if let grouping = set.grouping { result.insert(.group(grouping), at: 0) }
    return result
  }

  /// Nil when the axis fits, else why not.
  private func match(_ axis: AxisCode, _ actual: FoundAxis, _ frame: Frame, _ value: ValueID)
    -> String?
  {
    switch (axis.kind, actual) {
    case (.rest, _): return nil
    case (.name(let name, let slot), .size(let size)):
      if let bound = self.size(in: slot, frame), !bound.isUnknown {
        guard let expected = bound.exactInt else { return "'\(name)' is not a size" }
        return expected == size ? nil : "'\(name)' is \(expected), here it is \(size)"
      }
      guard let slot else { return "there is no axis '\(name)' here" }
      frame[slot] = .int(size)
      trace?.origins.bind(
        name, sizeNote(of: value, size) ?? .known(SizeOrigin(symbol: nil, span: nil)))
      return nil
    case (.name(let name, let slot), .rows(let label)),
      (.name(let name, let slot), .group(let label)):
      if name == label { return nil }
      return slot == nil || self.size(in: slot, frame) != nil
        ? "the axis here is '\(label)', not '\(name)'" : nil
    case (.size, .size): return nil
    case (.size, .rows(let label)), (.size, .group(let label)):
      return "the axis here is '\(label)', whose size is open"
    }
  }

  /// The declared shape, with the sizes that are known: `[.., d = 64]`.
  private func describe(_ shape: [AxisCode], _ frame: Frame) throws -> String {
    let parts = try shape.map { axis -> String in
      switch axis.kind {
      case .rest: return ".."
      case .name(let name, let slot):
        guard let size = size(in: slot, frame)?.exactInt else { return name }
        return "\(name) = \(size)"
      case .size(let term):
        let text = store.map.text(of: axis.span)
        guard let size = try term.value(self, frame, at: axis.span)?.exactInt else { return text }
        return text == "\(size)" ? text : "\(text) = \(size)"
      }
    }
    return "[\(parts.joined(separator: ", "))]"
  }

  // MARK: Unknown input

  /// Makes the model's input from a signature that says all its sizes; nil when it leaves one open.
  ///
  /// The axes in front are names of rows, the ones behind are sizes: `[sample, 16]`,
  /// `[sequence, token, 64]`.
  private func declareInput(_ signature: SignatureCode, _ frame: Frame, _ trace: Trace) throws
    -> SymbolicTensor?
  {
    var labels: [String] = []
    var sizes: [Int] = []
    for axis in signature.inputShape {
      switch axis.kind {
      case .rest: continue
      case .name(let name, let slot):
        if let size = size(in: slot, frame)?.exactInt {
          sizes.append(size)
        } else if Interpreter.rowLabels.contains(name), sizes.isEmpty {
          labels.append(name)
        } else {
          return nil
        }
      case .size(let term):
        guard let size = try term.value(self, frame, at: axis.span)?.exactInt else { return nil }
        sizes.append(size)
      }
    }
    guard !sizes.isEmpty, labels.count <= 2 else { return nil }
    for size in sizes where size < 1 {
      throw failure(.wrongShape, "a size is at least 1, not \(size)", at: signature.span)
    }
    try checkParameterSize(sizes, at: signature.span)
    let label = labels.last ?? "token"
    let grouping = labels.count == 2 ? labels[0] : (label == "token" ? "sequence" : nil)
    let rows = trace.graph.addRows(label: label, grouping: grouping)
    return try makeInput(TensorType(rows: rows, sizes), trace, at: signature.span)
  }

  /// The node that feeds the model.
  func makeInput(_ type: TensorType, _ trace: Trace, at span: Span) throws -> SymbolicTensor {
    let value = try traced(at: span) {
      try trace.graph.addSource(.input(DataInput.input, type))
    }
    trace.input = value
    return SymbolicTensor(content: .value(value), trace: trace)
  }
}
