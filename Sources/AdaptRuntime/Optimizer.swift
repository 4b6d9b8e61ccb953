import AdaptGraph
import AdaptTensor

/// The update of an optimizer as a graph, one number at a time.
///
/// Its inputs are `parameter`, `gradient` and `state.NAME` over the elements of a parameter, and the
/// scalar `step`, which counts from 1.
public struct OptimizerGraph: Sendable {
  public var graph: Graph
  /// What is carried from step to step for each element, and what it starts from.
  public var states: [(name: String, initial: Double)]
  public var newParameter: ValueID
  /// In the order of `states`.
  public var newStates: [ValueID]

  public init(
    graph: Graph, states: [(name: String, initial: Double)], newParameter: ValueID,
    newStates: [ValueID]
  ) {
    self.graph = graph
    self.states = states
    self.newParameter = newParameter
    self.newStates = newStates
  }
}

/// Applies an optimizer's update to parameters and keeps its state.
final class Optimizer {
  /// A parameter, and the gradient that changes it.
  struct Part {
    var name: String
    var parameter: UnsafeMutablePointer<Float>
    var gradient: UnsafePointer<Float>
    var count: Int
  }

  private let update: OptimizerGraph
  private let program: ElementwiseProgram
  private let cpu: CPU
  /// By parameter, one tensor a state.
  private var states: [String: [Storage]] = [:]
  private(set) var step = 0

  /// - Throws: an error when the update is not one number an element, or not one for each state.
  init(_ update: OptimizerGraph, cpu: CPU) throws {
    guard update.newStates.count == update.states.count else {
      throw RuntimeError.badInput(
        "the optimizer has \(update.states.count) states and gives \(update.newStates.count)")
    }
    self.update = update
    self.cpu = cpu
    let outputs = [(update.newParameter, 0)] + update.newStates.enumerated().map { ($1, $0 + 2) }
    program = try ElementwiseProgram(
      update.graph,
      memories: ["parameter", "gradient"] + update.states.map { "state." + $0.name },
      scaled: "gradient", outputs: outputs.map { (value: $0.0, into: $0.1) })
  }

  /// The next step: updates parameters in place from their gradients, which are multiplied by `scale`
  /// first. All are one row of tiles, so that threads share them evenly however large each is.
  func apply(_ parts: [Part], scale: Double) throws {
    var scalars = try program.scalars(["step": Double(step + 1)], scale: scale)
    let tiles = try Tiles(parts.map { (count: $0.count, memories: try memories(of: $0)) })
    step += 1
    // One more, so that an empty list has an address.
    scalars.append(0)
    scalars.withUnsafeMutableBufferPointer { scalars in
      guard let scalars = scalars.baseAddress else { return }
      cpu.parallel(tiles.count, grain: 8) { run($0, of: tiles, scalars) }
    }
  }

  /// A thread's share of the tiles.
  private func run(_ range: Range<Int>, of tiles: Tiles, _ scalars: UnsafeMutablePointer<Float>) {
    let size = max(1, program.registers * ElementwiseProgram.tile)
    withUnsafeTemporaryAllocation(byteCount: 4 * size, alignment: 64) { memory in
      withUnsafeTemporaryAllocation(
        of: UnsafeMutablePointer<Float>?.self, capacity: program.placeCount
      ) { places in
        places.initialize(repeating: nil)
        guard let places = places.baseAddress, let memory = memory.baseAddress else { return }
        program.fill(
          places, registers: memory.assumingMemoryBound(to: Float.self), scalars: scalars)
        tiles.forEach(in: range, places) { program.run(cpu, places: places, count: $0) }
      }
    }
  }

  private func memories(of part: Part) throws -> [UnsafeMutablePointer<Float>] {
    [part.parameter, UnsafeMutablePointer(mutating: part.gradient)]
      + (try state(part.name, part.count))
  }

  private func state(_ name: String, _ count: Int) throws -> [UnsafeMutablePointer<Float>] {
    if states[name] == nil {
      states[name] = try update.states.map { state in
        let storage = try Storage(byteCount: max(4, count * 4))
        cpu.fill(storage.floats, value: Float(state.initial), count: count)
        return storage
      }
    }
    return (states[name] ?? []).map(\.floats)
  }
}

/// Numbers of several tensors, cut into tiles and counted through.
private struct Tiles {
  private let parts: [(count: Int, memories: [UnsafeMutablePointer<Float>])]
  /// The number of each part's first tile, and of one behind the last.
  private var starts = [0]

  init(_ parts: [(count: Int, memories: [UnsafeMutablePointer<Float>])]) {
    self.parts = parts
    let tile = ElementwiseProgram.tile
    for part in parts { starts.append(starts[starts.count - 1] + (part.count + tile - 1) / tile) }
  }

  var count: Int { starts[starts.count - 1] }

  /// Calls `body` with the length of each tile, whose places are then the first of `places`.
  func forEach(
    in range: Range<Int>, _ places: UnsafeMutablePointer<UnsafeMutablePointer<Float>?>,
    _ body: (Int) -> Void
  ) {
    var part = 0
    for number in range {
      while starts[part + 1] <= number { part += 1 }
      let first = (number - starts[part]) * ElementwiseProgram.tile
      for (place, memory) in parts[part].memories.enumerated() { places[place] = memory + first }
      body(min(ElementwiseProgram.tile, parts[part].count - first))
    }
  }
}
