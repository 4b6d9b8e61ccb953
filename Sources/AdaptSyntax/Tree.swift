// The tree of a script, as the parser makes it and the interpreter reads it.
//
// Nodes are values; each carries the span of the text it came from. What the parser could not find
// is `missing`, so a tree always exists; the diagnostics beside it say what is wrong.

/// Statements between braces, or a whole file.
public struct Block: Sendable {
  public var statements: [Statement]
  public var span: Span

  public init(statements: [Statement], span: Span) {
    self.statements = statements
    self.span = span
  }
}

/// One statement.
public struct Statement: Sendable {
  public var kind: Kind
  public var span: Span
  /// Text of the `///` lines above the statement, without the slashes; empty without any.
  public var documentation: String

  public init(kind: Kind, span: Span, documentation: String = "") {
    self.kind = kind
    self.span = span
    self.documentation = documentation
  }

  public indirect enum Kind: Sendable {
    /// `let a = e`, `var a = e` (mutable), `let (a, b) = e`.
    case binding(pattern: Pattern, value: Expression, mutable: Bool)
    /// `target = e`, also `+=`, `-=`, `*=`, `/=` (then `op` is the arithmetic operator). The target is a
    /// name, a member, an element, or a tuple of such.
    case assignment(target: Expression, op: BinaryOperator?, value: Expression)
    case function(FunctionDeclaration)
    /// `layer` and `model`.
    case layer(LayerDeclaration)
    case router(RouterDeclaration)
    /// `objective name { … }`: a named term of an objective.
    case objective(name: Identifier, body: Block)
    /// `optimizer Name(hyper) { state m = 0 … }`.
    case optimizer(FunctionDeclaration)
    /// `param w: [d, n] = normal(0.02)`.
    case parameter(name: Identifier, shape: [Expression], initial: Expression?)
    /// `state m = 0`: carried, not trained.
    case state(name: Identifier, initial: Expression)
    case forIn(pattern: Pattern, sequence: Expression, body: Block)
    case whileLoop(condition: Expression, body: Block)
    case returnValue(Expression?)
    case breakLoop
    case continueLoop
    /// `import a.b`, `import a.b as c`, `import a.b (x, y as z)`.
    case importModule(Import)
    /// `print a, b`.
    case print([Expression])
    /// `minimize e`, in the block of `train`.
    case minimize(Expression)
    /// `expect e`: e must be true; the values of both sides of a comparison are shown when it is not.
    case expect(Expression)
    /// `test "name" { … }`: runs only when tests are asked for.
    case test(name: Expression, body: Block)
    case expression(Expression)
  }
}

/// A name and where it stands.
public struct Identifier: Sendable, Hashable {
  public var text: String
  public var span: Span

  public init(_ text: String, span: Span) {
    self.text = text
    self.span = span
  }
}

/// A parameter of a function, layer, router or closure: `width` or `width = 128`.
public struct Parameter: Sendable {
  public var name: Identifier
  public var defaultValue: Expression?
  /// What a closure takes apart: `{ (key, value) in … }`. The name is then the pattern's text.
  public var pattern: Pattern?

  public init(name: Identifier, defaultValue: Expression?, pattern: Pattern? = nil) {
    self.name = name
    self.defaultValue = defaultValue
    self.pattern = pattern
  }
}

/// What an import names.
public struct Import: Sendable {
  /// `a.b`, the path as written.
  public var path: [Identifier]
  /// `as c`: everything is reached as a member of `c`.
  public var alias: Identifier?
  /// `(x, y as z)`: only these names; nil for all.
  public var names: [Name]?

  public init(path: [Identifier], alias: Identifier? = nil, names: [Name]? = nil) {
    self.path = path
    self.alias = alias
    self.names = names
  }

  public struct Name: Sendable {
    public var name: Identifier
    public var alias: Identifier?

    public init(name: Identifier, alias: Identifier? = nil) {
      self.name = name
      self.alias = alias
    }

    /// The name that the importing file binds.
    public var bound: Identifier { alias ?? name }
  }
}

/// What a value is taken apart by, in `let`, `for`, `match` and the parameters of closures.
public struct Pattern: Sendable {
  public var kind: Kind
  public var span: Span

  public init(_ kind: Kind, span: Span) {
    self.kind = kind
    self.span = span
  }

  public indirect enum Kind: Sendable {
    /// `_`: anything.
    case wildcard
    /// Binds a name to whatever stands there.
    case name(String)
    /// A literal or a range that the value is equal to or in: `0`, `-1`, `"big"`, `none`, `1..5`.
    case value(Expression)
    /// `(p, q)`: a tuple of as many elements.
    case tuple([Pattern])
    /// `[p, .., q]`, `[p, ..rest]`: a list; `rest` says which pattern, if one, stands for any number.
    case list([Pattern], rest: Int?)
    /// `(x: p, y: q)`: a record that has at least these fields; `(x, y)` is a tuple.
    case record([Field])
    /// `p | q`: alternatives bind no names.
    case alternatives([Pattern])
    /// The parser found no pattern here and has said so.
    case missing
  }

