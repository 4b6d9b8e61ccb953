import AdaptGraph
import AdaptSyntax

/// A loop on its way into a graph: rounds one after the other, each inside of those who go on.
final class LoopRun {
  private let form: LoopForm
  private let family: String
  private let trace: Trace
  private let interpreter: Interpreter
  private let span: Span
  /// Units when the loop began, for losses.
  private var units: ValueID?

  /// What rounds know of those before them.
  private struct Memory {
    var carried: [Value]
    /// The sum of earlier scores, the product of one minus each of them, and the sum of these products;
    /// nothing before the first round.
    var total: Value?
    var survival: Value?
    var reached: Value?
  }

  private struct Result {
    var output: ValueID?
    var answers: [Answer] = []
  }

  init(
    _ form: LoopForm, _ family: String, _ trace: Trace, _ interpreter: Interpreter, at span: Span
  ) {
    (self.form, self.family, self.trace) = (form, family, trace)
    (self.interpreter, self.span) = (interpreter, span)
  }

  func result(_ input: SymbolicTensor) throws -> Value {
    let memory = Memory(carried: form.initials)
    guard let halting = form.halting, form.rounds > 0 else { return try fixed(input, memory) }
    let result = try round(0, .tensor(input), memory, halting)
    if !result.answers.isEmpty { return tensor(.answers(result.answers)) }
    guard let output = result.output else {
      return .tensor(try interpreter.zeros(like: input, at: span))
    }
    return tensor(.value(output))
  }

  private func tensor(_ content: SymbolicTensor.Content) -> Value {
    .tensor(SymbolicTensor(content: content, trace: trace))
  }

  // MARK: Rounds

  /// Runs the body once, in the scope of all rounds, at the place of this one.
  private func run(_ number: Int, _ input: Value, _ memory: inout Memory) throws -> Value {
    try interpreter.charge(at: form.body.code.span)
    return try trace.inside(family, place: "\(family)[\(number)]") {
      guard case .tensor(let tensor) = input else { return input }
      let content = Flow(.body(form.body), span: form.body.code.span)
      return try interpreter.occupy("loop", content, tensor, trace, at: content.span) {
        try carry(input, &memory)
      }
    }
  }

  /// The body's result; what it carries is read back for the next round.
  private func carry(_ input: Value, _ memory: inout Memory) throws -> Value {
    let body = form.body
    return try interpreter.open(body, at: body.code.span) { frame in
      for (name, value) in zip(form.carried, memory.carried) { name.bind(value, frame) }
      guard let slot = body.code.flowSlot else { return input }
      frame[slot] = input
      _ = try body.code.body.execute(interpreter, frame)
      memory.carried = form.carried.map { $0.value(frame) }
      return frame[slot]
    }
  }

  private func fixed(_ input: SymbolicTensor, _ memory: Memory) throws -> Value {
    var (memory, value, results) = (memory, Value.tensor(input), [ValueID]())
    for number in 0..<form.rounds {
      value = try run(number, value, &memory)
      guard form.join != .last else { continue }
      guard let output = try output(value) else { continue }
      results.append(output)
    }
    if form.join == .last || results.isEmpty { return value }
    let aligned = try results.map { try interpreter.aligned($0, trace, at: span) }
    let equal = 1 / Double(results.count)
    switch form.join {
    case .concat: return try interpreter.add(.concat, aligned, at: span)
    case .expected where trace.mode == .training:
      return tensor(.answers(aligned.map { Answer(value: $0) }))
    case .average:
      let total = try interpreter.traced(at: span) { () throws -> ValueID in
        let sum = try aligned.dropFirst().reduce(aligned[0]) {
          try trace.graph.add(.binary(.add), $0, $1)
        }
        return try trace.graph.add(
          .binary(.multiply), sum, trace.graph.addSource(.constant(equal)))
      }
      return tensor(.value(total))
    case .last, .expected: return value
    case .sample:
      throw interpreter.failure(
        .wrongValue, "without 'until' there is no chance that a round is the last", at: span,
        hint: "join average, concat or last")
    }
  }

  private func output(_ value: Value) throws -> ValueID? {
    let code = form.body.code
    return try interpreter.output(value, trace, at: code.lastSpan, whole: code.span)
  }

  // MARK: Halting

  /// A round, and inside of the path of those who go on all rounds behind it.
  private func round(
    _ number: Int, _ input: Value, _ memory: Memory,
    _ halting: (unit: Identifier?, router: RouterInstance)
  ) throws -> Result {
    var memory = memory
    let value = try run(number, input, &memory)
    guard let output = try output(value) else {
      throw interpreter.failure(
        .wrongValue, "a round that gives nothing has nothing to halt by", at: span)
    }
    let (question, run) = try ask(number, output, &memory, halting)
    guard number < form.rounds - 1 else {
      let end = try inside(number) {
        let end = try interpreter.conclude(question, run, trace)
        try interpreter.addLosses(end.router, site: question.name, trace)
        return end
      }
      return try contribution(number, output, end.weights)
    }
    let decision = try inside(number) {
      let decision = try interpreter.decide(question, run, trace)
      try interpreter.addLosses(decision.router, site: question.name, trace)
      return decision
    }
    return try goOn(number, output, remembered(memory, decision.router), decision, halting)
  }

  /// Runs `body` in the scope of what ends a round.
  private func inside<T>(_ number: Int, _ body: () throws -> T) rethrows -> T {
    try trace.inside(family, place: "\(family)[\(number)]") {
      try trace.inside("halt", place: "halt", body)
    }
  }

