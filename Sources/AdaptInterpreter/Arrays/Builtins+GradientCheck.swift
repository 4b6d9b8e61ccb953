import AdaptGraph
import AdaptSyntax
import AdaptTensor

// Gradients held against differences.

extension Call {
  func gradientCheck() throws -> Value {
    let function = try function(0)
    let (step, tolerance) = (try number(2), try number(3))
    guard step > 0, step.isFinite else { throw wrongValue(2, "a step is a number above 0") }
    guard let x = try interpreter.tensorOperand(self[1], at: span(1)), !x.isSymbolic else {
      throw wrongType(1, expected: "a tensor of numbers, or a number")
    }
    // Rounded products would be told from differences, whatever the host says.
    let (_, gradients) = try interpreter.gradients(
      of: function, at: [self[1]], withRespectTo: [0], in: .fp32, at: span)
    guard let found = try gradients.first.flatMap({ try interpreter.tensorOperand($0, at: span) })
    else { return .unknown }
    guard !interpreter.isDryRun else { return .unknown }
    let differences = try interpreter.differences(of: function, at: x, step: step, at: span)
    return try interpreter.comparison(found.numbers, differences, tolerance, at: span)
  }
}

extension TensorOperand {
  /// The numbers, in double precision; none of what is traced.
  fileprivate var numbers: [Double] {
    switch source {
    case .array(let array): array.doubles
    case .number(let number): [number]
    case .symbolic: []
    }
  }
}

extension Interpreter {
  /// What gradcheck gives: the largest error, relative to numbers above 1, and where it is.
  fileprivate func comparison(
    _ gradients: [Double], _ differences: [Double], _ tolerance: Double, at span: Span
  ) throws -> Value {
    let errors = zip(gradients, differences).map { abs($0 - $1) / max(1, abs($0), abs($1)) }
    // A NaN is the worst of all errors.
    let worst = errors.indices.max { a, b in
      errors[b].isNaN && !errors[a].isNaN || errors[a] < errors[b]
    }
    guard let worst else {
      return try makeRecord([("ok", .bool(true)), ("maxError", .number(0))], at: span)
    }
    return try makeRecord(
      [
        ("ok", .bool(errors[worst] <= tolerance)), ("maxError", .number(errors[worst])),
        ("at", .int(worst)), ("gradient", .number(gradients[worst])),
        ("difference", .number(differences[worst])),
      ], at: span)
  }

  /// Numbers of a function that gradcheck takes.
  private static let mostChecked = 1_000_000

  /// (f(x + step) − f(x − step)) / (2 step) for each number of x, in double precision.
  fileprivate func differences(
    of function: Function, at x: TensorOperand, step: Double, at span: Span
  ) throws -> [Double] {
    let trace = Trace(mode: .inference)
    return try within(trace) {
      let type = TensorType(x.type.dims)
      let input = try traced(at: span) { try trace.graph.addSource(.input("x", type)) }
      let variable = SymbolicTensor(content: .value(input), trace: trace, axes: x.axes)
      let result = try call(function, with: [.tensor(variable)], at: span)
      let scalar = try scalarValue(result, of: function, trace, at: span)
      let start = x.numbers
      let cost = try checkedCost(trace.graph, at: span)
      return try start.indices.map { place in
        try charge(2 * cost, at: span)
        try checkTime(at: span)
        func shifted(_ change: Double) throws -> Double {
          var values = start
          values[place] += change
          var run = ReferenceRun(
            trace.graph, rows: [:], inputs: ["x": ReferenceTensor(type.dims, values)],
            parameters: [:])
          try run.run()
          return try run.value(scalar).values.first ?? .nan
        }
        return try traced(at: span) {
          (try shifted(step) - shifted(-step)) / (2 * step)
        }
      }
    }
  }

  /// Numbers of one run of a function, which must be few: it is run for each number of x.
  private func checkedCost(_ graph: Graph, at span: Span) throws -> Int {
    let sizes = graph.values.map(\.type.count)
    let cost = sizes.reduce(0) { $0.addingReportingOverflow($1).partialValue }
    guard sizes.allSatisfy({ $0 <= Interpreter.mostChecked }), cost <= Interpreter.mostChecked
    else {
      throw failure(
        .limitMemory,
        "gradcheck computes a function once for each number, and this one has \(cost) of them",
        at: span, hint: "check it at a small tensor")
    }
    return cost
  }
}
