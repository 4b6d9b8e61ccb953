import AdaptGraph
import AdaptSyntax

// Scans: one row of each sequence after the other, with values that are handed on.

/// A scan with what its carried values start from.
final class ScanForm: SiteForm {
  struct Carried {
    let code: CarriedCode
    let initial: Value
  }

  let axis: Identifier
  let body: Closure
  let carried: [Carried]
  let isReversed: Bool

  init(_ axis: Identifier, _ body: Closure, _ carried: [Carried], isReversed: Bool) {
    self.axis = axis
    self.body = body
    self.carried = carried
    self.isReversed = isReversed
  }

  var scope: String { "scan" }

  func apply(
    to input: SymbolicTensor, _ trace: Trace, _ interpreter: Interpreter, at span: Span
  ) throws -> Value {
    try interpreter.applyScan(self, to: input, trace, at: span)
  }
}

extension Interpreter {
  /// Applies a scan inside its own scope: its body is traced once and runs for every row.
  func applyScan(
    _ scan: ScanForm, to input: SymbolicTensor, _ trace: Trace, at span: Span
  ) throws -> Value {
    let x = try aligned(try value(of: input, at: span), trace, at: span)
    let rows = try scannedRows(of: x, along: scan.axis, trace)
    let starts = try scan.carried.map { try start(of: $0, x, trace) }
    let (region, lossCount) = (trace.graph.region, trace.losses.count)
    do {
      var open = try trace.graph.openScan(name: trace.place, over: rows)
      let row = try trace.graph.takeRows(x, in: &open)
      let (states, marks) = try carry(starts, in: &open, trace)
      let first = SymbolicTensor(content: .value(row), trace: trace, axes: input.axes)
      let leaving = (trace.departures.count, trace.answers.count)
      let step = try runStep(scan, first, states, trace)
      guard leaving == (trace.departures.count, trace.answers.count) else {
        throw failure(
          .wrongShape, "nothing can leave inside of a scan: its steps are all taken", at: span,
          hint: "put the exit behind the scan")
      }
      let result = try trace.graph.closeScan(
        open, result: step.result, next: step.next + marks,
        means: trace.losses[lossCount...].map(\.value), reversed: scan.isReversed)
      for (index, mean) in result.means.enumerated() {
        trace.losses[lossCount + index].value = mean
      }
      carryOrigin(from: step.result, to: result.result, trace)
      return .tensor(SymbolicTensor(content: .value(result.result), trace: trace, axes: step.axes))
    } catch {
      // A trace that failed inside of a scan must not go on there.
      trace.graph.region = region
      guard let error = error as? GraphError else { throw error }
      throw shapeFailure(error, at: span)
    }
  }

  private func scannedRows(of x: ValueID, along axis: Identifier, _ trace: Trace) throws
    -> RowSetID
  {
    guard let rows = trace.graph.type(x).rows else {
      throw failure(
        .wrongShape,
        "a scan goes along rows, and \(describe(trace.graph.type(x))) has none", at: axis.span,
        notes: callNotes(around: axis.span))
    }
    let label = trace.graph[rows].label
    guard label != axis.text else { return rows }
    throw failure(
      .wrongShape, "there is no '\(axis.text)' to go along here", at: axis.span,
      notes: callNotes(around: axis.span),
      hint: "the rows are '\(label)': write 'scan over \(label)'")
  }

  /// What the first row of a sequence is handed.
  private struct Start {
    /// Without rows; zeros where every sequence has its own.
    let initial: ValueID
    /// What each sequence starts from, over all of its rows.
    var own: ValueID?
  }

  private func start(of carried: ScanForm.Carried, _ x: ValueID, _ trace: Trace) throws -> Start {
    let (name, span) = (carried.code.name.text, carried.code.initial.span)
    let operand = try operand(carried.initial, at: span)
    let (rows, scanned) = (operand.type.rows, trace.graph.type(x).rows)
    let isOwn = rows != nil && rows == scanned.flatMap { trace.graph.groups(of: $0) }
    guard rows == nil || isOwn, operand.type.element == .float32 else {
      throw failure(
        .wrongShape,
        "'\(name)' starts the same for all rows of a sequence, and \(describe(operand)) differs "
          + "between them", at: span, notes: callNotes(around: span),
        hint: "\(name) = zeros(n), a 'param', or one row for each sequence: pool")
    }
    let value = try value(of: operand, trace, at: span)
    guard isOwn else { return Start(initial: value) }
    return try traced(at: span) {
      let zeros = try trace.graph.spread(trace.graph.constant(0), to: operand.type.dims)
      return Start(initial: zeros, own: try trace.graph.spread(value, like: x))
    }
  }

