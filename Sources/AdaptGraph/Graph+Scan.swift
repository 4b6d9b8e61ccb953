// Scans: one row of each sequence after the other.

/// A scan whose body is being added to a graph.
public struct OpenScan: Sendable {
  /// The rows it goes along.
  public let over: RowSetID
  /// The rows of one step.
  public let rows: RowSetID
  /// Where the body's nodes stand.
  public let region: RegionID
  fileprivate let firstNode: Int
  fileprivate var taken: [ValueID] = []
  fileprivate var initials: [ValueID] = []
  fileprivate var parts = ScanBody.Parts()
}

/// What a scan gives to the graph around it.
public struct ScanResult: Sendable {
  /// What every row gave.
  public var result: ValueID
  /// The values asked for, as their mean over all rows that were scanned.
  public var means: [ValueID]
}

extension Graph {
  /// Opens a scan along the rows of each sequence: nodes added from here on are its body.
  ///
  /// Then ``takeRows(_:in:)`` and ``carry(_:in:)`` give the body its inputs, and
  /// ``closeScan(_:result:next:means:reversed:)`` ends it.
  /// - Throws: ``GraphError`` inside of a scan: a step has one row of each sequence, and nothing to go along.
  public mutating func openScan(name: String, over rows: RowSetID) throws -> OpenScan {
    try require(!isScanned(region), "a scan inside of a scan would go along one row")
    let steps = addRowSet(
      RowSet(
        label: self[rows].label, grouping: self[rows].grouping, origin: .step(of: rows),
        name: "\(self[rows].label)/\(name)"))
    regions.append(Region(kind: .scan, parent: region, rows: steps))
    region = RegionID(regions.count - 1)
    return OpenScan(over: rows, rows: steps, region: region, firstNode: nodes.count)
  }

  /// The rows that a value has at each step.
  /// - Throws: ``GraphError`` when it does not stand over the rows of the scan.
  public mutating func takeRows(_ value: ValueID, in scan: inout OpenScan) throws -> ValueID {
    let type = type(value)
    try require(
      type.rows == scan.over,
      "a scan over \(self[scan.over].name) takes no rows of \(describe(type))")
    let input = addInput(
      "rows", TensorType(rows: scan.rows, type.dims, type.element), in: scan.region)
    scan.taken.append(value)
    scan.parts.steps.append(input)
    return input
  }

  /// A value that each row is handed by the row before, and the first of a sequence from `initial`.
  /// - Throws: ``GraphError`` when `initial` has rows or is not of floats.
  public mutating func carry(_ initial: ValueID, in scan: inout OpenScan) throws -> ValueID {
    let type = type(initial)
    try require(
      type.rows == nil && type.element == .float32,
      "a carried value starts from floats without rows, not from \(describe(type))")
    let input = addInput("state", TensorType(rows: scan.rows, type.dims), in: scan.region)
    scan.initials.append(initial)
    scan.parts.states.append(input)
    return input
  }

  /// Ends a scan: its body leaves the graph and becomes one node.
  ///
  /// What depends on no row is computed once, before the scan.
  /// - Parameters:
  ///   - next: what each carried value becomes, in their order.
  ///   - means: values without rows whose mean over all scanned rows is wanted: a router's loss.
  ///   - reversed: goes from the last row of each sequence to the first.
  /// - Throws: ``GraphError`` when a step hands on another type than it is handed.
  public mutating func closeScan(
    _ scan: OpenScan, result: ValueID, next: [ValueID], means: [ValueID] = [],
    reversed: Bool = false
  ) throws -> ScanResult {
    region = scan.region
    defer { region = self[scan.region].parent ?? RegionID(0) }
    var parts = scan.parts
    let changing = changingValues(scan)
    let ones = try rowOnes(like: parts.steps[0])
    parts.results = [try overRows(result, ones)]
    parts.next = try next.map { try overRows($0, ones) }
    let counted = means.filter(changing.contains)
    parts.totals = try counted.map { try timesRows($0, ones) }
    let exports = try exportSites(scan, &parts)
    let outputs = try replaceBody(scan, &parts, exports, reversed)
    region = self[scan.region].parent ?? RegionID(0)
    let totals = try outputs.suffix(counted.count).map { try perRow($0, of: outputs[0]) }
    let found = Dictionary(zip(counted, totals), uniquingKeysWith: { first, _ in first })
    return ScanResult(result: outputs[0], means: means.map { found[$0] ?? $0 })
  }

  /// Whether a region stands inside of a scan.
  public func isScanned(_ region: RegionID) -> Bool {
    var place: RegionID? = region
    while let current = place, self[current].kind != .scan { place = self[current].parent }
    return place != nil
  }

  /// Gives a scan up, after an error: nodes go where they went before it.
  public mutating func abandonScan(_ scan: OpenScan) {
    region = self[scan.region].parent ?? RegionID(0)
  }

  // MARK: Rows

  private mutating func overRows(_ value: ValueID, _ ones: ValueID) throws -> ValueID {
    guard type(value).rows == nil else { return value }
    return try add(.expandRows(mean: false), value, spread(ones, to: type(value).dims))
  }

