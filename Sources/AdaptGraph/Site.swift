public struct RegionID: Hashable, Sendable {
  public let index: Int

  public init(_ index: Int) { self.index = index }
}

/// A part of the graph that runs under one decision.
public struct Region: Hashable, Sendable {
  public enum Kind: Hashable, Sendable {
    case root
    /// The work of one path of a site.
    case path(SiteID, Int)
    /// The steps of a scan.
    case scan
  }

  public var kind: Kind
  public var parent: RegionID?
  /// The row set of the region's values; nil for the root, whose rows the inputs bring.
  public var rows: RowSetID?
}

public struct SiteID: Hashable, Sendable {
  public let index: Int

  public init(_ index: Int) { self.index = index }
}

/// What makes a site one of several chances to stop: who stops takes its first path, the others go on.
public struct Stop: Hashable, Sendable {
  public enum Kind: Hashable, Sendable {
    /// Behind a round of a loop; there is one more round than chances.
    case round
    /// An exit on the way through the model.
    case exit
    /// An answer of a cascade that may be accepted.
    case stage
  }

  public var kind: Kind
  /// What the chances have in common: the dotted name of the loop or cascade; empty for exits.
  public var chain: String
  /// Counts from 0 along the chain.
  public var number: Int

  public init(_ kind: Kind, of chain: String, number: Int) {
    self.kind = kind
    self.chain = chain
    self.number = number
  }
}

/// A place where the model decides: a router's scores, a rule, and named paths.
public struct Site: Hashable, Sendable {
  /// The dotted name, unique in its graph: `blocks[2].duo.route`.
  public var name: String
  /// What decides: `token`.
  public var unit: String
  /// The router as written: `TopK`.
  public var router: String
  public var selection: Selection
  /// The units: rows that decide.
  public var rows: RowSetID
  /// The rows that go: the units themselves, or those that each unit consists of.
  public var travellers: RowSetID
  public var region: RegionID
  /// [units, paths], differentiable: what the router thinks of each path.
  public var scores: ValueID
  /// [units, paths]: what the rule decides by; the scores, unless the router says otherwise.
  public var decision: ValueID
  /// [units, paths] of 0 and 1.
  public var mask: ValueID
  /// Whether the last path is for the units that take no other; scores and decision do not count it.
  public var hasElse: Bool
  /// Where the site is a chance to stop.
  public var stop: Stop?
  /// The rule in use, where all paths are taken in training only; what is expected goes by it.
  public var ruleInUse: Selection?
  public var paths: [SitePath] = []

  /// The rule that costs are counted by.
  var expectedRule: Selection { ruleInUse ?? selection }

  /// How many paths the router decides about.
  public var decided: Int { paths.count - (hasElse ? 1 : 0) }
}

/// One way through a site.
public struct SitePath: Hashable, Sendable {
  public var name: String
  public var region: RegionID
  /// The rows that go this way.
  public var rows: RowSetID
  /// Which of the site's travellers they are, `[rows]` int.
  public var index: ValueID
  /// The units that go this way, and which of the site's units they are: the same, where units travel
  /// by themselves.
  public var units: RowSetID
  public var unitIndex: ValueID
}

extension Graph {
  /// Opens a site in the current region: its scores choose among the paths.
  ///
  /// Then for each path: ``enterPath(_:name:_:)`` and ``leavePath()`` around its nodes, and at last
  /// ``join(_:outputs:)``.
  /// - Parameters:
  ///   - decision: what the rule decides by, where it is not the scores.
  ///   - travellers: the rows that each unit consists of, where they are not the units themselves.
  ///   - hasElse: the last path is for the units that take no other.
  ///   - stop: where the site is a chance to stop.
  ///   - ruleInUse: the rule outside of training, where that takes all paths in training.
  /// - Throws: ``GraphError`` when the scores are not one number a path and unit.
  public mutating func addSite(
    name: String, unit: String, router: String, selection: Selection, scores: ValueID,
    decision: ValueID? = nil, travellers: RowSetID? = nil, hasElse: Bool = false,
    stop: Stop? = nil, ruleInUse: Selection? = nil
  ) throws -> SiteID {
    guard let rows = type(scores).rows else {
      throw GraphError(.shape, "\(name): scores must have rows, not \(describe(type(scores)))")
    }
    let decision = decision ?? scores
    guard type(decision) == type(scores) else {
      throw GraphError(
        .shape,
        "\(name): decides by \(describe(type(decision))) and scores \(describe(type(scores)))")
    }
    let travellers = travellers ?? rows
    guard travellers == rows || groups(of: travellers) == rows else {
      throw GraphError(.invalid, "\(name): the rows that go are not those of the units that decide")
    }
    let id = SiteID(sites.count)
    sites.append(
      Site(
        name: name, unit: unit, router: router, selection: selection, rows: rows,
        travellers: travellers, region: region, scores: scores, decision: decision, mask: scores,
        hasElse: hasElse, stop: stop, ruleInUse: ruleInUse))
    let inputs = decision == scores ? [scores] : [decision, scores]
    sites[id.index].mask = try add(.choose(id), inputs)[0]
    return id
  }

