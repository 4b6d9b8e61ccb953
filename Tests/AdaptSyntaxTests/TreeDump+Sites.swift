import AdaptSyntax

/// Forms in which something is decided.
func dumpSite(_ expression: Expression) -> String {
  switch expression.kind {
  case .loop(let loop): dump(loop)
  case .route(let route):
    list("route", [route.unit.text, dump(route.router)] + route.paths.map(dump))
  case .keep(let keep): dump(keep)
  case .scan(let scan):
    list(
      "scan",
      [scan.axis.text] + scan.carried.map(dump)
        + [braces(scan.body), scan.reverse == nil ? "" : "in reverse"])
  case .exit(let exit):
    list(
      "exit",
      [exit.unit.text, dump(exit.criterion), exit.head.map { "through " + dump($0) } ?? ""])
  case .cascade(let cascade): list("cascade", [cascade.unit.text] + cascade.stages.map(dump))
  case .reuse(let reuse):
    list("reuse", [reuse.unit.text, dump(reuse.criterion), braces(reuse.body)])
  default: "?"
  }
}

private func dump(_ path: Route.Path) -> String {
  var head = path.count.map { dump($0) + " " } ?? ""
  if case .always = path.role { head = "always " + head }
  return "(\(head)\(path.name.text) \(braces(path.body)))"
}

private func dump(_ keep: Keep) -> String {
  let amount =
    switch keep.amount.kind {
    case .share: dump(keep.amount.value)
    case .top: list("top", [dump(keep.amount.value)])
    case .above: list("above", [dump(keep.amount.value)])
    }
  let otherwise =
    switch keep.otherwise {
    case nil: ""
    case .block(let block): "else " + braces(block)
    case .drop: "else drop"
    case .merge: "else merge"
    }
  return list(
    "keep",
    [
      amount, keep.unit.text, keep.group.map { "each " + $0.text } ?? "", dump(keep.router),
      keep.body.map(braces) ?? "", otherwise,
    ])
}

private func dump(_ loop: Loop) -> String {
  let rounds =
    switch loop.rounds {
    case .count(let count): [dump(count)]
    case .upTo(let limit, let unit, let until):
      ["up to", dump(limit), unit.map { "each " + $0.text } ?? "", "until", dump(until)]
    }
  return list(
    "loop",
    rounds + loop.carried.map(dump)
      + [braces(loop.body), loop.join.map { "join \($0.text)" } ?? ""])
}

private func dump(_ carried: Carried) -> String { "\(carried.name.text)=\(dump(carried.initial))" }

private func dump(_ criterion: Criterion) -> String {
  "\(criterion.kind) \(dump(criterion.value))"
}

private func dump(_ stage: Cascade.Stage) -> String {
  list(stage.name.text, [braces(stage.body), stage.acceptance.map { "accept " + dump($0) } ?? ""])
}
