import AdaptRuntime
import AdaptSyntax

extension Interpreter {
  /// `oracle(model, on: split, budget: 50%)`: the best routing of each token, or of each sequence, and
  /// what the trained router loses against it.
  func oracle(_ call: Call) throws -> Value {
    let (model, data) = (try call.model(0), try call.byteSplit(1))
    let budget = try budget(call)
    let windows = try call.int(3, in: 1...1 << 20)
    let (unit, precision) = (try call.choice(4, of: OracleUnit.self), try call.precision(5))
    let (graph, state) = try inferenceGraph(model, on: .tokens, at: call.span(0))
    try checkLogits(graph, at: call.span(0))
    let policies = try policies(of: model, graph, at: call.span(0))
    // What is too much to search is known without searching.
    let oracle = try runtime(at: call.span) {
      try Oracle(
        graph, each: unit, length: data.length, policies: policies,
        cpu: cpu.computing(in: precision))
    }
    if let budget, budget < oracle.cheapestShare {
      let least = NumberFormat(".1%")?.text(oracle.cheapestShare) ?? ""
      throw call.wrongValue(
        2, "no routing is within the budget: the cheapest paths everywhere execute \(least)")
    }
    guard !isDryRun else { return .unknown }
    let result = try runtime(at: call.span) {
      try oracle.search(data, state.parameters, windows: windows, budget: budget) {
        try self.checkTime(at: call.span)
        self.host.progress(Progress(activity: "oracle", step: $0, steps: $1, note: data.name))
      }
    }
    let report = OracleReport(result, budget: budget)
    host.report("oracle", report.fields)
    return .object(report)
  }

  private func budget(_ call: Call) throws -> Double? {
    if case .none = call[2] { return nil }
    let share = try call.number(2)
    guard share > 0, share <= 1 else {
      throw call.wrongValue(2, "a budget is a share above 0% and up to 100%")
    }
    return share
  }
}

/// What `oracle` found.
final class OracleReport: ScriptObject {
  let result: OracleResult
  private let budget: Double?

  init(_ result: OracleResult, budget: Double?) {
    self.result = result
    self.budget = budget
  }

  var typeName: String { "an oracle's result" }
  var memberNames: [String] { fields.map(\.name) }
  func member(_ name: String) -> Value? { fields.first { $0.name == name }?.value }

  /// Everything as values, as members and for reports.
  var fields: [(name: String, value: Value)] {
    [
      ("unit", .string(result.unit.rawValue)), ("runs", .int(result.runs)),
      ("sequences", .int(result.sequences)),
      ("budget", budget.map { .number($0) } ?? .none),
      ("bits_per_byte", .number(result.best.bitsPerByte)),
      ("executed_share", .number(result.best.executedShare)),
      ("unlimited_bits_per_byte", .number(result.unlimited.bitsPerByte)),
      ("unlimited_executed_share", .number(result.unlimited.executedShare)),
      ("trained_bits_per_byte", .number(result.trained.bitsPerByte)),
      ("trained_executed_share", .number(result.trained.executedShare)),
      ("regret", .number(result.regret)),
      ("difficulty", .list(ListValue(result.difficulty.map { .number($0) }))),
      ("sites", OracleReport.list(result.sites)),
      ("labels", .list(ListValue(result.labels.map(OracleReport.list)))),
    ]
  }

  private static func list(_ names: [String]) -> Value {
    .list(ListValue(names.map { .string($0) }))
  }

  var text: String {
    func row(_ title: String, _ score: OracleResult.Score) -> String {
      "  " + title.rightPadded(to: 24)
        + bits(score.bitsPerByte).leftPadded(to: 14)
        + percent(score.executedShare).leftPadded(to: 16)
    }
    let title = budget.map { "best within \(percent($0))" } ?? "best"
    let spread = result.difficulty.sorted()
    return [
      "oracle, each \(result.unit.rawValue): \(result.runs) routings of \(result.sequences) sequences",
      "  " + String(repeating: " ", count: 24) + "bits per byte".leftPadded(to: 14)
        + "executed FLOPs".leftPadded(to: 16),
      row("trained router", result.trained), row(title, result.best),
      row("best at any cost", result.unlimited),
      "  regret of the trained router against the best at its own cost: "
        + "\(bits(result.regret)) bits per byte",
      "  the best saves a \(result.unit.rawValue) over the cheapest: "
        + "median \(bits(quantile(spread, 0.5))), 90% \(bits(quantile(spread, 0.9))) bits per byte",
    ].joined(separator: "\n")
  }

  private func quantile(_ sorted: [Double], _ part: Double) -> Double {
    sorted.isEmpty ? 0 : sorted[min(sorted.count - 1, Int(Double(sorted.count) * part))]
  }

  private func percent(_ share: Double) -> String { NumberFormat(".1%")?.text(share) ?? "" }
  private func bits(_ value: Double) -> String { NumberFormat(".3")?.text(value) ?? "" }
}