  /// Begins the next path of a site: nodes added from here on run on its rows only.
  /// - Returns: for each of `values`, which stand over the site's travellers, its rows on this path.
  public mutating func enterPath(_ site: SiteID, name: String, _ values: [ValueID]) throws
    -> [ValueID]
  {
    let (number, place) = (self[site].paths.count, self[site])
    let units = addPathRows(of: place.rows, site, number, name)
    let travels = place.travellers != place.rows
    let rows = travels ? addPathRows(of: place.travellers, site, number, name) : units
    if travels { setGroups(of: rows, units) }
    regions.append(Region(kind: .path(site, number), parent: region, rows: rows))
    region = RegionID(regions.count - 1)
    let unitIndex = try add(.members(site, path: number, units), place.mask)
    let index =
      travels ? try add(.groupMembers(of: place.travellers, rows), unitIndex) : unitIndex
    sites[site.index].paths.append(
      SitePath(
        name: name, region: region, rows: rows, index: index, units: units, unitIndex: unitIndex))
    return try values.map { try add(.gather, $0, index) }
  }

  private mutating func addPathRows(
    of parent: RowSetID, _ site: SiteID, _ path: Int, _ name: String
  ) -> RowSetID {
    addRowSet(
      RowSet(
        label: self[parent].label, grouping: self[parent].grouping,
        origin: .selected(from: parent, site: site, path: path),
        name: "\(self[parent].label)/\(self[site].name).\(name)"))
  }

  /// Goes back to the region that the path was entered from.
  public mutating func leavePath() {
    region = self[region].parent ?? RegionID(0)
  }

  /// Adds up the paths' outputs at the rows they came from. A nil output adds nothing.
  ///
  /// Outputs stand over the rows of their path, or all over the units of their path. With no output at
  /// all the result is nil: the site adds nothing.
  /// - Throws: ``GraphError`` of kind `pathShapes` when two outputs differ in their sizes, `invalid`
  ///   when there is not one output a path.
  public mutating func join(_ site: SiteID, outputs: [ValueID?]) throws -> ValueID? {
    let place = self[site]
    guard outputs.count == place.paths.count else {
      throw GraphError(
        .invalid, "\(place.name) joins \(outputs.count) outputs of \(place.paths.count) paths")
    }
    var pairs: [ValueID] = []
    var first: (name: String, dims: [Int], isUnit: Bool)?
    for (path, output) in zip(place.paths, outputs) {
      guard let output else { continue }
      let dims = type(output).dims
      let isUnit = type(output).rows == path.units
      if let first, first.dims != dims || first.isUnit != isUnit {
        throw GraphError(
          .pathShapes,
          "path '\(path.name)' gives \(dims) a \(self[isUnit ? path.units : path.rows].label), path "
            + "'\(first.name)' gives \(first.dims) a "
            + self[first.isUnit ? place.rows : place.travellers].label)
      }
      first = first ?? (path.name, dims, isUnit)
      pairs += [output, isUnit ? path.unitIndex : path.index]
    }
    guard let first else { return nil }
    let target = first.isUnit ? place.rows : place.travellers
    return try add(.scatter(.rows(target)), pairs)[0]
  }
}
