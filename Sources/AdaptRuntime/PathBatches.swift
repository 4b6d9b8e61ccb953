import AdaptGraph

/// Steps that do the same on sibling paths of a site, next to each other, so that they can run at once.
///
/// Without it a graph runs one path behind the other, and paths of few rows leave threads idle.
struct PathBatches {
  /// Steps (nodes by their index), several together where none depends on another.
  private(set) var batches: [[[Int]]] = []

  /// What steps of sibling paths have in common.
  private struct Key: Hashable {
    var site: SiteID
    var kinds: [OpKind]
  }

  private let graph: Graph
  private let steps: [[Int]]
  /// The steps of each path's region, in order, and how many of them stand already.
  private var queues: [RegionID: [Int]] = [:]
  private var heads: [RegionID: Int] = [:]
  private var siblings: [SiteID: [RegionID]] = [:]
  /// The step that makes each value, and which steps stand already.
  private var makers: [Int]
  private var stands: [Bool]

  init(_ steps: [[Int]], _ graph: Graph) {
    (self.steps, self.graph) = (steps, graph)
    makers = Array(repeating: -1, count: graph.values.count)
    stands = Array(repeating: false, count: steps.count)
    for (index, step) in steps.enumerated() {
      for node in step.map({ graph.nodes[$0] }) {
        for output in node.outputs { makers[output.index] = index }
      }
      if key(step) != nil { queues[graph.nodes[step[0]].region, default: []].append(index) }
    }
    for (index, region) in graph.regions.enumerated() {
      if case .path(let site, _) = region.kind {
        siblings[site, default: []].append(RegionID(index))
      }
    }
    for index in steps.indices where !stands[index] {
      let batch = batch(from: index)
      for step in batch { stands[step] = true }
      batches.append(batch.map { steps[$0] })
    }
  }

  private func key(_ step: [Int]) -> Key? {
    let nodes = step.map { graph.nodes[$0] }
    guard case .path(let site, _) = graph[nodes[0].region].kind,
      nodes.allSatisfy({ $0.region == nodes[0].region })
    else { return nil }
    return Key(site: site, kinds: nodes.map(\.op.kind))
  }

  /// A step and those like it that stand first among what is left of sibling paths.
  private mutating func batch(from index: Int) -> [Int] {
    guard let key = key(steps[index]) else { return [index] }
    let region = graph.nodes[steps[index][0]].region
    var batch = [index]
    for other in siblings[key.site] ?? [] where other != region {
      guard let next = head(of: other), self.key(steps[next]) == key,
        isReady(next)
      else { continue }
      batch.append(next)
    }
    return batch
  }

  /// The first step of a region that does not stand yet.
  private mutating func head(of region: RegionID) -> Int? {
    guard let queue = queues[region] else { return nil }
    var head = heads[region] ?? 0
    while head < queue.count, stands[queue[head]] { head += 1 }
    heads[region] = head
    return head < queue.count ? queue[head] : nil
  }

  private func isReady(_ step: Int) -> Bool {
    steps[step].allSatisfy { node in
      graph.nodes[node].inputs.allSatisfy { input in
        let maker = makers[input.index]
        return maker < 0 || maker == step || stands[maker]
      }
    }
  }
}