  /// What the router is asked behind a round, and what it may know of the rounds so far.
  private func ask(
    _ number: Int, _ output: ValueID, _ memory: inout Memory,
    _ halting: (unit: Identifier?, router: RouterInstance)
  ) throws -> (Question, RouterRun) {
    let units = try units(of: output, halting.unit)
    let question = Question(
      name: inside(number) { trace.siteName() }, units: units, paths: 1, hasElse: true,
      isDrawn: form.join == .sample,
      stop: Stop(.round, of: Trace.joined(trace.place, family), number: number))
    var run = RouterRun(halting.router, trace)
    run.know(\.round, .int(number))
    run.know(\.rounds, .int(form.rounds))
    if self.units == nil {
      self.units = try interpreter.unitCount(
        like: try unitValue(units), weight: try interpreter.weight(over: units, trace), trace,
        at: span)
    }
    try remember(&memory, units)
    if let total = memory.total { run.know(\.total, total) }
    if let survival = memory.survival { run.know(\.survival, survival) }
    if let depth = memory.reached { run.know(\.expectedRounds, depth) }
    if let count = self.units { run.know(\.units, count, trace) }
    return (question, run)
  }

  /// Counts this round in, and begins with what holds of every unit: numbers a row, as in later rounds.
  private func remember(_ memory: inout Memory, _ units: Units) throws {
    if memory.survival == nil {
      let ones = try interpreter.traced(at: span) {
        try trace.graph.ones(like: try unitValue(units))
      }
      memory.survival = tensor(.value(ones))
      memory.total = try interpreter.binary(.subtract, tensor(.value(ones)), .number(1), at: span)
    }
    guard let survival = memory.survival else { return }
    memory.reached =
      try memory.reached.map { try interpreter.binary(.add, $0, survival, at: span) } ?? survival
  }

  /// What stands for the units: the rows' own value, or one of their groups.
  private func unitValue(_ units: Units) throws -> ValueID {
    guard units.travels(in: trace.graph) else { return units.value }
    return try interpreter.traced(at: span) { try trace.graph.pooled(units.value, mean: false) }
  }

  private func units(of output: ValueID, _ unit: Identifier?) throws -> Units {
    let label = trace.graph.type(output).rows.map { trace.graph[$0].label }
    let name = unit ?? Identifier(label ?? "row", span: span)
    return try interpreter.units(
      name, of: SymbolicTensor(content: .value(output), trace: trace), trace)
  }

  private func remembered(_ memory: Memory, _ run: RouterRun) throws -> Memory {
    var memory = memory
    guard let score = run.value(\.score) else { return memory }
    let rest = try interpreter.binary(.subtract, .number(1), score, at: span)
    memory.total = try memory.total.map { try interpreter.binary(.add, $0, score, at: span) }
    memory.survival = try memory.survival.map {
      try interpreter.binary(.multiply, $0, rest, at: span)
    }
    return memory
  }

  /// What a round adds to the result of those who take part in it.
  private func contribution(_ number: Int, _ output: ValueID, _ weights: ValueID?) throws -> Result
  {
    switch form.join {
    case .last, .sample: return Result(output: output)
    case .expected:
      guard trace.mode == .training else { return Result(output: output) }
      return Result(answers: [Answer(value: output, weight: try spread(weights, like: output))])
    case .average:
      guard weights != nil else { throw unweighted() }
      return Result(
        output: try interpreter.weighted(output, by: weights, column: 0, trace, at: span))
    case .concat:
      let columns = trace.graph.type(output).columns
      let padded = try interpreter.traced(at: span) {
        try trace.graph.add(
          .pad(start: number * columns, total: form.rounds * columns), output)
      }
      return Result(output: padded)
    }
  }

  private func unweighted() -> Diagnostic {
    interpreter.failure(
      .wrongValue, "an average of the rounds needs a router that weighs them", at: span,
      hint: "add a 'weigh' clause to the router, or write 'join last'")
  }

  private func spread(_ weights: ValueID?, like output: ValueID) throws -> ValueID {
    guard let weights else { throw unweighted() }
    guard trace.graph.type(weights).rows != trace.graph.type(output).rows else { return weights }
    return try interpreter.traced(at: span) { try trace.graph.spread(weights, like: output) }
  }

  /// Whether only the round that a unit halts in counts.
  private var countsOnce: Bool {
    switch form.join {
    case .last, .sample: true
    case .expected: trace.mode == .inference
    case .average, .concat: false
    }
  }

  private func goOn(
    _ number: Int, _ output: ValueID, _ memory: Memory, _ decision: Decision,
    _ halting: (unit: Identifier?, router: RouterInstance)
  ) throws -> Result {
    let own = countsOnce ? Result() : try contribution(number, output, decision.weights)
    let site = decision.site
    let halted = try interpreter.takePath(site, "halt", [output], trace, at: span) {
      countsOnce ? $0[0] : nil
    }
    var later: [Answer] = []
    let others = try interpreter.takePath(site, "go", [output], trace, at: span) { brought in
      let result = try round(number + 1, tensor(.value(brought[0])), memory, halting)
      later = result.answers
      return result.output
    }
    let answers = try own.answers + interpreter.brought(later, backFrom: site, trace, at: span)
    let joined = try interpreter.traced(at: span) {
      try interpreter.joinPaths(site, [halted, others], trace, at: span)
    }
    guard let first = own.output, let joined else {
      return Result(output: joined ?? own.output, answers: answers)
    }
    let here = try interpreter.aligned(first, trace, at: span)
    let sum = try interpreter.traced(at: span) { try trace.graph.add(.binary(.add), here, joined) }
    return Result(output: sum, answers: answers)
  }
}
