import AdaptGraph
import Foundation
import Testing

/// What is done with a graph takes time in proportion to it.
///
/// Sixteen times the nodes may take 32 times as long, for caches; a square law takes up to 256 times.
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

  /// Seconds of this thread's processor time, which other work on the machine does not add to.
  private struct Times { var build, gradient, verify, passes, cost: Double }

  private func seconds(_ body: () throws -> Void) rethrows -> Double {
    func now() -> Double {
      var time = timespec()
      clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
      return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }
    let start = now()
    try body()
    return now() - start
  }

  private func measure(_ length: Int) throws -> Times {
    var (graph, loss, targets) = try chain(length)
    let build = try seconds { (graph, loss, targets) = try chain(length) }
    var gradients: [ValueID?] = []
    let gradient = try seconds {
      gradients = try graph.gradient(of: loss, withRespectTo: targets)
    }
    let verify = try seconds { try graph.verify() }
    let cost = try seconds { _ = try graph.expectedCost(of: loss, length: 1) }
    var program = GraphProgram(graph: graph, outputs: [loss] + gradients.compactMap { $0 })
    let passes = try seconds { try program.optimize() }
    return Times(build: build, gradient: gradient, verify: verify, passes: passes, cost: cost)
  }

  /// What disturbs a run only ever adds: the least of several counts, and no more are made than are
  /// needed to keep the bound.
  @Test func timeGrowsWithTheGraph() throws {
    var open: [(name: String, time: KeyPath<Times, Double> & Sendable)] = [
      ("building", \.build), ("gradient", \.gradient), ("verifying", \.verify),
      ("passes", \.passes), ("cost", \.cost),
    ]
    var (short, long): ([Times], [Times]) = ([], [])
    func least(_ runs: [Times], _ time: KeyPath<Times, Double>) -> Double {
      runs.map { $0[keyPath: time] }.min() ?? 0
    }
    for _ in 0..<8 where !open.isEmpty {
      short.append(try measure(1000))
      long.append(try measure(16000))
      open.removeAll { least(long, $0.time) < least(short, $0.time) * 32 }
    }
    for (name, time) in open {
      let (a, b) = (least(short, time), least(long, time))
      Issue.record("\(name): \(a) s for 1000 nodes, \(b) s for 16000")
    }
  }
}
