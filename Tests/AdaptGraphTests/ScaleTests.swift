import AdaptGraph
import Testing

/// What is done with a graph takes time in proportion to it.
///
/// Sixteen times the nodes may take 100 times as long on a busy machine; a square law takes 256
/// times.
@Suite(.serialized) struct ScaleTests {
  /// A chain of layers, a site every ten of them.
  private func chain(_ length: Int) throws -> (graph: Graph, loss: ValueID, targets: [ValueID]) {
    var graph = Graph()
    let rows = graph.addRows(label: "token", grouping: nil)
    var x = try graph.add(.input("x", TensorType(rows: rows, [4])))
    var targets: [ValueID] = []
    for number in 0..<length / 5 {
      graph.scope = "blocks[\(number)]"
      let info = ParameterInfo(
        name: "blocks[\(number)].w", shape: [4, 4], initial: .normal(1))
      targets.append(try graph.parameter(info))
      #expect(try graph.parameter(info) == targets[number])
      let site =
        try number % 10 == 0
        ? graph.addSite(
          name: graph.scope, unit: "token", router: "R", selection: .all,
          scores: graph.add(.slice(start: 0, count: 1), x)) : nil
      let inside = try site.map { try graph.enterPath($0, name: "only", [x])[0] } ?? x
      var y = try graph.add(.plainMatmul, inside, targets[number])
      y = try graph.add(.unary(.tanh), y)
      y = try graph.add(.binary(.add), inside, y)
      if let site {
        graph.leavePath()
        y = try graph.join(site, outputs: [y]) ?? y
      }
      x = try graph.add(.normalize(.rms, epsilon: 0.1), [y])[0]
    }
    let sum = try graph.add(.sumColumns(mean: false), graph.add(.sumRows(mean: true), x))
    let loss = try graph.add(.reshape([]), sum)
    return (graph, loss, targets)
  }

  private struct Times { var build, gradient, verify, passes, cost: Duration }

  private func measure(_ length: Int) throws -> Times {
    let clock = ContinuousClock()
    var (graph, loss, targets) = try chain(length)
    let build = try clock.measure { (graph, loss, targets) = try chain(length) }
    var gradients: [ValueID?] = []
    let gradient = try clock.measure {
      gradients = try graph.gradient(of: loss, withRespectTo: targets)
    }
    let verify = try clock.measure { try graph.verify() }
    let cost = try clock.measure { _ = try graph.expectedCost(of: loss, length: 1) }
    var program = GraphProgram(graph: graph, outputs: [loss] + gradients.compactMap { $0 })
    let passes = try clock.measure { try program.optimize() }
    return Times(build: build, gradient: gradient, verify: verify, passes: passes, cost: cost)
  }

  /// The least of three: a busy machine only ever adds.
  private func least(_ length: Int) throws -> Times {
    let runs = try (0..<3).map { _ in try measure(length) }
    func least(_ time: (Times) -> Duration) -> Duration { runs.map(time).min() ?? .zero }
    return Times(
      build: least(\.build), gradient: least(\.gradient), verify: least(\.verify),
      passes: least(\.passes), cost: least(\.cost))
  }

  @Test func timeGrowsWithTheGraph() throws {
    let (short, long) = (try least(1000), try least(16_000))
    for (name, time) in [
      ("building", \Times.build), ("gradient", \.gradient), ("verifying", \.verify),
      ("passes", \.passes), ("cost", \.cost),
    ] {
      let (a, b) = (short[keyPath: time], long[keyPath: time])
      #expect(b < a * 100, "\(name): \(a) for 1000 nodes, \(b) for 16000")
    }
  }
}
