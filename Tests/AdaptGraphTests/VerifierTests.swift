import AdaptGraph
import Testing

/// A graph that was right, and what was done to it.
struct Damage: Sendable, CustomTestStringConvertible {
  let name: String
  /// What the verifier must say.
  let message: String
  let apply: @Sendable (inout [Node], inout [ValueInfo], inout [Site]) -> Void

  var testDescription: String { name }

  init(
    _ name: String, says message: String,
    _ apply: @escaping @Sendable (inout [Node], inout [ValueInfo], inout [Site]) -> Void
  ) {
    (self.name, self.message, self.apply) = (name, message, apply)
  }
}

private func first(_ kind: OpKind, _ nodes: [Node]) -> Int {
  nodes.firstIndex { $0.op.kind == kind } ?? 0
}

private func last(_ kind: OpKind, _ nodes: [Node]) -> Int {
  nodes.lastIndex { $0.op.kind == kind } ?? 0
}

@Suite struct VerifierTests {
  static let damages: [Damage] = [
    Damage("a value used before it is made", says: "before it is made") { nodes, values, _ in
      nodes.swapAt(0, 1)
      nodes.swapAt(0, first(.softmax, nodes))
    },
    Damage("a value whose maker is another node", says: "not the maker") { nodes, values, _ in
      values[nodes[first(.softmax, nodes)].outputs[0].index].node = 0
    },
    Damage("a node that stands there twice", says: "not the maker") { nodes, _, _ in
      nodes.insert(nodes[0], at: 1)
    },
    Damage("a type that the op does not give", says: "other types") { nodes, values, _ in
      values[nodes[first(.softmax, nodes)].outputs[0].index].type.dims = [7]
    },
    Damage("an element type that the op does not give", says: "other types") { nodes, values, _ in
      values[nodes[first(.members, nodes)].outputs[0].index].type.element = .float32
    },
    Damage("an op too many outputs", says: "other types") { nodes, _, _ in
      nodes[first(.softmax, nodes)].outputs.append(ValueID(0))
    },
    Damage("an op of other inputs", says: "[token, 3]") { nodes, _, _ in
      nodes[first(.matmul, nodes)].inputs.reverse()
    },
    Damage("work of a path that stands in the root", says: "those of its region") { nodes, _, _ in
      let inside = first(.unary, nodes)
      nodes[inside].region = RegionID(0)
    },
    Damage("work of the root that stands in a path", says: "those of its region") { nodes, _, _ in
      nodes[first(.softmax, nodes)].region = RegionID(1)
    },
    Damage("a mean of a path's rows in the root", says: "not inside") { nodes, values, _ in
      var (node, value) = (nodes[0], values[0])
      node.inputs = nodes[first(.unary, nodes)].outputs
      node.op = .sumRows(mean: true)
      node.outputs = [ValueID(values.count)]
      (value.type, value.node) = (TensorType([3]), nodes.count)
      values.append(value)
      nodes.append(node)
    },
    Damage("a gather from rows of another set", says: "gathers from other rows") {
      nodes, values, _ in
      // The index of the site inside selects of the rows of the path, not of all.
      let inner = nodes.firstIndex { $0.op.kind == .gather && $0.region.index == 2 }
      nodes[inner ?? 0].inputs[0] = ValueID(0)
    },
    Damage("a scatter into other rows", says: "scatters to other rows") { nodes, values, _ in
      let join = first(.scatter, nodes)
      nodes[join].op = .scatter(.rows(RowSetID(0)))
      nodes[join].region = RegionID(0)
      values[nodes[join].outputs[0].index].type.rows = RowSetID(0)
    },
    Damage("a scatter by the index of another path", says: "does not go with index") {
      nodes, _, _ in
      let join = last(.scatter, nodes)
      nodes[join].inputs.swapAt(1, 3)
    },
    Damage("a site without one of its paths", says: "3 scores for 2 paths") { _, _, sites in
      sites[0].paths.removeLast()
    },
    Damage("a site of other scores", says: "what site route records") { nodes, _, sites in
      sites[0].scores = sites[0].mask
    },
    Damage("a site of another mask", says: "what site route records") { nodes, _, sites in
      sites[0].mask = sites[0].scores
    },
    Damage("members of another path", says: "records of path 1") { nodes, _, sites in
      guard case .members(let site, _, let rows) = nodes[first(.members, nodes)].op else { return }
      nodes[first(.members, nodes)].op = .members(site, path: 1, rows)
    },
    Damage("a path that records another index", says: "records of path 0") { _, _, sites in
      sites[0].paths[0].index = sites[0].paths[1].index
    },
    Damage("a path that records another region", says: "records of path 1") { _, _, sites in
      sites[0].paths[1].region = RegionID(0)
    },
  ]

  @Test(arguments: damages) func finds(_ damage: Damage) throws {
    let model = try RoutedModel(gathered: RoutedModel.Routes.all[0])
    var graph = model.bench.graph
    try graph.verify()
    graph.withUncheckedParts(damage.apply)
    let error = #expect(throws: GraphError.self) { try graph.verify() }
    #expect(error?.message.contains(damage.message) == true, "\(error?.message ?? "")")
  }

  @Test func aValueMadeTwiceByOneNodeIsAnError() throws {
    var bench = Bench()
    let rows = bench.addRows([2])
    let logits = try bench.input("logits", rows, [3])
    let loss = try bench.add(.logLoss, logits, bench.ints("targets", rows, [0, 1]))
    bench.graph.withUncheckedParts { nodes, _, _ in
      nodes[nodes.count - 1].outputs = [loss, loss]
    }
    expectError(.invalid, containing: ["logLoss", "exists already"]) { try bench.graph.verify() }
  }

  @Test func anEmptyGraphIsRight() throws {
    try Graph().verify()
  }

  @Test func inputsStandInTheRootWhereverTheyAreAdded() throws {
    var bench = Bench()
    let rows = bench.addRows([2])
    let scores = try bench.input("scores", rows, [2])
    let site = try bench.graph.addSite(
      name: "site", unit: "token", router: "R", selection: .top(1), scores: scores)
    _ = try bench.graph.enterPath(site, name: "a", [])
    let late = try bench.input("late", rows, [2])
    bench.graph.leavePath()
    _ = try bench.graph.enterPath(site, name: "b", [late])
    bench.graph.leavePath()
    #expect(bench.graph.node(of: late).region == RegionID(0))
    try bench.graph.verify()
  }
}
