import AdaptTensor

extension Graph {
  /// A type as a person reads it: `[token, 128]`, `[64, 64]`, `[token] i32`.
  public func describe(_ type: TensorType) -> String {
    var parts = type.dims.map(String.init)
    if let rows = type.rows { parts.insert(self[rows].name, at: 0) }
    let shape = "[" + parts.joined(separator: ", ") + "]"
    return type.element == .float32 ? shape : shape + " " + type.element.rawValue.lowercased()
  }
}

/// Throws a shape error unless the condition holds.
func require(_ condition: Bool, _ message: @autoclosure () -> String) throws {
  guard condition else { throw GraphError(.shape, message()) }
}

extension Graph {
  /// Throws unless the sizes can be those of a tensor; they may come from a script.
  func requirePossible(_ type: TensorType) throws {
    try require(type.isPossible, "no tensor can be \(describe(type))")
  }
}

/// Throws unless there are so many inputs, all floats where `floats` says so.
func requireInputs(_ op: Op, _ types: [TensorType], _ count: Int) throws {
  guard types.count == count else {
    throw GraphError(.invalid, "\(op.kind.rawValue) takes \(count) inputs, not \(types.count)")
  }
}

/// Throws unless a gradient has the type of its value.
func requireGradient(_ gradient: TensorType, of value: TensorType, _ graph: Graph) throws {
  try require(
    gradient == value,
    "\(graph.describe(gradient)) is no gradient of \(graph.describe(value))")
}

func requireFloats(_ op: Op, _ types: [TensorType], _ graph: Graph) throws {
  for type in types where type.element != .float32 {
    throw GraphError(
      .shape, "\(op.kind.rawValue) needs floats, not \(graph.describe(type))")
  }
}
