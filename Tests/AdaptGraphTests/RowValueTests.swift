import AdaptGraph
import Foundation
import Testing

/// The value of the ops that move rows, look across them, or lose them.
@Suite struct RowValueTests {
  @Test func positionsCountInEachGroup() throws {
    var bench = Bench()
    let x = try bench.input("x", bench.addRows([3, 0, 1, 2]), [1])
    expectClose(try bench.numbers(bench.add(.positions, x)), [0, 1, 2, 0, 0, 1])
  }

  @Test func gatherTakesRows() throws {
    var bench = Bench()
    let x = try bench.input("x", bench.addRows([3]), [2], [1, 2, 3, 4, 5, 6])
    let taken = bench.addRows([2], "taken")
    let index = try bench.ints("index", taken, [2, 2])
    expectClose(try bench.numbers(bench.add(.gather, x, index)), [5, 6, 5, 6])
  }

  @Test func scatterAddsRows() throws {
    var bench = Bench()
    let target = bench.addRows([3])
    let source = bench.addRows([3], "source")
    let y = try bench.input("y", source, [2], [1, 2, 3, 4, 5, 6])
    let index = try bench.ints("index", source, [2, 0, 2])
    let sum = try bench.add(.scatter(.rows(target)), y, index)
    expectClose(try bench.numbers(sum), [3, 4, 0, 0, 6, 8])
    let table = try bench.add(.scatter(.table(3)), y, index, y, index)
    expectClose(try bench.numbers(table), [6, 8, 0, 0, 12, 16])
  }

  @Test(arguments: [3.0, -1, .nan, .infinity, 1e300])
  func aRowThatDoesNotExistIsAnError(_ bad: Double) throws {
    var bench = Bench()
    let rows = bench.addRows([2])
    let x = try bench.input("x", rows, [2])
    let index = try bench.ints("index", rows, [0, 1])
    bench.inputs["index"]?.values[1] = bad
    for op in [Op.gather, .scatter(.table(2)), .scatter(.rows(rows)), .logLoss] {
      var broken = bench
      let y = try broken.graph.add(op, [x, index])[0]
      expectError(.invalid, containing: ["does not exist"]) { _ = try broken.numbers(y) }
    }
  }

  // MARK: Choice

  private func mask(_ selection: Selection, _ scores: [Double], paths: Int) throws -> [Double] {
    var bench = Bench()
    let rows = bench.addRows([scores.count / paths])
    let input = try bench.input("scores", rows, [paths], scores)
    let site = try bench.graph.addSite(
      name: "site", unit: "token", router: "R", selection: selection, scores: input)
    return try bench.numbers(bench.graph[site].mask)
  }

  @Test func topTakesTheBestAndTiesGoToTheLowerIndex() throws {
    let scores = [0.1, 0.7, 0.2, 0.4, 0.4, 0.2]
    expectClose(try mask(.top(1), scores, paths: 3), [0, 1, 0, 1, 0, 0])
    expectClose(try mask(.top(2), scores, paths: 3), [0, 1, 1, 1, 1, 0])
    expectClose(try mask(.top(9), scores, paths: 3), [1, 1, 1, 1, 1, 1])
    expectClose(try mask(.all, scores, paths: 3), [1, 1, 1, 1, 1, 1])
    expectClose(try mask(.top(1), [0, 0, 0, -0.0, -0.0, 0], paths: 3), [1, 0, 0, 1, 0, 0])
  }

  @Test(arguments: [0, -1]) func topOfNoneTakesNone(_ count: Int) throws {
    expectClose(try mask(.top(count), [0.1, 0.9], paths: 2), [0, 0])
  }

  /// A router that has diverged must not leave a row with more or fewer paths than its rule says.
  @Test func scoresThatAreNoNumbersStillChooseAsManyPaths() throws {
    let found = try mask(.top(2), [.nan, .nan, .nan, 0.1, .nan, 0.3], paths: 3)
    #expect(found.prefix(3).reduce(0, +) == 2)
    #expect(found.suffix(3).reduce(0, +) == 2)
  }

