import AdaptPlatform
import AdaptSyntax

// Values as text.

extension Interpreter {
  /// What `print` shows. Bounded: values can share parts many times over.
  func display(_ value: Value, at span: Span) throws -> String {
    if case .string(let text) = value { return text }
    if case .flow(let flow) = value, flow.layer?.isModel == true {
      return try tree(of: flow, at: span)
    }
    try tick(span)
    var writer = ValueWriter(limit: host.limits.output) {
      do { try self.checkTime(at: span) } catch { return true }
      return false
    }
    writer.write(value, quoted: false)
    guard !writer.isFull else {
      try checkTime(at: span)
      throw failure(
        .limitOutput, "the text of this value is longer than \(host.limits.output) bytes", at: span)
    }
    return writer.text
  }

  /// A value in a few words, for messages.
  func brief(_ value: Value) -> String {
    if case .tensor(let tensor) = value, case .value(let id) = tensor.content {
      return describe(tensor.trace.graph.type(id), in: tensor.trace.graph)
    }
    if case .array(let array) = value, !array.shape.isEmpty { return array.shapeText }
    var writer = ValueWriter(limit: 40)
    writer.write(value, quoted: true)
    return writer.isFull ? String(writer.text.prefix(40)) + "…" : writer.text
  }

  /// A string without quotes, or the text of another value.
  func plain(_ value: Value) -> String {
    if case .string(let text) = value { return text }
    var writer = ValueWriter(limit: 1 << 20)
    writer.write(value, quoted: false)
    return writer.text
  }

  /// What a prompt shows of a value: like `print`, with a string in quotes. Never fails.
  public func describe(_ value: Value) -> String {
    if case .flow = value,
      let text = try? onOwnThread({
        try self.display(value, at: Span(start: 0, end: 0))
      })
    {
      return text
    }
    if case .array(let array) = value { return array.text }
    var writer = ValueWriter(limit: 1 << 16)
    writer.write(value, quoted: true)
    return writer.isFull ? writer.text + "…" : writer.text
  }

  // MARK: Formats

  /// The text of an interpolated value in a ``NumberFormat``, as in `\(x: >8.2f)`.
  func formatted(_ value: Value, _ format: String?, at span: Span) throws -> String {
    guard let format = format?.trimmed(), !format.isEmpty else {
      return try display(value, at: span)
    }
    guard let parsed = NumberFormat(format) else {
      throw failure(.wrongValue, "'\(format)' is no format", at: span, hint: NumberFormat.help)
    }
    if value.isUnknown { return "" }
    guard parsed.isForNumbers else { return try formattedPlainly(value, parsed, at: span) }
    if case .int(let number) = value { return parsed.text(number) }
    if parsed.isForIntegers {
      guard let number = value.exactInt else { throw noFormat(format, "integers", value, at: span) }
      return parsed.text(number)
    }
    guard let number = value.asDouble else { throw noFormat(format, "numbers", value, at: span) }
    return parsed.text(number)
  }

  /// A format that only says how much room there is goes with every value.
  private func formattedPlainly(_ value: Value, _ format: NumberFormat, at span: Span) throws
    -> String
  {
    format.padded(try display(value, at: span))
  }

  private func noFormat(_ format: String, _ what: String, _ value: Value, at span: Span)
    -> Diagnostic
  {
    wrongType(
      "the format '\(format)' is for \(what), not for \(value.typeName)", at: span,
      label: "this is \(brief(value))")
  }
}

/// Writes values until a limit is reached.
public struct ValueWriter {
  private(set) var text = ""
  private(set) var isFull = false
  private let limit: Int
  /// Asked once in a while whether to stop.
  private let isOver: () -> Bool
  private var nextLook = ValueWriter.stride
  private static let stride = 1 << 16

  init(limit: Int, isOver: @escaping () -> Bool = { false }) {
    self.limit = limit
    self.isOver = isOver
  }

