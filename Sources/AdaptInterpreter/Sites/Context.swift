import AdaptGraph
import AdaptSyntax

// What a row sees of the rows that are elsewhere: on another path, or gone.

extension Interpreter {
  /// `context(x)`: x for the rows that are here, and what the others had when the ways parted.
  static func context(_ call: Call) throws -> Value {
    let interpreter = call.interpreter
    let tensor = try call.tensor(0)
    let x = try interpreter.value(of: tensor, at: call.span(0))
    guard let trace = interpreter.trace else {
      throw call.wrongType(0, expected: "rows of a model,")
    }
    let here = try interpreter.aligned(x, trace, at: call.span(0))
    let whole = try interpreter.traced(at: call.span) { try trace.wholeContext(of: here) }
    return .tensor(
      SymbolicTensor(
        content: .value(whole), trace: trace, axes: tensor.axes, isContext: whole != here))
  }

  /// `here(x)`: of a context, the rows that are here.
  static func here(_ call: Call) throws -> Value {
    let tensor = try call.tensor(0)
    guard tensor.isContext else { return call[0] }
    let interpreter = call.interpreter
    let x = try interpreter.value(of: tensor, at: call.span(0))
    let here = try interpreter.aligned(x, tensor.trace, at: call.span)
    return .tensor(SymbolicTensor(content: .value(here), trace: tensor.trace, axes: tensor.axes))
  }

  /// Runs `body` where an operation of contexts alone is computed: for all their rows. Anywhere else it
  /// is computed here.
  /// - Returns: what `body` gives, and whether that is a context.
  func inContext<T>(
    of tensors: [SymbolicTensor], _ trace: Trace, _ body: () throws -> T
  ) throws -> (result: T, isContext: Bool) {
    guard let region = try contextRegion(of: tensors, trace) else { return (try body(), false) }
    let here = trace.graph.region
    trace.graph.region = region
    defer { trace.graph.region = here }
    return (try body(), true)
  }

  /// Where the rows of contexts are, the innermost place of several; nil where other rows take part.
  private func contextRegion(of tensors: [SymbolicTensor], _ trace: Trace) throws -> RegionID? {
    var region: RegionID?
    for tensor in tensors {
      guard case .value(let value) = tensor.content, trace.graph.type(value).rows != nil else {
        continue
      }
      guard tensor.isContext else { return nil }
      let home = trace.graph.node(of: value).region
      // A context made on another path is none here.
      guard trace.graph.paths(from: home, to: trace.graph.region) != nil else { return nil }
      if let known = region, trace.graph.paths(from: known, to: home) == nil { continue }
      region = home
    }
    return region
  }
}

extension Trace {
  /// Enters a path with values whose first is what all had that came to the site.
  func enterPath(_ site: SiteID, name: String, _ values: [ValueID]) throws -> [ValueID] {
    let result = try graph.enterPath(site, name: name, values)
    if let first = values.first, graph.type(first).rows == graph[site].travellers {
      brought[graph.region] = first
    }
    return result
  }

  /// A value of the rows here put among what the others had, from path to path, as far as it has their
  /// sizes.
  fileprivate func wholeContext(of x: ValueID) throws -> ValueID {
    let here = graph.region
    defer { graph.region = here }
    var (whole, value) = (x, x)
    while case .path(let site, let number) = graph[graph.region].kind,
      let others = brought[graph.region], let around = graph[graph.region].parent,
      let merged = try graph.merged(value, into: others, graph[site].paths[number], around)
    {
      value = merged
      graph.region = around
      // Who decided for whole groups left no row of theirs behind.
      if graph[site].travellers == graph[site].rows { whole = value }
    }
    return whole
  }
}

extension Graph {
  /// The rows of a path put in the place of theirs among others, in the region around it; nil where
  /// they do not go together.
  fileprivate mutating func merged(
    _ value: ValueID, into others: ValueID, _ path: SitePath, _ around: RegionID
  ) throws -> ValueID? {
    let (type, target) = (type(value), type(others))
    guard type.rows == path.rows, let rows = target.rows, type.dims == target.dims,
      type.element == .float32, target.element == .float32
    else { return nil }
    let ones = try rowOnes(like: value)
    region = around
    let column = try add(
      .reshape(type.dims.map { _ in 1 }), add(.scatter(.rows(rows)), ones, path.index))
    let isHere = try add(.broadcast(type.dims), column)
    return try add(.select, isHere, add(.scatter(.rows(rows)), value, path.index), others)
  }
}
