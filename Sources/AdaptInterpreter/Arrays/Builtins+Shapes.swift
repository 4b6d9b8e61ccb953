import AdaptGraph
import AdaptSyntax
import AdaptTensor

// The same numbers in another shape, and what a tensor says of itself.

extension Interpreter {
  /// Properties behind a tensor's point.
  static let tensorMemberNames = ["shape", "rank", "count", "dtype", "axes", "T"]

  func tensorMember(_ name: String, of value: Value, at span: Span) throws -> Value? {
    guard Interpreter.tensorMemberNames.contains(name),
      let operand = try tensorOperand(value, at: span)
    else { return nil }
    let rows = operand.type.rows.flatMap { trace?.graph[$0].label }.map { [$0] } ?? []
    switch name {
    case "shape":
      // The number of rows is open; their name stands for it.
      return try makeList(
        rows.map { .string($0) } + operand.type.dims.map { .int($0) }, at: span
      )
    case "rank": return .int(operand.rank)
    case "count":
      guard operand.lead == 0 else {
        throw failure(
          .wrongValue, "how many rows \(describe(operand)) has is known when the model runs",
          at: span)
      }
      return .int(operand.type.count)
    case "dtype": return .string(operand.type.element.scriptName)
    case "axes":
      return try makeList(
        rows.map { .string($0) } + operand.axes.map { $0.map { .string($0) } ?? .none }, at: span)
    default: return try permuted(operand, operand.axes.indices.reversed(), at: span)
    }
  }

  /// Functions that can also stand behind a tensor with a point.
  static var tensorMethodFunctions: [NativeFunction] {
    let shared: Set<String> = [
      "sum", "mean", "max", "min", "exp", "log", "sqrt", "abs", "sign", "square", "tanh",
      "sigmoid", "relu", "gelu", "silu", "sin", "cos", "erf", "softmax", "floor", "ceil", "round",
      "clamp", "isNaN",
    ]
    return (mathFunctions + tensorFunctions).filter { shared.contains($0.name) }
      + reductionFunctions + shapeFunctions + contents
  }

