import AdaptGraph
import AdaptSyntax

// Forms that choose among paths or units: `route` and `keep`.

/// `route each U by R { … }`.
final class RouteNode: CodeNode {
  struct Path {
    let role: Route.Role
    /// `8 experts { … }`.
    let count: CodeNode?
    let name: Identifier
    let body: Code
    /// Where the body finds which of so many paths it is.
    let indexSlot: Int?
  }

  let unit: Identifier
  let router: CodeNode
  let paths: [Path]

  init(_ unit: Identifier, _ router: CodeNode, _ paths: [Path], _ span: Span) {
    self.unit = unit
    self.router = router
    self.paths = paths
    super.init(span)
  }

  override func isRepeatable(_ walk: inout RepeatableWalk) -> Bool {
    walk.follows(router)
      && paths.allSatisfy { path in
        (path.count.map { walk.follows($0) } ?? true) && walk.follows(path.body)
      }
  }

  override func evaluate(_ context: Interpreter, _ frame: Frame) throws -> Value {
    let value = try router.evaluate(context, frame)
    if value.isUnknown { return .unknown }
    let instance = try context.router(value, for: "a route", at: router.span)
    var (chosen, always, rest) = ([RouteForm.Path](), [RouteForm.Path](), [RouteForm.Path]())
    for path in paths {
      let bodies = try open(path, context, frame)
      switch path.role {
      case .chosen: chosen += bodies
      case .always: always += bodies
      case .rest: rest += bodies
      }
    }
    return try context.makeFlow(
      .site(RouteForm(unit, instance, chosen: chosen, always: always, rest: rest.first)), at: span)
  }

  private func open(_ path: Path, _ context: Interpreter, _ frame: Frame) throws
    -> [RouteForm.Path]
  {
    guard let count = path.count else {
      return [RouteForm.Path(name: path.name.text, body: Closure(path.body, frame))]
    }
    return (0..<(try number(of: count, context, frame))).map { number in
      if let slot = path.indexSlot { frame[slot] = .int(number) }
      return RouteForm.Path(
        name: "\(path.name.text)[\(number)]", body: Closure(path.body, frame))
    }
  }

  /// `8 experts { … }` counts as eight paths.
  private func number(of count: CodeNode, _ context: Interpreter, _ frame: Frame) throws -> Int {
    let value = try count.evaluate(context, frame)
    guard let number = value.exactInt, (1...4096).contains(number) else {
      if value.isUnknown { throw UnknownReached() }
      throw context.failure(
        .wrongValue,
        "the number of paths is an integer from 1 to 4096, not \(context.brief(value))",
        at: count.span)
    }
    return number
  }
}

/// `keep AMOUNT of U each G by R { … } else { … }`.
final class KeepNode: CodeNode {
  struct Amount {
    let kind: Keep.Amount.Kind
    let value: CodeNode
    let span: Span
  }

  enum Otherwise {
    case body(Code)
    case drop(Span)
    case merge(Span)
  }

  let amount: Amount
  let unit: Identifier
  let group: Identifier?
  let router: CodeNode
  let body: Code?
  let otherwise: Otherwise?

  init(
    _ amount: Amount, of unit: Identifier, each group: Identifier?, by router: CodeNode,
    _ body: Code?, otherwise: Otherwise?, _ span: Span
  ) {
    self.amount = amount
    self.unit = unit
    self.group = group
    self.router = router
    self.body = body
    self.otherwise = otherwise
    super.init(span)
  }

  override func isRepeatable(_ walk: inout RepeatableWalk) -> Bool {
    guard walk.follows(amount.value), walk.follows(router), body.map({ walk.follows($0) }) ?? true
    else { return false }
    if case .body(let code)? = otherwise { return walk.follows(code) }
    return true
  }

  override func evaluate(_ context: Interpreter, _ frame: Frame) throws -> Value {
    let rule = try rule(context, frame)
    let router = try context.router(router, frame)
    let rest: KeepForm.Rest =
      switch otherwise {
      case nil: .pass
      case .body(let code): .body(Closure(code, frame))
      case .drop(let span): .drop(span)
      case .merge(let span): .merge(span)
      }
    let body = body.map { Closure($0, frame) }
    return try context.makeFlow(
      .site(KeepForm(rule, of: unit, each: group, by: router, body, else: rest)), at: span)
  }

  private func rule(_ context: Interpreter, _ frame: Frame) throws -> Selection {
    let value = try amount.value.evaluate(context, frame)
    switch amount.kind {
    case .top, .share: return .best(try context.amount(value, at: amount.span))
    case .above:
      if value.isUnknown { throw UnknownReached() }
      guard let limit = value.asDouble, limit.isFinite else {
        throw context.wrongType(
          "'above' takes a number, not \(value.typeName)", at: amount.span)
      }
      return .above(limit)
    }
  }
}
