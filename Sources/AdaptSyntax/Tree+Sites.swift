// Forms in which something is decided: which rows take which path, and how far they go.

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

  /// `name { … }`, `8 experts { … }` with a count, `always shared { … }`, or `else { … }`.
  public struct Path: Sendable {
    public var role: Role
    public var count: Expression?
    /// `else` for the path of that role.
    public var name: Identifier
    public var body: Block

    public init(role: Role = .chosen, count: Expression?, name: Identifier, body: Block) {
      self.role = role
      self.count = count
      self.name = name
      self.body = body
    }
  }

  /// Which units take a path.
  public enum Role: Sendable, Equatable {
    /// Those that the router sends there.
    case chosen
    /// All of them, unweighted; the path is none of the router's. The word stands at the span.
    case always(Span)
    /// Those that no other path takes.
    case rest
  }
}

/// `keep AMOUNT of UNIT each GROUP by ROUTER { … } else { … }`.
public struct Keep: Sendable {
  public var amount: Amount
  /// What is kept or not.
  public var unit: Identifier
  /// Where an amount is counted: within each of these.
  public var group: Identifier?
  public var router: Expression
  /// What the kept units take; nil when they stay as they are.
  public var body: Block?
  public var otherwise: Otherwise?

  public init(
    amount: Amount, unit: Identifier, group: Identifier?, router: Expression, body: Block?,
    otherwise: Otherwise?
  ) {
    self.amount = amount
    self.unit = unit
    self.group = group
    self.router = router
    self.body = body
    self.otherwise = otherwise
  }

  /// How many units are kept.
  public struct Amount: Sendable {
    public var kind: Kind
    public var value: Expression
    /// With the word.
    public var span: Span

    public init(kind: Kind, value: Expression, span: Span) {
      self.kind = kind
      self.value = value
      self.span = span
    }

    public enum Kind: Sendable, Equatable {
      /// `12.5%`: of the units of a group.
      case share
      /// `top 4`: that many of a group.
      case top
      /// `above 0.3`: those with a higher score.
      case above
    }
  }

  /// What becomes of the units that are not kept; without a word of it they stay as they are.
  public enum Otherwise: Sendable {
    case block(Block)
    /// `else drop`: the word stands at the span.
    case drop(Span)
    /// `else merge`.
    case merge(Span)
  }
}

/// `loop n { … }`, and `loop up to n each UNIT until ROUTER carrying (…) { … } join expected`: the same
/// weights in every round.
public struct Loop: Sendable {
  public var rounds: Rounds
  public var carried: [Carried]
  public var body: Block
  public var join: Identifier?

  public init(rounds: Rounds, carried: [Carried] = [], body: Block, join: Identifier? = nil) {
    self.rounds = rounds
    self.carried = carried
    self.body = body
    self.join = join
  }

  /// How often it goes round.
  public enum Rounds: Sendable {
    case count(Expression)
    /// Each unit until the router halts it, at most `limit` times.
    case upTo(limit: Expression, unit: Identifier?, until: Expression)
  }
}

/// A name that a body keeps from round to round or from row to row: `h = zeros(8)`.
public struct Carried: Sendable {
  public var name: Identifier
  public var initial: Expression

  public init(name: Identifier, initial: Expression) {
    self.name = name
    self.initial = initial
  }
}

/// `scan over AXIS carrying (…) { … } in reverse`: one row after another of each sequence.
public struct Scan: Sendable {
  public var axis: Identifier
  public var carried: [Carried]
  public var body: Block
  /// Where `reverse` stands.
  public var reverse: Span?

  public init(axis: Identifier, carried: [Carried], body: Block, reverse: Span?) {
    self.axis = axis
    self.carried = carried
    self.body = body
    self.reverse = reverse
  }
}

/// `when CONDITION` or `by ROUTER`: what decides that a unit leaves, or is done with a stage.
public struct Criterion: Sendable {
  public var kind: Kind
  /// Where the word stands.
  public var word: Span
  public var value: Expression

  public init(kind: Kind, word: Span, value: Expression) {
    self.kind = kind
    self.word = word
    self.value = value
  }

  public enum Kind: Sendable, Equatable {
    /// The value compares a quantity with a number.
    case when
    /// The value is a router.
    case by
  }
}

/// `exit each UNIT when CONDITION through HEAD`: units leave here with an answer.
public struct Exit: Sendable {
  public var unit: Identifier
  public var criterion: Criterion
  /// What makes the answer; nil for what the rest of the model ends with.
  public var head: Expression?

  public init(unit: Identifier, criterion: Criterion, head: Expression?) {
    self.unit = unit
    self.criterion = criterion
    self.head = head
  }
}

/// `cascade each UNIT { small { … } accept when CONDITION  big { … } }`: the first answer that is
/// accepted counts.
public struct Cascade: Sendable {
  public var unit: Identifier
  public var stages: [Stage]

  public init(unit: Identifier, stages: [Stage]) {
    self.unit = unit
    self.stages = stages
  }

  public struct Stage: Sendable {
    public var name: Identifier
    public var body: Block
    /// What accepts its answers; the last stage has none.
    public var acceptance: Criterion?

    public init(name: Identifier, body: Block, acceptance: Criterion?) {
      self.name = name
      self.body = body
      self.acceptance = acceptance
    }
  }
}

/// `reuse each UNIT when CONDITION { … }`: what the block gave before, where the condition holds.
public struct Reuse: Sendable {
  public var unit: Identifier
  public var criterion: Criterion
  public var body: Block

  public init(unit: Identifier, criterion: Criterion, body: Block) {
    self.unit = unit
    self.criterion = criterion
    self.body = body
  }
}

/// `knob width in [1, 2, 4] = 2`: a setting that is chosen when the model runs.
public struct Knob: Sendable {
  /// `each token by TopK(1)`: a router sets it, for each unit of what flows.
  public struct Decision: Sendable {
    public var unit: Identifier
    public var router: Expression

    public init(unit: Identifier, router: Expression) {
      self.unit = unit
      self.router = router
    }
  }

  public var name: Identifier
  public var choices: Expression
  /// The choice without a word of it; nil for the last one.
  public var initial: Expression?
  /// What sets it while the model runs; nil where that is one choice for all.
  public var decision: Decision?

  public init(
    name: Identifier, choices: Expression, initial: Expression?, decision: Decision? = nil
  ) {
    self.name = name
    self.choices = choices
    self.initial = initial
    self.decision = decision
  }
}
