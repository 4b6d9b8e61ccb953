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
  private let update: OptimizerGraph
  private let program: ElementwiseProgram
  private let cpu: CPU
  /// By parameter, one tensor a state.
  private var states: [String: [Storage]] = [:]
  private(set) var step = 0

  init(_ update: OptimizerGraph, cpu: CPU) throws {
    self.update = update
    self.cpu = cpu
    program = try ElementwiseProgram(
      update.graph, outputs: [update.newParameter] + update.newStates)
  }

  /// Begins the next step.
  /// - Returns: the scalars that all parameters' updates share.
  func nextStep() throws -> [Float] {
    step += 1
    return try program.scalars(["step": Double(step)])
  }

  /// Updates one parameter in place from its gradient, which is multiplied by `scale` first.
  func apply(
    _ name: String, _ parameter: UnsafeMutablePointer<Float>, gradient: UnsafePointer<Float>,
    count: Int, scale: Float, scalars: [Float]
  ) throws {
    let states = try state(name, count)
    let tile = ElementwiseProgram.tile
    let tiles = (count + tile - 1) / tile
    // One more than there are scalars, so that an empty list has an address.
    (scalars + [scale]).withUnsafeBufferPointer { scalars in
      guard let constants = scalars.baseAddress else { return }
      cpu.parallel(tiles, grain: 8) { range in
        withUnsafeTemporaryAllocation(of: Float.self, capacity: max(1, program.registers * tile)) {
          guard let memory = $0.baseAddress else { return }
          for number in range {
            let start = number * tile
            let part = Part(
              start: start, count: min(tile, count - start), memory: memory, scale: scale)
            load(part, parameter, gradient, states)
            program.run(cpu, scalars: constants, memory: memory, count: part.count)
            store(part, parameter, states)
          }
        }
      }
    }
  }

  private struct Part {
    var start: Int
    var count: Int
    var memory: UnsafeMutablePointer<Float>
    var scale: Float
  }

  private func load(
    _ part: Part, _ parameter: UnsafePointer<Float>, _ gradient: UnsafePointer<Float>,
    _ states: [UnsafeMutablePointer<Float>]
  ) {
    func register(_ name: String) -> UnsafeMutablePointer<Float>? {
      program.inputs[name].map { part.memory + $0 * ElementwiseProgram.tile }
    }
    register("parameter")?.update(from: parameter + part.start, count: part.count)
    if let target = register("gradient") {
      var scale = part.scale
      cpu.binary(
        .multiply, Operand(gradient + part.start, .full), Operand(&scale, .scalar), target, rows: 1,
        columns: part.count)
    }
    for (state, memory) in zip(update.states, states) {
      register("state.\(state.name)")?.update(from: memory + part.start, count: part.count)
    }
  }

  private func store(
    _ part: Part, _ parameter: UnsafeMutablePointer<Float>, _ states: [UnsafeMutablePointer<Float>]
  ) {
    for (target, register) in zip([parameter] + states, program.outputs) {
      (target + part.start).update(
        from: part.memory + register * ElementwiseProgram.tile, count: part.count)
    }
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
