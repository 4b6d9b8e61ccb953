import AdaptSyntax

/// The tree as an S-expression, so that a test shows structure in one line.
func dump(_ block: Block) -> String {
  block.statements.map(dump).joined(separator: " ")
}

func braces(_ block: Block) -> String { "{\(dump(block))}" }

func list(_ head: String, _ parts: [String]) -> String {
  "(" + ([head] + parts.filter { !$0.isEmpty }).joined(separator: " ") + ")"
}

func dump(_ statement: Statement) -> String {
  switch statement.kind {
  case .binding(let pattern, let value, let mutable):
    list(mutable ? "var" : "let", [dump(pattern), dump(value)])
  case .assignment(let target, let op, let value):
    list((op?.rawValue ?? "") + "=", [dump(target), dump(value)])
  case .function(let function): dump("fn", function)
  case .layer(let layer): dump(layer)
  case .router(let router):
    list("router \(router.name.text)", [dump(router.parameters)] + router.clauses.map(dump))
  case .objective(let name, let body): list("objective", [name.text, braces(body)])
  case .optimizer(let function): dump("optimizer", function)
  case .parameter(let name, let shape, let initial):
    list("param", [name.text, "[\(join(shape))]", initial.map(dump) ?? ""])
  case .state(let name, let initial): list("state", [name.text, dump(initial)])
  case .knob(let knob):
    list(
      "knob",
      [knob.name.text, dump(knob.choices), knob.initial.map(dump) ?? ""]
        + (knob.decision.map { ["each \($0.unit.text) by", dump($0.router)] } ?? []))
  case .forIn(let pattern, let sequence, let body):
    list("for", [dump(pattern), dump(sequence), braces(body)])
  case .whileLoop(let condition, let body): list("while", [dump(condition), braces(body)])
  case .returnValue(let value): list("return", [value.map(dump) ?? ""])
  case .breakLoop: "(break)"
  case .continueLoop: "(continue)"
  case .importModule(let module): dump(module)
  case .print(let values): list("print", values.map(dump))
  case .minimize(let value): list("minimize", [dump(value)])
  case .expect(let value): list("expect", [dump(value)])
  case .test(let name, let body): list("test", [dump(name), braces(body)])
  case .expression(let value): dump(value)
  }
}

private func dump(_ module: Import) -> String {
  let path = module.path.map(\.text).joined(separator: ".")
  let alias = module.alias.map { "as \($0.text)" } ?? ""
  let names = module.names.map { names in
    let texts = names.map { $0.name.text + ($0.alias.map { "=" + $0.text } ?? "") }
    return "(" + texts.joined(separator: " ") + ")"
  }
  return list("import", [path, alias, names ?? ""])
}

func dump(_ pattern: Pattern) -> String {
  switch pattern.kind {
  case .wildcard: "_"
  case .name(let name): name
  case .value(let value): dump(value)
  case .tuple(let parts): list("tuple", parts.map(dump))
  case .list(let parts, let rest):
    "["
      + parts.enumerated().map { ($0.offset == rest ? ".." : "") + dump($0.element) }
      .joined(separator: " ") + "]"
  case .record(let fields):
    list("record", fields.map { $0.label.text + ":" + dump($0.pattern) })
  case .alternatives(let parts): list("|", parts.map(dump))
  case .missing: "MISSING"
  }
}

private func join(_ values: [Expression]) -> String { values.map(dump).joined(separator: " ") }

private func dump(_ parameters: [Parameter]) -> String {
  let texts = parameters.map { parameter in
    (parameter.pattern.map(dump) ?? parameter.name.text)
      + (parameter.defaultValue.map { "=" + dump($0) } ?? "")
  }
  return "(" + texts.joined(separator: " ") + ")"
}

private func dump(_ head: String, _ function: FunctionDeclaration) -> String {
  list("\(head) \(function.name.text)", [dump(function.parameters), braces(function.body)])
}

private func dump(_ layer: LayerDeclaration) -> String {
  let signature = layer.signature.map { signature in
    let output = signature.outputShape.map { " -> [\(dump($0))]" } ?? ""
    return ": \(signature.input.text) [\(dump(signature.inputShape))]\(output)"
  }
  return list(
    "\(layer.isModel ? "model" : "layer") \(layer.name.text)",
    [dump(layer.parameters), signature ?? "", braces(layer.body)])
}

