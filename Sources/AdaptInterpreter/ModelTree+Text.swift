import AdaptGraph
import AdaptPlatform
import AdaptRuntime

// A model as lines of text.

extension ModelTree {
  var text: String {
    var rows = [
      Row(
        label: root.name + mark(root), shape: "", parameters: root.parameters,
        flops: costs.full(RegionID(0)))
    ]
    for (child, count) in families(root.children) { add(child, to: &rows, depth: 1, count: count) }
    return ModelTree.table(rows, length)
  }

  private func add(_ scope: Scope, to rows: inout [Row], depth: Int, count: Int = 1) {
    let family = String(scope.name.prefix { $0 != "[" })
    let name = count > 1 ? "\(family) × \(count)" : scope.name
    var label = String(repeating: "  ", count: depth) + name
    if let site = scope.site {
      label += " each \(site.unit) by \(site.router), \(ModelTree.rule(site))"
    }
    label += mark(scope)
    rows.append(
      Row(
        label: label, shape: shape(scope),
        parameters: scope.parameters * (scope.isRound ? 1 : count),
        flops: flops(scope) * Double(count)))
    for (child, count) in families(scope.children) {
      add(child, to: &rows, depth: depth + 1, count: count)
    }
    guard let site = scope.site else { return }
    // Paths without a layer have no scope of their own.
    for path in site.paths where !scope.children.contains(where: { $0.name == path.name }) {
      let label = String(repeating: "  ", count: depth + 1) + path.name
      rows.append(Row(label: label, shape: "", parameters: 0, flops: costs.full(path.region)))
    }
  }

  private func mark(_ scope: Scope) -> String { marks[scope.path].map { ", " + $0 } ?? "" }

  private static func rule(_ site: Site) -> String {
    rule(site.selection, of: site.decided) + (site.hasElse ? ", else the rest" : "")
  }

  private static func rule(_ selection: Selection, of paths: Int) -> String {
    switch selection {
    case .top(let count): "top \(count) of \(paths)"
    case .all: "all \(paths)"
    case .above(let limit): "above \(NumberFormat("")?.text(limit) ?? "\(limit)")"
    case .given: "as the router says"
    case .best(.count(let count)): "the best \(count) of a group"
    case .best(.share(let share)):
      "the best \(NumberFormat(".1%")?.text(share) ?? "\(share)") of a group"
    case .pairs(.count(let count)): "the best \(count) pairs of a group"
    case .pairs(.share(let share)):
      "the best \(NumberFormat(".1%")?.text(share) ?? "\(share)") of the pairs of a group"
    case .amongBatch(let inner): rule(inner, of: paths) + ", among the batch"
    case .capped(let inner, let capacity):
      rule(inner, of: paths) + ", capacity \(capacity.factor) by \(capacity.order.rawValue)"
    }
  }

  /// Copies that look the same stand as one: `blocks[0] … blocks[3]` as `blocks × 4`.
  private func families(_ scopes: [Scope]) -> [(Scope, Int)] {
    var result: [(Scope, Int)] = []
    for scope in scopes {
      let family = scope.name.prefix { $0 != "[" }
      if scope.name.contains("["), let last = result.last,
        last.0.name.prefix(while: { $0 != "[" }) == family,
        looksLike(scope, last.0)
      {
        result[result.count - 1].1 += 1
      } else {
        result.append((scope, 1))
      }
    }
    return result
  }

  private func looksLike(_ a: Scope, _ b: Scope) -> Bool {
    a.parameters == b.parameters && marks[a.path] == marks[b.path] && flops(a) == flops(b)
      && a.children.count == b.children.count
      && zip(a.children, b.children).allSatisfy { $0.name == $1.name && looksLike($0, $1) }
  }

  private static func table(_ rows: [Row], _ length: Int) -> String {
    let labels = rows.map(\.label.count).max() ?? 0
    let shapes = rows.map(\.shape.count).max() ?? 0
    let numbers = rows.map { grouped($0.parameters) }
    let parameters = max(10, numbers.map(\.count).max() ?? 0)
    let header =
      pad("", labels) + "  " + pad("gives", shapes) + "  " + padLeft("parameters", parameters)
      + "    cost a row"
    let lines = zip(rows, numbers).map { row, number in
      pad(row.label, labels) + "  " + pad(row.shape, shapes) + "  "
        + padLeft(row.parameters > 0 ? number : "", parameters) + "  "
        + padLeft(row.flops > 0 ? cost(row.flops) : "0", 12)
    }
    return ([header] + lines).map(trimmedRight).joined(separator: "\n")
  }

  /// A cost with three or so digits: `7.29 kFLOP`.
  static func cost(_ flops: Double) -> String {
    let (scale, unit) =
      flops >= 1e9
      ? (1e9, " GFLOP")
      : flops >= 1e6
        ? (1e6, " MFLOP")
        : flops >= 1e3 ? (1e3, " kFLOP") : (1, " FLOP")
    return String(printf: flops >= 1e3 ? "%.2f" : "%.0f", flops / scale) + unit
  }

  /// `1 234 567`.
  private static func grouped(_ number: Int) -> String {
    let digits = Array(String(number))
    return digits.enumerated().map { index, digit in
      index > 0 && (digits.count - index) % 3 == 0 ? " \(digit)" : String(digit)
    }.joined()
  }

  private static func pad(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
  }

  private static func padLeft(_ text: String, _ width: Int) -> String {
    String(repeating: " ", count: max(0, width - text.count)) + text
  }

  private static func trimmedRight(_ text: String) -> String {
    String(text.reversed().drop { $0 == " " }.reversed())
  }
}
