import AdaptInterpreter
import AdaptPlatform

/// Every result that a script produced, as data: an array of objects with a `kind` and named values.
public struct Report: Sendable {
  private var entries: [JSON] = []

  public init() {}

  mutating func add(_ kind: String, _ values: [(name: String, value: Value)]) {
    var object: [String: JSON] = ["kind": .string(kind)]
    for (name, value) in values { object[name] = JSON(value) }
    entries.append(.object(object))
  }

  /// The report as JSON text, keys in order, with a line break at its end.
  public func json() -> [UInt8] { JSON.array(entries).text() }
}

/// A value of JSON. Numbers that JSON cannot write are null.
enum JSON: Encodable, Sendable {
  case null
  case bool(Bool)
  case int(Int)
  case number(Double)
  case string(String)
  case array([JSON])
  case object([String: JSON])

  init(_ value: Value) {
    switch value {
    case .none, .unknown, .unbound, .cell: self = .null
    case .bool(let value): self = .bool(value)
    case .int(let value): self = .int(value)
    case .number(let value), .quantity(let value, _):
      self = value.isFinite ? .number(value) : .null
    case .string(let value): self = .string(value)
    case .list(let list), .tuple(let list): self = .array(list.elements.map(JSON.init))
    case .map(let map):
      let pairs = map.entries.map { (ValueWriter.text($0.key.value), JSON($0.value)) }
      self = .object(Dictionary(pairs) { _, last in last })
    case .record(let record):
      let pairs = record.fields.map { ($0.name, JSON($0.value)) }
      self = .object(Dictionary(pairs) { _, last in last })
    case .range(let range): self = .array([.int(range.lower), .int(range.upper)])
    case .array(let array):
      let numbers = array.tensor?.floats ?? []
      self = .object([
        "shape": .array(array.shape.map { .int($0) }),
        "values": .array(numbers.map { $0.isFinite ? .number(Double($0)) : .null }),
      ])
    case .function, .flow, .tensor: self = .string(value.typeName)
    case .object(let object): self = .string(object.text)
    }
  }

  /// Keys in order, with a line break at the end.
  func text() -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    guard let data = try? encoder.encode(self) else { return Array("null\n".utf8) }
    return [UInt8](data) + [10]
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .null: try container.encodeNil()
    case .bool(let value): try container.encode(value)
    case .int(let value): try container.encode(value)
    case .number(let value): try container.encode(value)
    case .string(let value): try container.encode(value)
    case .array(let values): try container.encode(values)
    case .object(let values): try container.encode(values)
    }
  }
}
