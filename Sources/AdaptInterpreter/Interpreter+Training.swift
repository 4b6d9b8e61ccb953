import AdaptGraph
import AdaptPlatform
import AdaptRuntime
import AdaptSyntax
import AdaptTensor

/// What `train` was asked for.
private struct TrainingPlan {
  let model: Flow
  let data: any Dataset
  let steps: Int
  let batch: Int
  let seed: UInt64
  let clip: Double?
  let precision: Precision
}

/// What does the steps of a model in one setting, and what watches its sites meanwhile.
private struct Training {
  let trainer: Trainer
  let watched: Interpreter.Watched
  var watchdog: Watchdog
}

extension Interpreter {
  /// `train(model, on: split, steps: n, batch: n, optimizer: O, seed: 0, clip: 1) { minimize e }`.
  func train(_ call: Call) throws -> Value {
    guard !call.values.contains(where: \.isUnknown) else { return .unknown }
    let models = try settings(call)
    var trainings: [Training] = []
    for model in models {
      if let training = try training(of: model, sharing: trainings.first?.trainer, call) {
        trainings.append(training)
      }
    }
    guard !trainings.isEmpty else { return .unknown }
    let plan = try plan(models[0], call)
    return try run(&trainings, plan, state(of: plan.model), at: call.span)
  }

  /// The model in each of the settings that steps take in turn.
  private func settings(_ call: Call) throws -> [Flow] {
    let model = try call.model(0)
    if case .none = call[7] { return [model] }
    guard case .record(let knobs) = call[7] else {
      throw call.wrongType(7, expected: "a record of lists, such as (width: [25%, 100%]),")
    }
    let lists = try knobs.fields.map { field in
      guard case .list(let list) = field.value, !list.elements.isEmpty else {
        throw call.wrongValue(7, "knob '\(field.name)' needs a list of settings to take in turn")
      }
      return (knob: field.name, values: list.elements)
    }
    guard let count = lists.first?.values.count else { return [model] }
    guard lists.allSatisfy({ $0.values.count == count }) else {
      throw call.wrongValue(7, "knobs that are turned together need lists of one length")
    }
    return (0..<count).map { number in
      model.seen { view in
        view.settings += lists.map {
          ModelView.Setting(knob: $0.knob, value: $0.values[number], span: call.span(7))
        }
      }
    }
  }

  private func plan(_ model: Flow, _ call: Call) throws -> TrainingPlan {
    TrainingPlan(
      model: model, data: try call.units(1), steps: try call.int(2, in: 0...1 << 40),
      batch: try call.int(3, in: 1...1 << 20), seed: try call.seed(5), clip: try clip(call),
      precision: try call.precision(8))
  }

  /// What does the steps of a model in one setting; nil in a dry run.
  private func training(of model: Flow, sharing other: Trainer?, _ call: Call) throws -> Training? {
    let plan = try plan(model, call)
    let format = plan.data.format
    try checkInput(plan.model, format.input, at: call.span(1))
    let graph = try judging(plan.model) {
      let graph = try traceModel(
        plan.model, input: .rows(format.input), mode: .training, data: format, at: call.span(0))
      try checkOutput(
        graph, for: plan.data, isExact: call.trailing == nil, at: call.span(0))
      try checkTrainable(graph, at: call.span(0))
      return graph
    }
    let objective = try traceObjective(
      call.trailing, of: graph, mode: .training, data: format, at: call.span)
    let optimizer = try traceOptimizer(try self.optimizer(call))
    guard !isDryRun else {
      var graph = objective.model.graph
      try traced(at: call.span) {
        let frozen = objective.model.frozen
        let parameters = try graph.parameters.filter { !frozen.contains($0.name) }
          .map { try graph.parameter($0) }
        _ = try graph.gradient(of: objective.total, withRespectTo: parameters)
      }
      return nil
    }
    // Beside each parameter stand its gradient and what the optimizer keeps.
    try checkMemory(objective.model, copies: 2 + optimizer.states.count, at: call.span)
    let state = state(of: plan.model, seed: plan.seed)
    state.adopt(format.input)
    state.window = max(1, Int(format.length.rounded()))
    let policies = try policies(of: model, graph, at: call.span(0))
    let trainer = try runtime(at: call.span) {
      try Trainer(
        objective.model, objective: objective.total, terms: objective.terms,
        routers: objective.routers, optimizer: optimizer, parameters: state.parameters,
        clip: plan.clip, policies: policies,
        cpu: cpu.computing(in: plan.precision), sharing: other)
    }
    let watched = Watched(
      model: model, graph: graph, input: .rows(format.input), mode: .training, span: call.span)
    return Training(
      trainer: trainer, watched: watched, watchdog: watchdog(watched, policies, .training))
  }

  private func checkTrainable(_ model: ModelGraph, at span: Span) throws {
    let parameters = model.graph.parameters
    guard !parameters.isEmpty, parameters.allSatisfy({ model.frozen.contains($0.name) }) else {
      return
    }
    throw failure(
      .wrongValue, "there is nothing to train: every parameter of the model is frozen", at: span,
      hint: "unfreeze(model, \"…\") lets some be trained")
  }

  private func clip(_ call: Call) throws -> Double? {
    if case .none = call[6] { return nil }
    let clip = try call.number(6)
    guard clip > 0 else { throw call.wrongValue(6, "gradients are clipped to a norm above 0") }
    return clip
  }