  /// Opens what is carried. A start of a sequence's own comes with its rows and is added at the first,
  /// which a mark tells from the others: 1 there, then 0.
  /// - Returns: what a row is handed, and what becomes of the mark behind it.
  private func carry(_ starts: [Start], in scan: inout OpenScan, _ trace: Trace) throws -> (
    states: [ValueID], marks: [ValueID]
  ) {
    var states: [ValueID] = []
    for start in starts { states.append(try trace.graph.carry(start.initial, in: &scan)) }
    guard starts.contains(where: { $0.own != nil }) else { return (states, []) }
    let mark = try trace.graph.carry(trace.graph.constant(1), in: &scan)
    for (index, start) in starts.enumerated() {
      guard let own = start.own else { continue }
      let row = try trace.graph.takeRows(own, in: &scan)
      let first = try trace.graph.add(.binary(.multiply), mark, row)
      states[index] = try trace.graph.add(.binary(.add), states[index], first)
    }
    return (states, [try trace.graph.constant(0)])
  }

  private struct Step {
    let result: ValueID
    let next: [ValueID]
    let axes: [String?]
  }

  /// Traces the body: what a row gives, and what it hands on.
  private func runStep(
    _ scan: ScanForm, _ row: SymbolicTensor, _ states: [ValueID], _ trace: Trace
  ) throws -> Step {
    let code = scan.body.code
    return try open(scan.body, at: code.span) { frame in
      for (carried, state) in zip(scan.carried, states) {
        let tensor = SymbolicTensor(content: .value(state), trace: trace)
        carried.code.bind(.tensor(tensor), frame)
      }
      var result = Value.tensor(row)
      if let slot = code.flowSlot {
        frame[slot] = result
        _ = try code.body.execute(self, frame)
        result = frame[slot]
      }
      guard case .tensor(let tensor) = result else {
        if result.isUnknown { throw UnknownReached() }
        _ = try notATensor(result, at: code.lastSpan)
        return Step(result: try value(of: row, at: code.span), next: [], axes: [])
      }
      let output = try value(of: tensor, at: code.lastSpan)
      let next = try zip(scan.carried, states).map { carried, state in
        try handedOn(carried.code, state, frame, trace)
      }
      func here(_ value: ValueID) throws -> ValueID {
        try aligned(value, trace, at: code.lastSpan)
      }
      return Step(result: try here(output), next: try next.map(here), axes: tensor.axes)
    }
  }

  /// What a carried name stands for behind the body, in the shape that it had before.
  private func handedOn(
    _ carried: CarriedCode, _ state: ValueID, _ frame: Frame, _ trace: Trace
  ) throws -> ValueID {
    let operand = try operand(carried.value(frame), at: carried.name.span)
    let next = try value(of: operand, trace, at: carried.name.span)
    let (before, after) = (trace.graph.type(state), trace.graph.type(next))
    guard before.dims != after.dims || after.element != .float32 else { return next }
    throw failure(
      .wrongShape,
      "'\(carried.name.text)' is \(describe(before)) before a row and \(describe(after)) behind it",
      at: carried.name.span, notes: callNotes(around: carried.name.span),
      hint: "start it in the shape it keeps, for example zeros(\(after.dims.last ?? 1))")
  }

  /// Inside of a scan there are the rows of one step only, and they cannot leave it.
  func checkSteps(
    _ rows: RowSetID, _ type: TensorType, _ region: Region, _ trace: Trace, at span: Span
  ) throws {
    if case .step = trace.graph[rows].origin, !trace.graph.isScanned(trace.graph.region) {
      throw failure(
        .wrongShape, "\(describe(type)) has the rows of one step and cannot leave its scan",
        at: span, notes: callNotes(around: span),
        hint: "only what the scan gives comes out, at its end")
    }
    guard region.kind == .scan else { return }
    throw failure(
      .wrongShape,
      "\(describe(type)) was computed outside of the scan, which sees one row after the other",
      at: span, notes: callNotes(around: span),
      hint: "hand it on with what is scanned: concat(x, y) >> scan …")
  }
}