  @Test func membersKeepGroupsAndPositions() throws {
    var bench = Bench()
    let rows = bench.addRows([3, 1, 2])
    let scores = try bench.input(
      "scores", rows, [2], [1, 0, 0, 1, 1, 0, 0, 1, 0, 1, 1, 0])
    let site = try bench.graph.addSite(
      name: "site", unit: "token", router: "R", selection: .top(1), scores: scores)
    _ = try bench.graph.enterPath(site, name: "a", [])
    let path = bench.graph[site].paths[0]
    let run = try bench.run()
    expectClose(try run.value(path.index).values, [0, 2, 5])
    #expect(
      run.rows[path.rows.index] == ReferenceRows(offsets: [0, 2, 2, 3], positions: [0, 2, 1]))
  }

  // MARK: Across rows

  /// One head of one column: scores are q·k, so logarithms give weights of 1/4 and 3/4.
  private func attention(_ lengths: [Int], causal: Bool) throws -> (Bench, [ValueID]) {
    var bench = Bench()
    let rows = bench.addRows(lengths)
    let q = try bench.input("q", rows, [1], [1, 0])
    let k = try bench.input("k", rows, [1], [0, log(3)])
    let v = try bench.input("v", rows, [1], [10, 20])
    let outputs = try bench.graph.add(.attention(heads: 1, causal: causal), [q, k, v])
    return (bench, [q, k, v] + outputs)
  }

  @Test func attentionWeighsTheRowsOfAGroup() throws {
    var (bench, values) = try attention([2], causal: false)
    expectClose(try bench.numbers(values[3]), [17.5, 15])
    expectClose(try bench.numbers(values[4]), [log(4), log(2)])
  }

  @Test func causalAttentionLooksBack() throws {
    var (bench, values) = try attention([2], causal: true)
    expectClose(try bench.numbers(values[3]), [10, 15])
  }

  @Test func attentionStaysInItsGroup() throws {
    var (bench, values) = try attention([1, 0, 1], causal: false)
    expectClose(try bench.numbers(values[3]), [10, 20])
  }

  @Test func attentionScalesByTheRootOfTheHeadSize() throws {
    var bench = Bench()
    let rows = bench.addRows([2])
    // Two heads of four columns: a product of 2·log 3 over √4.
    let q = try bench.input("q", rows, [8], [2, 0, 0, 0] + zeros(12))
    let k = try bench.input("k", rows, [8], zeros(8) + [log(3), 0, 0, 0] + zeros(4))
    let v = try bench.input("v", rows, [8], [10, 0, 0, 0, 1, 0, 0, 0, 20, 0, 0, 0, 3, 0, 0, 0])
    let y = try bench.graph.add(.attention(heads: 2, causal: false), [q, k, v])
    expectClose(
      try bench.numbers(y[0]), [17.5, 0, 0, 0, 2, 0, 0, 0, 15, 0, 0, 0, 2, 0, 0, 0])
    expectClose(try bench.numbers(y[1]), [log(4), log(2), log(2), log(2)])
  }

  private func zeros(_ count: Int) -> [Double] { Array(repeating: 0, count: count) }

  @Test func attentionGradientByHand() throws {
    var (bench, values) = try attention([2], causal: false)
    let dy = try bench.input("dy", RowSetID(0), [1], [1, 0])
    let gradients = try bench.graph.add(
      .attentionGradient(heads: 1, causal: false), [dy] + values)
    // The scores' gradients are weight·(value − output): ¼·(10 − 17.5) and ¾·(20 − 17.5).
    expectClose(try bench.numbers(gradients[0]), [1.875 * log(3), 0])
    expectClose(try bench.numbers(gradients[1]), [-1.875, 1.875])
    expectClose(try bench.numbers(gradients[2]), [0.25, 0.75])
  }

  // MARK: Losses

  @Test func logLossIsTheTargetsSurprise() throws {
    var bench = Bench()
    let rows = bench.addRows([2])
    let logits = try bench.input("logits", rows, [2], [0, log(3), 1000, 1000])
    let targets = try bench.ints("targets", rows, [1, 0])
    let losses = try bench.graph.add(.logLoss, [logits, targets])
    expectClose(try bench.numbers(losses[0]), [0.28768207245178085, 0.6931471805599453])
    expectClose(try bench.numbers(losses[1]), [log(4), 1000.6931471805599])
    let dy = try bench.input("dy", rows, [], [2, 1])
    let gradient = try bench.add(.logLossGradient, dy, logits, targets, losses[1])
    expectClose(try bench.numbers(gradient), [0.5, -0.5, -0.5, 0.5])
  }
}
