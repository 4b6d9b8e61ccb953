import AdaptGraph
import AdaptSyntax

// Shapes that a layer declares, held against what it is applied to.

extension Interpreter {
  /// Checks the input against the signature, and binds its name and the sizes it names.
  /// - Returns: the input, which the signature may have made known.
  func bind(
    _ signature: Signature, to input: SymbolicTensor, _ scope: Scope, _ trace: Trace, at span: Span
  ) throws -> SymbolicTensor {
    var input = input
    if case .pending = input.content {
      input = try declareInput(signature, scope, trace) ?? input
    }
    if case .pending = input.content {
      // What a name like `d` stands for only the type could say.
      if namesOpenSize(signature, scope) { _ = try value(of: input, at: span) }
    } else {
      let type = try type(of: input, at: span)
      try match(
        signature.inputShape, type, scope, signature, at: span,
        what: "\(frames.last?.name ?? "the layer") takes")
    }
    scope.define(signature.input.text, .tensor(input), at: signature.input.span)
    return input
  }

  private func namesOpenSize(_ signature: Signature, _ scope: Scope) -> Bool {
    signature.inputShape.contains { axis in
      guard case .name(let name) = axis.kind else { return false }
      return !Interpreter.rowLabels.contains(name) && scope.own(name) == nil
    }
  }

  /// Checks what the body gave against the declared result.
  func checkResult(
    _ result: Value, _ signature: Signature, _ layer: LayerInstance, _ input: SymbolicTensor,
    _ scope: Scope, at span: Span
  ) throws {
    if result.isUnknown { return }
    guard case .tensor(let tensor) = result else {
      _ = try notATensor(result, at: layer.declaration.body.span)
      return
    }
    guard let shape = signature.outputShape else { return }
    try match(
      shape, try type(of: tensor, at: span), scope, signature, at: span,
      what: "\(layer.name) declares to give")
  }

  // MARK: Matching

  /// Names that mean a kind of row, never a size.
  private static let rowLabels: Set<String> = [
    "token", "sequence", "sample", "patch", "head", "step", "batch",
  ]

  private func match(
    _ shape: [Axis], _ type: TensorType, _ scope: Scope, _ signature: Signature, at span: Span,
    what: String
  ) throws {
    let found = axes(of: type)
    func mismatch(_ reason: String) throws -> Diagnostic {
      let declared = try describe(shape, scope)
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
      if let reason = try match(axis, actual, scope) { throw try mismatch(reason) }
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
  private func match(_ axis: Axis, _ actual: FoundAxis, _ scope: Scope) throws -> String? {
    switch (axis.kind, actual) {
    case (.rest, _): return nil
    case (.name(let name), .size(let size)):
      if let bound = scope.own(name)?.value, !bound.isUnknown {
        guard let expected = bound.exactInt else { return "'\(name)' is not a size" }
        return expected == size ? nil : "'\(name)' is \(expected), here it is \(size)"
      }
      if Interpreter.rowLabels.contains(name) { return "there is no axis '\(name)' here" }
      scope.define(name, .int(size), at: axis.span)
      return nil
    case (.name(let name), .rows(let label)), (.name(let name), .group(let label)):
      if name == label { return nil }
      return Interpreter.rowLabels.contains(name) || scope.own(name) != nil
        ? "the axis here is '\(label)', not '\(name)'" : nil
    case (.size(let expression), .size(let size)):
      let value = try evaluate(expression, scope)
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
  private func describe(_ shape: [Axis], _ scope: Scope) throws -> String {
    let parts = try shape.map { axis -> String in
      switch axis.kind {
      case .rest: return ".."
      case .name(let name):
        guard let size = scope.own(name)?.value.exactInt else { return name }
        return "\(name) = \(size)"
      case .size(let expression):
        let value = try evaluate(expression, scope)
        return brief(value)
      }
    }
    return "[\(parts.joined(separator: ", "))]"
  }

  // MARK: Unknown input

  /// Makes the model's input from a signature that says all its sizes; nil when it leaves one open.
  ///
  /// The axes in front are names of rows, the ones behind are sizes: `[sample, 16]`,
  /// `[sequence, token, 64]`.
  private func declareInput(_ signature: Signature, _ scope: Scope, _ trace: Trace) throws
    -> SymbolicTensor?
  {
    var labels: [String] = []
    var sizes: [Int] = []
    for axis in signature.inputShape {
      switch axis.kind {
      case .rest: continue
      case .name(let name):
        if let size = scope.own(name)?.value.exactInt {
          sizes.append(size)
        } else if Interpreter.rowLabels.contains(name), sizes.isEmpty {
          labels.append(name)
        } else {
          return nil
        }
      case .size(let expression):
        let value = try evaluate(expression, scope)
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
