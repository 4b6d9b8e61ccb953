import Adapt
import AdaptGraph
import AdaptInterpreter
import AdaptRuntime
import AdaptTensor
import Foundation
import Testing

/// Combinations of paths that share what they have in common, against a run for each.
@Suite struct OracleTreeTests {
  /// A flow that takes and gives `[token, 8]`.
  struct Form: Sendable, CustomTestStringConvertible {
    let name: String
    let lines: String
    var testDescription: String { name }
  }

  static let attention = "residual { Norm(); Attention(2, causal: true) }"
  static let duo =
    "residual { Norm(); route each token by TopK(1) { a { FFN(16) } b { Linear(8) } c { zero } } }"

  static let apart = [
    Form(name: "two sites", lines: "\(duo); \(attention); \(duo)"),
    Form(
      name: "attention and delay on paths",
      lines: """
        route each token by TopK(1) { a { \(attention) } b { { x in delay(x, 1) } } }
        \(attention); \(duo)
        """),
    Form(
      name: "a sequence decides",
      lines: "route each sequence by TopK(1) { a { \(attention) } b { pass } }; \(duo)"),
    Form(
      name: "heads decide",
      lines: """
        { x in
          let y = rearrange(x, "token (head e) -> token head e", head: 2)
          let z = y >> route each head by TopK(1) { a { Linear(4) } b { tanh } }
          rearrange(z, "token head e -> token (head e)")
        }; \(attention); \(duo)
        """),
    Form(
      name: "experts and a share that is kept",
      lines: "keep 50% of token by Half() { Linear(8) } else { pass }; \(attention); \(duo)"),
    Form(
      name: "two paths a token",
      lines: "route each token by TopK(2) { a { Linear(8) } b { tanh } }; \(attention); \(duo)"),
  ]

  static let joined = [
    Form(
      name: "a site on a path", lines: "route each token by TopK(1) { a { \(duo) } b { pass } }"),
    Form(
      name: "a site in a scan",
      lines: """
        scan over token carrying (h = zeros(8)) {
          { row in
            h = (row + 0.5 * h) >> route each token by TopK(1) { a { Linear(8) } b { tanh } }
            h
          }
        }
        """),
    Form(name: "a mean over all rows", lines: "{ x in x - mean(x) }; \(duo)"),
    Form(name: "a recurrent layer", lines: "\(duo); residual { GRU(8) }"),
  ]

  private struct Bench {
    let executor: Executor
    let parameters = ParameterStore(seed: 3)
    let model: ModelGraph
    var sites: [Site] { executor.graph.sites }

    init(_ lines: String) throws {
      let engine = Engine()
      let script = """
        router Half() { scores { Linear(1) >> sigmoid }  select best(50%)  weigh score }
        model M() { Embedding(16, 8) >> Positions(limit: 64); \(lines); Norm() >> Linear(16) }
        let m = M()
        """
      try engine.run(Array(script.utf8), name: "form.adapt")
      guard case .flow(let flow)? = engine.interpreter["m"] else {
        throw RuntimeError.badInput("the script binds no model")
      }
      var model = try engine.interpreter.trace(flow, input: .tokens, mode: .inference)
      self.model = model
      try parameters.ensure(model)
      let target = try model.addTarget()
      let losses = try model.graph.add(.logLoss, [model.output, target])[0]
      executor = try Executor(model.graph, outputs: [losses, model.output], cpu: CPU(threads: 2))
    }

    /// Sequences of these lengths.
    func data(_ lengths: [Int]) -> RowData {
      let rows = lengths.reduce(0, +)
      func column(_ step: Int) -> RowColumn {
        RowColumn(
          lengths: lengths, dims: [], ints: (0..<rows).map { Int32(($0 * step + $0 * $0 / 5) % 16) }
        )
      }
      return RowData(
        name: "rows", format: .tokens(length: 8), input: column(7), target: column(3),
        units: 0..<lengths.count)
    }

    /// Bits a row of each sequence in the last run.
    func bits(_ lengths: [Int]) -> [Double] {
      var losses = executor.floats(0)[...]
      return lengths.map { length in
        defer { losses = losses.dropFirst(length) }
        return losses.prefix(length).reduce(0) { $0 + Double($1) / log(2) } / Double(length)
      }
    }

