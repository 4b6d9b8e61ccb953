import AdaptGraph
import AdaptSyntax

/// A form in which something is decided, with all that it was written with: a route, a loop, an exit.
protocol SiteForm: AnyObject {
  /// What its scope is called where it was bound to no name.
  var scope: String { get }

  /// Adds the form to the graph in a scope of its own.
  func add(
    _ flow: Flow, to input: SymbolicTensor, _ trace: Trace, _ interpreter: Interpreter,
    at span: Span
  ) throws -> Value

  /// Adds the form to the graph as the content of the current scope.
  func apply(
    to input: SymbolicTensor, _ trace: Trace, _ interpreter: Interpreter, at span: Span
  ) throws -> Value
}

extension SiteForm {
  func add(
    _ flow: Flow, to input: SymbolicTensor, _ trace: Trace, _ interpreter: Interpreter,
    at span: Span
  ) throws -> Value {
    try trace.scoped(flow.root.boundName ?? scope) {
      try interpreter.occupy(scope, flow, input, trace, at: span) {
        try apply(to: input, trace, interpreter, at: span)
      }
    }
  }
}

/// What decides at a site, and what it decides about.
struct Units {
  /// Which rows decide.
  let rows: RowSetID
  /// The value that travels; its rows are the units, or those that the units consist of.
  let value: ValueID
  /// The name in the script.
  let name: Identifier
  /// The place that an axis had, which became rows.
  let axis: Int?
  /// The names that axes behind the rows had.
  let axes: [String?]

  /// Whether each unit consists of several rows.
  func travels(in graph: Graph) -> Bool { graph.type(value).rows != rows }
}

/// What came of one path, over the rows of the path until it is left, then over those around.
struct PathResult {
  /// Nil where the path adds nothing.
  var output: ValueID?
  /// What units that left inside leave with, and 1 for each of them.
  var answer: ValueID?
  var gone: ValueID?
}

/// A site whose units leave: the rest of the flow runs inside the path of those who stay.
struct Departure {
  let site: SiteID
  /// What those leave with that took the site's first path; nil where they leave without an answer.
  var answer: ValueID?
  /// 1 for each of them; nil where those leave that take the second path.
  var ones: ValueID?
  /// 1 for each of those who leave on the second path, where that has been opened.
  var rest: ValueID?
  /// The form that they left by.
  let span: Span

  /// What a site joins, by its paths.
  func outputs(leaving: ValueID?, staying: ValueID?) -> [ValueID?] {
    ones == nil ? [staying, leaving] : [leaving, staying]
  }
}

extension Interpreter {
  // MARK: Units

  /// Finds what a form calls its units: the rows, their groups, or an axis.
  func units(_ name: Identifier, of input: SymbolicTensor, _ trace: Trace) throws -> Units {
    let x = try aligned(try value(of: input, at: name.span), trace, at: name.span)
    guard let rows = trace.graph.type(x).rows else {
      throw failure(
        .wrongShape,
        "'\(name.text)' needs rows to choose for, and \(describe(trace.graph.type(x))) has none",
        at: name.span, notes: callNotes(around: name.span))
    }
    let set = trace.graph[rows]
    if set.label == name.text {
      return Units(rows: rows, value: x, name: name, axis: nil, axes: input.axes)
    }
    if set.grouping == name.text, let groups = trace.graph.openGroups(of: rows) {
      return Units(rows: groups, value: x, name: name, axis: nil, axes: input.axes)
    }
    if let axis = input.axes.firstIndex(of: name.text) {
      return try unfolded(x, axis, input.axes, name, trace)
    }
    throw unknownUnit(name, set, input.axes)
  }

  private func unknownUnit(_ name: Identifier, _ set: RowSet, _ axes: [String?]) -> Diagnostic {
    let known = [set.label, set.grouping].compactMap { $0 } + axes.compactMap { $0 }
    return failure(
      .wrongShape, "there is no '\(name.text)' to decide for here", at: name.span,
      notes: callNotes(around: name.span),
      hint: "the rows are '\(set.label)': write 'each \(known.joined(separator: "' or 'each "))'")
  }

  /// An axis as rows of their own.
  private func unfolded(
    _ x: ValueID, _ axis: Int, _ axes: [String?], _ name: Identifier, _ trace: Trace
  ) throws
    -> Units
  {
    try traced(at: name.span) {
      let type = trace.graph.type(x)
      guard let from = type.rows else { throw GraphError(.shape, "there are no rows") }
      let order = [axis] + type.dims.indices.filter { $0 != axis }
      let first = try axis == 0 ? x : trace.graph.add(.permute(order), x)
      let rows = trace.graph.openUnfolded(from, label: name.text, count: type.dims[axis])
      let value = try trace.graph.add(.unfold(rows), first)
      return Units(rows: rows, value: value, name: name, axis: axis, axes: axes)
    }
  }

