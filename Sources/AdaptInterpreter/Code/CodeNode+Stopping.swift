import AdaptGraph
import AdaptSyntax

// Forms in which a unit is done early: `exit`, `cascade` and `reuse`.

/// `exit each U when C through H`.
final class ExitNode: CodeNode {
  let unit: Identifier
  let criterion: CriterionCode
  /// Where `when` or `by` stands.
  let word: Span
  let head: CodeNode?

  init(
    _ unit: Identifier, _ criterion: CriterionCode, word: Span, head: CodeNode?, _ span: Span
  ) {
    self.unit = unit
    self.criterion = criterion
    self.word = word
    self.head = head
    super.init(span)
  }

  override func isRepeatable(_ walk: inout RepeatableWalk) -> Bool {
    walk.follows(criterion) && (head.map { walk.follows($0) } ?? true)
  }

  override func evaluate(_ context: Interpreter, _ frame: Frame) throws -> Value {
    let criterion = try context.criterion(criterion, frame)
    let head = try head.map { (value: try $0.evaluate(context, frame), span: $0.span) }
    if head?.value.isUnknown == true { return .unknown }
    return try context.makeFlow(.site(ExitForm(unit, criterion, head: head)), at: span)
  }
}

/// `cascade each U { small { … } accept when C  big { … } }`.
final class CascadeNode: CodeNode {
  struct Stage {
    let name: Identifier
    let body: Code
    /// What accepts an answer, and where its word stands; the last stage has none.
    let acceptance: (criterion: CriterionCode, word: Span)?
  }

  let unit: Identifier
  let stages: [Stage]

  init(_ unit: Identifier, _ stages: [Stage], _ span: Span) {
    self.unit = unit
    self.stages = stages
    super.init(span)
  }

  override func isRepeatable(_ walk: inout RepeatableWalk) -> Bool {
    stages.allSatisfy { stage in
      walk.follows(stage.body) && (stage.acceptance.map { walk.follows($0.criterion) } ?? true)
    }
  }

  override func evaluate(_ context: Interpreter, _ frame: Frame) throws -> Value {
    let stages = try stages.map { stage in
      CascadeForm.Stage(
        name: stage.name.text, body: Closure(stage.body, frame),
        acceptance: try stage.acceptance.map { try context.criterion($0.criterion, frame) })
    }
    return try context.makeFlow(.site(CascadeForm(unit, stages)), at: span)
  }
}

/// `reuse each U when C { … }`.
final class ReuseNode: CodeNode {
  let unit: Identifier
  let condition: ConditionCode
  let body: Code

  init(_ unit: Identifier, _ condition: ConditionCode, _ body: Code, _ span: Span) {
    self.unit = unit
    self.condition = condition
    self.body = body
    super.init(span)
  }

  override func isRepeatable(_ walk: inout RepeatableWalk) -> Bool {
    walk.follows(.when(condition)) && walk.follows(body)
  }

  override func evaluate(_ context: Interpreter, _ frame: Frame) throws -> Value {
    let condition = try context.condition(condition, frame)
    return try context.makeFlow(
      .site(ReuseForm(unit, condition, Closure(body, frame))), at: span)
  }
}
