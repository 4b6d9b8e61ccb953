import Adapt
import AdaptGraph
import AdaptInterpreter
import AdaptRuntime
import AdaptTensor
import Foundation
import Testing

/// Combinations of paths that share what they have in common, against a run for each.
@Suite struct OracleTreeTests {
  private struct Bench {
    let executor: Executor
    let parameters = ParameterStore(seed: 3)
    let model: ModelGraph
    var sites: [Site] { executor.graph.sites }

    init(_ form: ModelForm) throws {
      var model = try form.model()
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

  @Test(arguments: ModelForm.cuttable, [1, 40, OracleTree.partRows])
  func combinationsAreWhatEachRunGives(_ form: ModelForm, _ rows: Int) throws {
    let bench = try Bench(form)
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

  @Test(arguments: ModelForm.uncuttable) func otherModelsAreNotCut(_ form: ModelForm) throws {
    let bench = try Bench(form)
    #expect(OracleTree(bench.executor, bench.sites) == nil)
  }

  @Test func aSiteThatIsAlwaysTheSameStays() throws {
    let bench = try Bench(ModelForm.cuttable[0])
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
  @Test(arguments: ModelForm.cuttable[..<3] + [.uncuttable[0], .uncuttable[3]], [nil, 0.8])
  func labelsAreThoseOfTheBestCombination(_ form: ModelForm, _ budget: Double?) throws {
    let bench = try Bench(form)
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
