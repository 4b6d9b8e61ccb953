import AdaptSyntax

/// A compiled router: its clauses run in one frame.
final class RouterCode {
  struct Clause {
    let kind: Kind
    let mode: RouterDeclaration.Clause.Mode?

    enum Kind {
      /// The body and the slot of what flows through it.
      case scores(CodeNode, slot: Int)
      case select(CodeNode)
      case weigh(CodeNode)
      case loss(CodeNode)
    }
  }

  /// Where the clauses find what the site knows.
  struct Slots {
    let paths: Int
    let score: Int
    let selected: Int
    let top: Int
    let all: Int
    /// Of a router that is asked round by round: the sum of its earlier scores, the product of one
    /// minus each of them, the number of the round, and how many there are at most.
    let total: Int
    let survival: Int
    let round: Int
    let rounds: Int
    /// How many rounds a unit is expected to have gone through with this one: the sum of what survived.
    let expectedRounds: Int
    /// How many rows there were at the start.
    let units: Int
    /// How many units each path took.
    let load: Int
    /// Selections beside `top` and `all`.
    let above: Int
    let best: Int
    let accumulate: Int
    let pairs: Int
    let given: Int
    /// Minus the loss of each unit, which is known once the objective is.
    let reward: Int

    static let count = 18

    /// In as many places of the frame from `first` on.
    init(first: Int) {
      paths = first
      score = first + 1
      selected = first + 2
      top = first + 3
      all = first + 4
      total = first + 5
      survival = first + 6
      round = first + 7
      rounds = first + 8
      units = first + 9
      load = first + 10
      above = first + 11
      best = first + 12
      accumulate = first + 13
      reward = first + 14
      pairs = first + 15
      given = first + 16
      expectedRounds = first + 17
    }

    /// What a clause sees beside `paths`, and where.
    func names(in clause: RouterDeclaration.Clause.Kind) -> [(name: String, slot: Int)] {
      let place = [("round", round), ("rounds", rounds)]
      let before =
        place + [
          ("total", total), ("survival", survival), ("expectedRounds", expectedRounds),
          ("units", units),
        ]
      let result = [("score", score), ("selected", selected)]
      return switch clause {
      case .scores: place
      case .select:
        [
          ("top", top), ("all", all), ("above", above), ("best", best),
          ("accumulate", accumulate), ("pairs", pairs), ("given", given), ("score", score),
        ] + before
      case .weigh: result + before
      case .loss: result + before + [("load", load), ("reward", reward)]
      case .state: []
      case .update: result + [("units", units), ("load", load), ("reward", reward)]
      }
    }
  }

  let name: Identifier
  let code: Code
  let clauses: [Clause]
  let slots: Slots
  /// What is carried from step to step.
  let states: [CarriedCode]
  /// What runs behind each step of training.
  let updates: [CodeNode]
  /// Whether a clause asks for the reward.
  let usesReward: Bool

  init(
    _ name: Identifier, _ code: Code, _ clauses: [Clause], _ slots: Slots, states: [CarriedCode],
    updates: [CodeNode], usesReward: Bool
  ) {
    self.name = name
    self.code = code
    self.clauses = clauses
    self.slots = slots
    self.states = states
    self.updates = updates
    self.usesReward = usesReward
  }
}
