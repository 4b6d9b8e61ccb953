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
  /// The value of a call expression.
  func call(
    _ callee: Expression, _ arguments: [Argument], _ trailing: Block?, _ scope: Scope, at span: Span
  ) throws -> Value {
    if case .member(let base, let name) = callee.kind {
      let receiver = try evaluate(base, scope)
      let arguments = try evaluate(arguments, trailing, scope)
      return try callMember(receiver, name, arguments, trailing.map { ($0, scope) }, at: span)
    }
    let value = try evaluate(callee, scope)
    let wantsBlock = Interpreter.wantsBlock(value)
    let evaluated = try evaluate(arguments, wantsBlock ? nil : trailing, scope)
    return try call(
      value, evaluated, trailing: trailing.map { ($0, scope) }, at: span, calleeSpan: callee.span)
  }

  /// Whether a native takes the block behind its call as it stands, such as `train`.
  private static func wantsBlock(_ value: Value) -> Bool {
    guard case .function(let function) = value, case .native(let native) = function.kind else {
      return false
    }
    return native.takesBlock
  }

  /// Arguments in the order they are written; a block behind the call is one more, as a closure.
  private func evaluate(_ arguments: [Argument], _ trailing: Block?, _ scope: Scope) throws
    -> [EvaluatedArgument]
  {
    var result = try arguments.map { argument in
      EvaluatedArgument(
        label: argument.label, value: try evaluate(argument, scope), span: argument.value.span)
    }
    if let trailing {
      noteCapture(scope)
      let closure = Function(.script([], trailing, scope), name: "closure", span: trailing.span)
      result.append(
        EvaluatedArgument(
          label: nil, value: .function(closure), span: trailing.span, isTrailing: true))
    }
    return result
  }

  /// `axis: token` names an axis, unless a value of that name is in scope.
  private func evaluate(_ argument: Argument, _ scope: Scope) throws -> Value {
    if argument.label?.text == "axis", case .name(let name) = argument.value.kind {
      if case .string(let text)? = scope.find(name)?.value { return .string(text) }
      return .string(name)
    }
    return try evaluate(argument.value, scope)
  }

  /// Calls a value.
  func call(
    _ callee: Value, _ arguments: [EvaluatedArgument],
    trailing: (block: Block, scope: Scope)? = nil,
    at span: Span, calleeSpan: Span
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
    _ function: Function, _ arguments: [EvaluatedArgument],
    trailing: (block: Block, scope: Scope)? = nil, at span: Span
  ) throws -> Value {
    switch function.kind {
    case .native(let native):
      return try callNative(native, arguments, trailing, at: span)
    case .script(let parameters, let body, let scope):
      try enter(function.name, at: span)
      defer { leave() }
      let inner = Scope(parent: scope)
      try bind(parameters, arguments, of: function, in: inner, at: span)
      return try result(of: try run(body, inner, flow: nil))
    case .layer(let declaration, let scope):
      let inner = Scope(parent: scope)
      try bind(declaration.parameters, arguments, of: function, in: inner, at: span)
      let instance = LayerInstance(
        declaration, scope: scope, arguments: hyperparameters(declaration.parameters, inner))
      return try makeFlow(.layer(instance), at: span)
    case .router(let declaration, let scope):
      let inner = Scope(parent: scope)
      try bind(declaration.parameters, arguments, of: function, in: inner, at: span)
      return .object(
        RouterInstance(
          declaration, scope: scope, arguments: hyperparameters(declaration.parameters, inner),
          span: span))
    case .optimizer(let declaration, let scope):
      let inner = Scope(parent: scope)
      try bind(declaration.parameters, arguments, of: function, in: inner, at: span)
      return .object(
        OptimizerInstance(
          declaration, scope: scope, arguments: hyperparameters(declaration.parameters, inner),
          span: span))
    }
  }

  private func hyperparameters(_ parameters: [Parameter], _ scope: Scope) -> [(
    name: String, value: Value
  )] {
    parameters.map { ($0.name.text, scope.own($0.name.text)?.value ?? .none) }
  }

  /// Calls a function of a script or native with plain values.
  func call(_ function: Function, with values: [Value], at span: Span) throws -> Value {
    try call(
      function, values.map { EvaluatedArgument(label: nil, value: $0, span: span) }, at: span)
  }

  private func result(of completion: Completion) throws -> Value {
    switch completion {
    case .normal(let value), .returned(let value, _): return value
    case .broken(let span):
      throw failure(.misplacedStatement, "'break' belongs into a loop", at: span)
    case .continued(let span):
      throw failure(.misplacedStatement, "'continue' belongs into a loop", at: span)
    }
  }

  // MARK: Binding

  /// Binds the arguments to the parameters' names; defaults are evaluated in the order of the
  /// parameters, so that one can be made of those before it.
  private func bind(
    _ parameters: [Parameter], _ arguments: [EvaluatedArgument], of function: Function,
    in scope: Scope, at span: Span
  ) throws {
    let slots = try match(
      parameters.map(\.name.text), variadic: nil, arguments, of: function, at: span)
    for (parameter, slot) in zip(parameters, slots) {
      let name = parameter.name
      if let slot {
        scope.define(name.text, arguments[slot].value, at: name.span)
      } else if let defaultValue = parameter.defaultValue {
        scope.define(name.text, try evaluate(defaultValue, scope), at: name.span)
      } else {
        throw missing(name.text, of: function, at: span)
      }
    }
  }

  private func missing(_ name: String, of function: Function, at span: Span) -> Diagnostic {
    failure(
      .wrongArguments, "\(function.name) needs '\(name)'", at: span,
      label: "the argument is missing", notes: declared(function),
      hint: "it is called as \(function.signature)")
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
    _ native: NativeFunction, _ arguments: [EvaluatedArgument],
    _ trailing: (block: Block, scope: Scope)?, at span: Span
  ) throws -> Value {
    let function = Function(native)
    let variadic = native.parameters.firstIndex(where: \.isVariadic)
    let names = native.parameters.map(\.name)
    let takesLabels = native.parameters.contains(where: \.takesLabels)
    func isExtra(_ argument: EvaluatedArgument) -> Bool {
      takesLabels && argument.label.map { !names.contains($0.text) } ?? false
    }
    let extras = arguments.filter(isExtra)
    let arguments = arguments.filter { !isExtra($0) }
    let slots = try match(names, variadic: variadic, arguments, of: function, at: span)
    var (values, spans): ([Value], [Span]) = ([], [])
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
        throw missing(parameter.name, of: function, at: span)
      }
    }
    if isDryRun, !native.takesUnknown, values.contains(where: Interpreter.holdsUnknown) {
      return .unknown
    }
    try charge(at: span)
    return try native.body(
      Call(
        interpreter: self, name: native.name, values: values, spans: spans, span: span,
        parameterNames: names, trailing: trailing))
  }

  private static func holdsUnknown(_ value: Value) -> Bool {
    if case .list(let list) = value { return list.elements.contains(where: \.isUnknown) }
    return value.isUnknown
  }

  func counted(_ count: Int, _ noun: String) -> String {
    switch count {
    case 0: "no \(noun)s"
    case 1: "1 \(noun)"
    default: "\(count) \(noun)s"
    }
  }
}
