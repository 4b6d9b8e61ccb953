import AdaptGraph
import AdaptRuntime
import AdaptSyntax
import AdaptTensor

// Derivatives of functions: the function is traced at each call, so it may do what a script can.

extension Interpreter {
  static var gradientFunctions: [NativeFunction] {
    [
      NativeFunction(
        "grad", ["function", .optional("of")],
        documentation: """
          The function that gives the gradient of a function of tensors or numbers, by its first argument
          or by those named: grad({ x in x ^ 3 })(2.0) → 12; grad(f, of: ["a", "b"]) gives a list. Nests.
          """
      ) { call in
        try call.derivative("grad") { _, gradients in gradients }
      },
      NativeFunction(
        "valueAndGrad", ["function", .optional("of")],
        documentation: "As grad, with the value: (value: …, grad: …)"
      ) { call in
        let interpreter = call.interpreter
        let span = call.span
        return try call.derivative("valueAndGrad") { value, gradients in
          try interpreter.makeRecord([("value", value), ("grad", gradients)], at: span)
        }
      },
      NativeFunction(
        "gradcheck",
        [
          "function", "x", .optional("step", .number(1e-4)), .optional("tolerance", .number(1e-3)),
        ],
        documentation: """
          Holds the gradient of a function at x against differences in double precision:
          gradcheck(f, x) → (ok: true, maxError: …, at: …, gradient: …, difference: …)
          """
      ) { call in
        try call.gradientCheck()
      },
    ]
  }
}

/// A function traced at its arguments, and differentiated.
private struct Derivative {
  var value: ValueID
  var gradients: [ValueID]
}

extension Call {
  /// The function that `grad` and its kin give.
  fileprivate func derivative(
    _ name: String, _ finish: @escaping (Value, Value) throws -> Value
  ) throws -> Value {
    let function = try function(0)
    let (places, isList) = try differentiated(function)
    let native = NativeFunction("\(name)(\(function.name))", [.rest("arguments")]) { call in
      let arguments = try call.elements(0)
      for place in places where place >= arguments.count {
        throw call.interpreter.failure(
          .wrongArguments, "\(function.name) has no argument \(place + 1) in this call",
          at: call.span, hint: "it is called as \(function.signature)")
      }
      let (value, gradients) = try call.interpreter.gradients(
        of: function, at: arguments, withRespectTo: places, at: call.span)
      let result = isList ? try call.list(gradients) : gradients.first ?? .none
      return try finish(value, result)
    }
    return .function(Function(native))
  }

  /// Which arguments the gradient is by, and whether several were asked for.
  private func differentiated(_ function: Function) throws -> ([Int], Bool) {
    if case .none = self[1] { return ([0], false) }
    var (names, isList): ([Value], Bool) = ([self[1]], false)
    if case .list(let list) = self[1] { (names, isList) = (list.elements, true) }
    let known = function.parameterNames
    let places = try names.map { name -> Int in
      if let place = name.exactInt, place >= 0 { return place }
      guard case .string(let text) = name else {
        throw wrongType(1, expected: "names of parameters")
      }
      guard let place = known.firstIndex(of: text) else {
        throw wrongValue(
          1, "\(function.name) has no parameter '\(text)'",
          hint: "it is called as \(function.signature)")
      }
      return place
    }
    return (places, isList)
  }
}

extension Interpreter {
  /// A function's value and its gradients by some of its arguments.
  ///
  /// Inside a trace everything becomes part of it, so that gradients nest; what then depends on nothing
  /// that is open is computed at once, in the host's precision where none is given.
  func gradients(
    of function: Function, at arguments: [Value], withRespectTo places: [Int],
    in precision: Precision? = nil, at span: Span
  ) throws -> (value: Value, gradients: [Value]) {
    if let trace {
      let made = try differentiate(function, arguments, places, trace, at: span)
      return try finished(made, arguments, places, trace, precision, at: span)
    }
    let trace = Trace(mode: .inference)
    return try within(trace) {
      let made = try differentiate(function, arguments, places, trace, at: span)
      guard trace.graph.parameters.isEmpty else {
        throw failure(
          .notDifferentiable,
          "\(function.name) makes parameters, \(trace.graph.parameters[0].name) first, which exist "
            + "only in a model", at: span,
          hint: "train a model with train(…), or give the weights as arguments")
      }
      return try finished(made, arguments, places, trace, precision, at: span)
    }
  }

