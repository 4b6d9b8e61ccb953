import AdaptGraph
import AdaptSyntax

/// How two operands come to stand over the same axes.
struct AxisAlignment {
  /// Names of the result's axes.
  var axes: [String?]
  var left = Placement()
  var right = Placement()

  /// What is done to an operand before it is broadcast from the right.
  struct Placement {
    var order: [Int]?
    var dims: [Int]?

    func apply(_ value: ValueID, _ graph: inout Graph) throws -> ValueID {
      var value = value
      if let order, order != Array(order.indices) { value = try graph.add(.permute(order), value) }
      if let dims { value = try graph.viewed(value, as: dims) }
      return value
    }
  }
}

extension Interpreter {
  /// Axes of one name meet, whatever their places; those without a name meet from the right.
  /// - Throws: E0301 with both shapes when names or sizes contradict.
  func align(_ a: TensorOperand, _ b: TensorOperand, at span: Span) throws -> AxisAlignment {
    let (x, y) = (a.axes, b.axes)
    if !x.contains(where: { $0 != nil }), !y.contains(where: { $0 != nil }) {
      return AxisAlignment(axes: [])
    }
    if let named = aligned(a, b)
      ?? aligned(b, a).map({ AxisAlignment(axes: $0.axes, left: $0.right, right: $0.left) })
    {
      guard a.type.rows != nil || b.type.rows != nil || sizesMeet(a, b) else {
        throw mismatch(a, b, at: span)
      }
      return named
    }
    var axes: [String?] = []
    for place in 0..<max(x.count, y.count) {
      let first = place < x.count ? x[x.count - 1 - place] : nil
      let second = place < y.count ? y[y.count - 1 - place] : nil
      if let first, let second, first != second { throw mismatch(a, b, at: span) }
      axes.append(first ?? second)
    }
    let isColumn = a.type.rows != nil || b.type.rows != nil
    guard isColumn || Graph.broadcast(a.type.dims, b.type.dims) != nil else {
      throw mismatch(a, b, at: span)
    }
    return AxisAlignment(axes: axes.reversed())
  }

  /// When all axes have names and those of `small` are among those of `large`.
  private func aligned(_ large: TensorOperand, _ small: TensorOperand) -> AxisAlignment? {
    let (outer, inner) = (large.axes.compactMap { $0 }, small.axes.compactMap { $0 })
    guard !inner.isEmpty, outer.count == large.axes.count, inner.count == small.axes.count,
      Set(inner).isSubset(of: outer), Set(outer).count == outer.count
    else { return nil }
    var placement = AxisAlignment.Placement()
    if Array(outer.suffix(inner.count)) != inner {
      placement.order = outer.compactMap { inner.firstIndex(of: $0) }
      placement.dims = outer.map { name in
        inner.firstIndex(of: name).map { small.type.dims[$0] } ?? 1
      }
    }
    return AxisAlignment(axes: large.axes, right: placement)
  }

  /// Whether axes of one name have one size, or 1.
  private func sizesMeet(_ a: TensorOperand, _ b: TensorOperand) -> Bool {
    zip(a.axes, a.type.dims).allSatisfy { name, size in
      guard let place = b.axes.firstIndex(of: name) else { return true }
      let other = b.type.dims[place]
      return size == other || size == 1 || other == 1
    }
  }

  private func mismatch(_ a: TensorOperand, _ b: TensorOperand, at span: Span) -> Diagnostic {
    failure(
      .wrongShape, "\(describe(a)) and \(describe(b)) do not match", at: span,
      notes: shapeNotes(origins(of: [a, b], ["the left side", "the right side"]), at: span),
      hint: "axes of one name must have one size; labelled(…) gives other names")
  }
}
