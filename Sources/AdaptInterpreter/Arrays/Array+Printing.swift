import AdaptPlatform
import AdaptTensor

// A tensor as text: a line with its shape and type, then its numbers in aligned columns.

extension ArrayValue {
  /// What `print` shows: a single number as it is, else the shape and the numbers.
  var text: String {
    guard let tensor else { return "unknown" }
    if shape.isEmpty { return ArrayWriter.single(tensor) }
    let writer = ArrayWriter(tensor)
    let header =
      "tensor \(ArrayValue.text(of: shape, axes)) \(type.element.scriptName)\(writer.scaleText)"
    return header + "\n" + writer.body
  }
}

extension ArrayValue {
  /// How a list or record shows it: a few numbers in one line, else its shape.
  var inlineText: String {
    guard let tensor, !shape.isEmpty else { return text }
    guard tensor.count <= ArrayValue.mostInline else { return "tensor " + shapeText }
    let lines = ArrayWriter(tensor).body.split(separator: "\n")
    return "tensor " + lines.map { $0.drop { $0 == " " } }.joined(separator: " ")
  }

  private static let mostInline = 12
}

/// Writes the numbers of a tensor.
private struct ArrayWriter {
  /// More numbers than this are shown by their edges only.
  private static let mostNumbers = 1000
  /// How many places of each end of an axis are shown then: the first that leaves few enough.
  private static let edges = [3, 2, 1]
  private static let lineLength = 96
  private static let gap = "…"

  private let tensor: Tensor
  private let shown: [[Int?]]
  private let format: CellFormat
  private let width: Int

  init(_ tensor: Tensor) {
    self.tensor = tensor
    shown = ArrayWriter.shown(tensor.shape, tensor.count)
    let cells = shown.isEmpty ? [] : ArrayWriter.cells(tensor, shown[...], 0)
    format = CellFormat(tensor, cells)
    width = cells.map { [format] in format.text(tensor, $0).count }.max() ?? 0
  }

  /// ` × 1e6` when all numbers are shown as multiples of a power of ten.
  var scaleText: String { format.exponent == 0 ? "" : " × 1e\(format.exponent)" }

  var body: String {
    if tensor.count == 0 { return "[]" }
    return shown.isEmpty ? "[…]" : write(shown[...], 0, depth: 0)
  }

  /// The places of each axis that are shown, nil for those between; none of so many short axes that
  /// their ends alone are too many.
  private static func shown(_ shape: [Int], _ count: Int) -> [[Int?]] {
    if count == 0 { return [] }
    if count <= mostNumbers { return shape.map { Array(0..<$0) } }
    for edge in edges {
      let axes = shape.map { size in
        size <= 2 * edge ? Array(0..<size) : Array(0..<edge) + [nil] + Array((size - edge)..<size)
      }
      // Each axis at least doubles what is shown, so this cannot overflow before it is too large.
      var total = 1
      for axis in axes where total <= mostNumbers { total *= axis.count }
      if total <= mostNumbers { return axes }
    }
    return []
  }

  /// The places in memory of all numbers that are shown.
  private static func cells(_ tensor: Tensor, _ shown: ArraySlice<[Int?]>, _ base: Int) -> [Int] {
    guard let places = shown.first else { return [base] }
    let size = tensor.shape[shown.startIndex]
    return places.compactMap { $0 }.flatMap {
      cells(tensor, shown.dropFirst(), base * size + $0)
    }
  }

  private func write(_ shown: ArraySlice<[Int?]>, _ base: Int, depth: Int) -> String {
    guard let places = shown.first else { return padded(format.text(tensor, base)) }
    let size = tensor.shape[shown.startIndex]
    let parts = places.map { place in
      place.map { write(shown.dropFirst(), base * size + $0, depth: depth + 1) } ?? ArrayWriter.gap
    }
    let indent = String(repeating: " ", count: depth + 1)
    if shown.count > 1 { return "[" + parts.joined(separator: ",\n" + indent) + "]" }
    return "[" + lines(parts, depth).joined(separator: ",\n" + indent) + "]"
  }

  /// Numbers of the last axis, broken into lines of equal count.
  private func lines(_ parts: [String], _ depth: Int) -> [String] {
    let perLine = max(1, (ArrayWriter.lineLength - depth - 2) / (width + 2))
    return stride(from: 0, to: parts.count, by: perLine).map {
      parts[$0..<min($0 + perLine, parts.count)].joined(separator: ", ")
    }
  }

  private func padded(_ text: String) -> String {
    String(repeating: " ", count: max(0, width - text.count)) + text
  }

  /// A tensor without axes, as its number alone.
  static func single(_ tensor: Tensor) -> String {
    switch tensor.elementType {
    case .int32: String(tensor.storage.integers[0])
    case .float32: CellFormat.special(tensor.storage.floats[0]) ?? "\(tensor.storage.floats[0])"
    }
  }
}

/// How the numbers of one tensor are written: all the same way, with four digits for the largest.
private struct CellFormat {
  /// All are multiples of ten to this.
  private(set) var exponent = 0
  private var decimals = 0
  private var isScientific = false

  init(_ tensor: Tensor, _ cells: [Int]) {
    guard tensor.elementType == .float32 else { return }
    let numbers = cells.map { tensor.storage.floats[$0] }.filter(\.isFinite)
    let sizes = numbers.map { Double(abs($0)) }.filter { $0 > 0 }
    guard let largest = sizes.max(), let smallest = sizes.min() else { return }
    if numbers.allSatisfy({ $0 == $0.rounded() }), largest < 1e6 { return }
    // So far apart that no common form shows digits of both.
    if largest / smallest > 1e5 {
      isScientific = true
      return
    }
    let order = Int(log10(largest).rounded(.down))
    if order >= 5 || order < -3 { exponent = order }
    decimals = min(8, max(0, 3 - (order - exponent)))
  }

  func text(_ tensor: Tensor, _ place: Int) -> String {
    guard tensor.elementType == .float32 else { return String(tensor.storage.integers[place]) }
    let number = tensor.storage.floats[place]
    if let special = CellFormat.special(number) { return special }
    if isScientific { return String(printf: "%.3e", number) }
    let scaled = Double(number) / pow(10, Double(exponent))
    return String(printf: "%.\(decimals)f", scaled)
  }

  static func special(_ number: Float) -> String? {
    if number.isNaN { return "nan" }
    return number.isInfinite ? (number < 0 ? "-inf" : "inf") : nil
  }
}
