import AdaptGraph
import AdaptTensor

/// Turns a graph of elementwise ops into steps, each of which gives one value.
struct ElementwiseCompiler {
  enum Source: Hashable {
    case memory(Int)
    case scalar(Int)
    /// What the step of this number gave.
    case value(Int)
  }

  enum Step {
    case unary(UnaryKernel, Source)
    case binary(BinaryKernel, Source, Source)

    var sources: [Source] {
      switch self {
      case .unary(_, let x): [x]
      case .binary(_, let a, let b): [a, b]
      }
    }
  }

  /// How a scalar is computed.
  enum Scalar {
    case scale
    case node(Node)
  }

  private(set) var steps: [Step] = []
  private(set) var scalars: [Scalar] = []
  private var sources: [ValueID: Source] = [:]
  private var scalarPlaces: [ValueID: Int] = [:]
  private let memories: [String]
  private let scaled: String

  init(_ memories: [String], scaled: String) {
    (self.memories, self.scaled) = (memories, scaled)
  }

  mutating func compile(_ graph: Graph, _ outputs: [ValueID]) throws {
    try graph.verify(outputs: outputs)
    let needed = graph.needed(for: outputs)
    for index in graph.nodes.indices where needed.contains(index) {
      let node = graph.nodes[index]
      let output = node.outputs[0]
      if graph.type(output).rows != nil {
        sources[output] = try source(node)
      } else {
        guard graph.type(output) == .scalar else {
          throw GraphError(.shape, "\(graph.describe(graph.type(output))) is no scalar")
        }
        scalarPlaces[output] = scalars.count
        sources[output] = .scalar(scalars.count)
        scalars.append(.node(node))
      }
    }
  }

  /// Where each output is, next to the memory that it replaces; without those that are there already.
  mutating func results(_ outputs: [(value: ValueID, into: Int)]) throws -> [(Source, into: Int)] {
    var results: [(Source, into: Int)] = []
    for (value, target) in outputs {
      switch sources[value] {
      case .value(let step): results.append((.value(step), target))
      case .memory(let place):
        // Another's number, which may be replaced itself.
        if place != target { results.append((add(.unary(.copy, .memory(place))), target)) }
      case .scalar, nil:
        throw GraphError(.shape, "an update must be one number an element, not a constant")
      }
    }
    return results
  }

  private mutating func add(_ step: Step) -> Source {
    steps.append(step)
    return .value(steps.count - 1)
  }

  private mutating func add(_ scalar: Scalar) -> Source {
    scalars.append(scalar)
    return .scalar(scalars.count - 1)
  }

  private mutating func source(_ node: Node) throws -> Source {
    let operands = node.inputs.compactMap { sources[$0] }
    switch (node.op, operands.first) {
    case (.input(let name, _), _):
      guard let memory = memories.firstIndex(of: name) else {
        throw RuntimeError.badInput("no numbers '\(name)'")
      }
      return name == scaled
        ? add(.binary(.multiply, .memory(memory), add(.scale))) : .memory(memory)
    case (.stopGradient, let x?): return x
    case (.unary(let function), let x?) where !x.isScalar: return add(.unary(function.kernel, x))
    default: break
    }
    guard case .binary(let function) = node.op else {
      throw GraphError(
        .shape, "\(node.op.kind.rawValue) is not element by element and cannot stand here")
    }
    return add(.binary(function.kernel, operands[0], operands[1]))
  }

  // MARK: Scalars

  /// The values of ``scalars``.
  func values(_ given: [String: Double], scale: Double) throws -> [Double] {
    var values: [Double] = []
    for scalar in scalars {
      switch scalar {
      case .scale: values.append(scale)
      case .node(let node):
        let operands = node.inputs.compactMap { scalarPlaces[$0] }.map { values[$0] }
        values.append(try value(node, operands, given))
      }
    }
    return values
  }

  private func value(_ node: Node, _ operands: [Double], _ given: [String: Double]) throws
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
}

extension ElementwiseCompiler.Source {
  var isScalar: Bool {
    if case .scalar = self { return true }
    return false
  }
}
