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

  /// Groups compete with each other, not each with itself where a step of a scan has one row of it.
  func competing(by rule: Selection, in graph: Graph) -> Selection {
    let isGroup = graph[rows].grouping == name.text
    return isGroup && rule.isJoint && !rule.isAmongBatch ? .amongBatch(rule) : rule
  }
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
      (trace.answers, trace.reused) = (outside, remembered)
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