  private func differentiate(
    _ function: Function, _ arguments: [Value], _ places: [Int], _ trace: Trace, at span: Span
  ) throws -> Derivative {
    var values = arguments
    var variables: [ValueID] = []
    for place in places {
      let operand = try differentiable(arguments[place], of: function, at: span)
      let source = try value(of: operand, trace, at: span)
      // A value of its own, so that the gradient is by this use of the argument only.
      let variable = try traced(at: span) {
        let floats = try trace.graph.floats(source)
        return try trace.graph.add(.reshape(trace.graph.type(floats).dims), floats)
      }
      variables.append(variable)
      values[place] = .tensor(
        SymbolicTensor(content: .value(variable), trace: trace, axes: operand.axes))
    }
    let outer = trace.variables
    trace.variables.formUnion(variables)
    defer { trace.variables = outer }
    let result = try call(function, with: values, at: span)
    let scalar = try scalarValue(result, of: function, trace, at: span)
    let gradients = try traced(at: span) {
      let found = try trace.graph.gradient(of: scalar, withRespectTo: variables)
      return try zip(found, variables).map {
        try $0 ?? trace.graph.add(.binary(.multiply), $1, trace.graph.constant(0))
      }
    }
    return Derivative(value: scalar, gradients: gradients)
  }

  private func differentiable(_ value: Value, of function: Function, at span: Span) throws
    -> TensorOperand
  {
    guard let operand = try tensorOperand(value, at: span), value.isTensor || value.asDouble != nil
    else {
      throw wrongType(
        "a gradient is by tensors and numbers, not by \(value.typeName)", at: span,
        hint: "\(function.name) is called as \(function.signature)")
    }
    return operand
  }

  /// The one number that a function gives.
  func scalarValue(
    _ result: Value, of function: Function, _ trace: Trace, at span: Span
  ) throws -> ValueID {
    guard let operand = try tensorOperand(result, at: span) else {
      throw wrongType(
        "grad needs a function that gives a number, and \(function.name) gives \(result.typeName)",
        at: span)
    }
    guard operand.type.rows == nil, operand.type.count == 1 else {
      throw failure(
        .notDifferentiable,
        "grad needs a function that gives one number, and \(function.name) gives \(describe(operand))",
        at: span, hint: "end it with sum(…) or mean(…)")
    }
    let id = try value(of: operand, trace, at: span)
    return try traced(at: span) { try trace.graph.viewed(id, as: []) }
  }

  /// The results as a script holds them: numbers where nothing is open, else traced.
  private func finished(
    _ made: Derivative, _ arguments: [Value], _ places: [Int], _ trace: Trace,
    _ precision: Precision?, at span: Span
  ) throws -> (value: Value, gradients: [Value]) {
    let wanted = [made.value] + made.gradients
    let axes =
      [[]]
      + places.map { place -> [String?] in
        if case .array(let array) = arguments[place] { return array.axes }
        if case .tensor(let tensor) = arguments[place] { return tensor.axes }
        return []
      }
    for id in wanted { try checkTensor(trace.graph.type(id), at: span) }
    let results: [Value]
    if isDryRun {
      results = zip(wanted, axes).map { unknownArray(trace.graph.type($0), $1) }
    } else if trace.graph.isOpen(wanted, trace.variables) {
      results = zip(wanted, axes).map {
        .tensor(SymbolicTensor(content: .value($0), trace: trace, axes: $1))
      }
    } else {
      results = try run(trace.graph, wanted, axes, precision, at: span)
    }
    let gradients = zip(places, results.dropFirst()).map { place, gradient -> Value in
      // A number's gradient is a number.
      arguments[place].isTensor ? gradient : gradient.asDouble.map { .number($0) } ?? gradient
    }
    return (results[0].asDouble.map { .number($0) } ?? results[0], gradients)
  }

  private func run(
    _ graph: Graph, _ wanted: [ValueID], _ axes: [[String?]], _ precision: Precision?,
    at span: Span
  ) throws -> [Value] {
    try checkTime(at: span)
    return try runtime(at: span) {
      let executor = try Executor(
        graph, outputs: wanted, cpu: cpu.computing(in: precision ?? self.precision))
      try executor.run(Batch(layout: RowLayout(lengths: [])), ParameterStore())
      return try zip(wanted.indices, axes).map { place, axes in
        let tensor = try Tensor(graph.type(wanted[place]).dims, executor.floats(place))
        return .array(ArrayValue(tensor, axes: axes))
      }
    }
  }
}

extension Graph {
  /// Whether the values depend on what only a run of a model, or an outer function, knows.
  fileprivate func isOpen(_ values: [ValueID], _ variables: Set<ValueID>) -> Bool {
    needed(for: values).contains { index in
      switch nodes[index].op.kind {
      case .input, .parameter, .positions, .random: true
      default:
        nodes[index].outputs.contains { type($0).rows != nil || variables.contains($0) }
      }
    }
  }
}
