import AdaptGraph
import AdaptRuntime
import AdaptTensor
import Testing

/// A small graph around one op, with what it is fed.
struct KernelCase {
  var graph = Graph()
  var outputs: [ValueID] = []
  let lengths: [Int]
  let rows: RowSetID
  var batch: Batch
  var random: Philox

  init(lengths: [Int], seed: UInt64 = 1) {
    self.lengths = lengths
    rows = graph.addRows(label: "token", grouping: "sequence")
    batch = Batch(layout: RowLayout(lengths: lengths))
    random = Philox(seed: seed, stream: "case")
  }

  /// An input over the rows with random numbers; positive ones where an op needs them.
  mutating func rowsInput(_ dims: [Int], positive: Bool = false) throws -> ValueID {
    let type = TensorType(rows: rows, dims)
    let name = "x\(batch.floats.count)"
    batch.floats[name] = (0..<(batch.layout.rows * type.count)).map { _ in
      positive ? 0.2 + abs(random.normal()) : random.normal()
    }
    return try graph.add(.input(name, type))
  }

  mutating func fixedInput(_ dims: [Int]) throws -> ValueID {
    let name = "x\(batch.floats.count)"
    batch.floats[name] = (0..<dims.reduce(1, *)).map { _ in random.normal() }
    return try graph.add(.input(name, TensorType(dims)))
  }

  /// Integers without rows.
  mutating func places(_ values: [Int32]) throws -> ValueID {
    let name = "i\(batch.ints.count)"
    batch.ints[name] = values
    return try graph.add(.input(name, TensorType([values.count], .int32)))
  }

  mutating func intInput(below bound: Int) throws -> ValueID {
    let name = "i\(batch.ints.count)"
    batch.ints[name] = (0..<batch.layout.rows).map { _ in Int32(random.next(below: bound)) }
    return try graph.add(.input(name, TensorType(rows: rows, [], .int32)))
  }

  /// Runs both evaluators and compares every output element by element.
  func check(
    _ what: String, threads: Int = 2, level: SIMDLevel = .best, tolerance: Double = 1e-5
  ) throws {
    let floats = outputs.filter { graph.type($0).element == .float32 }
    let executor = try Executor(graph, outputs: floats, cpu: CPU(threads: threads, level: level))
    try executor.run(batch, ParameterStore())
    var inputs: [String: ReferenceTensor] = [:]
    for node in graph.nodes {
      guard case .input(let name, let type) = node.op else { continue }
      let shape = (type.rows == nil ? [] : [batch.layout.rows]) + type.dims
      let values = batch.floats[name]?.map(Double.init) ?? batch.ints[name]?.map(Double.init) ?? []
      inputs[name] = ReferenceTensor(shape, values)
    }
    var reference = ReferenceRun(
      graph, rows: [rows: ReferenceRows(lengths: lengths)], inputs: inputs, parameters: [:])
    try reference.run()
    for (index, output) in floats.enumerated() {
      let expected = try reference.value(output).values
      let found = executor.floats(index)
      #expect(found.count == expected.count, "\(what)")
      let scale = max(1, expected.map(abs).max() ?? 1)
      for (place, pair) in zip(found, expected).enumerated() {
        let isClose = abs(Double(pair.0) - pair.1) <= tolerance * scale
        #expect(isClose, "\(what) output \(index)[\(place)]: \(pair.0), expected \(pair.1)")
        if !isClose { break }
      }
    }
  }
}

@Suite struct KernelTests {
  struct Case: Sendable {
    let name: String
    let build: @Sendable (inout KernelCase) throws -> ValueID

    init(_ name: String, _ build: @escaping @Sendable (inout KernelCase) throws -> ValueID) {
      self.name = name
      self.build = build
    }
  }

  static let layouts = [[], [1], [3, 0, 5], [17, 16, 31]]

