import AdaptSyntax

/// A name while its file is compiled.
final class Variable {
  let name: Identifier
  let place: Place
  let isMutable: Bool
  /// Whether the compiler has passed the statement that binds it.
  var isBound: Bool
  /// Whether only an import binds it.
  let isImported: Bool
  /// Whether closures must share it instead of copying its value.
  var needsCell = false
  /// Whether anything was compiled that names it.
  var isUsed = false

  init(
    _ name: Identifier, _ place: Place, isMutable: Bool, isBound: Bool, isImported: Bool = false
  ) {
    self.name = name
    self.isImported = isImported
    self.place = place
    self.isMutable = isMutable
    self.isBound = isBound
  }
}

/// The names between two braces.
final class BlockScope {
  var variables: [String: Variable] = [:]

  /// Slots that hold cells.
  var cells: [Int] {
    variables.values.compactMap { variable in
      guard variable.needsCell, case .slot(let slot) = variable.place else { return nil }
      return slot
    }.sorted()
  }
}

/// What is known of a body that runs later while it is compiled.
final class FunctionScope {
  enum Kind {
    case file
    /// May be left by `return`.
    case function
    /// Each line is applied to what the line before gave.
    case flow
    /// A router's clauses.
    case clauses
  }

  let kind: Kind
  var blocks: [BlockScope] = []
  var slotCount = 0
  var captures: [(source: Int, slot: Int)] = []
  private var captured: [ObjectIdentifier: Int] = [:]
  /// Loops around the statement.
  var loops = 0
  /// Blocks around the statement that stand inside an expression: since the innermost loop, and all.
  var expressions = 0
  var outerExpressions = 0
  /// Whether a `return` stands in the body.
  var returns = false
  /// Whether `output` and `target` mean those of an objective.
  var hasObjectiveNames = false

  init(_ kind: Kind) { self.kind = kind }

  func newSlot() -> Int {
    slotCount += 1
    return slotCount - 1
  }

  /// The slot that a name of the surroundings is copied to.
  func slot(for variable: Variable, from source: Int) -> Int {
    if let slot = captured[ObjectIdentifier(variable)] { return slot }
    let slot = newSlot()
    captured[ObjectIdentifier(variable)] = slot
    captures.append((source, slot))
    return slot
  }

  func find(_ name: String) -> Variable? {
    for block in blocks.reversed() {
      if let variable = block.variables[name] { return variable }
    }
    return nil
  }

  /// The nearest binding that the compiler has passed.
  func findBound(_ name: String) -> Variable? {
    for block in blocks.reversed() {
      if let variable = block.variables[name], variable.isBound { return variable }
    }
    return nil
  }
}

extension Compiler {
  enum Resolution {
    case found(Place, isMutable: Bool, boundAt: Span?)
    /// `output` or `target` of an objective.
    case objective
    case unknown
  }

  /// What a name means here.
  func resolve(_ name: String, pastObjectives: Bool = false) -> Resolution {
    for level in functions.indices.reversed() {
      let scope = functions[level]
      let isOwn = level == functions.count - 1
      if let variable = isOwn ? scope.findBound(name) : scope.find(name) {
        variable.isUsed = true
        return .found(
          place(of: variable, level), isMutable: variable.isMutable, boundAt: variable.name.span)
      }
      if scope.hasObjectiveNames, !pastObjectives, name == "output" || name == "target" {
        return .objective
      }
    }
    guard let binding = outside.find(name) else { return .unknown }
    return .found(.cell(binding.cell), isMutable: binding.isMutable, boundAt: binding.span)
  }

  /// Whether a name means anything here.
  func isNamed(_ name: String) -> Bool {
    functions.contains { $0.find(name) != nil } || outside.find(name) != nil
  }

  /// Where the innermost function finds a name of the function at `level`.
  private func place(of variable: Variable, _ level: Int) -> Place {
    guard case .slot(var slot) = variable.place, level < functions.count - 1 else {
      return variable.place
    }
    if variable.isMutable || !variable.isBound { variable.needsCell = true }
    for inner in functions[(level + 1)...] { slot = inner.slot(for: variable, from: slot) }
    return .slot(slot)
  }

