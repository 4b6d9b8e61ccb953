/// The work of one step of a scan: a graph over the rows that stand at that step, one of each sequence
/// that is long enough.
///
/// A scan goes along the rows of every sequence, one after the other, and hands carried values from each
/// row to the next (Elman 1990). The body's regions, row sets, sites and values keep the numbers they
/// have in the graph around it, so a site inside is a site of the model: listed, counted and steered by
/// its name.
public final class ScanBody: Hashable, Sendable {
  /// What a scan takes and gives, as values of its body.
  public struct Parts: Sendable {
    /// Inputs that bring a row of each step.
    public var steps: [ValueID] = []
    /// Inputs that bring what the row before handed on.
    public var states: [ValueID] = []
    /// Inputs without rows, the same in every step.
    public var outers: [ValueID] = []
    /// What every row gives.
    public var results: [ValueID] = []
    /// What every row hands on, one for each state.
    public var next: [ValueID] = []
    /// Values without rows that are added up over the steps.
    public var totals: [ValueID] = []

    public init() {}
  }

  /// Where a site's scores and mask stand among the results, zero in rows that do not reach it.
  public struct Export: Sendable {
    public var scores: Int
    public var mask: Int
  }

  public let graph: Graph
  public let parts: Parts
  /// The rows of one step.
  public let rows: RowSetID
  public let region: RegionID
  /// Whether it goes from the last row of each sequence to the first.
  public let isReversed: Bool
  /// What is known outside of the sites inside.
  public let exports: [SiteID: Export]
  /// Whether values have the numbers of the graph around it; those of a gradient do not.
  let sharesValues: Bool

  /// - Throws: ``GraphError`` when the parts are not of one type where they must be.
  init(
    _ graph: Graph, _ parts: Parts, rows: RowSetID, region: RegionID, isReversed: Bool,
    exports: [SiteID: Export] = [:], sharesValues: Bool = true
  ) throws {
    // What a step is given is there before anything of it runs.
    let given = graph.nodes.filter { $0.op.kind == .input }
    let made = graph.nodes.filter { $0.op.kind != .input }
    var program = GraphProgram(
      graph: graph.withNodes(given + made), outputs: parts.results + parts.next + parts.totals)
    try program.optimize()
    var outputs = program.outputs[...]
    var kept = parts
    kept.results = Array(outputs.prefix(parts.results.count))
    outputs = outputs.dropFirst(parts.results.count)
    kept.next = Array(outputs.prefix(parts.next.count))
    kept.totals = Array(outputs.dropFirst(parts.next.count))
    // An input that no op reads is an input still.
    let work = program.graph.nodes.filter { $0.op.kind != .input }
    self.graph = program.graph.withNodes(given + work)
    (self.parts, self.rows, self.region) = (kept, rows, region)
    (self.isReversed, self.exports) = (isReversed, exports)
    self.sharesValues = sharesValues
    try checkTypes()
  }

  private func checkTypes() throws {
    try require(
      !parts.steps.isEmpty && parts.states.count == parts.next.count,
      "a scan goes over rows and hands on as many values as it carries")
    for result in parts.results {
      try require(
        graph.type(result).rows == rows,
        "a step gives rows, not \(graph.describe(graph.type(result)))")
    }
    for (state, next) in zip(parts.states, parts.next) {
      let (before, after) = (graph.type(state), graph.type(next))
      try require(
        before == after,
        "a step is handed \(graph.describe(before)) and hands on \(graph.describe(after))")
    }
  }

  public static func == (a: ScanBody, b: ScanBody) -> Bool { a === b }

  public func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }

  /// The body's values that the outputs of its node stand for: of a state, what each row was handed.
  var outputValues: [ValueID] { parts.results + parts.states + parts.totals }

  /// The sites that decide in here, in the order in which they do. The gradient of a scan has none.
  public var sites: [SiteID] {
    graph.nodes.compactMap { node in
      if case .choose(let site) = node.op { site } else { nil }
    }
  }
}
