import AdaptPlatform

/// A picture as SVG text, drawn piece by piece. Coordinates are pixels from the top left.
struct SVG {
  private var body: [String] = []
  let width: Double
  let height: Double

  init(width: Double, height: Double) {
    self.width = width
    self.height = height
  }

  mutating func rectangle(
    x: Double, y: Double, width: Double, height: Double, fill: String, title: String = ""
  ) {
    let hint = title.isEmpty ? "" : "<title>\(SVG.escape(title))</title>"
    body.append(
      "<rect x=\"\(SVG.number(x))\" y=\"\(SVG.number(y))\" width=\"\(SVG.number(width))\" "
        + "height=\"\(SVG.number(height))\" fill=\"\(fill)\">\(hint)</rect>")
  }

  mutating func text(
    _ text: String, x: Double, y: Double, size: Double = 12, anchor: String = "start",
    fill: String = "#222"
  ) {
    body.append(
      "<text x=\"\(SVG.number(x))\" y=\"\(SVG.number(y))\" font-size=\"\(SVG.number(size))\" "
        + "text-anchor=\"\(anchor)\" fill=\"\(fill)\" xml:space=\"preserve\">"
        + "\(SVG.escape(text))</text>")
  }

  /// The whole document.
  var document: String {
    """
    <?xml version="1.0" encoding="UTF-8"?>
    <svg xmlns="http://www.w3.org/2000/svg" width="\(SVG.number(width))" \
    height="\(SVG.number(height))" viewBox="0 0 \(SVG.number(width)) \(SVG.number(height))" \
    font-family="ui-monospace, Menlo, Consolas, monospace">
    <rect width="100%" height="100%" fill="white"/>
    \(body.joined(separator: "\n"))
    </svg>

    """
  }

  /// A number without needless digits.
  static func number(_ value: Double) -> String {
    value == value.rounded() && abs(value) < 1e9
      ? String(Int(value)) : String(printf: "%.2f", value)
  }

  /// Text as XML allows it: marked characters named, controls left out.
  static func escape(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      default: if scalar.value >= 32 { result.unicodeScalars.append(scalar) }
      }
    }
    return result
  }
}

/// Colours that people with any colour vision tell apart (Okabe & Ito 2008).
enum Palette {
  static let colors = [
    "#0072b2", "#e69f00", "#d9d9d9", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442",
  ]

  static func color(_ index: Int) -> String { colors[index % colors.count] }
}
