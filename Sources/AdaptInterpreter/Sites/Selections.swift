import AdaptGraph
import AdaptSyntax

/// A selection rule as a value: `top(2)`.
final class SelectionValue: ScriptObject {
  let selection: Selection
  /// What it decides by, where that is not the score.
  let numbers: Value?
  /// Whether it decides by the sum of all scores so far.
  let isAccumulated: Bool

  init(_ selection: Selection, of numbers: Value? = nil, isAccumulated: Bool = false) {
    self.selection = selection
    self.numbers = numbers
    self.isAccumulated = isAccumulated
  }

  var typeName: String { "a selection" }
  var text: String { selection.text }
}

extension Selection {
  /// As a script writes it.
  var text: String {
    switch self {
    case .top(let count): "top(\(count))"
    case .all: "all"
    case .above(let limit): limit == .infinity ? "none" : "above(\(ValueWriter.text(limit)))"
    case .given: "a mask"
    case .best(.count(let count)): "best(\(count))"
    case .best(.share(let share)): "best(\(NumberFormat(".4%")?.text(share) ?? "\(share)"))"
    case .pairs(.count(let count)): "pairs(\(count))"
    case .pairs(.share(let share)): "pairs(\(NumberFormat(".4%")?.text(share) ?? "\(share)"))"
    case .amongBatch(let inner): String(inner.text.dropLast()) + ", among: \"batch\")"
    case .capped(.given, let capacity):
      "given(a mask, capacity: \(ValueWriter.text(capacity.factor)), "
        + "first: \"\(capacity.order.rawValue)\")"
    case .capped(let inner, let capacity):
      String(inner.text.dropLast())
        + ", capacity: \(ValueWriter.text(capacity.factor)), first: \"\(capacity.order.rawValue)\")"
    }
  }

  /// The number of paths that it needs at least.
  var mostPaths: Int? {
    switch self {
    case .top(let count): count
    case .capped(let inner, _), .amongBatch(let inner): inner.mostPaths
    case .all, .above, .given, .best, .pairs: nil
    }
  }
}

extension Interpreter {
  /// The functions that `select` knows, by where it finds them.
  static var selections: [(slot: KeyPath<RouterCode.Slots, Int>, function: NativeFunction)] {
    [
      (\.top, top), (\.above, above), (\.best, best), (\.accumulate, accumulate),
      (\.pairs, pairs), (\.given, given),
    ]
  }

  private static var room: [NativeFunction.Parameter] {
    [.optional("capacity"), .optional("first", .string("position"))]
  }

  private static var among: NativeFunction.Parameter { .optional("among", .string("sequence")) }

  /// `top(k, of: numbers, capacity: 1.25, first: "score", among: "batch")`.
  private static var top: NativeFunction {
    NativeFunction("top", ["count", .optional("of")] + room + [among]) { call in
      let rule = Selection.top(try call.int(0, in: 1...4096))
      let capped = try call.capped(rule, capacity: 2, first: 3)
      return .object(SelectionValue(try call.spread(capped, among: 4), of: call.given(1)))
    }
  }

  /// `given(mask, capacity: 25%, first: "score")`: who takes what the mask says, as far as there is room
  /// for this share of the units.
  private static var given: NativeFunction {
    NativeFunction("given", ["mask"] + room + [among]) { call in
      let capped = try call.capped(.given, capacity: 1, first: 2)
      return .object(SelectionValue(try call.spread(capped, among: 3), of: call[0]))
    }
  }

  /// `above(0.5, of: numbers)`.
  private static var above: NativeFunction {
    NativeFunction("above", ["threshold", .optional("of")]) { call in
      .object(SelectionValue(.above(try call.number(0)), of: call.given(1)))
    }
  }

  /// `best(12.5%, of: numbers)`, `best(4, among: "batch")`.
  private static var best: NativeFunction {
    NativeFunction("best", ["amount", .optional("of"), among]) { call in
      let amount = try call.interpreter.amount(call[0], at: call.span(0))
      let rule = try call.spread(.best(amount), among: 2)
      return .object(SelectionValue(rule, of: call.given(1)))
    }
  }

  /// `pairs(25%, of: numbers)`, `pairs(12, among: "batch")`: of all pairs of a unit and a path.
  private static var pairs: NativeFunction {
    NativeFunction("pairs", ["amount", .optional("of"), among]) { call in
      let amount = try call.interpreter.amount(call[0], at: call.span(0))
      let rule = try call.spread(.pairs(amount), among: 2)
      return .object(SelectionValue(rule, of: call.given(1)))
    }
  }

  /// `accumulate(0.99)`: once the sum of all scores is beyond it (Graves 2016, eq. 6).
  private static var accumulate: NativeFunction {
    NativeFunction("accumulate", ["threshold"]) { call in
      .object(SelectionValue(.above(try call.number(0)), isAccumulated: true))
    }
  }

  /// A number of units, or a share of them.
  func amount(_ value: Value, at span: Span) throws -> Amount {
    if value.isUnknown { throw UnknownReached() }
    if case .int(let count) = value, count >= 0 { return .count(count) }
    if let share = value.asDouble, (0...1).contains(share) { return .share(share) }
    throw failure(
      .wrongValue, "an amount is a number of units or a share of them, not \(brief(value))",
      at: span, hint: "for example 4, or 12.5%")
  }
}

extension Call {
  /// An argument, or nil when it was left out.
  func given(_ index: Int) -> Value? {
    if case .none = self[index] { return nil }
    return self[index]
  }

  /// The rule with room for so many units on each path, where the arguments say so.
  fileprivate func capped(_ rule: Selection, capacity: Int, first: Int) throws -> Selection {
    if case .none = self[capacity] { return rule }
    let factor = try number(capacity)
    guard factor > 0, factor.isFinite else {
      throw wrongValue(capacity, "a capacity is a factor above 0 of an even share")
    }
    return .capped(rule, Capacity(factor: factor, order: try choice(first)))
  }

  /// Whom units compete with.
  private enum Company: String, CaseIterable { case sequence, batch }

  /// The rule among the units of a sequence, or of the whole batch.
  fileprivate func spread(_ rule: Selection, among index: Int) throws -> Selection {
    let company = try choice(index, of: Company.self)
    return company == .batch && rule.isJoint ? .amongBatch(rule) : rule
  }
}
