import AdaptGraph
import AdaptSyntax
import AdaptTensor

/// One of the subscripts of a tensor, for the next axis or for the one it names.
package struct SubscriptArgument {
  package var label: Identifier?
  package var value: SubscriptValue
  package var span: Span

  package init(label: Identifier? = nil, value: SubscriptValue, span: Span) {
    self.label = label
    self.value = value
    self.span = span
  }
}

/// What a subscript picks of an axis.
package enum SubscriptValue {
  /// One place; negative ones count from the end.
  case index(Int)
  /// From lower to before upper; the ends of the axis where one is left out.
  case slice(lower: Int?, upper: Int?)
  /// These places, in this order.
  case list([Int])
  /// All of the axes up to those behind it, or all of one axis.
  case rest
  /// Where the mask is not 0: of one axis, or of all.
  case mask(ArrayValue)
}

/// What is picked of one axis, checked.
enum AxisPick {
  case all
  case index(Int)
  case slice(Range<Int>)
  case list([Int])

  func places(_ size: Int) -> [Int] {
    switch self {
    case .all: Array(0..<size)
    case .index(let place): [place]
    case .slice(let range): Array(range)
    case .list(let places): places
    }
  }
}

extension Interpreter {
  /// What a value picks as a subscript; nil when that is not known yet.
  func subscriptValue(_ value: Value, at span: Span) throws -> SubscriptValue? {
    switch value {
    case .unknown: return nil
    case .range(let range): return .slice(lower: range.lower, upper: range.upper)
    case .list(let list):
      if list.elements.contains(where: \.isUnknown) { return nil }
      let places = list.elements.compactMap(\.exactInt)
      if places.count == list.elements.count { return .list(places) }
    case .array(let array) where array.type.element == .int32 && array.shape.count == 1:
      guard let tensor = array.tensor else { return nil }
      return .list(try runtime(at: span) { try tensor.integers.map(Int.init) })
    case .array(let array) where !array.shape.isEmpty: return .mask(array)
    default:
      if let place = value.exactInt { return .index(place) }
    }
    throw wrongType(
      "a subscript is an integer, a range, a list of integers or a mask, not \(value.typeName)",
      at: span)
  }

  /// Some of a tensor: an axis with an index is gone, the others are as long as what they pick.
  /// - Throws: E0203 for places that do not exist, naming the axis and its size.
  package func subscriptArray(_ array: ArrayValue, _ subscripts: [SubscriptArgument], at span: Span)
    throws
    -> Value
  {
    let operand = TensorOperand(source: .array(array), type: array.type, axes: array.axes)
    return try subscriptTensor(operand, subscripts, at: span)
  }

  /// As ``subscriptArray(_:_:at:)``, of a traced tensor too.
  func subscriptTensor(
    _ operand: TensorOperand, _ subscripts: [SubscriptArgument], at span: Span
  ) throws -> Value {
    if subscripts.count == 1, case .mask(let mask) = subscripts[0].value, mask.shape.count > 1 {
      return try masked(operand, mask, at: subscripts[0].span)
    }
    if operand.lead == 1, let rows = try rowSubscript(subscripts, operand, at: span) {
      return try pickedRows(operand, rows.pick, rows.rest, at: span)
    }
    guard let picks = try picks(subscripts, operand, at: span) else { return .unknown }
    let dims = operand.type.dims
    let kept = dims.indices.filter { if case .index = picks[$0] { false } else { true } }
    return try compute(
      [operand], axes: kept.map { operand.axes[$0] }, keepsIntegers: true, at: span
    ) { graph, ids in
      var value = ids[0]
      for (axis, pick) in picks.enumerated() {
        switch pick {
        case .all: break
        case .index(let place):
          value = try graph.sliced(value, axis: axis, start: place, count: 1)
        case .slice(let range):
          value = try graph.sliced(value, axis: axis, start: range.lowerBound, count: range.count)
        case .list(let places):
          value = try graph.add(.take(axis: axis), value, Interpreter.places(places, &graph))
        }
      }
      let sizes = graph.type(value).dims
      return try graph.viewed(value, as: kept.map { sizes[$0] })
    }
  }

  /// Places as a value of the graph, in its root, where all regions see it.
  static func places(_ places: [Int], _ graph: inout Graph) throws -> ValueID {
    let index = try Tensor([places.count], integers: places.map { Int32(clamping: $0) })
    return try graph.addSource(.literal(Literal(index)))
  }

  /// The numbers where a mask of the tensor's own shape is not 0, along one axis.
  private func masked(_ operand: TensorOperand, _ mask: ArrayValue, at span: Span) throws -> Value {
    guard operand.type.rows == nil, operand.type.dims == mask.shape else {
      throw failure(
        .wrongShape, "a mask \(mask.shapeText) does not fit \(describe(operand))", at: span)
    }
    guard let places = mask.truePlaces else { return .unknown }
    return try compute([operand], keepsIntegers: true, at: span) { graph, ids in
      let flat = try graph.viewed(ids[0], as: [operand.type.count])
      return try graph.add(.take(axis: 0), flat, Interpreter.places(places, &graph))
    }
  }

