import AdaptPlatform
import AdaptRuntime

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