  /// A result over the units' rows with the axis back in its place.
  func folded(_ output: ValueID, _ units: Units, _ trace: Trace) throws -> ValueID {
    guard let axis = units.axis else { return output }
    return try traced(at: units.name.span) {
      let folded = try trace.graph.add(.fold, output)
      guard axis > 0 else { return folded }
      var order = Array(1...axis) + [0]
      order += (axis + 1)..<max(axis + 1, trace.graph.type(folded).dims.count)
      return try trace.graph.add(.permute(order), folded)
    }
  }

  // MARK: Rows

  /// The value at the rows that are here: what was computed before a decision is taken at the rows
  /// that it led here.
  ///
  /// - Throws: where the value belongs to another path, or to one that has been left.
  func aligned(_ value: ValueID, _ trace: Trace, at span: Span) throws -> ValueID {
    let type = trace.graph.type(value)
    guard let rows = type.rows else { return value }
    let here = trace.graph.region
    if case .step = trace.graph[rows].origin, !trace.graph.isScanned(here) {
      try checkSteps(rows, type, trace.graph[here], trace, at: span)
    }
    let home = trace.graph.node(of: value).region
    if home == here || trace.graph.isHome(rows, in: here) { return value }
    guard let way = trace.graph.paths(from: home, to: here) else {
      try checkSteps(rows, type, trace.graph[here], trace, at: span)
      throw leavingRows(type, at: span)
    }
    let result = try traced(at: span) {
      try way.reduce(value) { try trace.graph.narrowed($0, to: $1) }
    }
    carryOrigin(from: value, to: result, trace)
    return result
  }

  private func leavingRows(_ type: TensorType, at span: Span) -> Diagnostic {
    let name = type.rows.flatMap { trace?.graph[$0].name } ?? ""
    return failure(
      .wrongShape,
      "\(describe(type)) has the rows of a path, \(name), and cannot leave it", at: span,
      notes: callNotes(around: span),
      hint: "only what a path gives comes back, at the end of its route")
  }

  // MARK: Paths

  /// Runs what stands on a path of a site, and what is behind those who leave inside of it.
  /// - Parameter values: over the site's travellers or units; `body` gets their rows on this path.
  func takePath(
    _ site: SiteID, _ name: String, _ values: [ValueID], _ trace: Trace, at span: Span,
    _ body: ([ValueID]) throws -> ValueID?
  ) throws -> PathResult {
    let (region, open) = (trace.graph.region, trace.departures.count)
    let (outside, exit, remembered) = (trace.answers, trace.lastExit, trace.reused)
    trace.answers = []
    // What an exit inside of the path answered is not known outside of it.
    defer { trace.lastExit = exit }
    do {
      let brought = try traced(at: span) {
        try trace.enterPath(site, name: name, values)
      }
      let result = try settle(downTo: open, try body(brought), trace, at: span)
      trace.graph.leavePath()
      trace.answers = try outside + self.brought(trace.answers, backFrom: site, trace, at: span)
      try bringBack(remembered, trace, at: span)
      return result
    } catch {
      // A trace that failed inside a path must not go on there.
      trace.graph.region = region
      trace.departures.removeLast(trace.departures.count - open)
      trace.answers = outside
      throw error
    }
  }

  /// Brings what came of those who stayed, and of those who left on the way, back over the rows from
  /// before they left.
  private func settle(
    downTo open: Int, _ output: ValueID?, _ trace: Trace, at span: Span
  ) throws -> PathResult {
    var result = PathResult(output: output)
    while trace.departures.count > open {
      let departure = trace.departures.removeLast()
      trace.graph.leavePath()
      result = try traced(at: departure.span) {
        let ones = try departure.ones ?? departure.rest ?? dropped(at: departure.site, trace)
        func joined(_ leaving: ValueID?, _ staying: ValueID?) throws -> ValueID? {
          try trace.graph.join(
            departure.site, outputs: departure.outputs(leaving: leaving, staying: staying))
        }
        return PathResult(
          output: try joined(nil, result.output),
          answer: try joined(departure.answer, result.answer),
          gone: try joined(ones, result.gone))
      }
    }
    return result
  }

  /// Adds up what came of all paths; whoever left inside of one stays away from what follows.
  /// - Throws: `GraphError` where they do not fit together.
  func joinPaths(_ site: SiteID, _ results: [PathResult], _ trace: Trace, at span: Span) throws
    -> ValueID?
  {
    let output = try trace.graph.join(site, outputs: results.map(\.output))
    guard let gone = try trace.graph.join(site, outputs: results.map(\.gone)) else {
      return output
    }
    let answer = try trace.graph.join(site, outputs: results.map(\.answer))
    let name = "\(trace.graph[site].name).left"
    let leaving = try trace.graph.addSite(
      name: name, unit: trace.graph[site].unit, router: "", selection: .given, scores: gone,
      hasElse: true)
    return try depart(leaving, bringing: answer, staying: output, trace, at: span) { $0 }
  }

