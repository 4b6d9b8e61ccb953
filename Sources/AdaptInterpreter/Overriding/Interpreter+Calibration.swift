import AdaptRuntime
import AdaptSyntax

extension Interpreter {
  static var calibrationFunction: NativeFunction {
    NativeFunction(
      "calibrate",
      [
        "model", "on", "budget", .optional("check"), .optional("windows"),
        .optional("batch", .int(16)), .optional("confidence", .number(0.95)), .precision,
      ],
      documentation: """
        Moves the thresholds of a model's sites, and the shares that its sites keep, so that the executed
        share of new data like a split is within a budget, with `confidence`. Thresholds are set on one part
        of the split, for the least loss, and tested on the other, `check` or else the last half (Waudby-Smith &
        Ramdas 2024; Angelopoulos et al. 2021). The result has the calibrated `model`, a view;
        `precision` is that of `train`. E0202 when no threshold is within the budget, or too few windows show it.
        """
    ) { try $0.interpreter.calibrate($0) }
  }

  /// `calibrate(model, on: split, budget: 40%)`.
  func calibrate(_ call: Call) throws -> Value {
    let (model, data, budget) = (try call.model(0), try call.units(1), try call.number(2))
    guard budget > 0, budget <= 1 else {
      throw call.wrongValue(2, "a budget is a share above 0% and up to 100%")
    }
    let goal = Calibrator.Goal(budget: budget, confidence: try call.number(6))
    guard goal.confidence > 0, goal.confidence < 1 else {
      throw call.wrongValue(6, "a confidence is a share above 0% and below 100%")
    }
    let windows = try call.optionalInt(4, in: 1...Int.max)
    let (size, precision) = (try call.int(5, in: 1...1 << 20), try call.precision(7))
    let (graph, state) = try inferenceGraph(model, on: data.format.input, at: call.span(0))
    let policies = try policies(of: model, graph, at: call.span(0))
    let calibrator = try runtime(at: call.span) {
      let cpu = cpu.computing(in: precision)
      return try Calibrator(
        graph, state.parameters, length: data.format.length, policies: policies,
        evaluator: try? Evaluator(graph, format: data.format, cpu: cpu), cpu: cpu)
    }
    guard !isDryRun else { return .unknown }
    let parts = try calibrationParts(call, data, windows, size)
    let result = try runtime(at: call.span) {
      try calibrator.calibrate(parts.fit, check: parts.check, goal: goal) {
        try checkTime(at: call.span)
        host.progress(Progress(activity: "calibrate", step: 1, steps: 1, note: data.name))
      }
    }
    let view = model.seen { view in
      view.policies += result.policies.sorted { $0.key < $1.key }.map { site, policy in
        ModelView.SitePolicy(sites: PathGlob(site), value: PolicyValue(.policy(policy), at: nil))
      }
    }
    let report = CalibrationReport(result, of: view, on: data.name)
    host.report("calibrate", report.fields.filter { $0.name != "model" })
    return .object(report)
  }

  /// What thresholds are set by, and what they are checked on window by window.
  private func calibrationParts(_ call: Call, _ data: any Dataset, _ windows: Int?, _ size: Int)
    throws -> (fit: [Batch], check: [Batch])
  {
    if case .none = call[3] {
      let total = min(data.count, windows ?? data.count)
      guard total > 1 else {
        throw call.wrongValue(1, "one unit cannot be calibrated on and checked on as well")
      }
      let half = (total + 1) / 2
      return (
        data.batches(of: size, units: half),
        (half..<total).map { data.batch($0..<$0 + 1) }
      )
    }
    return (
      data.batches(of: size, units: windows),
      try call.units(3).batches(of: 1, units: windows)
    )
  }
}

/// What `calibrate` found.
final class CalibrationReport: ScriptObject {
  private let result: Calibration
  private let view: Flow
  private let split: String

  init(_ result: Calibration, of view: Flow, on split: String) {
    self.result = result
    self.view = view
    self.split = split
  }

  var typeName: String { "a calibration" }
  var memberNames: [String] { fields.map(\.name) }
  func member(_ name: String) -> Value? { fields.first { $0.name == name }?.value }

  var fields: [(name: String, value: Value)] {
    [
      ("model", .flow(view)), ("budget", .number(result.budget)),
      ("fitted_share", .number(result.fitted)), ("checked_share", .number(result.checked)),
      ("windows", .int(result.windows)), ("bound", .number(result.bound)),
      ("confidence", .number(result.confidence)),
      (
        "sites",
        .record(
          RecordValue(
            result.policies.sorted { $0.key < $1.key }.map { site, policy in
              (name: site, value: .string(policy.words))
            }))
      ),
    ]
  }

  var text: String {
    ([
      "calibrated on \(split) to a budget of \(percent(result.budget))",
      "  executed there          \(percent(result.fitted))",
      "  executed on the check   \(percent(result.checked)), \(result.windows) windows",
      "  at most on new data     \(percent(result.bound)), at \(percent(result.confidence)) confidence",
    ]
      + result.policies.sorted { $0.key < $1.key }.map { "  \($0.key): \($0.value.words)" })
      .joined(separator: "\n")
  }

  private func percent(_ share: Double) -> String { NumberFormat(".1%")?.text(share) ?? "" }
}
