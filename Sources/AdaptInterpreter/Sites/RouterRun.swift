import AdaptGraph
import AdaptSyntax

/// A router at one place: its clauses, and what the site knows that they ask for.
struct RouterRun {
  let router: RouterInstance
  var clauses: RouterClauses
  private(set) var known: [(slot: Int, value: Value)] = []
  /// What is carried from step to step.
  var states: [RouterState] = []
  /// What it decided about.
  var units: Units?

  init(_ router: RouterInstance, _ trace: Trace) {
    self.router = router
    clauses = RouterClauses(router, mode: trace.mode)
    if router.declaration.clauses.contains(where: { $0.mode != nil }) { trace.differsByMode = true }
  }

  mutating func know(_ slot: KeyPath<RouterCode.Slots, Int>, _ value: Value) {
    known.append((router.declaration.slots[keyPath: slot], value))
  }

  mutating func know(_ slot: KeyPath<RouterCode.Slots, Int>, _ value: ValueID, _ trace: Trace) {
    know(slot, .tensor(SymbolicTensor(content: .value(value), trace: trace)))
  }

  func value(_ slot: KeyPath<RouterCode.Slots, Int>) -> Value? {
    known.last { $0.slot == router.declaration.slots[keyPath: slot] }?.value
  }
}

/// What a router carries from step to step, at one place.
struct RouterState {
  let code: CarriedCode
  /// The parameter that keeps it.
  let parameter: ParameterInfo
  /// As it was before the step.
  let value: Value
}

/// The clauses of a router that count in one mode; one for the mode goes before one for both.
struct RouterClauses {
  /// What gives the scores, and the slot of what flows through it.
  var scores: (body: CodeNode, slot: Int)?
  var select: CodeNode?
  /// Whether the rule is for this mode alone.
  private(set) var selectsByMode = false
  var weigh: CodeNode?
  var losses: [CodeNode] = []

  init(_ router: RouterInstance, mode: TraceMode) {
    let wanted: RouterDeclaration.Clause.Mode = mode == .training ? .training : .inference
    let clauses = router.declaration.clauses
    let general = clauses.filter { $0.mode == nil }
    for clause in general + clauses.filter({ $0.mode == wanted }) {
      switch clause.kind {
      case .scores(let body, let slot): scores = (body, slot)
      case .select(let rule): (select, selectsByMode) = (rule, clause.mode != nil)
      case .weigh(let weights): weigh = weights
      case .loss(let loss): losses.append(loss)
      }
    }
  }
}

/// What a form asks a router to decide.
struct Question {
  let name: String
  let units: Units
  /// How many paths the router decides about.
  let paths: Int
  /// Whether a path is for the rest.
  let hasElse: Bool
  /// The form's own rule, for a router that has none.
  var rule: Selection?
  /// Whether the form's rule counts, whatever the router's is.
  var isRuled = false
  /// Whether chance decides: a unit takes a path with the probability that is its score.
  var isDrawn = false
  /// Where the form lets units stop.
  var stop: Stop?
}

/// What a router decided.
struct Decision {
  let site: SiteID
  /// [units, paths]; nil when outputs are not weighted.
  let weights: ValueID?
  let router: RouterRun
}
