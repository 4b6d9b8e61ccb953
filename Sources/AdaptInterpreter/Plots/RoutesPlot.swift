import AdaptRuntime

/// Which path every byte of a text takes at every site: bytes from left to right, sites from the
/// first at the bottom to the last at the top, and what each byte cost above.
struct RoutesPlot {
  let routed: RoutedBytes

  private static let cell = 14.0
  private static let rowHeight = 18.0
  private static let barHeight = 60.0
  private static let margin = 16.0

  /// The picture.
  func document() -> String {
    let labels = routed.sites.map(\.site)
    let left = RoutesPlot.margin + 7.3 * Double(labels.map(\.count).max() ?? 4) + 8
    let columns = Double(routed.bytes.count)
    let grid = Double(routed.sites.count) * RoutesPlot.rowHeight
    let top = 56.0
    let height = top + RoutesPlot.barHeight + 8 + grid + 20 + RoutesPlot.margin
    let width = max(360, left + columns * RoutesPlot.cell + RoutesPlot.margin)
    var svg = SVG(width: width, height: height)
    drawLegend(&svg, left: left)
    drawCosts(&svg, left: left, top: top)
    drawSites(&svg, left: left, top: top + RoutesPlot.barHeight + 8)
    for (column, byte) in routed.bytes.enumerated() {
      svg.text(
        RoutesPlot.glyph(byte), x: left + (Double(column) + 0.5) * RoutesPlot.cell,
        y: top + RoutesPlot.barHeight + 8 + grid + 14, anchor: "middle")
    }
    return svg.document
  }

  /// Path names in the order of their first site, each with one colour everywhere.
  private var pathNames: [String] {
    var names: [String] = []
    for name in routed.sites.flatMap(\.paths) where !names.contains(name) { names.append(name) }
    return names
  }

  private func drawLegend(_ svg: inout SVG, left: Double) {
    svg.text("Paths by byte and site", x: RoutesPlot.margin, y: 24, size: 14)
    var x = left
    for (index, name) in pathNames.enumerated() {
      svg.rectangle(x: x, y: 34, width: 12, height: 12, fill: Palette.color(index))
      svg.text(name, x: x + 16, y: 44)
      x += 30 + 7.5 * Double(name.count)
    }
  }

  private func drawCosts(_ svg: inout SVG, left: Double, top: Double) {
    svg.text("cost", x: left - 8, y: top + RoutesPlot.barHeight, anchor: "end")
    svg.text("100%", x: left - 8, y: top + 10, size: 10, anchor: "end", fill: "#777")
    svg.rectangle(
      x: left, y: top, width: Double(routed.bytes.count) * RoutesPlot.cell, height: 0.5,
      fill: "#bbb")
    for (column, cost) in routed.costs.enumerated() {
      let height = RoutesPlot.barHeight * min(1, max(0, cost))
      svg.rectangle(
        x: left + Double(column) * RoutesPlot.cell + 1, y: top + RoutesPlot.barHeight - height,
        width: RoutesPlot.cell - 2, height: height, fill: "#555",
        title: "\(RoutesPlot.glyph(routed.bytes[column])) \(Int((cost * 100).rounded()))%")
    }
  }

  private func drawSites(_ svg: inout SVG, left: Double, top: Double) {
    let names = pathNames
    for (index, site) in routed.sites.enumerated() {
      let y = top + Double(routed.sites.count - 1 - index) * RoutesPlot.rowHeight
      svg.text(site.site, x: left - 8, y: y + 13, anchor: "end")
      for (column, path) in site.taken.enumerated() where path >= 0 {
        let name = site.paths[path]
        svg.rectangle(
          x: left + Double(column) * RoutesPlot.cell + 0.5, y: y + 0.5,
          width: RoutesPlot.cell - 1, height: RoutesPlot.rowHeight - 1,
          fill: Palette.color(names.firstIndex(of: name) ?? 0),
          title: "\(RoutesPlot.glyph(routed.bytes[column])) at \(site.site): \(name)")
      }
    }
  }

  /// A byte as one visible character.
  static func glyph(_ byte: UInt8) -> String {
    switch byte {
    case 10: "⏎"
    case 9: "⇥"
    case 32: "·"
    case 33..<127: String(UnicodeScalar(byte))
    default: "▯"
    }
  }
}
