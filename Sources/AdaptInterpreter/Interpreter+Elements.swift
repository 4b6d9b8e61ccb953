import AdaptGraph
import AdaptSyntax

// Elements, slices and keys of values.

extension Interpreter {
  // MARK: Reading

  /// `value[index]`.
  func element(of value: Value, _ index: Value, at span: Span, _ indexSpan: Span) throws -> Value {
    if value.isUnknown || index.isUnknown { return .unknown }
    switch (value, index) {
    case (.map(let map), _):
      guard let key = try mapKey(index, at: indexSpan) else { return .unknown }
      guard let found = map[key] else { throw missingKey(index, in: map, at: indexSpan) }
      return found
    case (.record(let record), .string(let name)):
      guard let field = record[name] else {
        throw unknownMember(Identifier(name, span: indexSpan), of: value)
      }
      return field
    case (.flow(let model), .string(let path)) where model.layer != nil:
      return .flow(try sublayer(of: model, path, at: indexSpan))
    case (.tensor, _), (.array, _):
      let place = EvaluatedSubscript(label: nil, kind: .value(index), span: indexSpan)
      return try element(of: value, [place], at: span)
    case (_, .range(let range)):
      return try slice(value, range.lower, range.upper, at: span, indexSpan)
    case (.range(let range), _):
      let position = try position(index, count: range.count, at: indexSpan)
      return position.map { .int(range.lower + $0) } ?? .unknown
    default:
      let elements = try elements(of: value, at: span)
      let position = try position(index, count: elements.count, at: indexSpan)
      return position.map { elements[$0] } ?? .unknown
    }
  }

  /// `value[a..b]`, `value[.., i]`, `value[token: 0]`.
  func element(of value: Value, _ places: [EvaluatedSubscript], at span: Span) throws -> Value {
    if value.isUnknown { return .unknown }
    if value.isTensor {
      guard let arguments = try tensorSubscripts(places) else { return .unknown }
      return try subscriptTensor(try operand(value, at: span), arguments, at: span)
    }
    guard places.count == 1 else {
      throw wrongType("\(value.typeName) has one index, not \(places.count)", at: span)
    }
    if let label = places[0].label {
      throw wrongType("\(value.typeName) has no axis '\(label.text)'", at: label.span)
    }
    switch places[0].kind {
    case .value(let index): return try element(of: value, index, at: span, places[0].span)
    case .slice(let lower, let upper):
      return try slice(value, lower, upper, at: span, places[0].span)
    }
  }

  /// Part of a list, tuple, range or string; negative ends count from behind.
  private func slice(
    _ value: Value, _ lower: Int?, _ upper: Int?, at span: Span, _ sliceSpan: Span
  ) throws -> Value {
    if case .map = value {
      throw wrongType("a range cannot be a key", at: sliceSpan, label: "maps have no order of keys")
    }
    let elements = try elements(of: value, at: span)
    func place(_ end: Int) -> Int { end < 0 ? end + elements.count : end }
    let first = lower.map(place) ?? 0
    let last = upper.map(place) ?? elements.count
    let valid = 0...elements.count
    guard valid.contains(first), valid.contains(last) else {
      let text = "\(lower.map(String.init) ?? "")..\(upper.map(String.init) ?? "")"
      throw failure(
        .indexOutOfRange, "\(text) is not all inside", at: sliceSpan,
        label: "there are \(elements.count) elements")
    }
    let part = first < last ? Array(elements[first..<last]) : []
    switch value {
    case .string: return .string(part.map { plain($0) }.joined())
    case .tuple: return try makeTuple(part, at: span)
    default: return try makeList(part, at: span)
    }
  }

  /// A checked index; negative ones count from the end. Nil when it is not known yet.
  func position(_ index: Value, count: Int, at span: Span) throws -> Int? {
    if index.isUnknown { return nil }
    guard let position = index.exactInt else {
      throw wrongType("an index is an integer, not \(index.typeName)", at: span)
    }
    // `position` is negative where it is added, so this cannot overflow.
    let result = position < 0 ? position + count : position
    guard result >= 0, result < count else {
      throw failure(
        .indexOutOfRange, "index \(position) is out of range", at: span,
        label: count == 0 ? "there are no elements" : "there are \(count) elements",
        hint: count == 0 ? "" : "valid are 0 to \(count - 1), and -1 for the last")
    }
    return result
  }

  /// The places of a tensor that subscripts pick; nil when they are not known yet.
  private func tensorSubscripts(_ places: [EvaluatedSubscript]) throws -> [SubscriptArgument]? {
    var arguments: [SubscriptArgument] = []
    for place in places {
      let picked: SubscriptValue?
      switch place.kind {
      case .slice(nil, nil): picked = .rest
      case .slice(let lower, let upper): picked = .slice(lower: lower, upper: upper)
      case .value(let value): picked = try subscriptValue(value, at: place.span)
      }
      guard let picked else { return nil }
      arguments.append(SubscriptArgument(label: place.label, value: picked, span: place.span))
    }
    return arguments
  }

  // MARK: Keys

