import AdaptGraph
import AdaptRuntime
import Testing

// Selections, units of more or fewer rows than the data, and paths for the rest.

extension KernelTests {
  static let siteCases: [Case] =
    selections.map { name, selection in
      Case("mark \(name)") { try $0.graph.add(.mark(selection), $0.rowsInput([3])) }
    }
    + selections.map { name, selection in
      Case("route \(name), else") { try $0.keep(selection, decisions: 3) }
    }
    + [
      Case("keep the best half") { try $0.keep(.best(.share(0.5)), decisions: 1) },
      Case("keep above 0") { try $0.keep(.above(0), decisions: 1) },
      Case("decide by other numbers than the scores") { try $0.routeByOthers() },
      Case("route each sequence") { try $0.routeSequences(nested: false) },
      Case("route each token inside each sequence") { try $0.routeSequences(nested: true) },
      Case("mean of each sequence") { test in
        let x = try test.rowsInput([4])
        return try test.graph.spread(test.graph.pooled(x), like: x)
      },
      Case("route each head") { try $0.routeHeads() },
      Case("normal noise") {
        try $0.graph.add(.random(.normal, stream: "a"), $0.rowsInput([3]))
      },
      Case("Gumbel noise on a path") { try $0.keepNoise() },
      Case("rows joined and picked") { test in
        let (x, y) = (try test.rowsInput([4]), try test.rowsInput([4]))
        let joined = try test.graph.joinedRows([y, test.graph.pooled(x), x])
        let part = try test.graph.picked(joined, .range(lower: 1, upper: -1))
        let seen = try test.graph.add(
          .attention(heads: 2, causal: true), [part, joined, joined])[0]
        return try test.graph.add(.attention(heads: 1, causal: true), [x, seen, part])[0]
      },
      Case("a route among joined rows, with noise") { try $0.routeJoined() },
      Case("noise of an axis that became rows, on a path") { try $0.keepUnfoldedNoise() },
    ]
    + [false, true].flatMap { causal in
      [false, true].map { groups in
        Case("attention around a path\(causal ? ", causal" : "")\(groups ? ", of groups" : "")") {
          try $0.attendAround(causal: causal, groups: groups)
        }
      }
    }

  private static let selections: [(String, Selection)] = [
    ("top 2", .top(2)), ("all", .all), ("above 0", .above(0)), ("given", .given),
    ("best 2", .best(.count(2))), ("best third", .best(.share(1.0 / 3))),
    ("best none", .best(.count(0))),
    ("2 pairs", .pairs(.count(2))), ("a third of the pairs", .pairs(.share(1.0 / 3))),
    ("no pairs", .pairs(.count(0))), ("all pairs", .pairs(.share(1))),
    ("capped by position", .capped(.top(1), Capacity(factor: 1, order: .position))),
    ("capped by score", .capped(.top(2), Capacity(factor: 0.5, order: .score))),
    ("given, capped by position", .capped(.given, Capacity(factor: 0.3, order: .position))),
    ("given, capped by score", .capped(.given, Capacity(factor: 0.3, order: .score))),
    ("best third of the batch", .amongBatch(.best(.share(1.0 / 3)))),
    ("a third of the pairs of the batch", .amongBatch(.pairs(.share(1.0 / 3)))),
    ("capped in the batch", .amongBatch(.capped(.top(1), Capacity(factor: 1, order: .score)))),
  ]
}

extension KernelCase {
  /// Rows of a path, by rows or by whole groups, look at all rows around it.
  mutating func attendAround(causal: Bool, groups: Bool) throws -> ValueID {
    let (x, v) = (try rowsInput([8]), try rowsInput([8]))
    let units = groups ? try graph.pooled(x) : x
    let scores = try graph.add(.slice(start: 0, count: 1), units)
    let rows = graph.type(x).rows
    let site = try graph.addSite(
      name: "around", unit: "token", router: "Test", selection: .above(0), scores: scores,
      travellers: rows, hasElse: true)
    let path = try graph.enterPath(site, name: "a", [x])[0]
    let y = try graph.add(.attention(heads: 2, causal: causal), [path, x, v])[0]
    graph.leavePath()
    let rest = try graph.enterPath(site, name: "rest", [x])[0]
    graph.leavePath()
    return try graph.join(site, outputs: [y, rest]) ?? x
  }

  /// Paths that are decided about do some work, weighted; the rest passes by.
  mutating func keep(_ selection: Selection, decisions: Int) throws -> ValueID {
    let x = try rowsInput([8])
    let scores = try rowsInput([decisions])
    let site = try graph.addSite(
      name: "keep", unit: "token", router: "Test", selection: selection, scores: scores,
      hasElse: true)
    var outputs: [ValueID?] = []
    for path in 0..<decisions {
      let kept = try graph.enterPath(site, name: "kept\(path)", [x, scores])
      let attended = try graph.add(.attention(heads: 2, causal: true), [kept[0], kept[0], kept[0]])
      let weight = try graph.add(.slice(start: path, count: 1), kept[1])
      outputs.append(try graph.add(.binary(.multiply), attended[0], weight))
      graph.leavePath()
    }
    outputs.append(try graph.enterPath(site, name: "rest", [x])[0])
    graph.leavePath()
    return try graph.join(site, outputs: outputs) ?? x
  }

