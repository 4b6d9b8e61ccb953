import Adapt
import AdaptGraph
import AdaptInterpreter
import AdaptRuntime
import AdaptTensor
import Foundation
import Testing

/// Rows that are run as they come against the same rows in whole sequences.
@Suite struct StepwiseTests {
  /// A flow that takes and gives `[token, 8]`.
  struct Form: Sendable, CustomTestStringConvertible {
    let name: String
    let lines: String

    var testDescription: String { name }
  }

  static let attention = "residual { Norm(); Attention(2, causal: true) }"

  /// Whatever decides by a unit alone and looks at earlier rows only.
  static let causal = [
    Form(name: "attention", lines: attention),
    Form(
      name: "route",
      lines: "route each token by TopK(1) { a { \(attention) } b { Linear(8) } c { zero } }"),
    Form(
      name: "top 2, always, experts",
      lines:
        "route each token by TopK(2) { always s { \(attention) } 2 experts { FFN(4) } c { pass } }"),
    Form(
      name: "route, else",
      lines: "route each token by Gate() { a { \(attention) } else { FFN(4) } }"),
    Form(
      name: "keep above",
      lines: "keep above 0.5 of token by Gate() { \(attention) } else { FFN(4) }"),
    Form(name: "loop", lines: "loop 2 { \(attention) }"),
    Form(
      name: "until, average",
      lines: "loop up to 3 each token until Act() { \(attention) } join average"),
    Form(
      name: "exit",
      lines:
        "\(attention); exit each token when confidence > 0.065 through Linear(16); \(attention)"),
    Form(
      name: "cascade",
      lines:
        "cascade each token { s { \(attention) } accept when margin > 0.001  big { \(attention) } }"
    ),
    Form(name: "reuse", lines: "loop 3 { reuse each token when distance < 0.9 { \(attention) } }"),
    Form(name: "delay", lines: "{ x in x + delay(x, 2) + previous(x) }; \(attention)"),
    Form(
      name: "delay on a path",
      lines: "route each token by TopK(1) { a { { x in delay(x, 1) } } b { pass } }"),
    Form(name: "delay beyond all", lines: "{ x in x + delay(x, 1000000) }"),
    Form(
      name: "convolution", lines: "residual { Conv1D(8, kernel: 3, dilation: 2) }; Conv1D(8, 2)"),
    Form(name: "convolution beyond all", lines: "Conv1D(8, kernel: 3, dilation: 60000)"),
    Form(
      name: "convolution of channels apart, on a path",
      lines: "route each token by TopK(1) { a { Conv1D(8, kernel: 4, groups: 8) } b { pass } }"),
    Form(name: "RNN", lines: "residual { RNN(8) }; \(attention)"),
    Form(
      name: "GRU on a path", lines: "route each token by TopK(1) { a { GRU(8) } b { LSTM(8) } }"),
    Form(
      name: "sites in a scan",
      lines: """
        scan over token carrying (h = zeros(8)) {
          { row in
            h = (row + 0.5 * h) >> route each token by TopK(1) { a { Linear(8) } b { tanh } }
            h
          }
        }
        """),
    Form(name: "nested width", lines: "residual { FFN(16, width: 50%) }; \(attention)"),
    Form(
      name: "an axis decides",
      lines: """
        { x in
          let y = rearrange(x, "token (head e) -> token head e", head: 2)
          let z = y >> keep top 1 of head each token by Gate() { Linear(4) } else { pass }
          rearrange(z, "token head e -> token (head e)")
        }; \(attention)
        """),
    Form(
      name: "attention along an axis",
      lines: """
        { x in
          let y = rearrange(x, "token (part e) -> token part e", part: 2)
          let z = y >> route each part by TopK(1) { a { { h in attend(h, h, h) } } b { Linear(4) } }
          rearrange(z, "token part e -> token (part e)")
        }
        """),
  ]

