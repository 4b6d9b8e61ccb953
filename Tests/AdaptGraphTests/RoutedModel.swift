import AdaptGraph

/// A model with a site of three paths, one of which holds a site of its own:
///
///     route each token by TopK(1) {
///       path big  { gelu(x·up), then route by TopK(1) { path left { ·left } path right { itself } } }
///       path pass { x itself }
///       path none { }
///     }
///
/// `big` is weighted by the score of a row, as every router does; so are the paths inside.
/// Built gathered, on the rows of each path, or dense: every path on every row, by columns of masks.
struct RoutedModel {
  var bench = Bench()
  var output = ValueID(0)
  var loss = ValueID(0)

  static let width = 3

  /// Which path each row takes, by index; several for a top-k.
  struct Routes: Sendable, CustomStringConvertible {
    let name: String
    let lengths: [Int]
    let paths: [[Int]]

    var description: String { name }

    static let all: [Routes] = [
      Routes(name: "mixed", lengths: [3, 0, 3], paths: [[0], [1], [2], [0], [0], [1]]),
      Routes(name: "nobody inside", lengths: [2, 1], paths: [[1], [2], [1]]),
      Routes(name: "all on the costly path", lengths: [2, 1], paths: [[0], [0], [0]]),
      Routes(name: "all on the path of nothing", lengths: [3], paths: [[2], [2], [2]]),
      Routes(
        name: "two paths a row", lengths: [2, 2], paths: [[0, 1], [1, 2], [0, 2], [0, 1]]),
      Routes(name: "one row", lengths: [1], paths: [[0]]),
      Routes(name: "no row", lengths: [0], paths: []),
      Routes(name: "no group", lengths: [], paths: []),
    ]

    /// 0/1 of [rows, 3].
    var mask: [Double] { paths.flatMap { taken in (0..<3).map { taken.contains($0) ? 1 : 0 } } }

    /// 0/1 of [rows, 2]: what each row would take inside; the rows of `big` alternate.
    var innerMask: [Double] {
      var reached = 0
      return paths.flatMap { taken -> [Double] in
        guard taken.contains(0) else { return [0, 0] }
        reached += 1
        return reached % 2 == 1 ? [1, 0] : [0, 1]
      }
    }

    var reaching: Int { paths.filter { $0.contains(0) }.count }
  }

  // MARK: Gathered

  /// - Parameters:
  ///   - routes: forced selections; nil lets the scores of random numbers decide.
  ///   - isRecomputed: the backward pass computes the model again.
  init(gathered routes: Routes, forced: Bool = true, isRecomputed: Bool = false) throws {
    let rows = bench.addRows(routes.lengths)
    if isRecomputed { bench.graph.openRecomputedBlock() }
    let parts = try Parts(&bench, rows)
    if forced {
      bench.forced["route"] = ReferenceTensor([routes.paths.count, 3], routes.mask)
      let inner = routes.innerMask.enumerated().filter { routes.paths[$0.offset / 2].contains(0) }
      bench.forced["route.big.inner"] = ReferenceTensor(
        [routes.reaching, 2], inner.map(\.element))
    }
    let site = try bench.graph.addSite(
      name: "route", unit: "token", router: "TopK", selection: .top(1), scores: parts.scores)
    let weights = try bench.add(.binary(.multiply), parts.scores, bench.graph[site].mask)

    let big = try bench.graph.enterPath(site, name: "big", [parts.x, weights])
    let hidden = try parts.hidden(&bench, big[0])
    let inner = try gatheredInner(parts, hidden)
    let weight = try bench.add(.slice(start: 0, count: 1), big[1])
    let bigOutput = try bench.add(.binary(.multiply), inner, weight)
    bench.graph.leavePath()

    let pass = try bench.graph.enterPath(site, name: "pass", [parts.x])
    bench.graph.leavePath()
    _ = try bench.graph.enterPath(site, name: "none", [])
    bench.graph.leavePath()
    output = try bench.graph.join(site, outputs: [bigOutput, pass[0], nil]) ?? parts.x
    if isRecomputed { bench.graph.closeRecomputedBlock() }
    loss = try bench.weighted(output)
  }

  private mutating func gatheredInner(_ parts: Parts, _ hidden: ValueID) throws -> ValueID {
    let scores = try parts.innerScores(&bench, hidden)
    let site = try bench.graph.addSite(
      name: "route.big.inner", unit: "token", router: "TopK", selection: .top(1), scores: scores)
    let weights = try bench.add(.binary(.multiply), scores, bench.graph[site].mask)
    let left = try bench.graph.enterPath(site, name: "left", [hidden, weights])
    let product = try parts.left(&bench, left[0])
    let weight = try bench.add(.slice(start: 0, count: 1), left[1])
    let leftOutput = try bench.add(.binary(.multiply), product, weight)
    bench.graph.leavePath()
    let right = try bench.graph.enterPath(site, name: "right", [hidden])
    bench.graph.leavePath()
    return try bench.graph.join(site, outputs: [leftOutput, right[0]]) ?? hidden
  }

  // MARK: Dense

  init(dense routes: Routes) throws {
    let rows = bench.addRows(routes.lengths)
    let parts = try Parts(&bench, rows)
    let mask = try bench.input("mask", rows, [3], routes.mask, isVariable: false)
    let innerMask = try bench.input("inner", rows, [2], routes.innerMask, isVariable: false)
    let hidden = try parts.hidden(&bench, parts.x)
    let innerScores = try parts.innerScores(&bench, hidden)
    let left = try masked(parts.left(&bench, hidden), [innerScores, innerMask], 0)
    let right = try masked(hidden, [innerMask], 1)
    let inner = try bench.add(.binary(.add), left, right)
    let big = try masked(inner, [parts.scores, mask], 0)
    output = try bench.add(.binary(.add), big, masked(parts.x, [mask], 1))
    loss = try bench.weighted(output)
  }

  private mutating func masked(_ value: ValueID, _ factors: [ValueID], _ column: Int) throws
    -> ValueID
  {
    try factors.reduce(value) { product, factor in
      let column = try bench.add(.slice(start: column, count: 1), factor)
      return try bench.add(.binary(.multiply), product, column)
    }
  }

  /// What both ways of building share, in one order, so that both draw the same numbers.
  struct Parts {
    let x, scores: ValueID
    private let up, leftWeight, innerRouter: ValueID

    init(_ bench: inout Bench, _ rows: RowSetID) throws {
      x = try bench.input("x", rows, [width])
      let router = try bench.parameter("router", [width, 3])
      up = try bench.parameter("up", [width, width])
      innerRouter = try bench.parameter("innerRouter", [width, 2])
      leftWeight = try bench.parameter("left", [width, width])
      scores = try bench.add(.softmax, bench.graph.add(.plainMatmul, x, router))
    }

    func hidden(_ bench: inout Bench, _ x: ValueID) throws -> ValueID {
      try bench.add(.unary(.gelu), bench.graph.add(.plainMatmul, x, up))
    }

    func innerScores(_ bench: inout Bench, _ hidden: ValueID) throws -> ValueID {
      try bench.add(.softmax, bench.graph.add(.plainMatmul, hidden, innerRouter))
    }

    func left(_ bench: inout Bench, _ hidden: ValueID) throws -> ValueID {
      try bench.add(.plainMatmul, hidden, leftWeight)
    }
  }
}

extension Op {
  static let plainMatmul = Op.matmul(transposeA: false, transposeB: false)
}
