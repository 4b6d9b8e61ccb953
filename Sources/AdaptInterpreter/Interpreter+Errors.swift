import AdaptGraph
import AdaptSyntax

extension Interpreter {
  /// An error at a place. One inside the library is shown where the script used the library.
  func failure(
    _ id: DiagnosticID, _ title: String, at span: Span, label: String = "",
    notes: [Diagnostic.Note] = [], hint: String = ""
  ) -> Diagnostic {
    var result = Diagnostic(id, title, at: span, label: label, notes: notes, hint: hint)
    guard store.isLibrary(span),
      let frame = frames.last(where: { !store.isLibrary($0.callSite) })
    else { return result }
    result.span = frame.callSite
    result.label = label.isEmpty ? "in \(frame.name)" : "in \(frame.name): \(label)"
    result.notes.removeAll { $0.span == frame.callSite }
    return result
  }

  /// The calls around an error, the innermost first, without those inside the library.
  func callNotes(around span: Span?) -> [Diagnostic.Note] {
    let calls = frames.reversed().filter { !store.isLibrary($0.callSite) && $0.callSite != span }
    return calls.prefix(4).map {
      Diagnostic.Note(span: $0.callSite, text: "in \($0.name), used here")
    }
  }

  /// An error of the graph, at the innermost expression of the user's script.
  func shapeFailure(_ error: GraphError, at span: Span) -> Diagnostic {
    let id: DiagnosticID =
      switch error.kind {
      case .shape, .invalid: .wrongShape
      case .pathShapes: .pathShapes
      case .notDifferentiable: .notDifferentiable
      }
    var result = failure(id, error.message, at: span)
    result.notes += callNotes(around: result.span)
    return result
  }

  func wrongType(_ title: String, at span: Span, label: String = "", hint: String = "")
    -> Diagnostic
  {
    failure(.wrongType, title, at: span, label: label, hint: hint)
  }

  /// Counts work that a script causes, and looks whether it must end.
  func charge(_ amount: Int = 1, at span: Span) throws {
    let (sum, overflow) = steps.addingReportingOverflow(amount)
    let before = steps
    steps = overflow ? .max : sum
    if isDryRun {
      guard steps <= host.limits.checkSteps else { throw CheckedEnough() }
    } else if steps > host.limits.steps {
      throw failure(
        .limitSteps, "the script took more than \(host.limits.steps) steps", at: span,
        hint: "a loop may never end; the host sets this limit")
    }
    // The flag and the clock cost more than a step does.
    if before >> 6 != steps >> 6 { try checkTime(at: span) }
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
  func enter(_ name: String, at span: Span) throws {
    guard frames.count < host.limits.depth, hasStack else {
      throw failure(
        .limitDepth, "\(name) is called inside too many other calls (\(frames.count))", at: span,
        hint: "a recursion may never end")
    }
    frames.append(Frame(name: name, callSite: span))
  }

  func leave() { frames.removeLast() }

  /// A list, within the limits of size and nesting.
  func makeList(_ elements: [Value], at span: Span) throws -> Value {
    try checkSize(elements.count, at: span)
    let list = ListValue(elements)
    try checkNesting(list.depth, at: span)
    return .list(list)
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

  /// Refuses what is too large, and counts it as work.
  func checkSize(_ count: Int, at span: Span) throws {
    guard count <= host.limits.elements else {
      throw failure(
        .limitMemory,
        "a value of \(count) elements is larger than the limit of "
          + "\(host.limits.elements)", at: span)
    }
    try charge(count / 8, at: span)
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
