import AdaptGraph
import AdaptRuntime
import AdaptSyntax

/// What `train` was asked for.
private struct TrainingPlan {
  let model: Flow
  let data: SplitData
  let steps: Int
  let batch: Int
  let seed: UInt64
  let clip: Double?
}

extension Interpreter {
  /// `train(model, on: split, steps: n, batch: n, optimizer: O, seed: 0, clip: 1) { minimize e }`.
  func train(_ call: Call) throws -> Value {
    guard !call.values.contains(where: \.isUnknown) else { return .unknown }
    let plan = TrainingPlan(
      model: try call.model(0), data: try call.split(1), steps: try call.int(2, in: 0...1 << 40),
      batch: try call.int(3, in: 1...1 << 20), seed: try call.seed(5), clip: try clip(call))
    let length = plan.data.split.length
    let graph = try traceModel(plan.model, input: .tokens, mode: .training, at: call.span(0))
    try checkLogits(graph, at: call.span(0))
    let block = call.trailing.map { ScriptBlock(block: $0.block, scope: $0.scope) }
    let objective = try traceObjective(
      block, of: graph, mode: .training, length: Double(length), at: call.span)
    let optimizer = try traceOptimizer(try self.optimizer(call))
    guard !isDryRun else {
      var graph = objective.model.graph
      try traced(at: call.span) {
        let parameters = try graph.parameters.map { try graph.parameter($0) }
        _ = try graph.gradient(of: objective.total, withRespectTo: parameters)
      }
      return .unknown
    }
    let state = state(of: plan.model, seed: plan.seed)
    state.window = length
    let trainer = try runtime(at: call.span) {
      try Trainer(
        objective.model, objective: objective.total, terms: objective.terms, optimizer: optimizer,
        parameters: state.parameters, clip: plan.clip, cpu: cpu)
    }
    return try run(trainer, plan, state, at: call.span)
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

  private func run(_ trainer: Trainer, _ plan: TrainingPlan, _ state: ModelState, at span: Span)
    throws -> Value
  {
    var last: StepReport?
    let clock = ContinuousClock()
    let start = clock.now
    var shown = start
    for step in 0..<plan.steps {
      try checkTime(at: span)
      let batch = plan.data.split.sample(plan.batch, seed: plan.seed, step: state.steps)
      let report = try runtime(at: span) { try trainer.step(batch) }
      state.steps += 1
      last = report
      let isLast = step == plan.steps - 1
      if isLast || step == 0 || clock.now - shown > .milliseconds(200) {
        shown = clock.now
        host.progress(
          Progress(
            activity: "train", step: step + 1, steps: plan.steps,
            note: Interpreter.note(report)))
      }
      if isLast || step % max(1, plan.steps / 100) == 0 { reportStep(report, state) }
    }
    return try result(last, plan, at: span)
  }

  private static func note(_ report: StepReport) -> String {
    let terms = report.terms.map { "\($0.name) \(NumberFormat(".3")?.text($0.value) ?? "")" }
    let loss = "loss \(NumberFormat(".3")?.text(report.loss) ?? "")"
    return ([loss] + terms).joined(separator: "  ")
  }

  private func reportStep(_ report: StepReport, _ state: ModelState) {
    host.report(
      "step",
      [("step", .int(state.steps)), ("loss", .number(report.loss))]
        + report.terms.map { ($0.name, .number($0.value)) }
        + [("gradientNorm", .number(report.gradientNorm))])
  }

  private func result(_ last: StepReport?, _ plan: TrainingPlan, at span: Span) throws -> Value {
    guard let last else { return .none }
    return try makeRecord(
      [("steps", .int(plan.steps)), ("loss", .number(last.loss))]
        + last.terms.map { ($0.name, .number($0.value)) }, at: span)
  }
}
