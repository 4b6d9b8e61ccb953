import AdaptSyntax

/// An argument of a call that has been evaluated.
struct EvaluatedArgument {
  var label: Identifier?
  var value: Value
  var span: Span
  /// The block behind the call, which may follow arguments with labels.
  var isTrailing = false
}

extension Interpreter {
  /// Calls a value.
  func call(
    _ callee: Value, _ arguments: [EvaluatedArgument], trailing: Closure? = nil, at span: Span,
    calleeSpan: Span
  ) throws -> Value {
    switch callee {
    case .unknown: return .unknown
    case .function(let function):
      return try call(function, arguments, trailing: trailing, at: span)
    case .flow:
      guard arguments.count == 1, arguments[0].label == nil else {
        throw failure(
          .wrongArguments, "\(callee.typeName) is applied to one value, not to \(arguments.count)",
          at: span, hint: arguments.isEmpty ? "write it without the parentheses" : "")
      }
      return try apply(callee, to: arguments[0].value, at: span)
    default:
      throw failure(
        .notCallable, "\(callee.typeName) cannot be called", at: calleeSpan,
        label: "this is \(brief(callee))")
    }
  }

  /// Calls a function, or makes an instance of what a declaration declares.
  func call(
    _ function: Function, _ arguments: [EvaluatedArgument], trailing: Closure? = nil, at span: Span
  ) throws -> Value {
    switch function.kind {
    case .native(let native):
      return try callNative(native, function, arguments, trailing, at: span)
    case .script(let closure):
      return try open(closure, at: span) { frame in
        try enter(closure.code, at: span)
        defer { leave() }
        try bind(arguments, of: function, closure.code, frame, at: span)
        return try run(closure, frame)
      }
    case .layer(let declaration, let body):
      let hyperparameters = try hyperparameters(function, body, arguments, at: span)
      return try makeFlow(
        .layer(
          LayerInstance(
            declaration, body, arguments: hyperparameters,
            sources: Interpreter.sources(body.code.parameters, arguments))), at: span)
    case .router(let declaration, let body):
      let hyperparameters = try hyperparameters(function, body, arguments, at: span)
      return .object(
        RouterInstance(declaration, body, arguments: hyperparameters, span: span))
    case .optimizer(let declaration, let body):
      let hyperparameters = try hyperparameters(function, body, arguments, at: span)
      return .object(
        OptimizerInstance(declaration, body, arguments: hyperparameters, span: span))
    }
  }

  /// The values that a declaration's parameters get from a call.
  private func hyperparameters(
    _ function: Function, _ body: Closure, _ arguments: [EvaluatedArgument], at span: Span
  ) throws -> [(name: String, value: Value)] {
    try open(body, at: span) { frame in
      try enter(body.code, at: span)
      defer { leave() }
      try bind(arguments, of: function, body.code, frame, at: span)
      return body.code.parameters.map { ($0.name.text, frame[$0.slot]) }
    }
  }

  /// Calls a function of a script or native with plain values.
  func call(_ function: Function, with values: [Value], at span: Span) throws -> Value {
    guard let closure = function.closure, closure.code.isPlain,
      closure.code.parameters.count == values.count
    else {
      return try call(
        function, values.map { EvaluatedArgument(label: nil, value: $0, span: span) }, at: span)
    }
    let code = closure.code
    let frame = try reserve(code, at: span)
    defer { release(frame, code.slotCount) }
    for (slot, value) in values.enumerated() { frame[slot] = value }
    try enter(code, at: span)
    defer { leave() }
    return try run(closure, frame)
  }

  // MARK: Binding

  /// Binds the arguments to the parameters' names; defaults are evaluated in the order of the
  /// parameters, so that one can be made of those before it.
  private func bind(
    _ arguments: [EvaluatedArgument], of function: Function, _ code: Code, _ frame: Frame,
    at span: Span
  ) throws {
    let slots = try match(
      code.parameterNames, variadic: nil, arguments, of: function, at: span)
    for (parameter, slot) in zip(code.parameters, slots) {
      if let slot {
        frame[parameter.slot] = arguments[slot].value
      } else if let defaultValue = parameter.defaultValue {
        frame[parameter.slot] = try defaultValue.evaluate(self, frame)
      } else {
        throw missing(parameter.name.text, of: function, arguments, at: span)
      }
      try parameter.pattern?.bind(frame[parameter.slot], self, frame)
    }
  }

  private func missing(
    _ name: String, of function: Function, _ arguments: [EvaluatedArgument], at span: Span
  ) -> Diagnostic {
    var hint = "it is called as \(function.signature)"
    let names = function.parameterNames
    if function.name == "closure", arguments.count == 1,
      case .tuple(let parts) = arguments[0].value,
      parts.elements.count == names.count
    {
      hint = "a tuple is taken apart by { (\(names.joined(separator: ", "))) in … }"
    }
    return failure(
      .wrongArguments, "\(function.name) needs '\(name)'", at: span,
      label: "the argument is missing", notes: declared(function), hint: hint)
  }

  private func declared(_ function: Function) -> [Diagnostic.Note] {
    guard let span = function.span, !store.isLibrary(span) else { return [] }
    return [Diagnostic.Note(span: span, text: "declared here")]
  }