  /// Every op by a case that uses it; gradients are taken through ``withGradient``.
  static let cases: [Case] = {
    var cases: [Case] = []
    for function in Unary.allCases {
      cases.append(
        Case(
          "unary \(function)",
          { try $0.graph.add(.unary(function), $0.rowsInput([7], positive: true)) }
        ))
    }
    for function in Binary.allCases {
      for (form, dims) in [("full", [7]), ("column", [1]), ("number", [])] {
        cases.append(
          Case(
            "\(function) \(form)",
            {
              try $0.graph.add(
                .binary(function), $0.rowsInput([7], positive: true),
                $0.rowsInput(dims, positive: true))
            }
          ))
      }
    }
    for (form, dims) in [("row", [7]), ("scalar", [])] {
      cases.append(
        Case(
          "multiply \(form)",
          { try $0.graph.add(.binary(.multiply), $0.rowsInput([7]), $0.fixedInput(dims)) }
        ))
      cases.append(
        Case(
          "\(form) subtract",
          { try $0.graph.add(.binary(.subtract), $0.fixedInput(dims), $0.rowsInput([7])) }
        ))
    }
    cases += [
      Case(
        "matmul",
        {
          try $0.graph.add(
            .matmul(transposeA: false, transposeB: false), $0.rowsInput([5]), $0.fixedInput([5, 9]))
        }
      ),
      Case(
        "matmul NT",
        {
          try $0.graph.add(
            .matmul(transposeA: false, transposeB: true), $0.rowsInput([5]), $0.fixedInput([9, 5]))
        }
      ),
      Case(
        "matmul TN",
        {
          try $0.graph.add(
            .matmul(transposeA: true, transposeB: false), $0.rowsInput([5]), $0.rowsInput([9]))
        }
      ),
      Case(
        "matmul TT",
        {
          try $0.graph.add(
            .matmul(transposeA: true, transposeB: true), $0.fixedInput([5, 4]),
            $0.fixedInput([9, 5]))
        }
      ),
      Case("sumRows", { try $0.graph.add(.sumRows(mean: false), $0.rowsInput([5])) }),
      Case("meanRows", { try $0.graph.add(.sumRows(mean: true), $0.rowsInput([])) }),
      Case("sumColumns", { try $0.graph.add(.sumColumns(mean: false), $0.rowsInput([5])) }),
      Case("meanColumns", { try $0.graph.add(.sumColumns(mean: true), $0.rowsInput([5])) }),
      Case(
        "expandColumns",
        { try $0.graph.add(.expandColumns(count: 4, mean: true), $0.rowsInput([1])) }
      ),
      Case(
        "expandRows",
        { try $0.graph.add(.expandRows(mean: false), $0.fixedInput([4]), $0.rowsInput([4])) }
      ),
      Case("softmax", { try $0.graph.add(.softmax, $0.rowsInput([6])) }),
      Case(
        "layer norm",
        { try $0.graph.add(.normalize(.layer, epsilon: 1e-5), [$0.rowsInput([16])])[0] }
      ),
      Case(
        "rms norm", { try $0.graph.add(.normalize(.rms, epsilon: 1e-5), [$0.rowsInput([16])])[0] }),
      Case("slice", { try $0.graph.add(.slice(start: 2, count: 3), $0.rowsInput([6])) }),
      Case("pad", { try $0.graph.add(.pad(start: 2, total: 9), $0.rowsInput([6])) }),
      Case(
        "concat",
        { try $0.graph.add(.concat, $0.rowsInput([2]), $0.rowsInput([3]), $0.rowsInput([1])) }
      ),
      Case("reshape", { try $0.graph.add(.reshape([2, 3]), $0.rowsInput([6])) }),
      Case(
        "lookup", { try $0.graph.add(.gather, $0.fixedInput([11, 4]), $0.intInput(below: 11)) }),
      Case(
        "positions",
        {
          try $0.graph.add(
            .gather, $0.fixedInput([40, 4]), $0.graph.add(.positions, $0.rowsInput([2])))
        }
      ),
      Case(
        "table sum",
        { try $0.graph.add(.scatter(.table(11)), $0.rowsInput([4]), $0.intInput(below: 11)) }
      ),
      Case(
        "attention",
        {
          try $0.graph.add(
            .attention(heads: 2, causal: false),
            [$0.rowsInput([8]), $0.rowsInput([8]), $0.rowsInput([8])])[0]
        }
      ),
      Case(
        "causal attention",
        {
          try $0.graph.add(
            .attention(heads: 2, causal: true),
            [$0.rowsInput([8]), $0.rowsInput([8]), $0.rowsInput([8])])[0]
        }
      ),
      Case(
        "logLoss", { try $0.graph.add(.logLoss, [$0.rowsInput([9]), $0.intInput(below: 9)])[0] }),
      Case(
        "stopGradient",
        {
          try $0.graph.add(
            .binary(.multiply), $0.rowsInput([3]), $0.graph.add(.stopGradient, $0.rowsInput([3])))
        }
      ),
      Case(
        "constant", { try $0.graph.add(.binary(.add), $0.rowsInput([3]), $0.graph.constant(2.5)) }),
    ]
    cases += axisCases
    cases += siteCases
    cases += scanCases
    cases += convolutionCases
    cases += [
      Case("route top 1", { try $0.route(.top(1)) }),
      Case("route top 2", { try $0.route(.top(2)) }),
      Case("route all", { try $0.route(.all) }),
    ]
    return cases
  }()

