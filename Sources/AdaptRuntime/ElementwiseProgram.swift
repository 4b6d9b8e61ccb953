import AdaptGraph
import AdaptTensor

/// A graph of elementwise ops over one row set, run tile by tile on numbers that stay where they are.
///
/// All steps run on one tile before the next tile is touched, so what lies between them stays in the
/// first cache and memory is read and written once. Values without rows are scalars and are computed
/// once, in Double.
struct ElementwiseProgram {
  /// Numbers in a tile: small enough that what a step reads and writes fits the first-level cache.
  static let tile = 1024

  private let compiler: ElementwiseCompiler
  /// Over ``places``.
  private let steps: [ElementStep]
  /// How many tiles of memory the steps need for what lies between them.
  let registers: Int
  private let memories: Int

  /// - Parameters:
  ///   - memories: the inputs, in the order in which their memory is given.
  ///   - scaled: the one among them that is multiplied by a number of each run.
  ///   - outputs: values, each with the place of the memory that it replaces.
  /// - Throws: `GraphError` when an op is not elementwise or a value is not one number a row.
  init(_ graph: Graph, memories: [String], scaled: String, outputs: [(value: ValueID, into: Int)])
    throws
  {
    var compiler = ElementwiseCompiler(memories, scaled: scaled)
    try compiler.compile(graph, outputs.map(\.value))
    let results = try compiler.results(outputs)
    let places = ElementwisePlaces(compiler.steps, results, memories: memories.count)
    steps = places.steps()
    registers = places.registers
    self.memories = memories.count
    self.compiler = compiler
  }

  /// The values of the scalars, given the scalar inputs by name and what ``init(_:memories:scaled:outputs:)``
  /// scales.
  func scalars(_ given: [String: Double], scale: Double) throws -> [Float] {
    try compiler.values(given, scale: scale).map(Float.init)
  }

  /// How many pointers ``run(_:places:count:)`` wants.
  var placeCount: Int { memories + registers + compiler.scalars.count }

  /// Says where scalars and what lies between steps are; the first places are the caller's, in the order
  /// of the inputs.
  func fill(
    _ places: UnsafeMutablePointer<UnsafeMutablePointer<Float>?>,
    registers memory: UnsafeMutablePointer<Float>, scalars: UnsafeMutablePointer<Float>
  ) {
    for register in 0..<registers {
      places[memories + register] = memory + register * ElementwiseProgram.tile
    }
    for scalar in compiler.scalars.indices {
      places[memories + registers + scalar] = scalars + scalar
    }
  }

  /// Runs the steps on one tile of at most ``tile`` numbers.
  func run(
    _ cpu: CPU, places: UnsafeMutablePointer<UnsafeMutablePointer<Float>?>, count: Int
  ) {
    cpu.run(steps, places: places, count: count)
  }
}
