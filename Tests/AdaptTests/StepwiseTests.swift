import Adapt
import AdaptGraph
import AdaptInterpreter
import AdaptRuntime
import AdaptTensor
import Foundation
import Testing

/// Rows that are run as they come against the same rows in whole sequences.
@Suite struct StepwiseTests {
  /// What tests of generation write with.
  static let written: [ModelForm] = [.plain, .share, .route, .convolution]

  private struct Bench {
    let model: ModelGraph
    let executor: Executor
    let parameters = ParameterStore(seed: 3)
    let columns = 16

    init(_ form: ModelForm) throws {
      model = try form.model()
      try parameters.ensure(model)
      executor = try Executor(model.graph, outputs: [model.output], cpu: CPU(threads: 2))
    }

    /// Rows `ranges[s]` of each sequence s, whose tokens follow from place and sequence.
    func batch(_ ranges: [Range<Int>]) -> Batch {
      let tokens = ranges.enumerated().flatMap { sequence, range in
        range.map { Int32(($0 * 7 + sequence * 3 + $0 * $0 / 5) % 16) }
      }
      return Batch(layout: RowLayout(lengths: ranges.map(\.count)), ints: ["input": tokens])
    }

    /// The logits of each row of each sequence.
    func rows(_ ranges: [Range<Int>]) -> [[[Float]]] {
      var start = 0
      let values = executor.floats(0)
      return ranges.map { range in
        range.map { _ in
          defer { start += columns }
          return Array(values[start..<start + columns])
        }
      }
    }
  }

  private static let lengths = [11, 4, 14]
  /// Where the parts end in which the rows come: prompts at once, then a row or a few, and sequences that
  /// begin late and end early.
  private static let ends = [
    [3, 1, 0], [4, 2, 6], [5, 3, 7], [6, 4, 9], [7, 4, 10], [11, 4, 14],
  ]

