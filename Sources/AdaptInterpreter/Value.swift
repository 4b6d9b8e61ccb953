import AdaptGraph
import AdaptSyntax

/// What an expression of a script comes to.
///
/// Lists, records and strings are values: whoever holds one is not affected by what others do with
/// theirs. Functions, flows and objects are shared.
public enum Value {
  case none
  case bool(Bool)
  case int(Int)
  case number(Double)
  /// A number with a unit: seconds of time, or floating-point operations.
  case quantity(Double, Dimension)
  case string(String)
  case list(ListValue)
  /// `(1, 2)`: as many values as were written.
  case tuple(ListValue)
  case record(RecordValue)
  /// Values by key, in the order the keys were added.
  indirect case map(MapValue)
  case range(RangeValue)
  /// What is called: functions, closures, natives, and the declarations of layers, routers and
  /// optimizers, whose call makes an instance.
  case function(Function)
  /// What is applied to data.
  case flow(Flow)
  /// A tensor of the graph that is being traced.
  /// Kept apart, since it is larger than the values of plain scripts, which are copied all the time.
  indirect case tensor(SymbolicTensor)
  /// A tensor of numbers.
  case array(ArrayValue)
  /// What the host, the library or the runtime brings: data, models' reports, routers.
  case object(any ScriptObject)
  /// In a dry run: something that only the real run finds out. Whatever is made of it is unknown too.
  case unknown
  /// Inside the interpreter only: the place of a name that is not bound yet.
  case unbound
  /// Inside the interpreter only: the place of a name that closures share.
  case cell(SharedName)
}

/// The place of a name that outlives the call it was bound in.
public typealias SharedName = Cell

/// What a quantity measures.
public enum Dimension: String, Sendable {
  case time
  case work
}

/// A list, which knows how deep it nests so that walking it cannot exhaust the stack.
public struct ListValue {
  public private(set) var elements: [Value]
  private(set) var depth: Int

  public init(_ elements: [Value]) {
    self.elements = elements
    depth = 1 + Value.depth(of: elements)
  }

  /// Changes the element at a valid index where it is.
  mutating func change(_ index: Int, _ change: (inout Value) throws -> Void) rethrows {
    try Value.change(&elements[index], change)
    depth = max(depth, 1 + elements[index].depth)
  }

  mutating func append(_ other: ListValue) {
    elements += other.elements
    depth = max(depth, other.depth)
  }
}

/// Values by label, in the order they were written.
public struct RecordValue {
  public private(set) var fields: [(name: String, value: Value)]
  private(set) var depth: Int

  public init(_ fields: [(name: String, value: Value)]) {
    self.fields = fields
    depth = 1 + Value.depth(of: fields.lazy.map(\.value))
  }

  public subscript(name: String) -> Value? {
    fields.first { $0.name == name }?.value
  }

  /// Changes a field where it is; without one of that name nothing happens.
  mutating func change(_ name: String, _ change: (inout Value) throws -> Void) rethrows {
    guard let index = fields.firstIndex(where: { $0.name == name }) else { return }
    try Value.change(&fields[index].value, change)
    depth = max(depth, 1 + fields[index].value.depth)
  }
}

/// `a..b` and `a...b`, kept as the half-open range of what is in it.
public struct RangeValue: Hashable {
  public var lower: Int
  /// Excluded; never below `lower`.
  public var upper: Int

  public var count: Int { upper - lower }
}

/// Something a script holds whose inside is written in Swift.
public protocol ScriptObject: AnyObject {
  /// What error messages call it: `data set`.
  var typeName: String { get }
  /// The names that can stand behind the point.
  var memberNames: [String] { get }
  /// A property, or a method as a function; nil when there is none of that name.
  func member(_ name: String) -> Value?
  /// What `print` shows.
  var text: String { get }
  /// How many containers it holds inside one another; 0 for one that holds no values of a script.
  var nesting: Int { get }
}

extension ScriptObject {
  public var memberNames: [String] { [] }
  public func member(_ name: String) -> Value? { nil }
  public var text: String { typeName }
  public var nesting: Int { 0 }
}

extension Value {
  /// The type as an error message calls it.
  public var typeName: String {
    switch self {
    case .none: "none"
    case .bool: "a boolean"
    case .int: "an integer"
    case .number: "a number"
    case .quantity(_, .time): "a time"
    case .quantity(_, .work): "an amount of work"
    case .string: "a string"
    case .list: "a list"
    case .tuple: "a tuple"
    case .record: "a record"
    case .map: "a map"
    case .range: "a range"
    case .function(let function): function.kindName
    case .flow(let flow): flow.kindName
    case .tensor, .array: "a tensor"
    case .object(let object): object.typeName
    case .unknown, .unbound, .cell: "an unknown value"
    }
  }

  /// Changes a value that is taken out of its place meanwhile, so that its only holder need not copy
  /// what it holds.
  static func change(_ place: inout Value, _ change: (inout Value) throws -> Void) rethrows {
    var value = Value.none
    swap(&value, &place)
    defer { swap(&value, &place) }
    try change(&value)
  }

  var isUnknown: Bool {
    if case .unknown = self { return true }
    return false
  }

  /// How many containers stand inside one another.
  var depth: Int {
    switch self {
    case .list(let list), .tuple(let list): list.depth
    case .map(let map): map.depth
    case .record(let record): record.depth
    case .flow(let flow): flow.depth
    case .object(let object): object.nesting
    default: 0
    }
  }

  static func depth(of values: some Sequence<Value>) -> Int {
    values.reduce(0) { max($0, $1.depth) }
  }

  /// The number as an int: an integer, or a number or tensor of one without a fraction that fits.
  public var exactInt: Int? {
    switch self {
    case .int(let value): value
    case .number(let value): Int(exactly: value)
    case .array(let array): array.scalar.flatMap { Int(exactly: $0) }
    default: nil
    }
  }

  /// The number, for integers, numbers, and tensors of no axes.
  public var asDouble: Double? {
    switch self {
    case .int(let value): Double(value)
    case .number(let value): value
    case .array(let array): array.scalar
    default: nil
    }
  }
}