  /// For each parameter the argument that it gets, by label or by place.
  private func match(
    _ names: [String], variadic: Int?, _ arguments: [EvaluatedArgument], of function: Function,
    at span: Span
  ) throws -> [Int?] {
    var slots = [Int?](repeating: nil, count: names.count)
    var next = 0
    var labelled = false
    for (number, argument) in arguments.enumerated() {
      guard let label = argument.label else {
        while next < names.count, slots[next] != nil, next != variadic { next += 1 }
        if next == variadic { continue }
        guard next < names.count else {
          throw failure(
            .wrongArguments,
            "\(function.name) takes \(counted(names.count, "argument")), not \(arguments.count)",
            at: argument.span, label: "one too many", notes: declared(function),
            hint: "it is called as \(function.signature)")
        }
        if labelled, !argument.isTrailing {
          throw failure(
            .wrongArguments, "an argument without a label stands behind one with a label",
            at: argument.span, hint: "it is called as \(function.signature)")
        }
        slots[next] = number
        next += 1
        continue
      }
      labelled = true
      guard let position = names.firstIndex(of: label.text), position != variadic else {
        let near = closest(label.text, among: names)
        throw failure(
          .wrongArguments, "\(function.name) has no parameter '\(label.text)'", at: label.span,
          notes: declared(function),
          hint: near.map { "did you mean '\($0)'?" } ?? "it is called as \(function.signature)")
      }
      guard slots[position] == nil else {
        throw failure(.wrongArguments, "'\(label.text)' is given twice", at: label.span)
      }
      slots[position] = number
    }
    return slots
  }

  // MARK: Natives

  func callNative(
    _ native: NativeFunction, _ function: Function, _ arguments: [EvaluatedArgument],
    _ trailing: Closure?, at span: Span
  ) throws -> Value {
    guard let plain = plainValues(native, arguments, at: span) else {
      return try callLabelled(native, function, arguments, trailing, at: span)
    }
    return try run(native, plain.values, plain.spans, trailing, at: span)
  }

  /// The values of a native's parameters where the arguments stand in their order, without labels; nil
  /// where more must be looked at.
  private func plainValues(
    _ native: NativeFunction, _ arguments: [EvaluatedArgument], at span: Span
  ) -> (values: [Value], spans: [Span])? {
    guard native.layout.variadic == nil, !native.layout.takesLabels,
      arguments.count <= native.parameters.count,
      arguments.allSatisfy({ $0.label == nil && !$0.isTrailing })
    else { return nil }
    var (values, spans) = (arguments.map(\.value), arguments.map(\.span))
    for parameter in native.parameters[arguments.count...] {
      guard let defaultValue = parameter.defaultValue else { return nil }
      values.append(defaultValue)
      spans.append(span)
    }
    return (values, spans)
  }

  private func callLabelled(
    _ native: NativeFunction, _ function: Function, _ arguments: [EvaluatedArgument],
    _ trailing: Closure?, at span: Span
  ) throws -> Value {
    let (names, variadic) = (native.layout.names, native.layout.variadic)
    func isExtra(_ argument: EvaluatedArgument) -> Bool {
      argument.label.map { !names.contains($0.text) } ?? false
    }
    let takesLabels = native.layout.takesLabels
    let extras = takesLabels ? arguments.filter(isExtra) : []
    let arguments = takesLabels ? arguments.filter { !isExtra($0) } : arguments
    let slots = try match(names, variadic: variadic, arguments, of: function, at: span)
    var (values, spans): ([Value], [Span]) = ([], [])
    values.reserveCapacity(names.count)
    spans.reserveCapacity(names.count)
    for (index, parameter) in native.parameters.enumerated() {
      if index == variadic {
        let rest = arguments.indices.filter { arguments[$0].label == nil && !slots.contains($0) }
        values.append(try makeList(rest.map { arguments[$0].value }, at: span))
        spans.append(span)
      } else if parameter.takesLabels {
        values.append(
          try makeRecord(extras.map { ($0.label?.text ?? "", $0.value) }, at: span))
        spans.append(extras.first?.span ?? span)
      } else if let slot = slots[index] {
        values.append(arguments[slot].value)
        spans.append(arguments[slot].span)
      } else if let defaultValue = parameter.defaultValue {
        values.append(defaultValue)
        spans.append(span)
      } else {
        throw missing(parameter.name, of: function, arguments, at: span)
      }
    }
    return try run(native, values, spans, trailing, at: span)
  }

  private func run(
    _ native: NativeFunction, _ values: [Value], _ spans: [Span], _ trailing: Closure?,
    at span: Span
  ) throws -> Value {
    if isDryRun, !native.takesUnknown, values.contains(where: Interpreter.holdsUnknown) {
      return .unknown
    }
    try charge(at: span)
    return try native.body(
      Call(
        interpreter: self, name: native.name, values: values, spans: spans, span: span,
        parameterNames: native.layout.names, trailing: trailing))
  }

  static func holdsUnknown(_ value: Value) -> Bool {
    switch value {
    case .list(let list), .tuple(let list): list.elements.contains(where: \.isUnknown)
    default: value.isUnknown
    }
  }

  func counted(_ count: Int, _ noun: String) -> String {
    switch count {
    case 0: "no \(noun)s"
    case 1: "1 \(noun)"
    default: "\(count) \(noun)s"
    }
  }
}