  mutating func write(_ value: Value, quoted: Bool) {
    guard !isFull else { return }
    if text.utf8.count >= nextLook {
      nextLook = text.utf8.count + ValueWriter.stride
      guard !isOver() else {
        isFull = true
        return
      }
    }
    switch value {
    case .none: put("none")
    case .bool(let truth): put(truth ? "true" : "false")
    case .int(let number): put(String(number))
    case .number(let number): put(ValueWriter.text(number))
    case .quantity(let number, let dimension): put(ValueWriter.text(number, dimension))
    case .string(let string): put(quoted ? ValueWriter.quoted(string) : string)
    case .range(let range): put("\(range.lower)..\(range.upper)")
    case .function(let function): put(function.signature)
    case .flow(let flow): put(ValueWriter.text(flow))
    case .tensor: put("tensor")
    case .array(let array): put(quoted ? array.inlineText : array.text)
    case .object(let object): put(object.text)
    case .unknown: put("unknown")
    case .unbound, .cell: put("unknown")
    case .list(let list): write(list.elements, "[", "]")
    case .tuple(let list): write(list.elements, "(", ")")
    case .map(let map): write(map)
    case .record(let record): write(record)
    }
  }

  private mutating func write(_ elements: [Value], _ opening: String, _ closing: String) {
    put(opening)
    for (index, element) in elements.enumerated() {
      if index > 0 { put(", ") }
      if isFull { return }
      write(element, quoted: true)
    }
    put(closing)
  }

  private mutating func write(_ map: MapValue) {
    if map.count == 0 { return put("[:]") }
    put("[")
    for (index, entry) in map.entries.enumerated() {
      if index > 0 { put(", ") }
      if isFull { return }
      write(entry.key.value, quoted: true)
      put(": ")
      write(entry.value, quoted: true)
    }
    put("]")
  }

  private mutating func write(_ record: RecordValue) {
    put("(")
    for (index, field) in record.fields.enumerated() {
      put(index > 0 ? ", \(field.name): " : "\(field.name): ")
      if isFull { return }
      write(field.value, quoted: true)
    }
    put(")")
  }

  private mutating func put(_ string: String) {
    guard text.utf8.count + string.utf8.count <= limit else {
      isFull = true
      text += String(string.prefix(max(0, limit - text.utf8.count)))
      return
    }
    text += string
  }

  // MARK: Texts

  /// A string as a script writes it.
  static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\r": result += "\\r"
      case "\t": result += "\\t"
      case _ where scalar.value < 0x20 || scalar.value == 0x7F:
        result += "\\u{" + String(scalar.value, radix: 16) + "}"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }

  /// A value as `print` shows it, as far as 1,000 bytes go.
  public static func text(_ value: Value) -> String {
    var writer = ValueWriter(limit: 1000)
    writer.write(value, quoted: false)
    return writer.text
  }

  static func text(_ number: Double) -> String {
    if number.isNaN { return "nan" }
    if number.isInfinite { return number < 0 ? "-inf" : "inf" }
    return String(describing: number)
  }

  /// `5ms`, `2GFLOP`: in the unit that gives a number from 1 to 1000.
  static func text(_ number: Double, _ dimension: Dimension) -> String {
    let units: [(Double, String)] =
      switch dimension {
      case .time: [(1, "s"), (1e-3, "ms"), (1e-6, "us"), (1e-9, "ns")]
      case .work:
        [(1e12, " TFLOP"), (1e9, " GFLOP"), (1e6, " MFLOP"), (1e3, " kFLOP"), (1, " FLOP")]
      }
    let size = abs(number)
    let unit = units.first { size >= $0.0 } ?? units.last { _ in true }
    guard let unit, size > 0 else { return "0" + (dimension == .time ? "s" : " FLOP") }
    let scaled = number / unit.0
    let rounded = (scaled * 1e6).rounded() / 1e6
    let whole = Int(exactly: rounded).map(String.init)
    return (whole ?? text(rounded)) + unit.1
  }

  static func text(_ flow: Flow) -> String {
    guard let layer = flow.layer else { return flow.kindName }
    let arguments = layer.arguments.map { argument in
      var writer = ValueWriter(limit: 40)
      writer.write(argument.value, quoted: true)
      return "\(argument.name): \(writer.text)"
    }
    let view = flow.view.map { " under \($0.text)" } ?? ""
    return "\(layer.name)(\(arguments.joined(separator: ", ")))\(view)"
  }
}
