import AdaptSyntax

/// A name that outlives its call, or belongs to a file.
public final class Cell {
  var value = Value.unbound
  /// The code of the function that the file declares under this name, while ``value`` holds it: calls
  /// need not count a reference. Such a function captures nothing.
  var declared: Unmanaged<Code>?
}

/// The compiled body of something that is called or applied.
final class Code {
  let name: String
  let span: Span
  var parameters: [ParameterCode] = [] {
    didSet {
      parameterCount = parameters.count
      parameterNames = parameters.map(\.name.text)
    }
  }
  private(set) var parameterCount = 0
  private(set) var parameterNames: [String] = []
  /// How many names a call has.
  var slotCount = 0
  /// Where captured values go, and where they come from in the frame around.
  var captures: [(source: Int, slot: Int)] = [] {
    didSet { hasCaptures = !captures.isEmpty }
  }
  private(set) var hasCaptures = false
  /// What flows through the body, when its lines are applied to it.
  var flowSlot: Int?
  var body: CodeNode {
    didSet { entry = .passUnretained(body) }
  }
  /// The body, for calls, which hold the code already.
  private(set) var entry: Unmanaged<CodeNode>
  /// Where the last statement stands.
  var lastSpan: Span
  /// The layer that the body consists of, when it does nothing but make one.
  var single: Single?
  /// Whether a `return` stands in the body.
  var returns = true
  /// Whether a call with one value for each parameter needs no matching of labels.
  var isPlain = true
  unowned let graveyard: Graveyard

  /// A body that does nothing but make a layer.
  struct Single {
    let callee: CodeNode
    let line: CodeNode
    /// The `recompute { … }` that it stands in, which gives it no scope.
    var recomputed: Span?
  }

  init(name: String, span: Span, graveyard: Graveyard) {
    self.name = name
    self.span = span
    self.graveyard = graveyard
    body = CodeNode(span)
    entry = .passUnretained(body)
    lastSpan = span
  }
}

struct ParameterCode {
  let name: Identifier
  let slot: Int
  let defaultValue: CodeNode?
  /// What the argument is taken apart by.
  let pattern: PatternNode?
}

/// Code with what it captured from the frame it was made in.
final class Closure {
  let code: Code
  private(set) var captured: ContiguousArray<Value>
  private let graveyard: Graveyard

  init(_ code: Code, _ frame: Frame) {
    self.code = code
    graveyard = code.graveyard
    captured = []
    captured.reserveCapacity(code.captures.count)
    for capture in code.captures { captured.append(frame[capture.source]) }
  }

  /// Code that captures nothing.
  init(_ code: Code) {
    self.code = code
    graveyard = code.graveyard
    captured = []
  }

  /// Puts what was captured into a frame of the code.
  func restore(_ frame: Frame) {
    for (capture, value) in zip(code.captures, captured) { frame[capture.slot] = value }
  }

  // A chain of closures may be as long as a script makes it.
  deinit {
    guard !captured.isEmpty else { return }
    var held: ContiguousArray<Value> = []
    swap(&held, &captured)
    graveyard.bury(held)
  }
}

/// Lets go of what closures held, one after the other, however long their chain is.
final class Graveyard {
  private var open: [ContiguousArray<Value>] = []
  private var isDigging = false

  func bury(_ values: consuming ContiguousArray<Value>) {
    open.append(values)
    guard !isDigging else { return }
    isDigging = true
    // Letting go of a body may end other closures, which then append here instead of recursing.
    while open.popLast() != nil {}
    isDigging = false
  }
}

/// The calls that are going on, the outermost first.
///
/// Memory of its own, since each call writes here twice.
final class CallStack {
  private let base: UnsafeMutablePointer<CallRecord>
  private let capacity: Int
  private(set) var count = 0
  /// Calls below are those of another file, which messages do not show.
  var floor = 0

  init(capacity: Int) {
    self.capacity = min(max(1, capacity), 1 << 20)
    base = .allocate(capacity: self.capacity)
  }

  deinit {
    removeAll()
    base.deallocate()
  }

  /// Whether there was room for the call.
  @inline(__always)
  func push(_ record: CallRecord) -> Bool {
    guard count < capacity else { return false }
    (base + count).initialize(to: record)
    count += 1
    return true
  }

  @inline(__always)
  func pop() {
    guard count > 0 else { return }
    count -= 1
    (base + count).deinitialize(count: 1)
  }

  func removeAll() {
    while count > 0 { pop() }
    floor = 0
  }

  var records: [CallRecord] { (min(floor, count)..<count).map { base[$0] } }

  var last: CallRecord? { count > floor ? base[count - 1] : nil }

  /// The innermost call of a kind.
  func last(where isWanted: (CallRecord) -> Bool) -> CallRecord? {
    var index = count
    while index > floor {
      index -= 1
      if isWanted(base[index]) { return base[index] }
    }
    return nil
  }
}

/// The frames of all calls that are going on, one above the other.
final class ValueStack {
  static let capacity = 1 << 20
  private let base: Frame
  private var top = 0

  init() { base = Frame.allocate(capacity: ValueStack.capacity) }

  deinit { base.deallocate() }

  /// A frame of that many unbound names; nil when there is no room.
  @inline(__always)
  func push(_ count: Int) -> Frame? {
    guard top + count <= ValueStack.capacity else { return nil }
    let frame = base + top
    for slot in 0..<count { (frame + slot).initialize(to: .unbound) }
    top += count
    return frame
  }

  @inline(__always)
  func pop(_ frame: Frame, _ count: Int) {
    // One by one: the runtime's way for many costs more than the few that there are.
    for slot in 0..<count { (frame + slot).deinitialize(count: 1) }
    top -= count
  }
}
