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

/// A model as a graph, traced for training or for inference.
public struct ModelGraph: Sendable {
  public var graph: Graph
  /// What the data bring, under the input name `input`.
  public var input: ValueID
  public var output: ValueID
  /// What the routers add to the objective: scalars, already weighted.
  public var losses: [NamedValue]
  /// Parameters that training leaves alone.
  public var frozen: Set<String>
  /// What parameters start from that do not start from their initializer.
  public var starts: [String: Tensor]

  public init(
    graph: Graph, input: ValueID, output: ValueID, losses: [NamedValue] = [],
    frozen: Set<String> = [], starts: [String: Tensor] = [:]
  ) {
    self.graph = graph
    self.input = input
    self.output = output
    self.losses = losses
    self.frozen = frozen
    self.starts = starts
  }

  /// Adds an input of one class a row of the model's input, named `target`.
  public mutating func addTarget() throws -> ValueID {
    try graph.add(.input("target", TensorType(rows: graph.type(input).rows, [], .int32)))
  }
}