  static var shapeFunctions: [NativeFunction] {
    [
      NativeFunction(
        "reshape", ["x", "shape"],
        documentation: "The same numbers in another shape; one size may be -1: x.reshape([2, -1])"
      ) { call in
        let sizes = try call.elements(1).map { element -> Int in
          if element.isUnknown { throw UnknownReached() }
          guard let size = element.exactInt else {
            throw call.wrongType(1, expected: "a list of sizes")
          }
          return size
        }
        return try call.interpreter.reshaped(try call.tensorOperand(0), sizes, at: call.span)
      },
      NativeFunction(
        "transpose", ["x", .optional("axis", .int(-2)), .optional("other", .int(-1))],
        documentation: "Two axes change places, the last two unless named: x.transpose(0, 1)"
      ) { call in
        let x = try call.tensorOperand(0)
        let a = try call.interpreter.innerAxis(call[1], of: x, at: call.span(1))
        let b = try call.interpreter.innerAxis(call[2], of: x, at: call.span(2))
        var order = Array(x.axes.indices)
        order.swapAt(a, b)
        return try call.interpreter.permuted(x, order, at: call.span)
      },
      NativeFunction(
        "permute", ["x", "order"],
        documentation: "Axes in another order, by number or name: x.permute([2, 0, 1])"
      ) { call in
        let x = try call.tensorOperand(0)
        let axes = try call.elements(1).map {
          try call.interpreter.axis($0, of: x, at: call.span(1))
        }
        // Rows stay the first axis, whether they are named or not.
        let order = (axes.first == 0 && x.lead == 1 ? Array(axes.dropFirst()) : axes).map {
          $0 - x.lead
        }
        guard order.sorted() == Array(x.axes.indices) else {
          throw call.wrongValue(
            1, "an order names each axis of \(call.interpreter.describe(x)) once")
        }
        return try call.interpreter.permuted(x, order, at: call.span)
      },
      NativeFunction(
        "flatten", ["x"], documentation: "All numbers along one axis: x.flatten() → [count]"
      ) { call in
        let x = try call.tensorOperand(0)
        return try call.interpreter.reshaped(x, [x.type.count], at: call.span)
      },
      NativeFunction(
        "squeeze", ["x", .optional("axis")],
        documentation: "Without an axis of 1, or without all of them: x.squeeze(axis: 0)", squeezed),
      NativeFunction(
        "unsqueeze", ["x", "axis"],
        documentation: "With an axis of 1 at a place: x.unsqueeze(0) of [3] → [1, 3]"
      ) { call in
        let x = try call.tensorOperand(0)
        let rank = x.type.dims.count
        let place = try call.int(1, in: (-rank - 1)...rank)
        let axis = place < 0 ? place + rank + 1 : place
        let dims = x.type.dims[..<axis] + [1] + x.type.dims[axis...]
        return try call.interpreter.compute(
          [x], axes: x.axes[..<axis] + [nil] + x.axes[axis...], keepsIntegers: true, at: call.span
        ) { try $0.viewed($1[0], as: Array(dims)) }
      },
      NativeFunction(
        "expand", ["x", "shape"],
        documentation: "Axes of 1 repeated up to a shape: expand(tensor([1, 2]), [3, 2]) → [3, 2]"
      ) { call in
        let x = try call.tensorOperand(0)
        let dims = try call.shape(1)
        return try call.interpreter.compute([x], keepsIntegers: true, at: call.span) {
          try $0.spread($1[0], to: dims)
        }
      },
      NativeFunction(
        "stack", ["values", .optional("axis", .int(0))],
        documentation: "Tensors of one shape along a new axis: stack([a, b]) of [3] → [2, 3]",
        stacked),
      NativeFunction(
        "labelled", ["x", .rest("names")],
        documentation: "With names for its axes: x.labelled(\"row\", \"column\"), or a list of them"
      ) { call in
        let x = try call.tensorOperand(0)
        return try call.interpreter.labelled(x, try call.names(x), at: call.span)
      },
      NativeFunction(
        "asType", ["x", "type"],
        documentation:
          "The numbers as \"float32\" or \"int32\"; a fraction is cut off: x.asType(\"int32\")"
      ) { call in
        let x = try call.tensorOperand(0)
        guard let element = try call.elementType(1) else {
          throw call.wrongType(1, expected: "a type")
        }
        return try call.interpreter.converted(x, element, at: call.span)
      },
    ]
  }

  func labelled(_ operand: TensorOperand, _ names: [String?], at span: Span) throws -> Value {
    switch operand.source {
    case .array(let array): return .array(array.named(names))
    case .symbolic(let tensor):
      return .tensor(SymbolicTensor(content: tensor.content, trace: tensor.trace, axes: names))
    case .number(let number): return .number(number)
    }
  }

  private static func squeezed(_ call: Call) throws -> Value {
    let x = try call.tensorOperand(0)
    var gone = x.type.dims.indices.filter { x.type.dims[$0] == 1 }
    if case .none = call[1] {
    } else {
      let axis = try call.interpreter.innerAxis(call[1], of: x, at: call.span(1))
      guard x.type.dims[axis] == 1 else {
        throw call.wrongValue(
          1,
          "axis \(axis) of \(call.interpreter.describe(x)) has \(x.type.dims[axis]) places, not 1")
      }
      gone = [axis]
    }
    let kept = x.type.dims.indices.filter { !gone.contains($0) }
    return try call.interpreter.compute(
      [x], axes: kept.map { x.axes[$0] }, keepsIntegers: true, at: call.span
    ) { try $0.viewed($1[0], as: kept.map { x.type.dims[$0] }) }
  }