  @Test(arguments: ModelForm.steppable) func rowsAsTheyComeEqualTheWhole(_ form: ModelForm) throws {
    let bench = try Bench(form)
    let all = Self.lengths.map { 0..<$0 }
    try bench.executor.run(bench.batch(all), bench.parameters)
    let expected = bench.rows(all)
    let obstacle = bench.executor.graph.wholeNode(for: bench.executor.outputs)
    let steps = try #require(
      StepwiseRun(bench.executor, sequences: 3), "\(String(describing: obstacle))")
    // Twice: forgotten sequences begin anew.
    for _ in 0..<2 {
      var before = [0, 0, 0]
      for ends in Self.ends {
        let ranges = zip(before, ends).map { $0..<$1 }
        try steps.run(bench.batch(ranges), bench.parameters)
        expectEqual(bench.rows(ranges), ranges, expected)
        before = ends
      }
      #expect(steps.lengths == Self.lengths)
      steps.forget()
    }
  }

  private func expectEqual(_ found: [[[Float]]], _ ranges: [Range<Int>], _ expected: [[[Float]]]) {
    for (sequence, range) in ranges.enumerated() {
      for (place, row) in range.enumerated() {
        // Products and attention of few rows add in another order.
        let off = zip(found[sequence][place], expected[sequence][row]).map { abs($0 - $1) }.max()
        #expect(off ?? 1 < 1e-5, "row \(row) of sequence \(sequence)")
      }
    }
  }

  @Test(arguments: ModelForm.unsteppable) func otherModelsNeedTheWhole(_ form: ModelForm) throws {
    #expect(StepwiseRun(try Bench(form).executor, sequences: 1) == nil)
  }

  @Test func policiesThatCountUnitsNeedTheWhole() throws {
    let lines = "route each token by TopK(1) { a { Linear(8) } b { zero } }"
    let bench = try Bench(ModelForm(name: "a route", lines: lines))
    let site = try #require(bench.executor.graph.sites.first).name
    for policy in [Policy.uniform, .random(seed: 1), .budget(0.5), .replay([1, 0])] {
      #expect(StepwiseRun(bench.executor, sequences: 1, policies: [site: policy]) == nil)
    }
    for policy in [Policy.learned, .always("a")] {
      #expect(StepwiseRun(bench.executor, sequences: 1, policies: [site: policy]) != nil)
    }
  }

  @Test(arguments: written)
  func generationWritesWhatWholeRunsWrite(_ form: ModelForm) throws {
    let model = try form.model(classes: 256)
    let parameters = ParameterStore(seed: 3)
    try parameters.ensure(model)
    // Beyond the window of 12 the context moves.
    let window = 12
    let cpu = CPU(threads: 1)
    let written = try Generator(model, window: window, cpu: cpu)
      .generate(after: Array("In the".utf8), count: 14, temperature: 1, seed: 5, parameters)
    var context = Array("In the".utf8)
    for (place, byte) in written.bytes.enumerated() {
      let seen = Array(context.suffix(window))
      let routed = try Generator(model, window: window, cpu: cpu).routes(of: seen, parameters)
      #expect(abs(written.costs[place] - routed.costs[seen.count - 1]) < 1e-9)
      for (ours, theirs) in zip(written.sites, routed.sites) {
        #expect(ours.taken[place] == theirs.taken[seen.count - 1])
      }
      context.append(byte)
    }
    #expect(written.bytes == (try wholeText(model, parameters, window, count: 14)))
  }

  /// Prompts of several lengths, some beyond the window, some that are done before the others.
  @Test(arguments: written, [0, 1])
  func textsSideBySideAreThoseWrittenAlone(_ form: ModelForm, _ temperature: Double) throws {
    let bench = try Bench(form)
    let tasks = [("In the", 9), ("A", 3), ("", 5), ("And God said, Let", 4), ("x", 0)].enumerated()
      .map { number, text in
        WritingTask(
          after: text.0.utf8.map { $0 % 16 }, count: text.1, seed: UInt64(number) + 5)
      }
    let generator = try Generator(bench.model, window: 12, cpu: CPU(threads: 2))
    var written: [Int] = []
    let texts = try generator.generate(tasks, temperature: temperature, bench.parameters) {
      written.append($0)
    }
    #expect(written == Array(1...21))
    for (task, text) in zip(tasks, texts) {
      let alone = try generator.generate(
        after: task.prompt, count: task.count, temperature: temperature, seed: task.seed,
        bench.parameters)
      #expect(text.bytes == alone.bytes && text.bytes.count == task.count)
      #expect(zip(text.costs, alone.costs).allSatisfy { abs($0 - $1) < 1e-9 })
      #expect(text.sites.map(\.taken) == alone.sites.map(\.taken))
    }
  }

  @Test func aTextThatIsStoppedStopsAll() throws {
    let bench = try Bench(.plain)
    let generator = try Generator(bench.model, window: 12, cpu: CPU(threads: 1))
    let tasks = [1, 2].map { WritingTask(after: [1], count: 4, seed: $0) }
    #expect(throws: CancellationError.self) {
      try generator.generate(tasks, temperature: 0, bench.parameters) {
        if $0 == 3 { throw CancellationError() }
      }
    }
  }

  /// What is written when every byte is drawn from a run over the whole window.
  private func wholeText(
    _ model: ModelGraph, _ parameters: ParameterStore, _ window: Int, count: Int
  ) throws -> [UInt8] {
    let executor = try Executor(model.graph, outputs: [model.output], cpu: CPU(threads: 1))
    var (random, context) = (Philox(seed: 5, stream: "generate"), Array("In the".utf8))
    let prompt = context.count
    for _ in 0..<count {
      let seen = context.suffix(window)
      try executor.run(
        Batch(
          layout: RowLayout(groups: 1, length: seen.count), ints: ["input": seen.map(Int32.init)]),
        parameters)
      let logits = executor.floats(0).suffix(256).map(Double.init)
      let top = logits.max() ?? 0
      var rest =
        Double(random.uniform()) * logits.reduce(0) { $0 + exp($1 - top) }
      context.append(
        UInt8(
          logits.firstIndex {
            rest -= exp($0 - top)
            return rest < 0
          } ?? 0))
    }
    return Array(context.dropFirst(prompt))
  }

  /// Units that are no bytes: parts of one, and all of a text.
  @Test(arguments: [
    """
    { x in
      let y = rearrange(x, "token (head e) -> token head e", head: 4)
      let z = y >> route each head by TopK(1) { a { Linear(2) } b { Linear(2) } }
      rearrange(z, "token head e -> token (head e)")
    }
    """,
    "route each sequence by TopK(1) { a { Linear(8) } b { Linear(8) } }",
  ])
  func everyByteHasItsShareOfUnits(_ lines: String) throws {
    let bench = try Bench(ModelForm(name: "units", lines: lines))
    let routed = try Generator(bench.model, window: 16, cpu: CPU(threads: 1))
      .routes(of: [1, 2, 3, 4, 5], bench.parameters)
    // Both paths cost the same, so every byte costs what it could.
    #expect(routed.costs.count == 5)
    for cost in routed.costs { #expect(abs(cost - 1) < 1e-9) }
    #expect(routed.sites.count == 1 && routed.sites[0].taken.allSatisfy { $0 >= 0 })
  }

  @Test func wrongRowsAreRefusedAndForgotten() throws {
    let bench = try Bench(.plain)
    let steps = try #require(StepwiseRun(bench.executor, sequences: 2))
    #expect(throws: RuntimeError.self) {
      try steps.run(bench.batch([0..<2]), bench.parameters)
    }
    try steps.run(bench.batch([0..<2, 0..<3]), bench.parameters)
    #expect(steps.lengths == [2, 3] && steps.memory > 0)
    // The table of positions ends at 64.
    #expect(throws: RuntimeError.self) {
      try steps.run(bench.batch([2..<70, 3..<4]), bench.parameters)
    }
    #expect(steps.lengths == [0, 0] && steps.memory == 0)
  }
}