private func dump(_ axes: [Axis]) -> String {
  axes.map { axis in
    switch axis.kind {
    case .rest: ".."
    case .name(let name): name
    case .size(let size): dump(size)
    }
  }.joined(separator: " ")
}

private func dump(_ clause: RouterDeclaration.Clause) -> String {
  let mode = clause.mode.map { "in \($0)" } ?? ""
  return switch clause.kind {
  case .scores(let block): list("scores", [braces(block), mode])
  case .select(let value): list("select", [dump(value), mode])
  case .weigh(let value): list("weigh", [dump(value), mode])
  case .loss(let value): list("loss", [dump(value), mode])
  case .state(let name, let initial): list("state", [name.text, dump(initial)])
  case .update(let block): list("update", [braces(block)])
  }
}

private func dump(_ arguments: [Argument]) -> [String] {
  arguments.map { ($0.label.map { $0.text + ":" } ?? "") + dump($0.value) }
}

func dump(_ expression: Expression) -> String {
  switch expression.kind {
  case .integer(let value): "\(value)"
  case .number(let value): "\(value)"
  case .quantity(let value, let unit): "\(value)\(unit.rawValue)"
  case .string(let segments): "\"" + segments.map(dump).joined() + "\""
  case .boolean(let value): "\(value)"
  case .none: "none"
  case .name(let name): name
  case .list(let values): "[\(join(values))]"
  case .record(let fields): list("record", dump(fields))
  case .tuple(let values): list("tuple", values.map(dump))
  case .map(let pairs): list("map", pairs.map { "\(dump($0.key)):\(dump($0.value))" })
  case .comprehension(let value, let clauses): list("each", [dump(value)] + clauses.map(dump))
  case .range(let first, let last, let closed):
    list(closed ? "..." : "..", [first.map(dump) ?? "_", last.map(dump) ?? "_"])
  case .unary(let op, let operand): list(op.rawValue, [dump(operand)])
  case .binary(let op, let left, let right): list(op.rawValue, [dump(left), dump(right)])
  case .compose(let left, let right): list(">>", [dump(left), dump(right)])
  case .call(let callee, let arguments, let trailing):
    list("call", [dump(callee)] + dump(arguments) + [trailing.map(braces) ?? ""])
  case .index(let base, let indices):
    list("index", [dump(base)] + dump(indices.map { Argument(label: $0.label, value: $0.value) }))
  case .member(let base, let name): list(".", [dump(base), name.text])
  case .closure(let parameters, let body): list("closure", [dump(parameters), braces(body)])
  case .conditional(let condition, let block, let other):
    list("if", [dump(condition), braces(block), other.map(braces) ?? ""])
  case .match(let subject, let arms): list("match", [dump(subject)] + arms.map(dump))
  case .attempt(let body, let pattern, let handler):
    list("try", [braces(body), pattern.map(dump) ?? "", braces(handler)])
  case .residual(let body): list("residual", [braces(body)])
  case .recompute(let body): list("recompute", [braces(body)])
  case .parallel(let branches, let join):
    list("parallel", branches.map(dump) + [join.map { "join \($0.text)" } ?? ""])
  case .repeated(let count, let body): list("repeat", [dump(count), braces(body)])
  case .loop, .route, .keep, .scan, .exit, .cascade, .reuse: dumpSite(expression)
  case .missing: "MISSING"
  }
}

private func dump(_ clause: ComprehensionClause) -> String {
  switch clause {
  case .forIn(let pattern, let sequence): list("for", [dump(pattern), dump(sequence)])
  case .condition(let condition): list("if", [dump(condition)])
  }
}

private func dump(_ arm: MatchArm) -> String {
  list(dump(arm.pattern), [arm.condition.map { "if " + dump($0) } ?? "", braces(arm.body)])
}

private func dump(_ segment: StringSegment) -> String {
  switch segment {
  case .text(let text): text
  case .interpolation(let value, let format): "\\(\(dump(value))\(format.map { ":" + $0 } ?? ""))"
  }
}
