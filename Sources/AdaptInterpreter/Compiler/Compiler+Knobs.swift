import AdaptSyntax

// Knobs that a router sets: what stands behind one in its braces runs in the setting a unit gets.

/// The lines of a flow, at the first knob that a router sets.
struct TurnedBlock {
  let before: ArraySlice<Statement>
  let knob: Knob
  let decision: Knob.Decision
  let span: Span
  /// What is made once for each setting.
  let rest: Block

  /// Nil where no router sets a knob.
  init?(_ block: Block) {
    for (number, statement) in block.statements.enumerated() {
      guard case .knob(let knob) = statement.kind, let decision = knob.decision else { continue }
      before = block.statements[..<number]
      (self.knob, self.decision, span) = (knob, decision, statement.span)
      let behind = Array(block.statements[(number + 1)...])
      let start = behind.first?.span.start ?? statement.span.end
      let end = behind.last?.span.end ?? statement.span.end
      rest = Block(
        statements: behind,
        span: Span(source: block.span.source, start: Int(start), end: Int(end)))
      return
    }
    return nil
  }
}

extension Compiler {
  /// A line that applies, to what flows through the slot, all that follows it.
  func compile(_ turned: TurnedBlock, slot flow: Int) -> CodeNode {
    checkNames(of: turned)
    let (choices, router) = (compile(turned.knob.choices), compile(turned.decision.router))
    let node = scoped {
      let setting = slot(of: declare(turned.knob.name))
      let body = compileFlow(turned.knob.name.text, turned.rest)
      return TurnedKnobNode(
        turned.knob.name, choices, each: turned.decision.unit, by: router, setting: setting, body,
        turned.span)
    }.0
    return FlowLineNode(node, slot: flow, turned.span)
  }

  /// To a reader all lines stand between the same braces.
  private func checkNames(of turned: TurnedBlock) {
    guard let scope = function.blocks.last else { return }
    let names = [turned.knob.name] + turned.rest.statements.flatMap(Compiler.bound)
    for name in names { _ = reportDuplicate(name, in: scope) }
  }

  /// Where nothing flows there are no units.
  func reportNoFlow(_ decision: Knob.Decision) {
    report(
      .misplacedStatement, "nothing flows here that a router could set a knob for",
      at: decision.unit.span,
      hint: "write it among the lines of a layer without a signature, or of 'residual { … }'")
  }
}