  /// Rows of a path, and means of those that a mark picks, are joined and go further ways.
  mutating func routeJoined() throws -> ValueID {
    let x = try rowsInput([4])
    let marks = try graph.add(.reshape([1]), graph.add(.slice(start: 1, count: 1), x))
    let marked = try graph.picked(x, .marked, marks: try graph.add(.unary(.relu), marks))
    let joined = try graph.joinedRows([x, marked])
    let noise = try graph.add(.random(.normal, stream: "a"), joined)
    let site = try graph.addSite(
      name: "joined", unit: "token", router: "Test", selection: .above(0),
      scores: try graph.add(.slice(start: 0, count: 1), joined), hasElse: true)
    let taken = try graph.enterPath(site, name: "a", [graph.add(.binary(.multiply), joined, noise)])
    let both = try graph.joinedRows([taken[0], graph.pooled(taken[0])])
    let spread = try graph.spread(graph.pooled(both), like: taken[0])
    graph.leavePath()
    let rest = try graph.enterPath(site, name: "rest", [joined])[0]
    graph.leavePath()
    let all = try graph.join(site, outputs: [spread, rest]) ?? x
    return try graph.add(.attention(heads: 2, causal: false), [x, all, joined])[0]
  }

  /// A path's rows have the noise of the rows that they are.
  mutating func keepNoise() throws -> ValueID {
    let x = try rowsInput([3])
    let site = try graph.addSite(
      name: "keep", unit: "token", router: "Test", selection: .above(0),
      scores: try rowsInput([1]), hasElse: true)
    let kept = try graph.enterPath(site, name: "kept", [x])[0]
    let noise = try graph.add(.random(.gumbel, stream: "a"), kept)
    graph.leavePath()
    _ = try graph.enterPath(site, name: "rest", [])
    graph.leavePath()
    return try graph.join(site, outputs: [noise, nil]) ?? x
  }

  mutating func keepUnfoldedNoise() throws -> ValueID {
    let x = try rowsInput([2, 3])
    let site = try graph.addSite(
      name: "keep", unit: "token", router: "Test", selection: .above(0),
      scores: try rowsInput([1]), hasElse: true)
    let kept = try graph.enterPath(site, name: "kept", [x])[0]
    let path = try #require(graph[site].paths.first).rows
    let unfolded = try graph.add(
      .unfold(graph.openUnfolded(path, label: "head", count: 2)), kept)
    let noise = try graph.add(.fold, graph.add(.random(.uniform, stream: "a"), unfolded))
    graph.leavePath()
    _ = try graph.enterPath(site, name: "rest", [])
    graph.leavePath()
    return try graph.join(site, outputs: [noise, nil]) ?? x
  }

  mutating func routeByOthers() throws -> ValueID {
    let (x, scores, decision) = try (rowsInput([8]), rowsInput([2]), rowsInput([2]))
    let site = try graph.addSite(
      name: "route", unit: "token", router: "Test", selection: .top(1), scores: scores,
      decision: decision)
    let first = try graph.enterPath(site, name: "a", [x, scores])
    let weight = try graph.add(.slice(start: 0, count: 1), first[1])
    let output = try graph.add(.binary(.multiply), first[0], weight)
    graph.leavePath()
    let second = try graph.enterPath(site, name: "b", [x])
    graph.leavePath()
    return try graph.join(site, outputs: [output, second[0]]) ?? x
  }

  /// The mean of a sequence decides for all its tokens; the tokens of one path attend to each other.
  mutating func routeSequences(nested: Bool) throws -> ValueID {
    let x = try rowsInput([8])
    let rows = try #require(graph.type(x).rows)
    let pooled = try graph.pooled(x)
    let scores = try graph.add(.slice(start: 0, count: 2), pooled)
    let site = try graph.addSite(
      name: "route", unit: "sequence", router: "Test", selection: .top(1), scores: scores,
      travellers: rows)
    let first = try graph.enterPath(site, name: "a", [x])
    var output = try graph.add(
      .attention(heads: 2, causal: false), [first[0], first[0], first[0]])[0]
    if nested { output = try halve(output) }
    // What a sequence has on this path, for each of its tokens.
    output = try graph.add(.binary(.add), output, graph.spread(graph.pooled(output), like: output))
    graph.leavePath()
    _ = try graph.enterPath(site, name: "b", [])
    graph.leavePath()
    return try graph.join(site, outputs: [output, nil]) ?? x
  }

  private mutating func halve(_ x: ValueID) throws -> ValueID {
    let scores = try graph.add(.slice(start: 0, count: 1), x)
    let site = try graph.addSite(
      name: "route.a.keep", unit: "token", router: "Test", selection: .best(.share(0.5)),
      scores: scores, hasElse: true)
    let kept = try graph.enterPath(site, name: "kept", [x])[0]
    let means = try graph.spread(graph.pooled(kept), like: kept)
    graph.leavePath()
    _ = try graph.enterPath(site, name: "rest", [])
    graph.leavePath()
    return try graph.join(site, outputs: [means, nil]) ?? x
  }

  /// Four heads of two numbers a row; each is doubled or left out.
  mutating func routeHeads() throws -> ValueID {
    let x = try graph.add(.reshape([4, 2]), rowsInput([8]))
    let rows = try #require(graph.type(x).rows)
    let heads = graph.openUnfolded(rows, label: "head", count: 4)
    let unfolded = try graph.add(.unfold(heads), x)
    let site = try graph.addSite(
      name: "route", unit: "head", router: "Test", selection: .best(.count(2)),
      scores: graph.add(.slice(start: 0, count: 1), unfolded), hasElse: true)
    let kept = try graph.enterPath(site, name: "kept", [unfolded])[0]
    let doubled = try graph.add(.binary(.add), kept, kept)
    graph.leavePath()
    _ = try graph.enterPath(site, name: "rest", [])
    graph.leavePath()
    let joined = try graph.join(site, outputs: [doubled, nil]) ?? unfolded
    return try graph.add(.reshape([8]), graph.add(.fold, joined))
  }
}
