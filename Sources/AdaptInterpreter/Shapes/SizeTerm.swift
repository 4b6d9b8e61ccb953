import AdaptSyntax

/// A size in a signature as arithmetic over names, some of which the input binds: `2 * d`.
indirect enum SizeTerm {
  case known(CodeNode)
  /// A name that has no value before the layer is applied.
  case open(String, slot: Int)
  case operation(BinaryOperator, SizeTerm, SizeTerm)

  /// What came of holding a term against the size that is there.
  enum Outcome {
    case fits
    /// The term is another size.
    case differs(Int)
    /// No value of the name makes it the size.
    case impossible(name: String)
    /// More than one name is open.
    case ambiguous
    case unknown
  }

  /// The names without a value.
  func openNames(_ frame: Frame) -> [String] {
    switch self {
    case .known: return []
    case .open(let name, let slot):
      if case .unbound = frame[slot] { return [name] }
      return []
    case .operation(_, let left, let right):
      return left.openNames(frame) + right.openNames(frame)
    }
  }

  /// The term's value; nil while a name in it is open.
  func value(_ context: Interpreter, _ frame: Frame, at span: Span) throws -> Value? {
    switch self {
    case .known(let node): return try node.evaluate(context, frame)
    case .open(_, let slot):
      if case .unbound = frame[slot] { return nil }
      return frame[slot]
    case .operation(let op, let left, let right):
      guard let a = try left.value(context, frame, at: span),
        let b = try right.value(context, frame, at: span)
      else { return nil }
      return try context.binary(op, a, b, at: span)
    }
  }

  /// Makes the term equal to a size by binding its one open name, if there is one.
  func solve(for size: Int, _ context: Interpreter, _ frame: Frame, at span: Span) throws -> Outcome
  {
    if let value = try value(context, frame, at: span) {
      if value.isUnknown { return .unknown }
      guard let number = value.exactInt else {
        throw context.wrongType("a size is an integer, not \(context.brief(value))", at: span)
      }
      return number == size ? .fits : .differs(number)
    }
    switch self {
    case .known: return .unknown
    case .open(let name, let slot):
      guard size >= 1 else { return .impossible(name: name) }
      frame[slot] = .int(size)
      return .fits
    case .operation(let op, let left, let right):
      let (a, b) = (
        try left.value(context, frame, at: span), try right.value(context, frame, at: span)
      )
      if a?.isUnknown == true || b?.isUnknown == true { return .unknown }
      let name = openNames(frame).first ?? ""
      if a == nil, b == nil { return .ambiguous }
      if a == nil, let b = b?.exactInt {
        guard let rest = SizeTerm.left(op, b, size) else { return .impossible(name: name) }
        return try left.solve(for: rest, context, frame, at: span)
      }
      guard let a = a?.exactInt, let rest = SizeTerm.right(op, a, size) else {
        return .impossible(name: name)
      }
      return try right.solve(for: rest, context, frame, at: span)
    }
  }

  /// The x for which `x op b` is the size.
  private static func left(_ op: BinaryOperator, _ b: Int, _ size: Int) -> Int? {
    switch op {
    case .add: exact(size.subtractingReportingOverflow(b))
    case .subtract: exact(size.addingReportingOverflow(b))
    case .multiply: b != 0 && size % b == 0 ? size / b : nil
    case .divide: exact(size.multipliedReportingOverflow(by: b))
    default: nil
    }
  }

  /// The x for which `a op x` is the size.
  private static func right(_ op: BinaryOperator, _ a: Int, _ size: Int) -> Int? {
    switch op {
    case .add: exact(size.subtractingReportingOverflow(a))
    case .subtract: exact(a.subtractingReportingOverflow(size))
    case .multiply: a != 0 && size % a == 0 ? size / a : nil
    case .divide: size != 0 && a % size == 0 ? a / size : nil
    default: nil
    }
  }

  private static func exact(_ result: (partialValue: Int, overflow: Bool)) -> Int? {
    result.overflow ? nil : result.partialValue
  }
}

extension Compiler {
  /// Names that the sizes of an input bind although they stand in an expression: those that mean
  /// nothing yet and are no misspelling of what does.
  func declareOpenNames(_ axes: [Axis]) {
    let known = function.blocks.last?.variables.keys.sorted() ?? []
    for axis in axes {
      guard case .size(let size) = axis.kind else { continue }
      for name in Compiler.names(in: size) {
        guard case .unknown = resolve(name.text), closest(name.text, among: known) == nil else {
          continue
        }
        declare(name)
      }
    }
  }

  private static func names(in expression: Expression) -> [Identifier] {
    switch expression.kind {
    case .name(let name): [Identifier(name, span: expression.span)]
    case .binary(_, let left, let right): names(in: left) + names(in: right)
    default: []
    }
  }

  func compileSize(_ expression: Expression) -> SizeTerm {
    switch expression.kind {
    case .name(let name):
      guard let variable = function.blocks.last?.variables[name], case .slot = variable.place
      else { return .known(compile(expression)) }
      return .open(name, slot: slot(of: variable))
    case .binary(let op, let left, let right)
    where [.add, .subtract, .multiply, .divide].contains(op):
      return .operation(op, compileSize(left), compileSize(right))
    default: return .known(compile(expression))
    }
  }
}
