import AdaptGraph
import AdaptSyntax

// Forms that run their body again and again: `loop` and `scan`.

/// `loop up to n each U until R carrying (…) { … } join average`, and `loop n` with as much.
final class LoopNode: CodeNode {
  enum Rounds {
    case count(CodeNode)
    case upTo(limit: CodeNode, unit: Identifier?, until: CodeNode)
  }

  /// What becomes of the results of the rounds.
  enum Join: String, CaseIterable { case average, last, sample, concat, expected }

  let rounds: Rounds
  let content: CarryingCode
  let join: Join?
  let joinName: Identifier?

  init(
    _ rounds: Rounds, _ content: CarryingCode, join: Join?, joinName: Identifier?, _ span: Span
  ) {
    self.rounds = rounds
    self.content = content
    self.join = join
    self.joinName = joinName
    super.init(span)
  }

  override func isRepeatable(_ walk: inout RepeatableWalk) -> Bool {
    let parts: [CodeNode] =
      switch rounds {
      case .count(let count): [count]
      case .upTo(let limit, _, let until): [limit, until]
      }
    return walk.follows(parts) && walk.follows(content.body)
      && walk.follows(content.carried.map(\.initial))
  }

  override func evaluate(_ context: Interpreter, _ frame: Frame) throws -> Value {
    let carried = try content.carried.map {
      (code: $0, initial: try $0.initial.evaluate(context, frame))
    }
    let body = Closure(content.body, frame)
    switch rounds {
    case .count(let count):
      let form = LoopForm(
        try context.rounds(count, frame), halting: nil, body, carrying: carried,
        join: join ?? .last)
      return try context.makeFlow(.site(form), at: span)
    case .upTo(let limit, let unit, let until):
      let form = LoopForm(
        try context.rounds(limit, frame), halting: (unit, try context.router(until, frame)), body,
        carrying: carried, join: join ?? .last)
      return try context.makeFlow(.site(form), at: span)
    }
  }
}

/// `scan over A carrying (…) { … } in reverse`.
final class ScanNode: CodeNode {
  let axis: Identifier
  let content: CarryingCode
  let reverse: Span?

  init(_ axis: Identifier, _ content: CarryingCode, reverse: Span?, _ span: Span) {
    self.axis = axis
    self.content = content
    self.reverse = reverse
    super.init(span)
  }

  override func evaluate(_ context: Interpreter, _ frame: Frame) throws -> Value {
    let carried = try content.carried.map { carried in
      ScanForm.Carried(
        code: carried, initial: try carried.initial.evaluate(context, frame))
    }
    let scan = ScanForm(
      axis, Closure(content.body, frame), carried, isReversed: reverse != nil)
    return try context.makeFlow(.site(scan), at: span)
  }
}