  // MARK: Checks

  /// One pick for each axis behind the rows; nil when a mask is not known yet.
  func picks(
    _ subscripts: [SubscriptArgument], _ operand: TensorOperand, at span: Span
  ) throws -> [AxisPick]? {
    var chosen: [SubscriptArgument?] = Array(repeating: nil, count: operand.rank)
    for argument in subscripts {
      guard let label = argument.label else { continue }
      let axis = try axis(.string(label.text), of: operand, at: label.span)
      guard chosen[axis] == nil else {
        throw failure(.wrongArguments, "axis '\(label.text)' is picked twice", at: label.span)
      }
      chosen[axis] = argument
    }
    let open = chosen.indices.filter { chosen[$0] == nil }
    let rest = try spread(
      subscripts.filter { $0.label == nil }, over: open.count, operand, at: span)
    for (axis, argument) in zip(open, rest) { chosen[axis] = argument }
    var picks: [AxisPick] = []
    for (number, size) in operand.type.dims.enumerated() {
      guard let argument = chosen[number + operand.lead] else {
        picks.append(.all)
        continue
      }
      guard let pick = try pick(argument, size, number, operand) else { return nil }
      picks.append(pick)
    }
    return picks
  }

  /// Subscripts without a name, one for each open axis: `..` stands for as many as are left.
  private func spread(
    _ subscripts: [SubscriptArgument], over count: Int, _ operand: TensorOperand, at span: Span
  ) throws -> [SubscriptArgument] {
    let rests = subscripts.indices.filter {
      if case .rest = subscripts[$0].value { true } else { false }
    }
    let missing = count - subscripts.count
    guard missing >= 0 || (missing == -1 && rests.count == 1) else {
      throw failure(
        .wrongArguments,
        "\(describe(operand)) has \(operand.rank) \(operand.rank == 1 ? "axis" : "axes") to pick from, "
          + "not \(subscripts.count)", at: span)
    }
    guard missing != 0, let place = rests.first else { return subscripts }
    guard rests.count == 1 else {
      throw failure(
        .wrongArguments, "only one '..' can stand for several axes", at: subscripts[rests[1]].span)
    }
    var result = subscripts
    result.replaceSubrange(
      place...place, with: Array(repeating: subscripts[place], count: missing + 1))
    return result
  }

  private func pick(
    _ argument: SubscriptArgument, _ size: Int, _ axis: Int, _ operand: TensorOperand
  ) throws -> AxisPick? {
    func checked(_ index: Int, _ bounds: ClosedRange<Int>) throws -> Int {
      let place = index < 0 ? index + size : index
      guard bounds.contains(place) else {
        throw outside("\(index)", size, axis, operand, at: argument.span)
      }
      return place
    }
    switch argument.value {
    case .rest: return .all
    case .index(let index): return .index(try place(index, size, axis, operand, at: argument.span))
    case .slice(let lower, let upper):
      let start = try checked(lower ?? 0, 0...size)
      let end = try checked(upper ?? size, 0...size)
      return .slice(start..<max(start, end))
    case .list(let list):
      return .list(try list.map { try place($0, size, axis, operand, at: argument.span) })
    case .mask(let mask):
      guard mask.shape == [size] else {
        throw failure(
          .wrongShape, "a mask \(mask.shapeText) does not fit axis \(axis) of \(describe(operand))",
          at: argument.span)
      }
      return mask.truePlaces.map { .list($0) }
    }
  }

  private func place(
    _ index: Int, _ size: Int, _ axis: Int, _ operand: TensorOperand, at span: Span
  ) throws -> Int {
    let place = index < 0 ? index + size : index
    guard place >= 0, place < size else {
      throw outside("\(index)", size, axis, operand, at: span)
    }
    return place
  }

  private func outside(
    _ index: String, _ size: Int, _ axis: Int, _ operand: TensorOperand, at span: Span
  ) -> Diagnostic {
    let name = operand.axes[axis].map { "'\($0)'" } ?? "\(axis + operand.lead)"
    return failure(
      .indexOutOfRange, "\(index) is out of range of axis \(name) of \(describe(operand))",
      at: span,
      label: "the axis has \(counted(size, "place"))",
      hint: size == 0 ? "" : "valid are 0 to \(size - 1), and -1 for the last")
  }
}

extension ArrayValue {
  /// Places of row-major order where the number is not 0; nil in a dry run.
  var truePlaces: [Int]? {
    guard let numbers = tensor?.floats else { return nil }
    return numbers.indices.filter { numbers[$0] != 0 }
  }
}
