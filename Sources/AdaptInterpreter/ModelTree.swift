import AdaptGraph
import AdaptPlatform
import AdaptRuntime
import AdaptSyntax

extension Interpreter {
  /// A model's graph for `print`: traced for what it is used on, or for what it says itself.
  func tracedForPrinting(_ model: Flow, at span: Span) throws -> ModelGraph {
    let state = model.root.attachment as? ModelState
    if !isDryRun, let graph = state?.graphs[model.view?.key ?? ""] { return graph }
    return try traceModel(model, input: knownInput(of: model), mode: .inference, at: span)
  }

  /// A model as a tree: shapes, parameters and cost of every layer and path.
  func tree(of model: Flow, at span: Span) throws -> String {
    let graph = try tracedForPrinting(model, at: span)
    let length = (model.root.attachment as? ModelState)?.window ?? 128
    let structure = try structure(of: model, at: span)
    return ModelTree(graph, name: ValueWriter.text(model), length: length, structure).text
  }
}

/// The scopes of a model with what stands in them.
struct ModelTree {
  final class Scope {
    let name: String
    /// Where its parameters are named.
    var path: String
    /// Whether it is a round of a loop, whose parameters are those of every round.
    var isRound = false
    var children: [Scope] = []
    /// Nodes of this scope and those inside.
    var nodes: [Int] = []
    var parameters = 0
    var site: Site?
    /// Of a router its scores.
    var scores: ValueID?

    init(_ name: String, path: String) {
      self.name = name
      self.path = path
    }

    func child(_ name: String) -> Scope {
      if let child = children.first(where: { $0.name == name }) { return child }
      let child = Scope(name, path: Trace.joined(path, name))
      children.append(child)
      return child
    }

    /// Where the parameters of a name belong: to one scope, or to all rounds of a loop or settings of
    /// a knob.
    func owners(_ name: String, knobs: Set<String>) -> [Scope] {
      if knobs.contains(path), !children.contains(where: { $0.name == name }) {
        let settings = children.filter { $0.children.contains { $0.name == name } }
        for setting in settings { setting.becomeSetting(of: self) }
        return settings.map { $0.child(name) }
      }
      let rounds = children.filter { $0.name.hasPrefix(name + "[") }
      guard !rounds.isEmpty, !children.contains(where: { $0.name == name }) else {
        return [child(name)]
      }
      for round in rounds { round.becomeRound(of: name, in: path) }
      return rounds
    }

    /// A setting of a knob has what the knob has.
    func becomeSetting(of knob: Scope) {
      isRound = true
      rename(knob.path)
    }

    private func becomeRound(of name: String, in outer: String) {
      isRound = true
      rename(Trace.joined(outer, name))
    }

    private func rename(_ path: String) {
      self.path = path
      for child in children { child.rename(Trace.joined(path, child.name)) }
    }
  }

  struct Row {
    var label: String
    var shape: String
    var parameters: Int
    var flops: Double
  }

  let graph: Graph
  let costs: RegionCosts
  let root: Scope
  /// What the output needs; what a scan does at a row stands before it, in the region around.
  private var nodes: [Node] = []
  private let counts: RowCounts
  let length: Int
  /// What surgery did, by path.
  let marks: [String: String]
  /// What stands at a path gives: `[token, 64]`.
  private let shapes: [String: String]
  /// Where a router sets a knob: the settings have the same parameters.
  private let knobs: Set<String>

  init(_ model: ModelGraph, name: String, length: Int, _ structure: ModelStructure) {
    marks = structure.marks
    shapes = Dictionary(structure.layers.map { ($0.path, $0.output) }) { first, _ in first }
    knobs = Set(structure.layers.filter { $0.place.kind == "knob" }.map(\.path))
    graph = model.graph
    self.length = length
    costs = graph.costs(of: model.output, length: Double(length))
    let pairs = Double(length)
    counts = RowCounts(
      rows: { _ in 1 }, pairs: { _, _, causal in causal ? (pairs + 1) / 2 : pairs })
    root = Scope(name, path: "")
    for index in graph.needed(for: [model.output]).sorted() { place(graph.nodes[index]) }
    for parameter in graph.parameters {
      place(parameter)
    }
    for site in graph.sites {
      let scope = scopes(ModelTree.split(site.name)[...]).last
      scope?.site = site
      if let scope, knobs.contains(scope.path) {
        for setting in scope.children where setting.name != "router" {
          setting.becomeSetting(of: scope)
        }
      }
      scope?.children.first { $0.name == "router" }?.scores = site.scores
    }
  }