  public struct Field: Sendable {
    public var label: Identifier
    public var pattern: Pattern

    public init(label: Identifier, pattern: Pattern) {
      self.label = label
      self.pattern = pattern
    }
  }

  /// The names it binds, in the order of the text.
  public var names: [Identifier] {
    switch kind {
    case .wildcard, .value, .missing: []
    case .name(let name): [Identifier(name, span: span)]
    case .tuple(let parts), .list(let parts, _), .alternatives(let parts): parts.flatMap(\.names)
    case .record(let fields): fields.flatMap(\.pattern.names)
    }
  }

  /// The name, when the pattern is nothing but one.
  public var singleName: Identifier? {
    if case .name(let name) = kind { return Identifier(name, span: span) }
    return nil
  }
}

/// One arm of `match`: `pattern if guard { … }`.
public struct MatchArm: Sendable {
  public var pattern: Pattern
  public var condition: Expression?
  public var body: Block

  public init(pattern: Pattern, condition: Expression?, body: Block) {
    self.pattern = pattern
    self.condition = condition
    self.body = body
  }
}

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

/// `fn name(parameters) { body }`, and `optimizer` with the same form.
public struct FunctionDeclaration: Sendable {
  public var name: Identifier
  public var parameters: [Parameter]
  public var body: Block

  public init(name: Identifier, parameters: [Parameter], body: Block) {
    self.name = name
    self.parameters = parameters
    self.body = body
  }
}

/// `layer Name(hyper, hyper = default): x [.., d] -> [.., n] { … }`; `model` likewise.
public struct LayerDeclaration: Sendable {
  public var isModel: Bool
  public var name: Identifier
  public var parameters: [Parameter]
  /// Nil when the body is a flow: each line is applied to what the line before gave.
  public var signature: Signature?
  public var body: Block

  public init(
    isModel: Bool, name: Identifier, parameters: [Parameter], signature: Signature?, body: Block
  ) {
    self.isModel = isModel
    self.name = name
    self.parameters = parameters
    self.signature = signature
    self.body = body
  }
}

/// `: x [.., token, d] -> [.., token, n]`.
public struct Signature: Sendable {
  public var input: Identifier
  public var inputShape: [Axis]
  /// Nil when only the input is named.
  public var outputShape: [Axis]?
  public var span: Span

  public init(input: Identifier, inputShape: [Axis], outputShape: [Axis]?, span: Span) {
    self.input = input
    self.inputShape = inputShape
    self.outputShape = outputShape
    self.span = span
  }
}

/// One axis of a declared shape.
public struct Axis: Sendable {
  public var kind: Kind
  public var span: Span

  public init(kind: Kind, span: Span) {
    self.kind = kind
    self.span = span
  }

  public enum Kind: Sendable {
    /// `..`: any leading axes.
    case rest
    /// A name: an axis label (`token`), a hyperparameter, or a size that the name is bound to.
    case name(String)
    /// Any other expression, for example `4 * d` or `64`.
    case size(Expression)
  }
}

/// `router Name(parameters) { scores { … }  select top(k)  weigh e  loss e }`.
public struct RouterDeclaration: Sendable {
  public var name: Identifier
  public var parameters: [Parameter]
  public var clauses: [Clause]

  public init(name: Identifier, parameters: [Parameter], clauses: [Clause]) {
    self.name = name
    self.parameters = parameters
    self.clauses = clauses
  }

  public struct Clause: Sendable {
    public var kind: Kind
    /// `in training`, `in inference`, or both when nil.
    public var mode: Mode?
    public var span: Span

    public init(kind: Kind, mode: Mode?, span: Span) {
      self.kind = kind
      self.mode = mode
      self.span = span
    }

    public enum Kind: Sendable {
      /// A flow from the unit's features to one score a path.
      case scores(Block)
      case select(Expression)
      case weigh(Expression)
      case loss(Expression)
    }
    public enum Mode: Sendable { case training, inference }
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
    /// `parallel { a, b } join sum`.
    case parallel([Expression], join: Identifier?)
    /// `repeat n { … }`: n fresh copies.
    case repeated(Expression, Block)
    /// `loop n { … }`: the same weights n times.
    case loop(Expression, Block)
    case route(Route)
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

/// `route each UNIT by ROUTER { path { … } … }`.
public struct Route: Sendable {
  public var unit: Identifier
  public var router: Expression
  public var paths: [Path]

  public init(unit: Identifier, router: Expression, paths: [Path]) {
    self.unit = unit
    self.router = router
    self.paths = paths
  }

  /// `name { … }`, or `8 experts { … }` with a count.
  public struct Path: Sendable {
    public var count: Expression?
    public var name: Identifier
    public var body: Block

    public init(count: Expression?, name: Identifier, body: Block) {
      self.count = count
      self.name = name
      self.body = body
    }
  }
}
