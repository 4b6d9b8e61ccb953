import AdaptGraph
import AdaptRuntime
import AdaptTensor
import Testing

@Suite struct EagerTests {
  static let eager = Eager(cpu: CPU(threads: 2))

  @Test func anOpGivesItsReference() throws {
    let a = try Tensor([2, 3], [1, -2, 3, 0.5, 4, -6])
    let b = try Tensor([3, 2], [2, 1, 0, -1, 1, 3])
    let op = Op.matmul(transposeA: false, transposeB: false)
    let found = try Self.eager.run(op, [a, b])
    var graph = Graph()
    let inputs = try [a, b].map { try graph.add(.literal(Literal($0))) }
    let product = try graph.add(op, inputs)[0]
    var reference = ReferenceRun(graph, rows: [:], inputs: [:], parameters: [:])
    try reference.run()
    #expect(found[0].shape == [2, 2])
    #expect(found[0].floats.map(Double.init) == (try reference.value(product).values))
  }

  /// The same graph at once and by the planned executor, bit for bit.
  @Test func equalsThePlannedExecutor() throws {
    var random = Philox(seed: 1, stream: "eager")
    let numbers = (0..<24).map { _ in random.normal() }
    var graph = Graph()
    let x = try graph.add(.literal(Literal(Tensor([2, 3, 4], numbers))))
    let turned = try graph.add(.permute([2, 0, 1]), graph.add(.unary(.gelu), x))
    let sum = try graph.reduced(.mean, turned, axes: [0, 2], keep: true)
    let wide = try graph.elementwise(.subtract, turned, sum)
    let outputs = try [wide] + graph.add(.normalize(.layer, epsilon: 1e-5), [wide])
    let executor = try Executor(graph, outputs: outputs, cpu: CPU(threads: 2))
    try executor.run(Batch(layout: RowLayout(lengths: [])), ParameterStore())
    let found = try Self.eager.run(graph, outputs: outputs)
    for (place, tensor) in found.enumerated() {
      #expect(tensor.shape == graph.type(outputs[place]).dims)
      #expect(tensor.floats == executor.floats(place))
    }
  }

  @Test func aViewSharesItsMemory() throws {
    let x = try Tensor([2, 3], [1, 2, 3, 4, 5, 6])
    let y = try Self.eager.run(.reshape([3, 2]), [x])[0]
    #expect(y.storage === x.storage)
    #expect(y.shape == [3, 2])
  }

  @Test func integersStayIntegers() throws {
    let x = try Tensor([3], integers: [7, -8, 16_777_217])
    let index = try Tensor([2], integers: [2, 0])
    #expect(try Self.eager.run(.take(axis: 0), [x, index])[0].integers == [16_777_217, 7])
    #expect(try Self.eager.run(.permute([0]), [x])[0].integers == [7, -8, 16_777_217])
    #expect(try Self.eager.run(.convert(.float32), [x])[0].floats == [7, -8, 16_777_216])
    let floats = try Tensor([5], [1.9, -1.9, .nan, 1e20, -1e20])
    #expect(
      try Self.eager.run(.convert(.int32), [floats])[0].integers == [1, -1, 0, .max, .min])
  }

  @Test func emptyTensorsRun() throws {
    let x = try Tensor([0, 3], [])
    #expect(try Self.eager.run(.reduce(.sum, axis: 0), [x])[0].floats == [0, 0, 0])
    #expect(try Self.eager.run(.reduce(.product, axis: 0), [x])[0].floats == [1, 1, 1])
    #expect(try Self.eager.run(.reduce(.sum, axis: 1), [x])[0].floats == [])
    #expect(try Self.eager.run(.permute([1, 0]), [x])[0].shape == [3, 0])
    #expect(try Self.eager.run(.softmax, [x])[0].shape == [0, 3])
    let (a, b) = (try Tensor([2, 0], []), try Tensor([0, 2], []))
    let op = Op.matmul(transposeA: false, transposeB: false)
    #expect(try Self.eager.run(op, [a, b])[0].floats == [0, 0, 0, 0])
  }

  @Test func extremaKeepNaN() throws {
    let x = try Tensor([2, 2], [1, .nan, 3, 2])
    let top = try Self.eager.run(.reduce(.maximum, axis: 1), [x])[0].floats
    #expect(top[0].isNaN && top[1] == 3)
    #expect(
      try Self.eager.run(.extremumIndex(maximum: true, axis: 1), [x])[0].integers == [1, 0])
  }

  @Test func errorsNameWhatIsWrong() throws {
    let x = try Tensor([2, 3], [1, 2, 3, 4, 5, 6])
    #expect(throws: GraphError.self) {
      try Self.eager.run(.matmul(transposeA: false, transposeB: false), [x, x])
    }
    let index = try Tensor([1], integers: [3])
    #expect(throws: RuntimeError.badInput("an axis of 2 was asked for place 3")) {
      try Self.eager.run(.take(axis: 0), [x, index])
    }
    #expect(throws: RuntimeError.self) { try Self.eager.run(.input("x", TensorType([2])), []) }
    let one = try Tensor([1], [1])
    #expect(throws: TensorError.self) { try Self.eager.run(.broadcast([1 << 50]), [one]) }
  }
}
