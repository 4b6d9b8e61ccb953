import AdaptPlatform
import AdaptRuntime

/// What `evaluate` found.
final class EvaluationReport: ScriptObject {
  private let evaluation: Evaluation
  private let split: String
  /// `byte`, `sample`: what cost is counted for.
  private let row: String
  /// What was counted.
  private let amount: String
  private let isBytes: Bool

  init(_ evaluation: Evaluation, on data: any Dataset) {
    let format = data.format.input
    self.evaluation = evaluation
    split = data.name
    isBytes = data is ByteSplit
    row = isBytes ? "byte" : format.label
    let rows = "\(evaluation.rows) \(row)s"
    if let unit = format.grouping, !isBytes {
      amount = "\(evaluation.units) \(unit)s, \(rows)"
    } else {
      amount = rows
    }
  }

  var typeName: String { "an evaluation" }
  var memberNames: [String] { fields.map(\.name) }

  func member(_ name: String) -> Value? { fields.first { $0.name == name }?.value }

  /// Everything as values, as members and for reports.
  var fields: [(name: String, value: Value)] {
    let sites = evaluation.sites
    return [
      ("split", .string(split)), ("\(row)s", .int(evaluation.rows)),
      ("loss", .number(evaluation.loss)),
    ] + quality + [
      ("cost", .number(evaluation.executedShare)),
      ("executed_share", .number(evaluation.executedShare)),
      ("flops", .number(evaluation.flopsPerRow)),
      ("flops_per_\(row)", .number(evaluation.flopsPerRow)),
      ("full_flops_per_\(row)", .number(evaluation.fullFlopsPerRow)),
      ("paths", EvaluationReport.record(sites) { EvaluationReport.shares($0) }),
      (
        "rounds",
        .record(RecordValue(evaluation.loops.map { (name: $0.loop, value: .number($0.mean)) }))
      ),
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

  /// What only classes, or only bytes, have.
  private var quality: [(name: String, value: Value)] {
    guard let accuracy = evaluation.accuracy else { return [] }
    let bits = Value.number(evaluation.bits)
    return [("accuracy", .number(accuracy)), ("bits", bits)]
      + (isBytes ? [("bits_per_byte", bits)] : [])
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
    let flops = ModelTree.cost(evaluation.flopsPerRow)
    let full = ModelTree.cost(evaluation.fullFlopsPerRow)
    let lines =
      measures + [
        (
          "executed FLOPs",
          "\(percent(evaluation.executedShare)) of the costliest paths everywhere "
            + "(\(flops) of \(full) a \(row))"
        )
      ]
    let width = 2 + (lines.map(\.0.count).max() ?? 0)
    return
      (["\(split), \(amount)"]
      + lines.map { "  " + $0.rightPadded(to: width) + $1 } + table)
      .joined(separator: "\n")
  }

  /// How good the model is, in the terms of its data.
  private var measures: [(String, String)] {
    if isBytes { return [("bits per byte", NumberFormat(".3")?.text(evaluation.bits) ?? "")] }
    // Three digits, however small it has become.
    let loss = String(printf: "%.3g", evaluation.loss)
    guard let accuracy = evaluation.accuracy else { return [("mean squared error", loss)] }
    return [("loss", loss), ("accuracy", percent(accuracy))]
  }

  /// A row a site, a column a path.
  private var table: [String] {
    guard !evaluation.sites.isEmpty else { return [] }
    let names = evaluation.sites.reduce(into: [String]()) { names, site in
      names += site.paths.filter { !names.contains($0) }
    }
    let width = max(14, evaluation.sites.map(\.site.count).max() ?? 0)
    let column = max(9, (names.map(\.count).max() ?? 0) + 2)
    func row(_ title: String, _ cells: [String], _ end: String) -> String {
      let title = title.rightPadded(to: width)
      return "  " + title + cells.map { $0.leftPadded(to: column) }.joined() + end
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

  func rightPadded(to width: Int) -> String {
    self + String(repeating: " ", count: max(0, width - count))
  }
}