  private static func stacked(_ call: Call) throws -> Value {
    let interpreter = call.interpreter
    let parts = try call.elements(0).map { try interpreter.operand($0, at: call.span(0)) }
    guard let first = parts.first else {
      throw call.wrongValue(0, "stack needs at least one tensor")
    }
    for part in parts where part.type.dims != first.type.dims {
      throw interpreter.failure(
        .wrongShape,
        "\(interpreter.describe(first)) and \(interpreter.describe(part)) do not stack",
        at: call.span)
    }
    let rank = first.type.dims.count
    let place = try call.int(1, in: (-rank - 1)...rank)
    let axis = place < 0 ? place + rank + 1 : place
    let dims = Array(first.type.dims[..<axis] + [1] + first.type.dims[axis...])
    let axes = Array(first.axes[..<axis] + [nil] + first.axes[axis...])
    return try interpreter.compute(parts, axes: axes, at: call.span) { graph, ids in
      let wide = try ids.map { try graph.viewed($0, as: dims) }
      return try graph.joined(wide, axis: axis)
    }
  }

  // MARK: Contents

  private static var contents: [NativeFunction] {
    [
      NativeFunction(
        "item", ["x"], documentation: "The number of a tensor of one: x.sum().item()"
      ) { call in
        guard let tensor = try call.numbers(0) else { return .unknown }
        guard tensor.count == 1 else {
          throw call.wrongValue(
            0, "item is for a tensor of one number, not of \(tensor.count)",
            hint: "toList() gives all of them")
        }
        return ArrayValue.element(tensor, 0)
      },
      NativeFunction(
        "toList", ["x"], documentation: "The numbers as lists of lists: tensor([1, 2]).toList()"
      ) { call in
        guard let tensor = try call.numbers(0) else { return .unknown }
        // A shape such as [1000000000, 0] has no numbers and many lists.
        let lists = tensor.shape.reduce(1) { $0.multipliedReportingOverflow(by: max(1, $1)).0 }
        try call.interpreter.checkSize(max(lists, tensor.shape.max() ?? 0), at: call.span)
        var next = 0
        return try call.interpreter.list(tensor, tensor.shape[...], &next, at: call.span)
      },
    ]
  }

  /// The numbers of a tensor from `next` on, in the lists of a shape.
  private func list(_ tensor: Tensor, _ shape: ArraySlice<Int>, _ next: inout Int, at span: Span)
    throws -> Value
  {
    guard let size = shape.first else {
      defer { next += 1 }
      return ArrayValue.element(tensor, next)
    }
    var elements: [Value] = []
    for _ in 0..<size { elements.append(try list(tensor, shape.dropFirst(), &next, at: span)) }
    return try makeList(elements, at: span)
  }

  /// What a loop over a tensor walks: its parts along the first axis.
  func elements(of array: ArrayValue, at span: Span) throws -> [Value] {
    guard let size = array.shape.first else {
      throw wrongType("a tensor of no axes has no elements", at: span)
    }
    guard let tensor = array.tensor else { throw UnknownReached() }
    try checkSize(size, at: span)
    if array.shape.count == 1 { return (0..<size).map { ArrayValue.element(tensor, $0) } }
    return try (0..<size).map {
      try subscriptArray(array, [.init(value: .index($0), span: span)], at: span)
    }
  }
}

extension Call {
  /// The numbers of a tensor; nil in a dry run.
  func numbers(_ index: Int) throws -> Tensor? {
    if case .array(let array) = self[index] { return array.tensor }
    guard case .tensor = self[index] else { throw wrongType(index, expected: "a tensor") }
    throw wrongValue(
      index, "the numbers of a traced tensor are not known yet",
      hint: "a script sees them when the model or function has run")
  }

  /// The names behind the first argument: several, or one list.
  fileprivate func names(_ operand: TensorOperand) throws -> [String?] {
    var names = try elements(1)
    if names.count == 1, case .list(let list) = names[0] { names = list.elements }
    let texts = try names.map { name -> String? in
      if case .none = name { return nil }
      guard case .string(let text) = name else { throw wrongType(1, expected: "names") }
      return text
    }
    try checkNames(texts, rank: operand.axes.count, 1)
    return texts
  }
}
