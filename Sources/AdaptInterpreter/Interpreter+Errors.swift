import AdaptGraph
import AdaptPlatform
import AdaptSyntax
import AdaptTensor

extension Interpreter {
  /// An error at a place. One inside the library is shown where the script used the library.
  func failure(
    _ id: DiagnosticID, _ title: String, at span: Span, label: String = "",
    notes: [Diagnostic.Note] = [], hint: String = ""
  ) -> Diagnostic {
    var result = Diagnostic(id, title, at: span, label: label, notes: notes, hint: hint)
    guard store.isLibrary(span),
      let frame = calls.last(where: { !store.isLibrary($0.callSite) })
    else { return result }
    result.span = frame.callSite
    result.label = label.isEmpty ? "in \(frame.name)" : "in \(frame.name): \(label)"
    result.notes.removeAll { $0.span == frame.callSite }
    return result
  }

  /// The calls around an error, the innermost first, without those inside the library.
  func callNotes(around span: Span?) -> [Diagnostic.Note] {
    let around = calls.records.reversed().filter {
      !store.isLibrary($0.callSite) && $0.callSite != span
    }
    return around.prefix(4).map {
      Diagnostic.Note(span: $0.callSite, text: "in \($0.name), used here")
    }
  }

  /// An error of the graph, at the innermost expression of the user's script.
  func shapeFailure(_ error: GraphError, at span: Span, _ notes: [Diagnostic.Note] = [])
    -> Diagnostic
  {
    let id: DiagnosticID =
      switch error.kind {
      case .shape, .invalid: .wrongShape
      case .pathShapes: .pathShapes
      case .notDifferentiable: .notDifferentiable
      }
    var result = failure(id, error.message, at: span)
    result.notes = shapeNotes(notes, at: result.span)
    return result
  }

  func wrongType(_ title: String, at span: Span, label: String = "", hint: String = "")
    -> Diagnostic
  {
    failure(.wrongType, title, at: span, label: label, hint: hint)
  }

  /// Counts work that a script causes, and looks whether it must end.
  func charge(_ amount: Int = 1, at span: Span) throws {
    let (rest, overflow) = fuel.subtractingReportingOverflow(amount)
    fuel = overflow ? .min : rest
    if fuel < 0 { try refuel(at: span) }
  }

  /// How many steps are taken between two looks at the flag, the clock and the limits.
  private static let tankful = 256

  /// Looks whether a run must end, and lets it go on for a while.
  func refuel(at span: Span) throws {
    let limit = isDryRun ? host.limits.checkSteps : host.limits.steps
    unlooked += Interpreter.tankful - min(0, max(fuel, -Interpreter.memoryStride))
    // What was spent beyond the tank counts as well.
    let (left, overflow) = stepsLeft.addingReportingOverflow(fuel)
    stepsLeft = overflow ? -1 : left
    fuel = 0
    guard stepsLeft >= 0 else {
      stepsLeft = 0
      if isDryRun { throw CheckedEnough() }
      throw failure(
        .limitSteps, "the script took more than \(limit) steps", at: span,
        hint: "a loop may never end; the host sets this limit")
    }
    fuel = min(Interpreter.tankful, stepsLeft)
    stepsLeft -= fuel
    try checkTime(at: span)
    if unlooked >= Interpreter.memoryStride { try checkMemory(at: span) }
  }

  /// How many steps are taken between two looks at the memory.
  private static let memoryStride = 1 << 14

  private func checkMemory(at span: Span) throws {
    unlooked = 0
    let held = residentMemory()
    guard held > host.limits.memory else { return }
    throw failure(
      .limitMemory,
      "the script and its host hold \(held >> 20) MiB, more than the limit of "
        + "\(host.limits.memory >> 20) MiB", at: span,
      hint: "let go of what is no longer needed; the host sets this limit")
  }

  func checkTime(at span: Span) throws {
    if host.cancellation.isCancelled {
      throw failure(.cancelled, "the script was cancelled", at: span)
    }
    if let deadline, ContinuousClock.now > deadline {
      throw failure(
        .limitTime, "the script ran out of time", at: span, hint: "the host sets this limit")
    }
  }

  /// Enters a call, or refuses when too many are inside one another.
  @inline(__always)
  func enter(_ code: Code, at span: Span) throws {
    // Eight calls need far less than the stack that is kept free.
    guard calls.count & 7 != 0 || hasStack, calls.push(CallRecord(code: code, callSite: span))
    else {
      throw tooDeep(code.name, at: span)
    }
  }

  func tooDeep(_ name: String, at span: Span) -> Diagnostic {
    failure(
      .limitDepth, "\(name) is called inside too many other calls (\(calls.count))", at: span,
      hint: "a recursion may never end")
  }

  @inline(__always)
  func leave() { calls.pop() }

  /// A list, within the limits of size and nesting.
  func makeList(_ elements: [Value], at span: Span) throws -> Value {
    try checkSize(elements.count, at: span)
    let list = ListValue(elements)
    try checkNesting(list.depth, at: span)
    return .list(list)
  }

  func makeTuple(_ elements: [Value], at span: Span) throws -> Value {
    let list = ListValue(elements)
    try checkNesting(list.depth, at: span)
    return .tuple(list)
  }

  func makeRecord(_ fields: [(name: String, value: Value)], at span: Span) throws -> Value {
    let record = RecordValue(fields)
    try checkNesting(record.depth, at: span)
    return .record(record)
  }

  func makeString(_ text: String, at span: Span) throws -> Value {
    try checkSize(text.utf8.count, at: span)
    return .string(text)
  }

  /// Refuses what is too large, and counts what is new of it as work.
  func checkSize(_ count: Int, at span: Span, new: Int? = nil) throws {
    guard count <= host.limits.elements else {
      throw failure(
        .limitMemory,
        "a value of \(count) elements is larger than the limit of "
          + "\(host.limits.elements)", at: span)
    }
    try charge((new ?? count) / 8, at: span)
  }

  /// Refuses a list that would get too large or nest too deep.
  func checkGrowth(of list: ListValue, by other: ListValue, at span: Span) throws {
    let added = other.elements.count
    try checkSize(list.elements.count + added, at: span, new: added)
    try checkNesting(max(list.depth, other.depth), at: span)
  }

  func checkNesting(_ depth: Int, at span: Span) throws {
    guard depth <= Interpreter.mostNesting else {
      throw failure(
        .limitDepth, "values nest more than \(Interpreter.mostNesting) deep here", at: span)
    }
  }

  /// How deep lists, records and flows may stand inside one another.
  static let mostNesting = 500
}

/// Ends a dry run that has looked at enough.
struct CheckedEnough: Error {}
