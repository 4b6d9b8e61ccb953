import AdaptSyntax

extension Interpreter {
  /// `value.name`.
  func member(of value: Value, _ name: Identifier) throws -> Value {
    switch (value, name.text) {
    case (.unknown, _): return .unknown
    case (.record(let record), let field):
      if let value = record[field] { return value }
      if field == "count" { return .int(record.fields.count) }
    case (.list(let list), "count"), (.tuple(let list), "count"):
      return .int(list.elements.count)
    case (.list(let list), "first"), (.tuple(let list), "first"):
      return list.elements.first ?? .none
    case (.list(let list), "last"), (.tuple(let list), "last"):
      return list.elements.last ?? .none
    case (.map(let map), "count"): return .int(map.count)
    case (.map(let map), "keys"):
      return try makeList(map.entries.keys.map(\.value), at: name.span)
    case (.map(let map), "values"):
      return try makeList(Array(map.entries.values), at: name.span)
    case (.string(let text), "count"):
      try charge(text.utf8.count / 16, at: name.span)
      return .int(text.count)
    case (.range(let range), "count"): return .int(range.count)
    case (.flow(let flow), let field):
      if let argument = flow.layer?.arguments.first(where: { $0.name == field }) {
        return argument.value
      }
    case (.object(let object), let field):
      if let value = object.member(field) { return value }
    case (.array, let field), (.tensor, let field):
      if let value = try tensorMember(field, of: value, at: name.span) { return value }
    default: break
    }
    if methods(of: value)[name.text] != nil {
      throw failure(
        .unknownMember, "'\(name.text)' of \(value.typeName) is a method", at: name.span,
        hint: "call it: .\(name.text)(…)")
    }
    throw unknownMember(name, of: value)
  }

  /// `receiver.name(arguments)`.
  func callMember(
    _ receiver: Value, _ name: Identifier, _ arguments: [EvaluatedArgument],
    _ trailing: Closure?, at span: Span
  ) throws -> Value {
    if receiver.isUnknown { return .unknown }
    if let method = methods(of: receiver)[name.text] {
      let this = EvaluatedArgument(label: nil, value: receiver, span: name.span)
      guard case .native(let native) = method.kind else { return .none }
      return try callNative(native, method, [this] + arguments, trailing, at: span)
    }
    let value = try member(of: receiver, name)
    return try call(value, arguments, trailing: trailing, at: span, calleeSpan: name.span)
  }

  /// Functions that can stand behind a value with a point: they take it as their first argument.
  private func methods(of value: Value) -> [String: Function] {
    switch value {
    case .list, .tuple, .range: listMethods
    case .map: mapMethods
    case .string: stringMethods
    case .flow(let flow) where flow.layer != nil: modelMethods
    case .array, .tensor: tensorMethods
    default: [:]
    }
  }

  func unknownMember(_ name: Identifier, of value: Value) -> Diagnostic {
    let names = memberNames(of: value)
    let near = closest(name.text, among: names)
    let list = names.isEmpty ? "" : "it has " + names.prefix(12).joined(separator: ", ")
    return failure(
      .unknownMember, "\(value.typeName) has no '\(name.text)'", at: name.span,
      hint: near.map { "did you mean '\($0)'?" } ?? list)
  }

  private func memberNames(of value: Value) -> [String] {
    switch value {
    case .record(let record): record.fields.map(\.name)
    case .list, .tuple: ["count", "first", "last"] + methods(of: value).keys.sorted()
    case .map: ["count", "keys", "values"] + methods(of: value).keys.sorted()
    case .range, .string: ["count"] + methods(of: value).keys.sorted()
    case .flow(let flow):
      (flow.layer?.arguments.map(\.name) ?? []) + methods(of: value).keys.sorted()
    case .object(let object): object.memberNames
    case .array, .tensor: Interpreter.tensorMemberNames + methods(of: value).keys.sorted()
    default: []
    }
  }
}