  /// Whatever needs later rows, or other units than the one it decides about.
  static let whole = [
    Form(name: "attention to both sides", lines: "residual { Attention(2) }"),
    Form(name: "keep a share", lines: "keep 50% of token by Half() { \(attention) }"),
    Form(
      name: "capacity",
      lines: "route each token by Full() { a { Linear(8) } b { \(attention) } }"),
    Form(
      name: "sequences", lines: "route each sequence by TopK(1) { a { \(attention) } b { pass } }"),
    Form(
      name: "a scan from the end",
      lines: """
        scan over token carrying (h = zeros(8)) {
          { row in
            h = 0.5 * h + row
            h
          }
        } in reverse
        """),
    Form(name: "a window on both sides", lines: "Conv1D(8, kernel: 3, padding: \"same\")"),
    Form(name: "a mean over rows", lines: "{ x in x - mean(x) }"),
  ]

  static let routers = """
    router Gate() { scores { Linear(1) >> sigmoid }  select above(0.5)  weigh score }
    router Half() { scores { Linear(1) >> sigmoid }  select best(50%)  weigh score }
    router Full() { scores { Linear(paths) >> softmax }  select top(1, capacity: 1) }
    router Act() {
      scores { Linear(1) >> sigmoid }
      select accumulate(0.9)
      weigh selected * (1 - total) + (1 - selected) * score
    }

    """

  private struct Bench {
    let model: ModelGraph
    let executor: Executor
    let parameters = ParameterStore(seed: 3)
    let columns = 16

    init(_ lines: String) throws {
      let engine = Engine()
      let script =
        routers
        + "model M() { Embedding(16, 8) >> Positions(limit: 64); \(lines); Norm() >> Linear(16) }\n"
      try engine.run(Array((script + "let m = M()\n").utf8), name: "form.adapt")
      guard case .flow(let flow)? = engine.interpreter["m"] else {
        throw RuntimeError.badInput("the script binds no model")
      }
      model = try engine.interpreter.trace(flow, input: .tokens, mode: .inference)
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

  @Test(arguments: causal) func rowsAsTheyComeEqualTheWhole(_ form: Form) throws {
    let bench = try Bench(form.lines)
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

  @Test(arguments: whole) func otherModelsNeedTheWhole(_ form: Form) throws {
    #expect(StepwiseRun(try Bench(form.lines).executor, sequences: 1) == nil)
  }

  @Test func policiesThatCountUnitsNeedTheWhole() throws {
    let bench = try Bench("route each token by TopK(1) { a { Linear(8) } b { zero } }")
    let site = try #require(bench.executor.graph.sites.first).name
    for policy in [Policy.uniform, .random(seed: 1), .budget(0.5), .replay([1, 0])] {
      #expect(StepwiseRun(bench.executor, sequences: 1, policies: [site: policy]) == nil)
    }
    for policy in [Policy.learned, .always("a")] {
      #expect(StepwiseRun(bench.executor, sequences: 1, policies: [site: policy]) != nil)
    }
  }

  @Test(arguments: [Form(name: "attention", lines: attention), whole[1], causal[1], causal[13]])
  func generationWritesWhatWholeRunsWrite(_ form: Form) throws {
    let engine = Engine()
    let script =
      Self.routers
      + "model M() { Embedding(256, 8) >> Positions(); \(form.lines); Norm() >> Linear(256) }\n"
    try engine.run(Array((script + "let m = M()\n").utf8), name: "form.adapt")
    guard case .flow(let flow)? = engine.interpreter["m"] else { return }
    let model = try engine.interpreter.trace(flow, input: .tokens, mode: .inference)
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
  @Test(
    arguments: [Form(name: "attention", lines: attention), whole[1], causal[1], causal[13]], [0, 1])
  func textsSideBySideAreThoseWrittenAlone(_ form: Form, _ temperature: Double) throws {
    let bench = try Bench(form.lines)
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
    let bench = try Bench(Self.attention)
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
    let bench = try Bench(lines)
    let routed = try Generator(bench.model, window: 16, cpu: CPU(threads: 1))
      .routes(of: [1, 2, 3, 4, 5], bench.parameters)
    // Both paths cost the same, so every byte costs what it could.
    #expect(routed.costs.count == 5)
    for cost in routed.costs { #expect(abs(cost - 1) < 1e-9) }
    #expect(routed.sites.count == 1 && routed.sites[0].taken.allSatisfy { $0 >= 0 })
  }

  @Test func wrongRowsAreRefusedAndForgotten() throws {
    let bench = try Bench(Self.attention)
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
