import AdaptRuntime
import AdaptSyntax

extension Interpreter {
  /// `record(model, on: split)`: every decision, to be replayed.
  func record(_ call: Call) throws -> Value {
    let (model, data) = (try call.model(0), try call.units(1))
    let windows = try call.optionalInt(2, in: 1...Int.max)
    let (batch, precision) = (try call.int(3, in: 1...1 << 20), try call.precision(4))
    let (graph, state) = try inferenceGraph(model, on: data.format.input, at: call.span(0))
    let policies = try policies(call, nil, graph)
    guard !isDryRun else { return .unknown }
    let batches = data.batches(of: batch, units: windows)
    let recording = try runtime(at: call.span) {
      let recorder = try Recorder(graph, cpu: cpu.computing(in: precision))
      return try recorder.record(batches, state.parameters, policies: policies) { done in
        try checkTime(at: call.span)
        host.progress(
          Progress(
            activity: "record", step: done, steps: batches.count, note: data.name))
      }
    }
    let value = RecordingValue(recording, of: data.name)
    host.report("record", value.fields)
    return .object(value)
  }
}

extension Dataset {
  /// Units in order, so many at once.
  /// - Parameter units: at most so many, from the start; nil for all.
  func batches(of size: Int, units: Int?) -> [Batch] {
    let total = min(count, units ?? count)
    return stride(from: 0, to: total, by: size).map { batch($0..<min($0 + size, total)) }
  }
}

/// What `record` wrote down.
final class RecordingValue: ScriptObject {
  let recording: Recording
  private let split: String

  init(_ recording: Recording, of split: String) {
    self.recording = recording
    self.split = split
  }

  var typeName: String { "a recording" }
  var memberNames: [String] { fields.map(\.name) }
  func member(_ name: String) -> Value? { fields.first { $0.name == name }?.value }

  var fields: [(name: String, value: Value)] {
    [
      ("split", .string(split)),
      ("sites", .list(ListValue(recording.sites.map { .string($0.site) }))),
      (
        "units",
        .record(RecordValue(recording.sites.map { (name: $0.site, value: .int($0.units)) }))
      ),
      (
        "counts",
        .record(
          RecordValue(recording.sites.map { (name: $0.site, value: RecordingValue.counts($0)) }))
      ),
    ]
  }

  private static func counts(_ site: Recording.SiteRecord) -> Value {
    .record(RecordValue(zip(site.paths, site.counts).map { (name: $0, value: .int($1)) }))
  }

  var text: String {
    (["decisions on \(split)"]
      + recording.sites.map { site in
        let counts = zip(site.paths, site.counts).map { "\($0) \($1)" }.joined(separator: ", ")
        return "  \(site.site): \(site.units) units, \(counts)"
      }).joined(separator: "\n")
  }
}