  @Test(arguments: layouts, [1, 2])
  func everyKernelEqualsItsReference(_ lengths: [Int], _ threads: Int) throws {
    try checkAll(lengths, threads, .best)
  }

  /// The best level is what every other test runs at.
  @Test(arguments: layouts, SIMDLevel.available.dropLast())
  func everyKernelEqualsItsReferenceAtLesserLevels(_ lengths: [Int], _ level: SIMDLevel) throws {
    try checkAll(lengths, 1, level)
  }

  private func checkAll(_ lengths: [Int], _ threads: Int, _ level: SIMDLevel) throws {
    for item in Self.cases {
      var test = KernelCase(lengths: lengths)
      test.outputs = [try item.build(&test)]
      try test.addGradients()
      try test.graph.verify()
      try test.check("\(item.name) at \(lengths), \(level)", threads: threads, level: level)
    }
  }

  @Test func everyOpHasACase() throws {
    var covered: Set<OpKind> = [.parameter]
    for item in Self.cases {
      var test = KernelCase(lengths: [3])
      test.outputs = [try item.build(&test)]
      try test.addGradients()
      covered.formUnion(test.graph.nodes.map(\.op.kind))
    }
    #expect(Set(OpKind.allCases).subtracting(covered).isEmpty)
  }
}

extension KernelCase {
  /// Adds the gradients of Σ output·random to the outputs, for all float inputs.
  mutating func addGradients() throws {
    let output = outputs[0]
    let type = graph.type(output)
    let weight = type.rows == nil ? try fixedInput(type.dims) : try rowsInput(type.dims)
    let inputs = graph.nodes.filter { $0.op.kind == .input }.map { $0.outputs[0] }
      .filter { graph.type($0).element == .float32 }
    var loss = try graph.add(.binary(.multiply), output, weight)
    while graph.type(loss).dims.count > 1 {
      loss = try graph.add(.reshape([graph.type(loss).count]), loss)
    }
    if !graph.type(loss).dims.isEmpty { loss = try graph.add(.sumColumns(mean: false), loss) }
    while graph.type(loss).rows != nil || graph.type(loss).dims.count > 0 {
      loss =
        graph.type(loss).rows == nil
        ? try graph.add(.reshape([]), loss) : try graph.add(.sumRows(mean: false), loss)
    }
    outputs += try graph.gradient(of: loss, withRespectTo: inputs).compactMap { $0 }
  }

  /// Three paths of different work on their own rows, one of them a site inside, one empty.
  mutating func route(_ selection: Selection) throws -> ValueID {
    let x = try rowsInput([8])
    let scores = try graph.add(.softmax, rowsInput([3]))
    let inner = try graph.add(.softmax, rowsInput([2]))
    let site = try graph.addSite(
      name: "route", unit: "token", router: "Test", selection: selection, scores: scores)
    let weights = try graph.add(.binary(.multiply), scores, graph[site].mask)
    let outer = try graph.enterPath(site, name: "big", [x, weights, inner])
    let nested = try graph.addSite(
      name: "big.route", unit: "token", router: "Test", selection: .top(1), scores: outer[2])
    let deep = try graph.enterPath(nested, name: "a", [outer[0]])
    let attended = try graph.add(.attention(heads: 2, causal: true), [deep[0], deep[0], deep[0]])[0]
    graph.leavePath()
    _ = try graph.enterPath(nested, name: "b", [])
    graph.leavePath()
    let joined = try graph.join(nested, outputs: [attended, nil])
    let big = try graph.add(
      .binary(.multiply), joined ?? x, graph.add(.slice(start: 0, count: 1), outer[1]))
    graph.leavePath()
    let small = try graph.enterPath(site, name: "small", [x, weights])
    let product = try graph.add(
      .binary(.multiply), graph.add(.unary(.gelu), small[0]),
      graph.add(.slice(start: 1, count: 1), small[1]))
    graph.leavePath()
    _ = try graph.enterPath(site, name: "skip", [])
    graph.leavePath()
    return try graph.join(site, outputs: [big, product, nil]) ?? x
  }
}
