import AdaptRuntime
import AdaptTensor
import Testing

/// What goes wrong where something is decided.
@Suite struct RouterErrorTests {
  /// The row counts in the batch, though the site sees every other row only.
  @Test func aScoreThatIsNotFiniteNamesSiteStepAndRowOfTheBatch() throws {
    let bench = try RouterBench(
      """
      router ByToken() { select top(1, of: oneHot(tokens(score) mod 2, 2)) }
      model M() {
        Embedding(4, 3)
        route each token by ByToken() {
          even { Linear(4) }
          odd { route each token by TopK(1) { a { Linear(4) }  b { Linear(4) } } }
        }
      }
      """)
    try bench.parameters.ensure(bench.model)
    bench.parameters["embedding.table"] = try Tensor(
      [4, 3], [1, 1, 1, 1, 1, 1, 1, 1, 1, .nan, 1, 1])
    let trainer = try bench.trainer()
    let batch = RouterBench.batch([3, 3], [0, 1, 2, 1, 3, 0], targets: [0, 0, 0, 0, 0, 0])
    #expect(
      throws: RuntimeError.notFinite(place: "a score of route.odd.route in step 1", row: 4)
    ) { try trainer.step(batch) }
  }

  static let selections = [
    "top(1)", "top(1, of: noise(score))", "top(1, capacity: 1)",
    "top(2, capacity: 1, first: \"score\")", "all", "none", "above(0)", "best(50%)", "best(2)",
    "best(50%, among: \"batch\")", "pairs(50%)", "pairs(2)", "pairs(50%, among: \"batch\")",
    "score > 0", "given(score > 0, capacity: 50%)",
    "given(score, capacity: 50%, first: \"score\")",
  ]

  /// Whatever the rule, and whether it looks at the scores or not: weights would be no numbers.
  @Test(arguments: selections, [Float.nan, .infinity])
  func aScoreThatIsNotFiniteIsFoundUnderEveryRule(_ selection: String, _ bad: Float) throws {
    let bench = try RouterBench(
      """
      router Rule() { scores { Linear(paths) }  select \(selection)  weigh score }
      model M() {
        Embedding(4, 3)
        residual { route each token by Rule() { a { Linear(3) }  b { Linear(3) } } }
        Linear(4)
      }
      """)
    try bench.parameters.ensure(bench.model)
    bench.parameters["embedding.table"] = try Tensor(
      [4, 3], [1, 1, 1, 1, 1, 1, 1, 1, 1, bad, 1, 1])
    let trainer = try bench.trainer()
    let batch = RouterBench.batch([3, 3], [0, 1, 2, 1, 3, 0], targets: [0, 0, 0, 0, 0, 0])
    #expect(throws: RuntimeError.notFinite(place: "a score of route in step 1", row: 4)) {
      try trainer.step(batch)
    }
  }

  /// The place says which round of a loop it was: tokens 1 and 2 fall below 0 in the second.
  @Test(arguments: ["last", "average", "expected", "sample", "concat"])
  func aLoopNamesTheRound(_ join: String) throws {
    let bench = try RouterBench(
      """
      router Logs() {
        scores { { x in 0.01 * log(slice(x, 0, 1)) } }
        select none
        weigh score
      }
      model M() {
        Embedding(4, 2)
        loop up to 4 each token until Logs() { { x in x - 1 } } join \(join)
        Linear(4)
      }
      """)
    try bench.parameters.ensure(bench.model)
    bench.parameters["embedding.table"] = try Tensor([4, 2], [9, 9, 1.5, 1.5, 9, 9, 9, 9])
    let trainer = try bench.trainer()
    let batch = RouterBench.batch([3, 3], [0, 2, 3, 2, 1, 0], targets: [0, 0, 0, 0, 0, 0])
    #expect(
      throws: RuntimeError.notFinite(place: "a score of loop[1].halt in step 1", row: 4)
    ) { try trainer.step(batch) }
  }
}
