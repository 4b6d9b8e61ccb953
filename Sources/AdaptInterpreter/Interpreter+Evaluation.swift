import AdaptGraph
import AdaptPlatform
import AdaptRuntime
import AdaptSyntax

extension Interpreter {
  /// `evaluate(model, on: split)`: quality and executed cost.
  func evaluate(_ call: Call) throws -> Value {
    let (model, data) = (try call.model(0), try call.units(1))
    let windows = try call.optionalInt(2, in: 1...Int.max)
    let (batch, precision) = (try call.int(3, in: 1...1 << 20), try call.precision(5))
    let (graph, state) = try inferenceGraph(model, on: data.format.input, at: call.span(0))
    try judging(model) {
      try checkOutput(graph, for: data, isExact: true, at: call.span(0))
    }
    let policies = try policies(call, 4, graph)
    guard !isDryRun else { return .unknown }
    state.window = state.window ?? max(1, Int(data.format.length.rounded()))
    let result = try runtime(at: call.span) {
      let evaluator = try Evaluator(
        graph, format: data.format, cpu: cpu.computing(in: precision))
      return try evaluator.evaluate(
        data, state.parameters, units: windows, batch: batch, policies: policies
      ) { share in
        try checkTime(at: call.span)
        host.progress(
          Progress(
            activity: "evaluate", step: max(1, Int(share * 100)), steps: 100, note: data.name)
        )
      }
    }
    let watched = Watched(
      model: model, graph: graph, input: .rows(data.format.input), mode: .inference, span: call.span
    )
    warn(of: result, watched, policies, steps: state.steps)
    let report = EvaluationReport(result, on: data)
    host.report("evaluate", report.fields)
    return .object(report)
  }

  /// `generate(model, "In the beginning")`: text that the model writes; a list of texts for a list of
  /// prompts.
  func generate(_ call: Call) throws -> Value {
    let tasks = try writingTasks(call)
    let temperature = try call.number(3)
    guard temperature.isFinite, temperature >= 0 else {
      throw call.wrongValue(3, "the temperature is a number from 0")
    }
    let (model, precision) = (try call.model(0), try call.precision(6))
    let (graph, state) = try inferenceGraph(model, on: .tokens, at: call.span(0))
    try judging(model) { try checkLogits(graph, at: call.span(0)) }
    let policies = try policies(call, 5, graph)
    guard !isDryRun else { return .unknown }
    let total = tasks.reduce(0) { $0 + $1.count }
    let results = try runtime(at: call.span) {
      let generator = try Generator(
        graph, window: state.window ?? 128, cpu: cpu.computing(in: precision))
      return try generator.generate(
        tasks, temperature: temperature, state.parameters, policies: policies
      ) { written in
        // A byte runs the model's operations, and leaves something behind at some of them.
        try charge(graph.graph.nodes.count, at: call.span)
        try checkTime(at: call.span)
        host.progress(Progress(activity: "generate", step: written, steps: total, note: ""))
      }
    }
    let texts = zip(results, tasks).map { RoutedText($0, prompt: $1.prompt) }
    for text in texts { host.report("generate", text.fields) }
    if case .list = call[1] { return try makeList(texts.map { .object($0) }, at: call.span) }
    return texts.first.map { .object($0) } ?? .none
  }

  /// What `generate` is asked for: the text of each prompt draws with a seed of its own, one behind the
  /// other.
  private func writingTasks(_ call: Call) throws -> [WritingTask] {
    let (count, seed) = (try call.int(2, in: 0...1 << 24), try call.seed(4))
    return try prompts(call).enumerated().map { number, prompt in
      WritingTask(after: Array(prompt.utf8), count: count, seed: seed &+ UInt64(number))
    }
  }

  private func prompts(_ call: Call) throws -> [String] {
    guard case .list(let list) = call[1] else { return [try call.string(1)] }
    return try list.elements.map { element in
      guard case .string(let prompt) = element else {
        throw call.wrongType(1, expected: "a string, or a list of strings,")
      }
      return prompt
    }
  }

  /// `routes(model, "In the beginning")`: what every site decides for each byte.
  func routes(_ call: Call) throws -> Value {
    let (text, precision) = (Array(try call.string(1).utf8), try call.precision(3))
    let (graph, state) = try inferenceGraph(try call.model(0), on: .tokens, at: call.span(0))
    let policies = try policies(call, 2, graph)
    guard !text.isEmpty else { throw call.wrongValue(1, "there is no text to route") }
    guard !isDryRun else { return .unknown }
    let result = try runtime(at: call.span) {
      let generator = try Generator(
        graph, window: max(state.window ?? 128, text.count), cpu: cpu.computing(in: precision))
      return try generator.routes(of: text, state.parameters, policies: policies)
    }
    let routed = RoutedText(result, prompt: [])
    host.report("routes", routed.fields)
    return .object(routed)
  }
}
