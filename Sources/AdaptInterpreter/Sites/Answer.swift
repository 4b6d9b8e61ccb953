import AdaptGraph
import AdaptRuntime
import AdaptSyntax

/// One of several results that a model gives for the same row, such as that of an exit in training.
struct Answer {
  /// The result; in training it is compared with the target by itself.
  var value: ValueID
  /// How much it counts, `[rows, 1]` or one number; nil where all count the same.
  var weight: ValueID?
}

extension Interpreter {
  /// Answers that were given on the last path of a site, at the rows they came from; a row that was
  /// not on the path has none, so that its weight is 0.
  func brought(_ answers: [Answer], backFrom site: SiteID, _ trace: Trace, at span: Span) throws
    -> [Answer]
  {
    guard !answers.isEmpty else { return [] }
    return try traced(at: span) {
      let path = try trace.graph.lastPath(of: site)
      return try answers.map { answer in
        var weight = answer.weight
        if weight.map({ trace.graph.type($0).rows == nil }) ?? true {
          let (outer, region) = (trace.graph.region, path.region)
          trace.graph.region = region
          defer { trace.graph.region = outer }
          let ones = try trace.graph.ones(like: answer.value)
          weight = try weight.map { try trace.graph.add(.binary(.multiply), ones, $0) } ?? ones
        }
        return Answer(
          value: try trace.graph.returned(answer.value, from: path, of: site),
          weight: try weight.map { try trace.graph.returned($0, from: path, of: site) })
      }
    }
  }

  /// All that a model gives: what was answered on the way, and what comes out at its end.
  func answers(_ output: SymbolicTensor, _ trace: Trace, at span: Span) throws -> [Answer] {
    var last: [Answer]
    switch output.content {
    case .answers(let answers): last = answers
    default: last = [Answer(value: try value(of: output, at: span))]
    }
    last = try last.map { answer in
      Answer(
        value: try arrive(aligned(answer.value, trace, at: span), trace, at: span),
        weight: answer.weight)
    }
    return trace.answers + last
  }

  /// Applies a flow to each of several results, which keep their weights. What routers carry changes
  /// once, by what they do with the last one.
  func apply(_ flow: Flow, toAll answers: [Answer], _ trace: Trace, at span: Span) throws -> Value {
    var results: [Answer] = []
    let updates = trace.updates
    for answer in answers {
      trace.updates = updates
      let input = SymbolicTensor(content: .value(answer.value), trace: trace)
      let result = try apply(flow, to: .tensor(input), at: span)
      guard case .tensor(let tensor) = result else {
        if result.isUnknown { return .unknown }
        return try notATensor(result, at: span)
      }
      results.append(Answer(value: try value(of: tensor, at: span), weight: answer.weight))
    }
    return .tensor(SymbolicTensor(content: .answers(results), trace: trace))
  }
}

extension Graph {
  /// A value of a path back over the rows around it, zeros where they are not on the path.
  mutating func returned(_ value: ValueID, from path: SitePath, of site: SiteID) throws -> ValueID {
    let rows = type(value).rows
    let isUnit = rows == path.units && path.units != path.rows
    let target = isUnit ? self[site].rows : self[site].travellers
    return try add(.scatter(.rows(target)), value, isUnit ? path.unitIndex : path.index)
  }

  /// How much each of several results counts, `[rows, 1]`, adding up to `sum` for each row.
  mutating func shares(of answers: [ModelAnswer], sum: Double) throws -> [ValueID] {
    let weights = try answers.map { answer -> ValueID in
      guard let weight = answer.weight else { return try ones(like: answer.value) }
      guard type(weight).rows == nil else { return weight }
      return try add(.binary(.multiply), ones(like: answer.value), weight)
    }
    guard let first = weights.first else { return [] }
    let total = try weights.dropFirst().reduce(first) { try add(.binary(.add), $0, $1) }
    // A row that no result counts for is not divided by nothing.
    let tiny = try addSource(.constant(1e-12))
    let least = try add(.binary(.maximum), total, tiny)
    let part = try add(.binary(.divide), addSource(.constant(sum)), least)
    return try weights.map { try add(.binary(.multiply), $0, part) }
  }
}