  /// Lets the units of a site's first path leave with an answer; what follows runs for the others.
  /// - Parameters:
  ///   - brought: over the site's units or travellers; `answer` makes of its rows what they leave with.
  func depart(
    _ site: SiteID, bringing brought: ValueID?, staying: ValueID?, _ trace: Trace, at span: Span,
    _ answer: (ValueID) throws -> ValueID
  ) throws -> ValueID? {
    let leaving = try traced(at: span) {
      try trace.graph.enterPath(site, name: "leave", brought.map { [$0] } ?? []).first
    }
    let given = try leaving.map(answer)
    return try traced(at: span) {
      let like = try given ?? trace.graph.lastPath(of: site).index
      let ones = try trace.graph.ones(like: like)
      trace.graph.leavePath()
      trace.departures.append(Departure(site: site, answer: given, ones: ones, span: span))
      return try trace.enterPath(site, name: "stay", staying.map { [$0] } ?? []).first
    }
  }

  /// Opens the path of those who are dropped: 1 for each.
  private func dropped(at site: SiteID, _ trace: Trace) throws -> ValueID {
    _ = try trace.graph.enterPath(site, name: "dropped", [])
    defer { trace.graph.leavePath() }
    return try trace.graph.ones(like: try trace.graph.lastPath(of: site).index)
  }

  /// What a model gives: the answers of those who left, and what came of the others.
  func arrive(_ output: ValueID, _ trace: Trace, at span: Span) throws -> ValueID {
    var output = output
    while let departure = trace.departures.popLast() {
      trace.graph.leavePath()
      let rows = trace.graph.type(output).rows
      if departure.ones == nil, departure.rest == nil {
        _ = try traced(at: span) { try dropped(at: departure.site, trace) }
      }
      guard let answer = departure.answer else {
        // Groups are still there when rows of theirs were dropped.
        if rows == nil || rows.map({ trace.graph.isHome($0, in: trace.graph.region) }) == true {
          continue
        }
        throw failure(
          .wrongShape, "what was dropped here has no result: \(describe(trace.graph.type(output)))",
          at: departure.span,
          hint: "let the others pass, or end the model with one result for each group: pool")
      }
      output = try joinAnswer(answer, output, departure, trace)
    }
    return output
  }

  private func joinAnswer(
    _ answer: ValueID, _ output: ValueID, _ departure: Departure, _ trace: Trace
  ) throws -> ValueID {
    do {
      return try trace.graph.join(departure.site, outputs: [answer, output]) ?? output
    } catch let error as GraphError {
      throw shapeFailure(
        error, at: departure.span,
        origin(of: answer, as: "who leaves has") + origin(of: output, as: "who stays has"))
    }
  }
}

extension Graph {
  /// The paths that lead from a region to one inside of it, or nil where none do.
  func paths(from outer: RegionID, to inner: RegionID) -> [SitePath]? {
    var (way, current): ([SitePath], RegionID) = ([], inner)
    while current != outer {
      guard case .path(let site, let number) = self[current].kind, let parent = self[current].parent
      else { return nil }
      way.append(self[site].paths[number])
      current = parent
    }
    return way.reversed()
  }

  /// A value of a region at the rows that a path of it has.
  mutating func narrowed(_ value: ValueID, to path: SitePath) throws -> ValueID {
    guard let rows = type(value).rows, !isHome(rows, in: path.region) else { return value }
    let current = region
    region = path.region
    defer { region = current }
    if self[path.rows].isSelected(from: rows) { return try add(.gather, value, path.index) }
    if self[path.units].isSelected(from: rows) { return try add(.gather, value, path.unitIndex) }
    if case .unfolded(let from, let count) = self[rows].origin,
      self[path.rows].isSelected(from: from)
    {
      let kept = try add(.gather, add(.fold, value), path.index)
      return try add(.unfold(openUnfolded(path.rows, label: self[rows].label, count: count)), kept)
    }
    throw GraphError(.shape, "\(describe(type(value))) has rows that are not on this path")
  }

  /// The path that was entered last.
  func lastPath(of site: SiteID) throws -> SitePath {
    guard let path = self[site].paths.last else {
      throw GraphError(.invalid, "\(self[site].name) has no path")
    }
    return path
  }

  /// 1 for each row: `[rows, 1]`.
  mutating func ones(like value: ValueID) throws -> ValueID {
    try add(.reshape([1]), rowOnes(like: value))
  }
}

extension RowSet {
  fileprivate func isSelected(from rows: RowSetID) -> Bool {
    if case .selected(let parent, _, _) = origin { return parent == rows }
    return false
  }
}