  private func optimizer(_ call: Call) throws -> OptimizerInstance {
    if case .none = call[4] {
      guard case .function(let function)? = prelude.find("AdamW")?.value,
        case .object(let object) = try self.call(function, with: [.number(3e-4)], at: call.span),
        let optimizer = object as? OptimizerInstance
      else { throw failure(.unknownName, "there is no optimizer 'AdamW'", at: call.span) }
      return optimizer
    }
    guard case .object(let object) = call[4], let optimizer = object as? OptimizerInstance else {
      throw call.wrongType(4, expected: "an optimizer, such as AdamW(3e-4),")
    }
    return optimizer
  }

  // MARK: Steps

  private func run(
    _ trainings: inout [Training], _ plan: TrainingPlan, _ state: ModelState, at span: Span
  ) throws -> Value {
    var (last, rows): (StepReport?, Int) = (nil, 0)
    let start = ContinuousClock.now
    for step in 0..<plan.steps {
      try charge(at: span)
      try checkTime(at: span)
      let batch = plan.data.sample(plan.batch, seed: plan.seed, step: state.steps)
      let turn = step % trainings.count
      let report = try runtime(at: span) {
        try trainings[turn].trainer.step(
          batch, noise: NoiseKey(seed: plan.seed, step: state.steps),
          progress: plan.steps > 1 ? Double(step) / Double(plan.steps - 1) : 1)
      }
      state.steps += 1
      warn(trainings[turn].watchdog.observe(report), trainings[turn].watched)
      last = report
      let seconds = (ContinuousClock.now - start) / .seconds(1)
      rows += batch.layout.rows
      host.progress(
        Progress(
          activity: "train", step: step + 1, steps: plan.steps,
          note: Interpreter.note(
            report, plan.data, speed: Double(rows) / max(1e-9, seconds))))
      if step == plan.steps - 1 || step % max(1, plan.steps / 100) == 0 {
        reportStep(report, state)
      }
    }
    let seconds = (ContinuousClock.now - start) / .seconds(1)
    return try result(last, plan, rows: rows, seconds: seconds, at: span)
  }

  /// `loss 2.41  3.48 bits/byte  cost 0.61  TopK 0.01  norm 0.8  24k tok/s  big 31 small 69%`.
  private static func note(_ report: StepReport, _ data: any Dataset, speed: Double) -> String {
    var parts = ["loss " + short(report.loss)]
    for term in report.terms where report.terms.count > 1 || term.value != report.loss {
      let isBytes = data is ByteSplit && term.name == "crossEntropy"
      parts.append(
        isBytes
          ? short(term.value / log(2)) + " bits/byte" : "\(term.name) " + short(term.value))
    }
    parts += report.routers.map { "\($0.name) " + short($0.value) }
    parts.append("norm " + short(report.gradientNorm))
    let unit = data.format.input.label == "token" ? "tok" : data.format.input.label
    parts.append(String(printf: speed < 10_000 ? "%.1fk " : "%.0fk ", speed / 1000) + unit + "/s")
    let shares = pathShares(report).prefix(6).map { name, share in
      "\(name) " + String(printf: "%.0f", share * 100)
    }
    if !shares.isEmpty { parts.append(shares.joined(separator: " ") + "%") }
    return parts.joined(separator: "  ")
  }

  /// Three digits, or as few as a column has room for.
  private static func short(_ number: Double) -> String {
    let size = abs(number)
    return String(printf: size >= 0.01 && size < 1e4 || size == 0 ? "%.2f" : "%.0e", number)
  }

  /// Of all decisions of a step, the share that took the paths of each name.
  private static func pathShares(_ report: StepReport) -> [(name: String, share: Double)] {
    var names: [String] = []
    var counts: [String: Int] = [:]
    for site in report.paths {
      for (name, count) in zip(site.names, site.counts) {
        if counts[name] == nil { names.append(name) }
        counts[name, default: 0] += count
      }
    }
    let total = Double(max(1, counts.values.reduce(0, +)))
    return names.map { ($0, Double(counts[$0] ?? 0) / total) }
  }

  private func reportStep(_ report: StepReport, _ state: ModelState) {
    host.report(
      "step",
      [("step", .int(state.steps)), ("loss", .number(report.loss))]
        + Interpreter.terms(report)
        + [
          ("routers", Interpreter.routers(report)), ("gradient_norm", .number(report.gradientNorm)),
        ])
  }

  /// The objective's terms under names as reports spell them: `crossEntropy` as `cross_entropy`.
  private static func terms(_ report: StepReport) -> [(name: String, value: Value)] {
    report.terms.map { term in
      let name = term.name.reduce(into: "") { result, character in
        result += character.isUppercase ? "_" + character.lowercased() : String(character)
      }
      return (name, .number(term.value))
    }
  }

  /// What routers bring, by their names.
  private static func routers(_ report: StepReport) -> Value {
    .record(RecordValue(report.routers.map { (name: $0.name, value: .number($0.value)) }))
  }

  private func result(
    _ last: StepReport?, _ plan: TrainingPlan, rows: Int, seconds: Double, at span: Span
  ) throws -> Value {
    guard let last else { return .none }
    let isTokens = plan.data.format.input.label == "token"
    let speed = (
      name: isTokens ? "tokens_per_second" : "\(plan.data.format.input.label)s_per_second",
      value: Value.number(Double(rows) / max(seconds, 1e-9))
    )
    let fields: [(name: String, value: Value)] =
      [("steps", .int(plan.steps)), ("loss", .number(last.loss))] + Interpreter.terms(last)
      + [
        ("routers", Interpreter.routers(last)), ("gradient_norm", .number(last.gradientNorm)),
        ("seconds", .number(seconds)), speed,
      ]
    host.report("train", fields)
    return try makeRecord(fields, at: span)
  }
}
