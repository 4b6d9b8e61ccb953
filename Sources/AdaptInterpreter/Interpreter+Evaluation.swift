import AdaptGraph
import AdaptRuntime
import AdaptSyntax
import Foundation

extension Interpreter {
  /// `evaluate(model, on: split)`: quality and executed cost.
  func evaluate(_ call: Call) throws -> Value {
    let (model, data) = (try call.model(0), try call.split(1))
    let windows = try call.optionalInt(2, in: 1...Int.max)
    let batch = try call.int(3, in: 1...1 << 20)
    let (graph, state) = try inferenceGraph(model, at: call.span(0))
    try judging(model) { try checkLogits(graph, at: call.span(0)) }
    let policies = try policies(call, 4, graph)
    guard !isDryRun else { return .unknown }
    state.window = state.window ?? data.split.length
    let result = try runtime(at: call.span) {
      let evaluator = try Evaluator(graph, length: data.split.length, cpu: cpu)
      return try evaluator.evaluate(
        data.split, state.parameters, windows: windows, batch: batch, policies: policies
      ) { share in
        try checkTime(at: call.span)
        host.progress(
          Progress(
            activity: "evaluate", step: max(1, Int(share * 100)), steps: 100, note: data.split.name)
        )
      }
    }
    let report = EvaluationReport(result, on: data.split.name)
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
    let (graph, state) = try inferenceGraph(model, at: call.span(0))
    try judging(model) { try checkLogits(graph, at: call.span(0)) }
    let policies = try policies(call, 5, graph)
    guard !isDryRun else { return .unknown }
    let result = try runtime(at: call.span) {
      try Generator(graph, window: state.window ?? 128, cpu: cpu).generate(
        after: prompt, count: count, temperature: temperature, seed: seed, state.parameters,
        policies: policies
      ) { written in
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
    let (graph, state) = try inferenceGraph(try call.model(0), at: call.span(0))
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

/// What `evaluate` found.
final class EvaluationReport: ScriptObject {
  let evaluation: Evaluation
  let split: String

  init(_ evaluation: Evaluation, on split: String) {
    self.evaluation = evaluation
    self.split = split
  }

  var typeName: String { "an evaluation" }
  var memberNames: [String] { fields.map(\.name) }

  func member(_ name: String) -> Value? { fields.first { $0.name == name }?.value }

  /// Everything as values, as members and for reports.
  var fields: [(name: String, value: Value)] {
    let sites = evaluation.sites
    return [
      ("split", .string(split)), ("bytes", .int(evaluation.bytes)),
      ("bits_per_byte", .number(evaluation.bitsPerByte)),
      ("executed_share", .number(evaluation.executedShare)),
      ("flops_per_byte", .number(evaluation.flopsPerByte)),
      ("full_flops_per_byte", .number(evaluation.fullFlopsPerByte)),
      ("paths", EvaluationReport.record(sites) { EvaluationReport.shares($0) }),
      (
        "entropy",
        EvaluationReport.record(sites) { .number(EvaluationReport.entropy($0.shares)) }
      ),
      (
        "dead_paths",
        EvaluationReport.record(sites) { site in
          .list(ListValue(EvaluationReport.dead(site).map { .string($0) }))
        }
      ),
    ]
  }

  /// A value for each site, by its name.
  private static func record(
    _ sites: [Evaluation.SiteShare], _ value: (Evaluation.SiteShare) -> Value
  ) -> Value {
    .record(RecordValue(sites.map { (name: $0.site, value: value($0)) }))
  }

  private static func shares(_ site: Evaluation.SiteShare) -> Value {
    .record(RecordValue(zip(site.paths, site.shares).map { (name: $0, value: .number($1)) }))
  }

  /// Evenness of the paths' use in bits.
  private static func entropy(_ shares: [Double]) -> Double {
    let total = shares.reduce(0, +)
    guard total > 0 else { return 0 }
    return shares.reduce(0) { $1 > 0 ? $0 - $1 / total * log2($1 / total) : $0 }
  }

  /// Paths that hardly anything takes.
  private static func dead(_ site: Evaluation.SiteShare) -> [String] {
    zip(site.paths, site.shares).filter { $1 < 0.001 }.map(\.0)
  }

  var text: String {
    let flops = ModelTree.cost(evaluation.flopsPerByte)
    let full = ModelTree.cost(evaluation.fullFlopsPerByte)
    let bits = NumberFormat(".3")?.text(evaluation.bitsPerByte) ?? ""
    return
      ([
        "\(split), \(evaluation.bytes) bytes",
        "  bits per byte   \(bits)",
        "  executed FLOPs  \(percent(evaluation.executedShare)) of the costliest paths everywhere "
          + "(\(flops) of \(full) a byte)",
      ] + table).joined(separator: "\n")
  }

  /// A row a site, a column a path.
  private var table: [String] {
    guard !evaluation.sites.isEmpty else { return [] }
    let names = evaluation.sites.reduce(into: [String]()) { names, site in
      names += site.paths.filter { !names.contains($0) }
    }
    let width = max(14, evaluation.sites.map(\.site.count).max() ?? 0)
    func row(_ title: String, _ cells: [String], _ end: String) -> String {
      let title = title.padding(toLength: width, withPad: " ", startingAt: 0)
      return "  " + title + cells.map { $0.leftPadded(to: 9) }.joined() + end
    }
    return [row("site", names, "")]
      + evaluation.sites.map { site in
        let cells = names.map { name in
          site.paths.firstIndex(of: name).map { percent(site.shares[$0]) } ?? ""
        }
        let dead = EvaluationReport.dead(site)
        return row(
          site.site, cells, dead.isEmpty ? "" : "  dead: \(dead.joined(separator: ", "))")
      }
  }

  private func percent(_ share: Double) -> String { NumberFormat(".1%")?.text(share) ?? "" }
}

extension String {
  /// With blanks before it, at least `width` long.
  func leftPadded(to width: Int) -> String {
    String(repeating: " ", count: max(0, width - count)) + self
  }
}

/// Bytes with what each cost: what `generate` wrote or `routes` looked at.
final class RoutedText: ScriptObject {
  let routed: RoutedBytes
  let prompt: [UInt8]

  init(_ routed: RoutedBytes, prompt: [UInt8]) {
    self.routed = routed
    self.prompt = prompt
  }

  var typeName: String { "a routed text" }
  var memberNames: [String] { fields.map(\.name) }
  func member(_ name: String) -> Value? { fields.first { $0.name == name }?.value }

  /// The text; bytes that are no UTF-8 show as �.
  var text: String { String(decoding: prompt + routed.bytes, as: UTF8.self) }

  /// Mean cost of a byte, relative to the costliest paths everywhere.
  private var share: Double {
    routed.costs.isEmpty ? 0 : routed.costs.reduce(0, +) / Double(routed.costs.count)
  }

  var fields: [(name: String, value: Value)] {
    [
      ("text", .string(String(decoding: routed.bytes, as: UTF8.self))),
      ("prompt", .string(String(decoding: prompt, as: UTF8.self))),
      ("mean_cost", .number(share)),
      ("costs", .list(ListValue(routed.costs.map { .number($0) }))),
      ("sites", .list(ListValue(routed.sites.map(RoutedText.value)))),
    ]
  }

  private static func value(_ site: (site: String, paths: [String], taken: [Int])) -> Value {
    let taken = site.taken.map { path -> Value in
      site.paths.indices.contains(path) ? .string(site.paths[path]) : .none
    }
    return .record(RecordValue([("site", .string(site.site)), ("paths", .list(ListValue(taken)))]))
  }

  /// The text with each byte's cost as a shade: darker costs more. Without colours, a line of bars
  /// stands under each line of text.
  func painted(isColored: Bool) -> String {
    let (low, high) = (routed.costs.min() ?? 0, routed.costs.max() ?? 1)
    let levels = routed.costs.map {
      high > low ? Int((($0 - low) / (high - low) * 7).rounded()) : 0
    }
    return isColored ? colored(levels) : barred(levels)
  }

  private func colored(_ levels: [Int]) -> String {
    // From pale to strong of the terminal's 256 colours.
    let shades = [255, 230, 229, 222, 215, 208, 202, 196]
    var result = String(decoding: prompt, as: UTF8.self)
    var current: Int?
    for (range, text) in characters {
      // A line's end is not coloured: the terminal would paint the rest of the line.
      let shade = text == "\n" ? nil : shades[range.map { levels[$0] }.max() ?? 0]
      if shade != current {
        result += shade.map { "\u{1B}[48;5;\($0);30m" } ?? "\u{1B}[0m"
        current = shade
      }
      result += text
    }
    let scale = shades.map { "\u{1B}[48;5;\($0)m  " }.joined()
    return result + "\u{1B}[0m\nleast compute \(scale)\u{1B}[0m most compute"
  }

  private func barred(_ levels: [Int]) -> String {
    let bars = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"]
    var lines: [String] = []
    var (line, marks) = ("", "")
    for (range, text) in characters + [(0..<0, "\n")] {
      guard text != "\n" else {
        lines += [line, marks]
        (line, marks) = ("", "")
        continue
      }
      line += text == "\t" ? " " : text
      marks += bars[range.map { levels[$0] }.max() ?? 0]
    }
    return lines.joined(separator: "\n")
  }

  /// The bytes by character, since several can form one.
  private var characters: [(Range<Int>, String)] {
    var result: [(Range<Int>, String)] = []
    var start = 0
    for scalar in String(decoding: routed.bytes, as: UTF8.self).unicodeScalars {
      // A replaced byte is one byte, however long its mark is.
      let isReplaced = scalar == "\u{FFFD}"
      let length = isReplaced ? 1 : String(scalar).utf8.count
      let end = min(start + length, routed.bytes.count)
      guard start < end else { break }
      // Control bytes would move the terminal's cursor.
      let isControl = scalar.value < 32 && scalar != "\n" && scalar != "\t" || scalar.value == 127
      result.append((start..<end, isControl ? "·" : String(scalar)))
      start = end
    }
    return result
  }
}