  private mutating func place(_ node: Node, around region: RegionID? = nil) {
    var node = node
    if case .scan(let body) = node.op {
      for inner in body.graph.nodes where inner.op.kind != .input {
        place(inner, around: inner.region == body.region ? node.region : nil)
      }
    }
    node.region = region ?? node.region
    nodes.append(node)
    for scope in scopes(ModelTree.split(node.scope)[...]) { scope.nodes.append(nodes.count - 1) }
  }

  private func place(_ parameter: ParameterInfo) {
    let count = parameter.shape.reduce(1, *)
    var scopes = [root]
    root.parameters += count
    for name in ModelTree.split(parameter.name).dropLast() {
      scopes = scopes.flatMap { $0.owners(name, knobs: knobs) }
      for scope in scopes { scope.parameters += count }
    }
  }

  /// The scopes from the root to the one of that path.
  private func scopes(_ path: ArraySlice<String>) -> [Scope] {
    path.reduce(into: [root]) { scopes, name in
      scopes.append((scopes.last ?? root).child(name))
    }
  }

  private static func split(_ name: String) -> [String] {
    name.isEmpty ? [] : name.split(separator: ".").map(String.init)
  }

  // MARK: Numbers

  /// Operations a row when the costliest paths are taken.
  func flops(_ scope: Scope) -> Double {
    guard let region = region(of: scope) else { return 0 }
    let own = scope.nodes.filter { nodes[$0].region == region && !isJoin(nodes[$0]) }
    let inner = scope.nodes.reduce(0.0) { sum, index in
      guard nodes[index].region == region, case .choose(let site) = nodes[index].op
      else {
        return sum
      }
      let paths = graph[site].paths.map { costs.full($0.region) }
      return sum + graph[site].extreme(paths, most: true, length: costs.length)
    }
    return inner
      + own.filter { nodes[$0].op.kind != .scan }
      .reduce(0) { $0 + OpTable[nodes[$1].op].flops(nodes[$1], graph, counts) }
  }

  /// The outermost region that the scope's nodes stand in.
  private func region(of scope: Scope) -> RegionID? {
    let computed = scope.nodes.filter { nodes[$0].op.kind != .parameter }
    return computed.map { nodes[$0].region }.min { $0.index < $1.index }
  }

  private func isJoin(_ node: Node) -> Bool {
    if case .scatter(.rows) = node.op { return true }
    return false
  }

  /// What was noted of the scope or, of a round, of its loop; else what its last node gives.
  func shape(_ scope: Scope) -> String {
    let noted = shapes[scope.path] ?? shapes[ModelTree.withoutRound(scope.path)]
    if let noted, !noted.isEmpty { return noted }
    // What ends a round gives nothing on.
    if scope.site != nil { return "" }
    if let scores = scope.scores { return describe(scores) }
    guard let region = region(of: scope),
      let last = scope.nodes.last(where: {
        nodes[$0].region == region && nodes[$0].op.kind != .parameter
      }), let output = nodes[last].outputs.first
    else { return "" }
    return describe(output)
  }

  private func describe(_ value: ValueID) -> String {
    let type = graph.type(value)
    let rows = type.rows.map { graph[$0].label }
    return "[" + ([rows].compactMap { $0 } + type.dims.map(String.init)).joined(separator: ", ")
      + "]"
  }

  /// A path as it is noted, without the number of the last round or copy in it.
  private static func withoutRound(_ path: String) -> String {
    guard let open = path.lastIndex(of: "["), let close = path[open...].firstIndex(of: "]") else {
      return path
    }
    return String(path[..<open] + path[path.index(after: close)...])
  }
}