  /// A name as an expression.
  func compileName(_ name: String, at span: Span) -> CodeNode {
    switch resolve(name) {
    case .found(.slot(let slot), _, _): return LocalNode(name, slot: slot, span)
    case .found(.cell(let cell), _, _): return GlobalNode(name, cell, span)
    case .objective: return ObjectiveNameNode(name, outer: outerName(name, at: span), span)
    case .unknown:
      if !isOpen { reportUnknown(name, at: span) }
      return UnknownNameNode(name, span)
    }
  }

  /// What `output` means where no objective is being made.
  private func outerName(_ name: String, at span: Span) -> CodeNode? {
    switch resolve(name, pastObjectives: true) {
    case .found(.slot(let slot), _, _): LocalNode(name, slot: slot, span)
    case .found(.cell(let cell), _, _): GlobalNode(name, cell, span)
    case .objective, .unknown: nil
    }
  }

  func reportUnknown(_ name: String, at span: Span) {
    if let later = function.find(name) {
      return report(
        .unknownName, "'\(name)' is used before it is bound", at: span,
        notes: [.init(span: later.name.span, text: "bound here")])
    }
    let near = closest(name, among: visibleNames)
    report(
      .unknownName, "there is no '\(name)' here", at: span, label: "unknown name",
      hint: near.map { "did you mean '\($0)'?" } ?? "")
  }

  private var visibleNames: [String] {
    functions.flatMap { $0.blocks.flatMap { $0.variables.keys } }.sorted() + outside.visibleNames()
  }

  // MARK: Binding

  /// A new name of the innermost block, bound from here on.
  @discardableResult
  func declare(_ name: Identifier, isMutable: Bool = false, isBound: Bool = true) -> Variable {
    let variable = Variable(
      name, .slot(function.newSlot()), isMutable: isMutable, isBound: isBound)
    function.blocks.last?.variables[name.text] = variable
    return variable
  }

  func slot(of variable: Variable) -> Int {
    if case .slot(let slot) = variable.place { return slot }
    return 0
  }

  /// Where a name that the statement binds is put.
  func binder(_ variable: Variable) -> Binder {
    guard case .cell = variable.place else {
      return Binder(place: variable.place, publication: nil)
    }
    return Binder(
      place: variable.place,
      publication: Publication(
        scope: file, name: variable.name, isMutable: variable.isMutable))
  }

  /// The binder of a name that the innermost block is known to bind.
  func bind(_ name: Identifier, isMutable: Bool = false) -> Binder {
    let variable =
      function.blocks.last?.variables[name.text] ?? declare(name, isMutable: isMutable)
    variable.isBound = true
    return binder(variable)
  }

  /// Runs `body` in a new block of names.
  func scoped<T>(_ body: () -> T) -> (T, BlockScope) {
    let scope = BlockScope()
    function.blocks.append(scope)
    defer { function.blocks.removeLast() }
    return (body(), scope)
  }

  // MARK: Patterns

  /// A pattern whose names are bound behind it.
  func compile(_ pattern: Pattern, isMutable: Bool = false) -> PatternNode {
    let span = pattern.span
    switch pattern.kind {
    case .wildcard, .missing: return WildcardPattern(span)
    case .name(let name):
      return NamePattern(bind(Identifier(name, span: span), isMutable: isMutable), span)
    case .value(let value):
      if case .range(let lower?, let upper?, let closed) = value.kind {
        return RangePattern(compile(lower), compile(upper), closed: closed, span)
      }
      return ValuePattern(compile(value), span)
    case .tuple(let parts):
      return SequencePattern(
        parts.map { compile($0, isMutable: isMutable) }, rest: nil, isTuple: true, span)
    case .list(let parts, let rest):
      return SequencePattern(
        parts.map { compile($0, isMutable: isMutable) }, rest: rest, isTuple: false, span)
    case .record(let fields):
      return RecordPattern(
        fields.map { ($0.label, compile($0.pattern, isMutable: isMutable)) }, span)
    case .alternatives(let parts): return AlternativesPattern(parts.map { compile($0) }, span)
    }
  }
}