  private mutating func timesRows(_ value: ValueID, _ ones: ValueID) throws -> ValueID {
    try add(.binary(.multiply), value, add(.sumRows(mean: false), ones))
  }

  private mutating func perRow(_ total: ValueID, of rows: ValueID) throws -> ValueID {
    let count = try add(.sumRows(mean: false), rowOnes(like: rows))
    return try add(.binary(.divide), total, add(.binary(.maximum), count, constant(1)))
  }

  // MARK: The body

  /// The nodes of an open scan.
  private func bodyNodes(_ scan: OpenScan) -> [Int] {
    (scan.firstNode..<nodes.count).filter { isAncestor(scan.region, of: nodes[$0].region) }
  }

  /// What differs between steps or rows; the rest of a body can be computed before the scan.
  private func changingValues(_ scan: OpenScan) -> Set<ValueID> {
    var result = Set(scan.parts.steps + scan.parts.states)
    for node in bodyNodes(scan).map({ nodes[$0] })
    where node.inputs.contains(where: result.contains)
      || node.outputs.contains(where: { type($0).rows != nil })
    {
      result.formUnion(node.outputs)
    }
    return result
  }

  /// Adds the scores and masks of the sites inside to the results.
  private mutating func exportSites(_ scan: OpenScan, _ parts: inout ScanBody.Parts) throws
    -> [SiteID: ScanBody.Export]
  {
    var exports: [SiteID: ScanBody.Export] = [:]
    for index in bodyNodes(scan) {
      guard case .choose(let id) = nodes[index].op else { continue }
      let values = [self[id].scores, nodes[index].outputs[0]]
      let spread = try values.map { value in
        try broughtUp(folded(value, self[id]), from: self[id].region, to: scan.region)
      }
      exports[id] = ScanBody.Export(scores: parts.results.count, mask: parts.results.count + 1)
      parts.results += spread
    }
    return exports
  }

  /// What a site's units have, for the rows of its region.
  private mutating func folded(_ value: ValueID, _ site: Site) throws -> ValueID {
    guard site.rows != self[site.region].rows else { return value }
    guard case .unfolded(let rows, _) = self[site.rows].origin, rows == self[site.region].rows
    else {
      throw GraphError(
        .invalid, "inside of a scan a \(self[site.rows].label) cannot decide for its rows")
    }
    return try add(.fold, [value], in: site.region)[0]
  }

  /// A value of a path at the rows of a region around it.
  private mutating func broughtUp(_ value: ValueID, from inner: RegionID, to outer: RegionID) throws
    -> ValueID
  {
    var (value, place) = (value, inner)
    while place != outer, case .path(let site, let number) = self[place].kind {
      let parent = self[place].parent ?? outer
      let pair = [value, self[site].paths[number].index]
      value = try add(.scatter(.rows(self[site].travellers)), pair, in: parent)[0]
      place = parent
    }
    return value
  }

  /// Takes the body out of the graph and puts the scan in its place.
  private mutating func replaceBody(
    _ scan: OpenScan, _ parts: inout ScanBody.Parts, _ exports: [SiteID: ScanBody.Export],
    _ isReversed: Bool
  ) throws -> [ValueID] {
    let changing = changingValues(scan)
    let moved = Set(bodyNodes(scan).filter { nodes[$0].outputs.contains(where: changing.contains) })
    let owned = moved.flatMap { nodes[$0].outputs }
    let parent = self[scan.region].parent ?? RegionID(0)
    let sources = try bodySources(moved, &parts, scan.region)
    let body = try ScanBody(
      withNodes(sources + moved.sorted().map { nodes[$0] }), parts, rows: scan.rows,
      region: scan.region, isReversed: isReversed, exports: exports)
    filterNodes { !moved.contains($0) }
    let inside = Set(regions.indices.map(RegionID.init).filter { isAncestor(scan.region, of: $0) })
    moveNodes(from: scan.firstNode, outOf: inside, into: parent)
    let outputs = try addScan(body, scan.taken + parts.outers + scan.initials, in: parent)
    own(owned, by: nodes.count - 1)
    return outputs
  }

  /// What the body needs of the graph around it: constants again, and other values as inputs.
  private func bodySources(_ moved: Set<Int>, _ parts: inout ScanBody.Parts, _ region: RegionID)
    throws -> [Node]
  {
    let made = Set(moved.flatMap { nodes[$0].outputs })
    var seen = made
    var sources: [Node] = []
    for value in moved.sorted().flatMap({ nodes[$0].inputs }) + parts.all
    where seen.insert(value).inserted {
      let source = node(of: value)
      guard ![.constant, .literal].contains(source.op.kind) else {
        var copy = source
        copy.region = region
        sources.append(copy)
        continue
      }
      let type = type(value)
      try require(
        type.rows == nil, "\(describe(type)) stands outside of the scan and is no row of its steps")
      parts.outers.append(value)
      sources.append(
        Node(
          op: .input("outer %\(value.index)", type), inputs: [], outputs: [value], region: region,
          scope: source.scope))
    }
    return sources
  }
}

extension ScanBody.Parts {
  fileprivate var all: [ValueID] { results + next + totals }
}
