import AdaptGraph
import AdaptTensor

/// A value with the name it is reported under.
public struct NamedValue: Sendable, Hashable {
  public var name: String
  public var value: ValueID

  public init(name: String, value: ValueID) {
    self.name = name
    self.value = value
  }
}

/// A term that a router adds to the objective: a scalar, already weighted.
public struct RouterLoss: Sendable, Hashable {
  /// By site and router: `blocks[0].route.topK`.
  public var name: String
  /// What it is reported under with those of other sites.
  public var router: String
  public var value: ValueID

  public init(name: String, router: String, value: ValueID) {
    (self.name, self.router, self.value) = (name, router, value)
  }
}

/// One of several results that a model gives for each row in training, such as that of an exit.
public struct ModelAnswer: Sendable, Hashable {
  public var value: ValueID
  /// How much it counts beside the others, `[rows, 1]` or one number; nil is 1.
  public var weight: ValueID?

  public init(value: ValueID, weight: ValueID? = nil) {
    self.value = value
    self.weight = weight
  }
}

/// A model as a graph, traced for training or for inference.
public struct ModelGraph: Sendable {
  public var graph: Graph
  /// What the data bring, under the input name `input`.
  public var input: ValueID
  public var output: ValueID
  /// All results, the output last, where there are several for each row; else empty.
  public var answers: [ModelAnswer]
  /// What the routers add to the objective.
  public var losses: [RouterLoss]
  /// What parameters become behind each step of training that no gradient changes, by their names.
  public var updates: [NamedValue]
  /// Stands for minus the loss of each row where routers ask for it: an input that the objective
  /// replaces, with ``define(reward:)``.
  public var reward: ValueID?
  /// Stands for the model's expected cost where layers or routers ask for it: an input that the objective
  /// replaces.
  public var expectedCost: ValueID?
  /// Parameters that no gradient changes.
  public var frozen: Set<String>
  /// What parameters start from that do not start from their initializer.
  public var starts: [String: Tensor]

  public init(
    graph: Graph, input: ValueID, output: ValueID, answers: [ModelAnswer] = [],
    losses: [RouterLoss] = [], updates: [NamedValue] = [],
    reward: ValueID? = nil, expectedCost: ValueID? = nil, frozen: Set<String> = [],
    starts: [String: Tensor] = [:]
  ) {
    self.graph = graph
    self.input = input
    self.output = output
    self.answers = answers
    self.losses = losses
    self.updates = updates
    self.reward = reward
    self.expectedCost = expectedCost
    self.frozen = frozen
    self.starts = starts
  }

  /// All that comes out of the model: its output, further answers, and what these are weighted with.
  public var results: [ValueID] {
    [output] + answers.map(\.value) + answers.compactMap(\.weight)
  }

  /// The rows that targets stand over: those of the model's input, or its groups where the output
  /// has a row for each.
  /// - Throws: `GraphError` when the model gives no such rows.
  public func targetRows(_ format: TargetFormat) throws -> RowSetID? {
    let (input, output) = (graph.type(input).rows, graph.type(output).rows)
    guard format.isPerGroup else {
      guard input == output else { throw mismatch(input.map { graph[$0].label }) }
      return input
    }
    // Groups are told by their label, however the graph has come to them.
    let grouping = input.flatMap { graph[$0].grouping }
    guard let grouping, let output, graph[output].label == grouping else {
      throw mismatch(grouping)
    }
    return output
  }

  private func mismatch(_ unit: String?) -> GraphError {
    GraphError(
      .shape,
      "the targets are one for each \(unit ?? "group of rows"), and the model gives "
        + graph.describe(graph.type(output)))
  }

  /// Checks that the output can be held against targets: a row of logits for each class, or numbers
  /// of the target's sizes.
  /// - Throws: `GraphError` with both shapes.
  public func checkOutput(_ format: TargetFormat) throws {
    _ = try targetRows(format)
    let type = graph.type(output)
    if format.isClass {
      guard type.dims.count == 1, type.columns > 0, type.element == .float32 else {
        throw GraphError(
          .shape, "the model gives \(graph.describe(type)) where classes need a row of logits")
      }
    } else if type.dims != format.dims {
      let wanted = TensorType(rows: type.rows, format.dims)
      throw GraphError(
        .shape,
        "the model gives \(graph.describe(type)) and the targets are \(graph.describe(wanted))")
    }
  }

  /// Adds the input that brings the targets, named ``DataInput/target``.
  /// - Throws: `GraphError` when the model gives no rows of that kind.
  public mutating func addTarget(_ format: TargetFormat = .classes) throws -> ValueID {
    let type = TensorType(rows: try targetRows(format), format.dims, format.element)
    return try graph.add(.input(DataInput.target, type))
  }

  /// Says what the loss of each row is, `[rows]` over the input or over its groups, where a router asked.
  /// - Throws: `GraphError` when a row's loss cannot be known before the routers' terms.
  public mutating func define(loss: ValueID) throws {
    guard let reward else { return }
    let negated = try graph.add(.unary(.negate), graph.add(.stopGradient, loss))
    let isSame = graph.type(loss).rows == graph.type(reward).rows
    let rows = try isSame ? negated : graph.spread(negated, like: input)
    try graph.define(reward, as: rows)
    self.reward = nil
  }

  /// Adds up what the routers bring to the objective, by the routers' names.
  public mutating func addRouterLosses() throws -> [NamedValue] {
    var sums: [NamedValue] = []
    for loss in losses {
      if let place = sums.firstIndex(where: { $0.name == loss.router }) {
        sums[place].value = try graph.add(.binary(.add), sums[place].value, loss.value)
      } else {
        sums.append(NamedValue(name: loss.router, value: loss.value))
      }
    }
    return sums
  }
}
