import AdaptGraph
import AdaptSyntax

// What nodes need of a run: time, output, branches that are open, errors that are caught.

extension Interpreter {
  /// Counts one step. The flag, the clock and the limits are looked at once in a while.
  @inline(__always)
  func tick(_ span: Span) throws {
    fuel &-= 1
    if fuel < 0 { try refuel(at: span) }
  }

  /// In a dry run, when it is open which of the blocks will be run: looks at each.
  func lookAt(_ blocks: [CodeNode], _ frame: Frame, _ flowSlot: Int?) throws {
    unknownBranches += 1
    defer { unknownBranches -= 1 }
    for block in blocks {
      do { _ = try block.execute(self, frame) } catch is UnknownReached {}
    }
    if let flowSlot { frame[flowSlot] = .unknown }
    returned = .none
  }

  /// Remembers a name that closures share, so that it can be emptied at the end.
  func noteShared(_ cell: Cell) {
    shared.append(WeakCell(cell: cell))
    if shared.count > 4096, shared.count & (shared.count - 1) == 0 {
      shared.removeAll { $0.cell == nil }
    }
  }

  /// Writes what `print` prints.
  func print(_ line: String, at span: Span) throws {
    guard !isDryRun else { return }
    outputBytes += line.utf8.count
    guard outputBytes <= host.limits.output else {
      throw failure(
        .limitOutput, "the script printed more than \(host.limits.output) bytes", at: span)
    }
    host.output(line)
  }

  /// What `catch` gets for an error; nil for one that cannot be caught: what ends a run from outside,
  /// and what is only open in a dry run.
  func caught(_ error: any Error) -> Value? {
    let diagnostic: Diagnostic
    switch error {
    case let error as Diagnostic: diagnostic = error
    case let error as ScriptError:
      guard let first = error.diagnostics.first else { return nil }
      diagnostic = first
    default: return nil
    }
    switch diagnostic.id {
    case .cancelled, .limitTime, .limitSteps, .limitOutput: return nil
    default: break
    }
    let line = diagnostic.span.map {
      store.map.position(of: Int($0.start), in: $0.source).line
    }
    return .record(
      RecordValue([
        ("id", .string(diagnostic.id.rawValue)), ("message", .string(diagnostic.title)),
        ("hint", .string(diagnostic.hint)), ("line", line.map { .int($0) } ?? .none),
        ("text", .string(store.map.render(diagnostic))),
      ]))
  }
}
