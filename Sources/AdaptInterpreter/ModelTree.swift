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
  private final class Scope {
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

  private struct Row {
    var label: String
    var shape: String
    var parameters: Int
    var flops: Double
  }

  private let graph: Graph
  private let costs: RegionCosts
  private let root: Scope
  /// What the output needs; what a scan does at a row stands before it, in the region around.
  private var nodes: [Node] = []
  private let counts: RowCounts
  private let length: Int
  /// What surgery did, by path.
  private let marks: [String: String]
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
  private func flops(_ scope: Scope) -> Double {
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
  private func shape(_ scope: Scope) -> String {
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

  // MARK: Text

  var text: String {
    var rows = [
      Row(
        label: root.name + mark(root), shape: "", parameters: root.parameters,
        flops: costs.full(RegionID(0)))
    ]
    for (child, count) in families(root.children) { add(child, to: &rows, depth: 1, count: count) }
    return ModelTree.table(rows, length)
  }

  private func add(_ scope: Scope, to rows: inout [Row], depth: Int, count: Int = 1) {
    let family = String(scope.name.prefix { $0 != "[" })
    let name = count > 1 ? "\(family) × \(count)" : scope.name
    var label = String(repeating: "  ", count: depth) + name
    if let site = scope.site {
      label += " each \(site.unit) by \(site.router), \(ModelTree.rule(site))"
    }
    label += mark(scope)
    rows.append(
      Row(
        label: label, shape: shape(scope),
        parameters: scope.parameters * (scope.isRound ? 1 : count),
        flops: flops(scope) * Double(count)))
    for (child, count) in families(scope.children) {
      add(child, to: &rows, depth: depth + 1, count: count)
    }
    guard let site = scope.site else { return }
    // Paths without a layer have no scope of their own.
    for path in site.paths where !scope.children.contains(where: { $0.name == path.name }) {
      let label = String(repeating: "  ", count: depth + 1) + path.name
      rows.append(Row(label: label, shape: "", parameters: 0, flops: costs.full(path.region)))
    }
  }

  private func mark(_ scope: Scope) -> String { marks[scope.path].map { ", " + $0 } ?? "" }

  private static func rule(_ site: Site) -> String {
    rule(site.selection, of: site.decided) + (site.hasElse ? ", else the rest" : "")
  }

  private static func rule(_ selection: Selection, of paths: Int) -> String {
    switch selection {
    case .top(let count): "top \(count) of \(paths)"
    case .all: "all \(paths)"
    case .above(let limit): "above \(NumberFormat("")?.text(limit) ?? "\(limit)")"
    case .given: "as the router says"
    case .best(.count(let count)): "the best \(count) of a group"
    case .best(.share(let share)):
      "the best \(NumberFormat(".1%")?.text(share) ?? "\(share)") of a group"
    case .pairs(.count(let count)): "the best \(count) pairs of a group"
    case .pairs(.share(let share)):
      "the best \(NumberFormat(".1%")?.text(share) ?? "\(share)") of the pairs of a group"
    case .amongBatch(let inner): rule(inner, of: paths) + ", among the batch"
    case .capped(let inner, let capacity):
      rule(inner, of: paths) + ", capacity \(capacity.factor) by \(capacity.order.rawValue)"
    }
  }

  /// Copies that look the same stand as one: `blocks[0] … blocks[3]` as `blocks × 4`.
  private func families(_ scopes: [Scope]) -> [(Scope, Int)] {
    var result: [(Scope, Int)] = []
    for scope in scopes {
      let family = scope.name.prefix { $0 != "[" }
      if scope.name.contains("["), let last = result.last,
        last.0.name.prefix(while: { $0 != "[" }) == family,
        looksLike(scope, last.0)
      {
        result[result.count - 1].1 += 1
      } else {
        result.append((scope, 1))
      }
    }
    return result
  }

  private func looksLike(_ a: Scope, _ b: Scope) -> Bool {
    a.parameters == b.parameters && marks[a.path] == marks[b.path] && flops(a) == flops(b)
      && a.children.count == b.children.count
      && zip(a.children, b.children).allSatisfy { $0.name == $1.name && looksLike($0, $1) }
  }

  private static func table(_ rows: [Row], _ length: Int) -> String {
    let labels = rows.map(\.label.count).max() ?? 0
    let shapes = rows.map(\.shape.count).max() ?? 0
    let numbers = rows.map { grouped($0.parameters) }
    let parameters = max(10, numbers.map(\.count).max() ?? 0)
    let header =
      pad("", labels) + "  " + pad("gives", shapes) + "  " + padLeft("parameters", parameters)
      + "    cost a row"
    let lines = zip(rows, numbers).map { row, number in
      pad(row.label, labels) + "  " + pad(row.shape, shapes) + "  "
        + padLeft(row.parameters > 0 ? number : "", parameters) + "  "
        + padLeft(row.flops > 0 ? cost(row.flops) : "0", 12)
    }
    return ([header] + lines).map(trimmedRight).joined(separator: "\n")
  }

  /// A cost with three or so digits: `7.29 kFLOP`.
  static func cost(_ flops: Double) -> String {
    let (scale, unit) =
      flops >= 1e9
      ? (1e9, " GFLOP")
      : flops >= 1e6
        ? (1e6, " MFLOP")
        : flops >= 1e3 ? (1e3, " kFLOP") : (1, " FLOP")
    return String(printf: flops >= 1e3 ? "%.2f" : "%.0f", flops / scale) + unit
  }

  /// `1 234 567`.
  private static func grouped(_ number: Int) -> String {
    let digits = Array(String(number))
    return digits.enumerated().map { index, digit in
      index > 0 && (digits.count - index) % 3 == 0 ? " \(digit)" : String(digit)
    }.joined()
  }

  private static func pad(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
  }

  private static func padLeft(_ text: String, _ width: Int) -> String {
    String(repeating: " ", count: max(0, width - text.count)) + text
  }

  private static func trimmedRight(_ text: String) -> String {
    String(text.reversed().drop { $0 == " " }.reversed())
  }
}
