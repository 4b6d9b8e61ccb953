// Expressions and what they consist of.

/// One `for p in e` or `if e` of a comprehension.
public enum ComprehensionClause: Sendable {
  case forIn(Pattern, Expression)
  case condition(Expression)
}

/// One place between the brackets of `x[…]`: `0`, `1..3`, `..`, `token: 0..4`.
public struct Subscript: Sendable {
  public var label: Identifier?
  public var value: Expression

  public init(label: Identifier? = nil, value: Expression) {
    self.label = label
    self.value = value
  }
}

/// One argument of a call: `128` or `width: 128`.
public struct Argument: Sendable {
  public var label: Identifier?
  public var value: Expression

  public init(label: Identifier?, value: Expression) {
    self.label = label
    self.value = value
  }
}

/// An expression.
public struct Expression: Sendable {
  public var kind: Kind
  public var span: Span

  public init(_ kind: Kind, span: Span) {
    self.kind = kind
    self.span = span
  }

  public indirect enum Kind: Sendable {
    /// `12`: a number without point, exponent or unit that fits.
    case integer(Int)
    case number(Double)
    /// `50%`, `5ms`, `2 GFLOP`: the number as written and its unit.
    case quantity(Double, unit: Unit)
    case string([StringSegment])
    case boolean(Bool)
    case none
    case name(String)
    case list([Expression])
    /// `(a: 1, b: 2)`.
    case record([Argument])
    /// `(1, 2)`.
    case tuple([Expression])
    /// `["a": 1, "b": 2]`, `[:]`.
    case map([(key: Expression, value: Expression)])
    /// `[e for p in s if c]`.
    case comprehension(Expression, [ComprehensionClause])
    /// `a..b` (b excluded) and `a...b` (b included). An end that is left out goes all the way: `2..`,
    /// `..3`, `..`.
    case range(Expression?, Expression?, closed: Bool)
    case unary(UnaryOperator, Expression)
    case binary(BinaryOperator, Expression, Expression)
    /// `a >> b`.
    case compose(Expression, Expression)
    /// `f(a, label: b)` with `{ … }` behind it when `trailing` is set.
    case call(Expression, [Argument], trailing: Block?)
    case index(Expression, [Subscript])
    case member(Expression, Identifier)
    /// `{ x, y in … }`.
    case closure([Parameter], Block)
    /// `if c { … } else { … }`; `else if` is an else block of one statement.
    case conditional(Expression, Block, Block?)
    /// `match e { pattern { … } else { … } }`; `else` is an arm of the pattern `_`.
    case match(Expression, [MatchArm])
    /// `try { … } catch e { … }`: the name stands for what went wrong.
    case attempt(Block, Pattern?, Block)
    case residual(Block)
    /// `recompute { … }`: what is inside is not kept for the backward pass.
    case recompute(Block)
    /// `parallel { a, b } join sum`.
    case parallel([Expression], join: Identifier?)
    /// `repeat n { … }`: n fresh copies.
    case repeated(Expression, Block)
    case loop(Loop)
    case route(Route)
    case keep(Keep)
    case scan(Scan)
    case exit(Exit)
    case cascade(Cascade)
    case reuse(Reuse)
    /// The parser found no expression here and has said so.
    case missing
  }
}

/// A piece of a string literal.
public enum StringSegment: Sendable {
  /// Text with escapes resolved.
  case text(String)
  /// `\(e)`, or `\(e: .3)` with the format text behind the colon.
  case interpolation(Expression, format: String?)
}

/// Units behind a number.
public enum Unit: String, Sendable, CaseIterable {
  case percent = "%"
  case nanoseconds = "ns"
  case microseconds = "us"
  case milliseconds = "ms"
  case seconds = "s"
  case flop = "FLOP"
  case kiloflop = "kFLOP"
  case megaflop = "MFLOP"
  case gigaflop = "GFLOP"
  case teraflop = "TFLOP"
}

public enum UnaryOperator: String, Sendable, CaseIterable {
  case negate = "-"
  case not = "not"
}

public enum BinaryOperator: String, Sendable, CaseIterable {
  case add = "+"
  case subtract = "-"
  case multiply = "*"
  case divide = "/"
  case remainder = "mod"
  case power = "^"
  /// Matrix product.
  case matmul = "@"
  case equal = "=="
  case notEqual = "!="
  case less = "<"
  case lessOrEqual = "<="
  case greater = ">"
  case greaterOrEqual = ">="
  case and = "and"
  case or = "or"
}