    /// One path a site in every way, the last site changing fastest.
    var combinations: [[String: Policy]] {
      sites.reduce([[:]]) { all, site in
        all.flatMap { start in
          site.paths.map { start.merging([site.name: .always($0.name)]) { $1 } }
        }
      }
    }
  }

  private static let lengths = [7, 3, 9, 1]

  @Test(arguments: apart, [1, 40, OracleTree.partRows])
  func combinationsAreWhatEachRunGives(_ form: Form, _ rows: Int) throws {
    let bench = try Bench(form.lines)
    let data = bench.data(Self.lengths)
    let batch = data.batch(0..<data.count)
    let tree = try #require(OracleTree(bench.executor, bench.sites, rows: rows))
    var done: [Int] = []
    let result = try tree.run(batch, bench.parameters) { done.append($0) }
    #expect(result.losses.count == bench.combinations.count)
    #expect(done.last == result.losses.count && done == done.sorted())
    var total = 0.0
    for (number, policies) in bench.combinations.enumerated() {
      try bench.executor.run(batch, bench.parameters, policies: policies)
      let losses = bench.bits(Self.lengths)
      for (ours, theirs) in zip(result.losses[number], losses) {
        #expect(abs(ours - theirs) <= 1e-5 * abs(theirs))
      }
      #expect(result.losses[number].count == losses.count)
      #expect(result.flops[number] == bench.executor.flops(for: [1]))
      total += bench.executor.flops(for: [0])
    }
    #expect(result.executed < total)
  }

  @Test(arguments: joined) func otherModelsAreNotCut(_ form: Form) throws {
    let bench = try Bench(form.lines)
    #expect(OracleTree(bench.executor, bench.sites) == nil)
  }

  @Test func aSiteThatIsAlwaysTheSameStays() throws {
    let bench = try Bench("\(Self.duo); \(Self.attention); \(Self.duo)")
    let data = bench.data(Self.lengths)
    let batch = data.batch(0..<data.count)
    let fixed = [bench.sites[0].name: Policy.always("b")]
    let tree = try #require(OracleTree(bench.executor, [bench.sites[1]], fixed: fixed))
    let result = try tree.run(batch, bench.parameters) { _ in }
    for (number, path) in bench.sites[1].paths.enumerated() {
      let policies = fixed.merging([bench.sites[1].name: .always(path.name)]) { $1 }
      try bench.executor.run(batch, bench.parameters, policies: policies)
      #expect(
        zip(result.losses[number], bench.bits(Self.lengths)).allSatisfy { abs($0 - $1) < 1e-5 })
      #expect(result.flops[number] == bench.executor.flops(for: [1]))
    }
    // What another site decides by itself is not known before it runs.
    #expect(
      OracleTree(bench.executor, [bench.sites[1]], fixed: [bench.sites[0].name: .learned]) == nil)
  }

  /// The oracle gives the same labels whether combinations share or not.
  @Test(arguments: [apart[0], apart[1], apart[2], joined[0], joined[3]], [nil, 0.8])
  func labelsAreThoseOfTheBestCombination(_ form: Form, _ budget: Double?) throws {
    let bench = try Bench(form.lines)
    let data = bench.data(Self.lengths)
    let batch = data.batch(0..<data.count)
    let oracle = try Oracle(bench.model, each: .sequence, length: 8, cpu: CPU(threads: 1))
    let found = try oracle.search(data, bench.parameters, windows: data.count, budget: budget)
    var best = Array(repeating: (loss: Double.infinity, names: [String]()), count: data.count)
    for policies in bench.combinations {
      try bench.executor.run(batch, bench.parameters, policies: policies)
      for (sequence, loss) in bench.bits(Self.lengths).enumerated() {
        guard loss < best[sequence].loss else { continue }
        best[sequence] = (
          loss,
          bench.sites.map { site in
            if case .always(let name)? = policies[site.name] { name } else { "" }
          }
        )
      }
    }
    #expect(found.operations > 0)
    if budget == nil { #expect(found.labels == best.map(\.names)) }
    #expect(found.best.executedShare <= (budget ?? 1) + 1e-12)
  }
}
