import AdaptGraph
import AdaptPlatform
import AdaptRuntime
import AdaptSyntax

extension Interpreter {
  /// `evaluate(model, on: split)`: quality and executed cost.
  func evaluate(_ call: Call) throws -> Value {
    let (model, data) = (try call.model(0), try call.units(1))
    let windows = try call.optionalInt(2, in: 1...Int.max)
    let batch = try call.int(3, in: 1...1 << 20)
    let (graph, state) = try inferenceGraph(model, on: data.format.input, at: call.span(0))
    try judging(model) {
      try checkOutput(graph, for: data, isExact: true, at: call.span(0))
    }
    let policies = try policies(call, 4, graph)
    guard !isDryRun else { return .unknown }
    state.window = state.window ?? max(1, Int(data.format.length.rounded()))
    let result = try runtime(at: call.span) {
      let evaluator = try Evaluator(graph, format: data.format, cpu: cpu)
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

  /// `generate(model, "In the beginning")`: text that the model writes.
  func generate(_ call: Call) throws -> Value {
    let prompt = Array(try call.string(1).utf8)
    let count = try call.int(2, in: 0...1 << 24)
    let temperature = try call.number(3)
    guard temperature.isFinite, temperature >= 0 else {
      throw call.wrongValue(3, "the temperature is a number from 0")
    }
    let seed = try call.seed(4)
    let model = try call.model(0)
    let (graph, state) = try inferenceGraph(model, on: .tokens, at: call.span(0))
    try judging(model) { try checkLogits(graph, at: call.span(0)) }
    let policies = try policies(call, 5, graph)
    guard !isDryRun else { return .unknown }
    let result = try runtime(at: call.span) {
      try Generator(graph, window: state.window ?? 128, cpu: cpu).generate(
        after: prompt, count: count, temperature: temperature, seed: seed, state.parameters,
        policies: policies
      ) { written in
        // A byte runs the model's operations, and leaves something behind at some of them.
        try charge(graph.graph.nodes.count, at: call.span)
        try checkTime(at: call.span)
        host.progress(Progress(activity: "generate", step: written, steps: count, note: ""))
      }
    }
    let text = RoutedText(result, prompt: prompt)
    host.report("generate", text.fields)
    return .object(text)
  }

  /// `routes(model, "In the beginning")`: what every site decides for each byte.
  func routes(_ call: Call) throws -> Value {
    let text = Array(try call.string(1).utf8)
    let (graph, state) = try inferenceGraph(try call.model(0), on: .tokens, at: call.span(0))
    let policies = try policies(call, 2, graph)
    guard !text.isEmpty else { throw call.wrongValue(1, "there is no text to route") }
    guard !isDryRun else { return .unknown }
    let result = try runtime(at: call.span) {
      try Generator(graph, window: max(state.window ?? 128, text.count), cpu: cpu)
        .routes(of: text, state.parameters, policies: policies)
    }
    let routed = RoutedText(result, prompt: [])
    host.report("routes", routed.fields)
    return .object(routed)
  }
}
