import AdaptGraph
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
      let type = try type(of: input, at: span)
      try match(
        signature.inputShape, type, frame, signature, at: span,
        what: "\(calls.last?.name ?? "the layer") takes")
    }
    frame[signature.inputSlot] = .tensor(input)
    return input
  }

  private func namesOpenSize(_ signature: SignatureCode, _ frame: Frame) -> Bool {
    signature.inputShape.contains { axis in
      guard case .name(_, let slot?) = axis.kind else { return false }
      return size(in: slot, frame) == nil
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
    try match(
      shape, try type(of: tensor, at: span), frame, signature, at: span,
      what: "\(layer.name) declares to give")
  }

  // MARK: Matching

  /// Names that mean a kind of row, never a size.
  static let rowLabels: Set<String> = [
    "token", "sequence", "sample", "patch", "head", "step", "batch",
  ]

  private func match(
    _ shape: [AxisCode], _ type: TensorType, _ frame: Frame, _ signature: SignatureCode,
    at span: Span,
    what: String
  ) throws {
    let found = axes(of: type)
    func mismatch(_ reason: String) throws -> Diagnostic {
      let declared = try describe(shape, frame)
      var notes = callNotes(around: nil).filter { $0.span != span }
      if !store.isLibrary(signature.span) {
        notes.insert(.init(span: signature.span, text: "the shapes are declared here"), at: 0)
      }
      return failure(
        .wrongShape, "\(what) \(declared), not \(describe(type))", at: span, label: reason,
        notes: notes)
    }
    var rest = Array(found)
    for axis in shape.reversed() {
      if case .rest = axis.kind { return }
      guard let actual = rest.popLast() else {
        throw try mismatch("there are fewer axes")
      }
      if let reason = try match(axis, actual, frame) { throw try mismatch(reason) }
    }
    // A group of rows may go without saying: [token, d] is [sequence, token, d].
    let groups = rest.allSatisfy { if case .group = $0 { true } else { false } }
    guard groups else { throw try mismatch("there are more axes") }
  }

  private enum FoundAxis {
    case group(String)
    case rows(String)
    case size(Int)
  }

  private func axes(of type: TensorType) -> [FoundAxis] {
    var result = type.dims.map(FoundAxis.size)
    guard let rows = type.rows, let set = trace?.graph[rows] else { return result }
    result.insert(.rows(set.label), at: 0)
    if let grouping = set.grouping { result.insert(.group(grouping), at: 0) }
    return result
  }

  /// Nil when the axis fits, else why not.
  private func match(_ axis: AxisCode, _ actual: FoundAxis, _ frame: Frame) throws -> String? {
    switch (axis.kind, actual) {
    case (.rest, _): return nil
    case (.name(let name, let slot), .size(let size)):
      if let bound = self.size(in: slot, frame), !bound.isUnknown {
        guard let expected = bound.exactInt else { return "'\(name)' is not a size" }
        return expected == size ? nil : "'\(name)' is \(expected), here it is \(size)"
      }
      guard let slot else { return "there is no axis '\(name)' here" }
      frame[slot] = .int(size)
      return nil
    case (.name(let name, let slot), .rows(let label)),
      (.name(let name, let slot), .group(let label)):
      if name == label { return nil }
      return slot == nil || self.size(in: slot, frame) != nil
        ? "the axis here is '\(label)', not '\(name)'" : nil
    case (.size(let expression), .size(let size)):
      let value = try expression.evaluate(self, frame)
      if value.isUnknown { return nil }
      guard let expected = value.exactInt else {
        throw wrongType("a size is an integer, not \(value.typeName)", at: expression.span)
      }
      return expected == size ? nil : "expected \(expected), here it is \(size)"
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
      case .size(let expression):
        return brief(try expression.evaluate(self, frame))
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
      case .size(let expression):
        let value = try expression.evaluate(self, frame)
        guard let size = value.exactInt else { return nil }
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
      try trace.graph.addSource(.input(Interpreter.inputName, type))
    }
    trace.input = value
    return SymbolicTensor(content: .value(value), trace: trace)
  }

  /// The graph inputs of a model and of its targets.
  static let inputName = "input"
  static let targetName = "target"
}
