import AdaptGraph
import AdaptTensor

/// A graph of elementwise ops over one row set, run tile by tile.
///
/// All steps run on one tile before the next tile is touched, so what lies between them stays in the
/// first cache and memory is read and written once. Values without rows are scalars and are computed
/// once, in Double.
struct ElementwiseProgram {
  /// Numbers in a tile: small enough that a dozen registers fit the first-level cache.
  static let tile = 1024

  private enum Source {
    case register(Int)
    case scalar(Int)
  }

  private enum Step {
    case unary(Unary, Source, into: Int)
    case binary(Binary, Source, Source, into: Int)
  }

  private var steps: [Step] = []
  private var scalarNodes: [Node] = []
  private var sources: [ValueID: Source] = [:]
  private var scalarIndex: [ValueID: Int] = [:]
  private(set) var registers = 0
  /// Registers that are filled before the steps run, by input name.
  private(set) var inputs: [String: Int] = [:]
  private(set) var outputs: [Int] = []

  /// - Throws: `GraphError` when an op is not elementwise or a value is not one number a row.
  init(_ graph: Graph, outputs: [ValueID]) throws {
    let needed = graph.needed(for: outputs)
    for index in graph.nodes.indices where needed.contains(index) {
      try compile(graph.nodes[index], graph)
    }
    self.outputs = try outputs.map { value in
      switch sources[value] {
      case .register(let register): return register
      case .scalar, nil:
        throw GraphError(.shape, "an update must be one number an element, not a constant")
      }
    }
  }

  private mutating func compile(_ node: Node, _ graph: Graph) throws {
    let output = node.outputs[0]
    guard graph.type(output).rows != nil else {
      guard graph.type(output) == .scalar else {
        throw GraphError(.shape, "\(graph.describe(graph.type(output))) is no scalar")
      }
      scalarIndex[output] = scalarNodes.count
      sources[output] = .scalar(scalarNodes.count)
      scalarNodes.append(node)
      return
    }
    let operands = node.inputs.compactMap { sources[$0] }
    if node.op == .stopGradient {
      sources[output] = operands[0]
      return
    }
    let register = registers
    registers += 1
    sources[output] = .register(register)
    switch node.op {
    case .input(let name, _): inputs[name] = register
    case .unary(let function): steps.append(.unary(function, operands[0], into: register))
    case .binary(let function):
      steps.append(.binary(function, operands[0], operands[1], into: register))
    default:
      throw GraphError(
        .shape, "\(node.op.kind.rawValue) is not element by element and cannot stand here")
    }
  }

  /// The values of the scalars, given the scalar inputs by name.
  func scalars(_ given: [String: Double]) throws -> [Float] {
    var values: [Double] = []
    for node in scalarNodes {
      let operands = node.inputs.compactMap { scalarIndex[$0] }.map { values[$0] }
      values.append(try scalar(node, operands, given))
    }
    return values.map(Float.init)
  }

  private func scalar(_ node: Node, _ operands: [Double], _ given: [String: Double]) throws
    -> Double
  {
    switch node.op {
    case .constant(let value): return value
    case .input(let name, _):
      guard let value = given[name] else { throw RuntimeError.badInput("no scalar '\(name)'") }
      return value
    case .unary(let function): return function.value(operands[0])
    case .binary(let function): return function.value(operands[0], operands[1])
    case .reshape, .stopGradient: return operands[0]
    default:
      throw GraphError(.shape, "\(node.op.kind.rawValue) cannot give a scalar here")
    }
  }

  /// Runs the steps on one tile; `memory` holds ``registers`` × ``tile`` floats.
  func run(
    _ cpu: CPU, scalars: UnsafePointer<Float>, memory: UnsafeMutablePointer<Float>, count: Int
  ) {
    func register(_ number: Int) -> UnsafeMutablePointer<Float> {
      memory + number * ElementwiseProgram.tile
    }
    func operand(_ source: Source) -> Operand {
      switch source {
      case .register(let number): Operand(register(number), .full)
      case .scalar(let number): Operand(scalars + number, .scalar)
      }
    }
    for step in steps {
      switch step {
      case .unary(let function, .register(let source), let into):
        cpu.unary(function.kernel, register(source), register(into), count: count)
      case .unary(_, .scalar(let number), let into):
        cpu.fill(register(into), value: scalars[number], count: count)
      case .binary(let function, let a, let b, let into):
        cpu.binary(
          function.kernel, operand(a), operand(b), register(into), rows: 1, columns: count)
      }
    }
  }
}
