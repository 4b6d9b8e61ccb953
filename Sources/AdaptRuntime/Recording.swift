import AdaptGraph
import AdaptTensor

/// Every decision of a model on data, unit by unit in the order of the data.
public struct Recording: Sendable, Hashable {
  public struct SiteRecord: Sendable, Hashable {
    public var site: String
    public var paths: [String]
    /// 0/1 of `[units, paths]`.
    public var mask: [Float]

    public var units: Int { mask.count / max(1, paths.count) }

    /// How many units took each path.
    public var counts: [Int] {
      var counts = Array(repeating: 0, count: paths.count)
      for (index, taken) in mask.enumerated() where taken != 0 { counts[index % paths.count] += 1 }
      return counts
    }
  }

  public var sites: [SiteRecord]

  /// What decides the same again at a site; nil where nothing was recorded of it.
  /// - Throws: ``RuntimeError/badInput(_:)`` when the site had other paths.
  public func policy(at site: Site) throws -> Policy? {
    guard let record = sites.first(where: { $0.site == site.name }) else { return nil }
    let paths = site.paths.map(\.name)
    guard record.paths == paths else {
      throw RuntimeError.badInput(
        "the recording of \(site.name) is of the paths \(record.paths.joined(separator: ", ")), and "
          + "the site has \(paths.joined(separator: ", "))")
    }
    return .replay(record.mask, from: 0)
  }

  /// Policies that decide the same again, by site name, on the same data in the same order.
  public var policies: [String: Policy] {
    Dictionary(sites.map { ($0.site, Policy.replay($0.mask, from: 0)) }) { first, _ in first }
  }
}

/// Runs a model over data and writes down what its sites decide.
public final class Recorder {
  private let executor: Executor

  /// - Parameter model: traced for inference.
  public init(_ model: ModelGraph, cpu: CPU) throws {
    executor = try Executor(model.graph, outputs: [model.output], cpu: cpu)
  }

  /// - Parameters:
  ///   - batches: the data, in order.
  ///   - onBatch: called after each batch with how many are done; throwing stops.
  public func record(
    _ batches: some Sequence<Batch>, _ parameters: ParameterStore, policies: [String: Policy] = [:],
    onBatch: (Int) throws -> Void = { _ in }
  ) throws -> Recording {
    var recording = Recording(
      sites: executor.graph.sites.map {
        Recording.SiteRecord(site: $0.name, paths: $0.paths.map(\.name), mask: [])
      })
    let places = Dictionary(recording.sites.enumerated().map { ($1.site, $0) }) { first, _ in first
    }
    var policies = policies
    for (number, batch) in batches.enumerated() {
      try executor.run(batch, parameters, policies: policies, record: true)
      policies = executor.following(policies)
      for decision in executor.decisions {
        guard let place = places[decision.site] else { continue }
        recording.sites[place].mask += decision.mask
      }
      try onBatch(number + 1)
    }
    return recording
  }
}