  /// The key that a value is; nil when it is not known yet.
  func mapKey(_ value: Value, at span: Span) throws -> MapKey? {
    if Interpreter.holdsUnknown(value) { return nil }
    guard let key = MapKey(value) else {
      throw wrongType(
        "\(value.typeName) cannot be a key", at: span, label: "this is \(brief(value))",
        hint: "strings, numbers, booleans and tuples of them can")
    }
    return key
  }

  private func missingKey(_ index: Value, in map: MapValue, at span: Span) -> Diagnostic {
    let names = map.entries.keys.compactMap { key -> String? in
      if case .string(let text) = key { text } else { nil }
    }
    var hint = map.count == 0 ? "the map is empty" : "get(key, default) does without"
    if case .string(let text) = index, let near = closest(text, among: names) {
      hint = "did you mean \"\(near)\"?"
    }
    return failure(
      .indexOutOfRange, "there is no key \(brief(index))", at: span, hint: hint)
  }

  // MARK: Changing

  /// Changes an element of a list or map where it is.
  /// - Parameter needsOld: whether a key must be there already.
  func changeElement(
    of value: inout Value, _ places: [EvaluatedSubscript], needsOld: Bool, at span: Span,
    _ change: (inout Value) throws -> Void
  ) throws {
    if value.isUnknown { return }
    if case .array(let array) = value {
      guard let arguments = try tensorSubscripts(places) else {
        value = .unknown
        return
      }
      var part = try subscriptArray(array, arguments, at: span)
      try change(&part)
      value = .array(try replacingSubscript(array, arguments, with: part, at: span))
      return
    }
    guard places.count == 1, places[0].label == nil, case .value(let index) = places[0].kind else {
      throw wrongType(
        "parts of \(value.typeName) cannot be assigned", at: span,
        hint: "assign one element, or the whole")
    }
    switch value {
    case .list(var list):
      guard let position = try position(index, count: list.elements.count, at: places[0].span)
      else {
        value = .unknown
        return
      }
      value = .none
      defer { value = .list(list) }
      try list.change(position, change)
    case .map(var map):
      guard let key = try mapKey(index, at: places[0].span) else {
        value = .unknown
        return
      }
      try checkSize(map.count + 1, at: span, new: 1)
      value = .none
      defer { value = .map(map) }
      let isNew = map[key] == nil
      guard !isNew || !needsOld else { throw missingKey(index, in: map, at: places[0].span) }
      do { try map.change(key, change) } catch {
        if isNew { map[key] = nil }
        throw error
      }
    default:
      throw wrongType(
        "elements of \(value.typeName) cannot be assigned", at: span,
        hint: "those of a list or a map can")
    }
  }

  // MARK: Walking

  /// What can be walked: the elements of a list or tuple, the numbers of a range, the characters of a
  /// string, the keys and values of a map.
  func elements(of value: Value, at span: Span) throws -> [Value] {
    switch value {
    case .list(let list), .tuple(let list): return list.elements
    case .range(let range):
      try checkSize(range.count, at: span)
      return (range.lower..<range.upper).map { .int($0) }
    case .string(let text):
      try checkSize(text.utf8.count, at: span)
      return try text.map { character in
        try tick(span)
        return .string(String(character))
      }
    case .map(let map):
      try checkSize(map.count, at: span)
      return map.entries.map { .tuple(ListValue([$0.key.value, $0.value])) }
    case .unknown: throw UnknownReached()
    case .array(let array): return try elements(of: array, at: span)
    default:
      throw wrongType(
        "\(value.typeName) has no elements", at: span, label: "this is \(brief(value))",
        hint: "a list, a tuple, a map, a range or a string has")
    }
  }

  /// Hands the elements of a value, or the names and values of a record, to `body` until it gives
  /// false. A range is walked without making its elements.
  func forEach(_ value: Value, at span: Span, _ body: (Value) throws -> Bool) throws {
    if case .range(let range) = value {
      var index = range.lower
      while index < range.upper, try body(.int(index)) { index += 1 }
      return
    }
    if case .record(let record) = value {
      for (name, value) in record.fields {
        guard try body(.tuple(ListValue([.string(name), value]))) else { return }
      }
      return
    }
    for element in try elements(of: value, at: span) {
      guard try body(element) else { return }
    }
  }

  /// The truth of a condition.
  func truth(_ value: Value, at span: Span) throws -> Bool {
    guard case .bool(let result) = value else {
      if value.isUnknown { throw UnknownReached() }
      if value.isTensor { return try tensorTruth(value, at: span) }
      throw wrongType(
        "a condition is true or false, not \(value.typeName)", at: span,
        label: "this is \(brief(value))", hint: "compare it: '!= 0', '!= none'")
    }
    return result
  }

  // MARK: Quantities

  static func quantity(_ value: Double, _ unit: Unit) -> Value {
    switch unit {
    case .percent: .number(value / 100)
    case .nanoseconds: .quantity(value * 1e-9, .time)
    case .microseconds: .quantity(value * 1e-6, .time)
    case .milliseconds: .quantity(value * 1e-3, .time)
    case .seconds: .quantity(value, .time)
    case .flop: .quantity(value, .work)
    case .kiloflop: .quantity(value * 1e3, .work)
    case .megaflop: .quantity(value * 1e6, .work)
    case .gigaflop: .quantity(value * 1e9, .work)
    case .teraflop: .quantity(value * 1e12, .work)
    }
  }
}
