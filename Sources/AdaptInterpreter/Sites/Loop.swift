import AdaptGraph
import AdaptSyntax

/// `loop up to n each U until R carrying (…) { … } join average`: the same weights round after round.
final class LoopForm: SiteForm {
  typealias Join = LoopNode.Join

  let rounds: Int
  /// What ends the loop for a unit; nil where all go through every round.
  let halting: (unit: Identifier?, router: RouterInstance)?
  let body: Closure
  let carried: [CarriedCode]
  let initials: [Value]
  let join: Join

  init(
    _ rounds: Int, halting: (unit: Identifier?, router: RouterInstance)?, _ body: Closure,
    carrying carried: [(code: CarriedCode, initial: Value)] = [], join: Join = .last
  ) {
    self.rounds = rounds
    self.halting = halting
    self.body = body
    self.carried = carried.map(\.code)
    initials = carried.map(\.initial)
    self.join = join
  }

  var scope: String { "loop" }

  /// Every round finds the names of the first; sites are told apart by the round.
  func add(
    _ flow: Flow, to input: SymbolicTensor, _ trace: Trace, _ interpreter: Interpreter,
    at span: Span
  ) throws -> Value {
    let family = trace.take(flow.root.boundName ?? scope)
    let run = LoopRun(self, family, trace, interpreter, at: span)
    return try run.result(input)
  }

  func apply(
    to input: SymbolicTensor, _ trace: Trace, _ interpreter: Interpreter, at span: Span
  ) throws -> Value {
    try LoopRun(self, trace.take(scope), trace, interpreter, at: span).result(input)
  }
}

extension Interpreter {
  /// How often something goes round.
  func rounds(_ count: CodeNode, _ frame: Frame) throws -> Int {
    let value = try count.evaluate(self, frame)
    if value.isUnknown { throw UnknownReached() }
    guard let number = value.exactInt, number >= 0 else {
      throw failure(
        .wrongValue, "the number of rounds is an integer from 0, not \(brief(value))",
        at: count.span)
    }
    return number
  }
}
