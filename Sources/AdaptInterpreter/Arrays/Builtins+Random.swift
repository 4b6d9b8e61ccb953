import AdaptGraph
import AdaptSyntax
import AdaptTensor

// Tensors at random, all from Philox: of a seed of their own, or of the run's.

extension Interpreter {
  /// Where the ambient random numbers of a run start.
  static var ambientStart: Philox { Philox(seed: 0, stream: "ambient") }

  static var randomConstructors: [NativeFunction] {
    [
      NativeFunction(
        "seed", ["seed"],
        documentation: "Where the random tensors without a seed of their own go on from: seed(7)"
      ) { call in
        call.interpreter.ambientRandom = Philox(seed: try call.seed(0), stream: "ambient")
        return .none
      },
      NativeFunction(
        "randn", ["shape", .optional("seed")],
        documentation: "Standard normal numbers: randn([2, 3], seed: 1) → [2, 3]"
      ) { call in
        try call.random(shape: 0, seed: 1) { random, floats in random.fillNormal(floats) }
      },
      NativeFunction(
        "rand", ["shape", .optional("seed")],
        documentation: "Numbers even in 0 to 1, 1 left out: rand([2, 3], seed: 1) → [2, 3]"
      ) { call in
        try call.random(shape: 0, seed: 1) { random, floats in random.fillUniform(floats) }
      },
      NativeFunction(
        "randint", ["shape", "high", .optional("low", .int(0)), .optional("seed")],
        documentation: """
          Integers even in low to high, high left out: randint([4], low: 1, high: 7, seed: 1) → [4]
          """, randomIntegers),
      NativeFunction(
        "permutation", ["count", .optional("seed")],
        documentation: "The integers below a count in random order: permutation(3, seed: 1) → [3]"
      ) { call in
        let count = try call.int(0, in: 0...Int(Int32.max))
        return try call.randomIntegers([count], seed: 1) { random in
          var order = Array(0..<Int32(count))
          for place in order.indices.dropFirst().reversed() {
            order.swapAt(place, random.next(below: place + 1))
          }
          return order
        }
      },
    ]
  }

  private static func randomIntegers(_ call: Call) throws -> Value {
    let shape = try call.shape(0)
    let bounds = Int(Int32.min)...Int(Int32.max)
    let (low, high) = (try call.int(2, in: bounds), try call.int(1, in: bounds))
    guard low < high else {
      throw call.wrongValue(1, "there is no integer from \(low) below \(high)")
    }
    return try call.randomIntegers(shape, seed: 3) { random in
      (0..<(try Tensor.count(of: shape))).map { _ in Int32(low + random.next(below: high - low)) }
    }
  }
}

extension Call {
  /// Draws from the seed that is given, or from the ambient numbers of the run.
  func drawing<R>(_ index: Int, _ body: (inout Philox) throws -> R) throws -> R {
    if case .none = self[index] { return try body(&interpreter.ambientRandom) }
    var random = Philox(seed: try seed(index), stream: "tensor")
    return try body(&random)
  }

  func random(
    shape index: Int, seed: Int,
    _ fill: (inout Philox, UnsafeMutableBufferPointer<Float>) -> Void
  ) throws -> Value {
    let shape = try shape(index)
    return try interpreter.arrayValue(TensorType(shape), at: span) {
      var tensor = try Tensor(zeros: shape)
      try drawing(seed) { random in try tensor.withMutableFloats { fill(&random, $0) } }
      return tensor
    }
  }

  func randomIntegers(_ shape: [Int], seed: Int, _ draw: (inout Philox) throws -> [Int32]) throws
    -> Value
  {
    try interpreter.arrayValue(TensorType(shape, .int32), at: span) {
      try drawing(seed) { try Tensor(shape, integers: draw(&$0)) }
    }
  }
}
