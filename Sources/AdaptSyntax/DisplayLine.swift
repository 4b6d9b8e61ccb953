/// A line of source as a terminal shows it: cells of text, each with its bytes and its columns.
struct DisplayLine {
  struct Cell {
    /// The first byte in the file.
    var offset: Int
    var text: String
    /// Columns on the screen.
    var width: Int
  }

  private(set) var cells: [Cell] = []
  /// One past the last byte.
  private var end: Int
  private var isCutBefore = false
  private var isCutAfter = false

  /// Columns that a picture shows of a line at most.
  static let mostColumns = 100
  /// Bytes looked at on either side of the cause; a line may have millions.
  private static let mostBytes = 1200

  /// - Parameters:
  ///   - range: The bytes of the line.
  ///   - cause: The bytes that must be visible, at least their beginning.
  init(bytes: [UInt8], range: Range<Int>, cause: Range<Int>) {
    var start = range.lowerBound
    end = range.upperBound
    if cause.lowerBound - start > Self.mostBytes {
      start = cause.lowerBound - Self.mostBytes
      isCutBefore = true
      // Begin between characters.
      while start < cause.lowerBound, bytes[start] & 0xC0 == 0x80 { start += 1 }
    }
    if end - cause.lowerBound > Self.mostBytes {
      end = cause.lowerBound + Self.mostBytes
      isCutAfter = true
      while end < range.upperBound, bytes[end] & 0xC0 == 0x80 { end += 1 }
    }
    bytes.withUnsafeBufferPointer { decode($0, start..<end) }
    window(cause)
  }

  private mutating func decode(_ bytes: UnsafeBufferPointer<UInt8>, _ range: Range<Int>) {
    var offset = range.lowerBound
    var column = 0
    while offset < range.upperBound {
      let decoded = decodeScalar(bytes, at: offset)
      let (text, width) = Self.picture(of: decoded.scalar, byte: bytes[offset], column: column)
      if width == 0, let last = cells.indices.last {
        cells[last].text += text
      } else {
        cells.append(Cell(offset: offset, text: text, width: width))
      }
      column += width
      offset += decoded.length
    }
  }

  private static func picture(
    of scalar: Unicode.Scalar?, byte: UInt8, column: Int
  ) -> (text: String, width: Int) {
    guard let scalar else {
      let text = "<\(String(byte, radix: 16, uppercase: true))>"
      return (text, text.utf8.count)
    }
    if scalar == "\t" {
      let width = 4 - column % 4
      return (String(repeating: " ", count: width), width)
    }
    return (visible(scalar), columns(of: scalar))
  }

  // MARK: Window

  /// Leaves out what is far from the cause when the line is wider than the picture.
  private mutating func window(_ cause: Range<Int>) {
    let widths = cells.map(\.width)
    guard isCutBefore || isCutAfter || widths.reduce(0, +) > Self.mostColumns else { return }
    let focus = cells.firstIndex { $0.offset >= cause.lowerBound } ?? cells.count
    var first = focus
    var columns = 0
    while first > 0, columns + widths[first - 1] <= Self.mostColumns / 3 {
      first -= 1
      columns += widths[first]
    }
    var last = focus
    while last < cells.count, columns + widths[last] <= Self.mostColumns {
      columns += widths[last]
      last += 1
    }
    isCutBefore = isCutBefore || first > 0
    isCutAfter = isCutAfter || last < cells.count
    if last < cells.count { end = cells[last].offset }
    cells = Array(cells[first..<last])
  }

  // MARK: Text

  var text: String {
    (isCutBefore ? "…" : "") + cells.map(\.text).joined() + (isCutAfter ? "…" : "")
  }

  /// The blanks before the carets and their number, at least one, for a range of bytes.
  func underline(_ cause: Range<Int>) -> (indent: Int, count: Int) {
    var indent = isCutBefore ? 1 : 0
    var count = 0
    for (index, cell) in cells.enumerated() {
      let next = index + 1 < cells.count ? cells[index + 1].offset : end
      if next <= cause.lowerBound {
        indent += cell.width
      } else if cell.offset < cause.upperBound {
        count += cell.width
      }
    }
    return (indent, max(1, count))
  }
}

/// A scalar as it may be shown: control characters and what turns text around become visible.
func visible(_ scalar: Unicode.Scalar) -> String {
  switch scalar.value {
  case 0..<0x20: Unicode.Scalar(0x2400 + scalar.value).map { String(Character($0)) } ?? "?"
  case 0x7F: "\u{2421}"
  case 0x80..<0xA0, 0x200B, 0x200E, 0x200F, 0x2028...0x202E, 0x2060...0x206F, 0xFEFF:
    "<\(scalar.codePoint)>"
  default: String(Character(scalar))
  }
}

/// A text that came from outside, safe to print on one line.
func visible(_ text: String) -> String {
  var result = ""
  for scalar in text.unicodeScalars { result += visible(scalar) }
  return result
}

/// How many columns a terminal gives a scalar. Approximate: terminals differ about rare ones.
private func columns(of scalar: Unicode.Scalar) -> Int {
  if scalar.isASCII { return 1 }
  let text = visible(scalar)
  if text.unicodeScalars.count > 1 { return text.unicodeScalars.count }
  switch scalar.properties.generalCategory {
  case .nonspacingMark, .enclosingMark, .format: return 0
  default: break
  }
  switch scalar.value {
  case 0x1100...0x115F, 0x2E80...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F,
    0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1F64F, 0x1F680...0x1F6FF, 0x1F900...0x1F9FF,
    0x20000...0x3FFFD:
    return 2
  default: return 1
  }
}
