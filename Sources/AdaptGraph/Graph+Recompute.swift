// Recomputed blocks: values that the backward pass computes again instead of keeping them (Chen, Xu, Zhang
// & Guestrin 2016, "Training Deep Nets with Sublinear Memory Cost").
//
// A block is a mark on nodes, as a region is. Only the backward pass reads it: where a gradient's rule asks
// for a value of a block, it gets one of a copy of the nodes that lead there from what stands outside of the
// block. So the first value is needed no longer than the forward pass reads it, and the plan gives its memory to
// others. Plan and executor know nothing of blocks.

/// A part of the graph that the backward pass computes again.
public struct RecomputedBlockID: Hashable, Sendable {
  public let index: Int
}

extension Graph {
  /// Opens a block inside of the current one: nodes added from here on are computed again by a backward
  /// pass that is added behind ``closeRecomputedBlock()``.
  public mutating func openRecomputedBlock() {
    blocksAround.append(block)
    block = RecomputedBlockID(index: blocksAround.count - 1)
  }

  /// Goes back to the block that the current one was opened in.
  public mutating func closeRecomputedBlock() {
    block = block.flatMap { blocksAround[$0.index] }
  }

  /// The block and those around it, from the inside out.
  fileprivate func blocks(from block: RecomputedBlockID?) -> [RecomputedBlockID] {
    var result: [RecomputedBlockID] = []
    var next = block
    while let current = next {
      result.append(current)
      next = blocksAround[current.index]
    }
    return result
  }

  /// Whether a backward pass computes again what the node gives.
  ///
  /// Kept wherever they stand are what costs nothing to keep, and what was decided, since two roundings
  /// of one score might decide differently.
  func isRecomputed(_ node: Node) -> Bool {
    guard node.block != nil else { return false }
    switch node.op {
    case .input, .parameter, .constant, .literal, .choose, .mark: return false
    case .scan(let body): return body.exports.isEmpty
    default: return node.outputs.allSatisfy { type($0).element == .float32 }
    }
  }
}

/// The values of recomputed blocks that one backward pass has computed again.
struct Recomputation {
  /// The blocks that the backward pass itself stands in: what they compute is at hand.
  private let open: Set<RecomputedBlockID>
  private var copies: [RecomputedBlockID: Copy] = [:]

  /// A copy of a block, as far as it is there: its values by those that they stand for.
  private struct Copy {
    var number: Int
    var values: [ValueID: ValueID] = [:]
  }

  init(in graph: Graph) { open = Set(graph.blocks(from: graph.block)) }

  /// The node as a gradient's rule is to see it: with values of the copy in the place of those that are
  /// not kept.
  mutating func node(_ node: Node, in graph: inout Graph) throws -> Node {
    guard let block = node.block, !open.contains(block) else { return node }
    var seen = node
    seen.inputs = try node.inputs.map { try value($0, in: block, &graph) }
    seen.outputs = try node.outputs.map { try value($0, in: block, &graph) }
    return seen
  }

  /// What stands for a value inside of a copy of `block`.
  private mutating func value(
    _ value: ValueID, in block: RecomputedBlockID, _ graph: inout Graph
  ) throws -> ValueID {
    guard let home = home(of: value, in: block, graph) else { return value }
    if copies[home]?.values[value] == nil { try compute(value, in: home, &graph) }
    return copies[home]?.values[value] ?? value
  }

  /// The innermost block around `block`, or it itself, that a value stands in; nil for what is kept.
  private func home(of value: ValueID, in block: RecomputedBlockID, _ graph: Graph)
    -> RecomputedBlockID?
  {
    let maker = graph.node(of: value)
    guard graph.isRecomputed(maker) else { return nil }
    let around = Set(graph.blocks(from: maker.block))
    return graph.blocks(from: block).first { around.contains($0) && !open.contains($0) }
  }

  /// Adds the nodes that lead to a value from outside of the block, as far as they are not there yet.
  private mutating func compute(
    _ value: ValueID, in block: RecomputedBlockID, _ graph: inout Graph
  ) throws {
    let number = copies[block]?.number ?? graph.nextCopy()
    copies[block, default: Copy(number: number)].number = number
    let scope = graph.scope
    defer { graph.scope = scope }
    for index in missing(value, in: block, graph) {
      let node = graph.nodes[index]
      let inputs = try node.inputs.map { try self.value($0, in: block, &graph) }
      graph.scope = node.scope
      let outputs = try graph.addCopy(of: node, inputs, number: number)
      for (old, new) in zip(node.outputs, outputs) { copies[block]?.values[old] = new }
    }
  }

  /// The nodes of the block that a value needs and the copy lacks, in the order of the graph.
  private func missing(_ value: ValueID, in block: RecomputedBlockID, _ graph: Graph) -> [Int] {
    let known = copies[block]?.values ?? [:]
    var found: Set<Int> = []
    var waiting = [value]
    while let next = waiting.popLast() {
      guard known[next] == nil, home(of: next, in: block, graph) == block,
        found.insert(graph.values[next.index].node).inserted
      else { continue }
      waiting += graph.node(of: next).inputs
    }
    return found.sorted()
  }
}
