import OrderedCollections

/// What a map's values are found by.
public enum MapKey: Hashable {
  case bool(Bool)
  /// Also numbers that are whole: `1.0` is the key `1`.
  case int(Int)
  case number(Double)
  case string(String)
  case tuple([MapKey])

  /// The key as a value of a script.
  public var value: Value {
    switch self {
    case .bool(let truth): .bool(truth)
    case .int(let number): .int(number)
    case .number(let number): .number(number)
    case .string(let text): .string(text)
    case .tuple(let parts): .tuple(ListValue(parts.map(\.value)))
    }
  }

  /// The key that a value is; nil for one that cannot be a key.
  public init?(_ value: Value) {
    switch value {
    case .bool(let truth): self = .bool(truth)
    case .string(let text): self = .string(text)
    case .tuple(let parts):
      let keys = parts.elements.compactMap(MapKey.init)
      guard keys.count == parts.elements.count else { return nil }
      self = .tuple(keys)
    default:
      if let number = value.exactInt {
        self = .int(number)
      } else if let number = value.asDouble, !number.isNaN {
        self = .number(number)
      } else {
        return nil
      }
    }
  }
}

/// Values by key, in the order the keys were added.
public struct MapValue {
  public private(set) var entries: OrderedDictionary<MapKey, Value> = [:]
  private(set) var depth = 1

  public init() {}

  public var count: Int { entries.count }

  public subscript(key: MapKey) -> Value? {
    get { entries[key] }
    set {
      entries[key] = newValue
      if let newValue { depth = max(depth, 1 + newValue.depth) }
    }
  }

  /// Changes the value of a key where it is; one that is not there is `none` before.
  mutating func change(_ key: MapKey, _ change: (inout Value) throws -> Void) rethrows {
    try Value.change(&entries[key, default: .none], change)
    depth = max(depth, 1 + (entries[key]?.depth ?? 0))
  }
}
