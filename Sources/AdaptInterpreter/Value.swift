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
  case record(RecordValue)
  case range(RangeValue)
  /// What is called: functions, closures, natives, and the declarations of layers, routers and
  /// optimizers, whose call makes an instance.
  case function(Function)
  /// What is applied to data.
  case flow(Flow)
  /// A tensor of the graph that is being traced.
  case tensor(SymbolicTensor)
  /// A tensor of numbers.
  case array(ArrayValue)
  /// What the host, the library or the runtime brings: data, models' reports, routers.
  case object(any ScriptObject)
  /// In a dry run: something that only the real run finds out. Whatever is made of it is unknown too.
  case unknown
}

/// What a quantity measures.
public enum Dimension: String, Sendable {
  case time
  case work
}

/// A list, which knows how deep it nests so that walking it cannot exhaust the stack.
public struct ListValue {
  public private(set) var elements: [Value]
  let depth: Int

  public init(_ elements: [Value]) {
    self.elements = elements
    depth = 1 + Value.depth(of: elements)
  }

  private init(_ elements: [Value], depth: Int) {
    self.elements = elements
    self.depth = depth
  }

  /// The list with `value` in place of the element at a valid index.
  func replacing(_ index: Int, with value: Value) -> ListValue {
    var changed = elements
    changed[index] = value
    return ListValue(changed, depth: max(depth, 1 + value.depth))
  }
}

/// Values by label, in the order they were written.
public struct RecordValue {
  public private(set) var fields: [(name: String, value: Value)]
  let depth: Int

  public init(_ fields: [(name: String, value: Value)]) {
    self.fields = fields
    depth = 1 + Value.depth(of: fields.lazy.map(\.value))
  }

  public subscript(name: String) -> Value? {
    fields.first { $0.name == name }?.value
  }

  func replacing(_ name: String, with value: Value) -> RecordValue? {
    guard let index = fields.firstIndex(where: { $0.name == name }) else { return nil }
    var changed = fields
    changed[index].value = value
    return RecordValue(changed)
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
    case .record: "a record"
    case .range: "a range"
    case .function(let function): function.kindName
    case .flow(let flow): flow.kindName
    case .tensor, .array: "a tensor"
    case .object(let object): object.typeName
    case .unknown: "an unknown value"
    }
  }

  var isUnknown: Bool {
    if case .unknown = self { return true }
    return false
  }

  /// How many containers stand inside one another.
  var depth: Int {
    switch self {
    case .list(let list): list.depth
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
