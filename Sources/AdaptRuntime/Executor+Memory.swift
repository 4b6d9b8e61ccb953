import AdaptGraph
import AdaptTensor

// Where values lie.

extension Executor {
  /// Bytes that values have taken, in the largest run so far.
  public var memory: Int { (arena?.byteCount ?? 0) + moving.used }

  /// How often memory for tensors has been asked for: a third run as large as an earlier one asks for none.
  public var allocations: Int { fixedAllocations + moving.allocations }

  /// Bytes up to which all blocks are given their places before a run, as if every row took every path:
  /// to find places while it runs would take longer than so little memory is worth.
  private static let small = 32 << 20

  /// Gives blocks their places for the rows that the data bring, when those have changed.
  func reserve() throws {
    let rows = graph.rowSets.indices.map { graph.rowSets[$0].isGiven ? counts[$0] : 0 }
    guard rows != arenaRows else { return moving.clear() }
    arenaRows = nil
    var sizes: [Int?] = try plan.blocks.map(largest)
    var layout = try plan.layout(sizes)
    arenaBytes = layout.bytes
    isMoving = layout.bytes > Executor.small && plan.blocks.contains { $0.isSelected }
    if isMoving {
      for (number, block) in plan.blocks.enumerated() where block.isSelected { sizes[number] = nil }
      layout = try plan.layout(sizes)
      let moved: [Int?] = try plan.blocks.map { try $0.isSelected ? likely($0) : nil }
      let room = try plan.layout(moved).bytes
      arenaBytes = layout.bytes + room
      try moving.reserve(room, blocks: plan.blocks.count)
    }
    try place(layout, sizes)
    arenaRows = rows
  }

  private func place(_ layout: Plan.Layout, _ sizes: [Int?]) throws {
    if layout.bytes > arena?.byteCount ?? 0 {
      arena = nil
      arena = try Storage(byteCount: layout.bytes, zeroed: false)
      fixedAllocations += 1
    }
    for (number, block) in plan.blocks.enumerated() where sizes[number] != nil {
      let pointer = arena?.pointer.advanced(by: layout.starts[number])
      for value in block.values { pointers[value.index] = pointer }
    }
  }

  /// Gives blocks of selected rows memory for the rows that there are, and takes back what is done.
  func move(_ events: [Plan.Event]) throws {
    guard isMoving else { return }
    for event in events {
      switch event {
      case .open(let number):
        let block = plan.blocks[number]
        let bytes = try bytes(block, block.rows.map { counts[$0.index] } ?? 1)
        let pointer = try moving.open(number, bytes: bytes)
        for value in block.values { pointers[value.index] = pointer }
      case .close(let number): moving.close(number)
      }
    }
  }

  /// Bytes of a block when every row takes every path.
  private func largest(_ block: Plan.Block) throws -> Int {
    guard block.rows != nil else { return block.bytes }
    return try bytes(block, block.bounds.reduce(0) { $0 + counts[$1.rows.index] * $1.each })
  }

  /// Bytes of a block when rows spread evenly over paths.
  private func likely(_ block: Plan.Block) throws -> Int {
    try bytes(block, block.rows.map(likelyRows) ?? 1)
  }

  private func likelyRows(_ rows: RowSetID) -> Int {
    switch graph[rows].origin {
    case .input, .groups, .step: return counts[rows.index]
    case .unfolded(let parent, let count): return likelyRows(parent) * count
    case .picked(let parent, _): return likelyRows(parent)
    case .joined(let parts): return parts.reduce(0) { $0 + likelyRows($1) }
    case .selected(let parent, let site, _):
      let paths = max(1, graph[site].decided)
      return (likelyRows(parent) * graph[site].selection.taken(of: paths) + paths - 1) / paths
    }
  }

  private func bytes(_ block: Plan.Block, _ rows: Int) throws -> Int {
    let (bytes, overflow) = block.bytes.multipliedReportingOverflow(by: rows)
    guard !overflow, bytes < Int.max / 4 else { throw TensorError.outOfMemory(bytes: nil) }
    return bytes
  }

  func bind(_ parameters: ParameterStore) throws {
    for (value, number) in plan.parameters {
      pointers[value] = try parameters.pointer(graph.parameters[number])
    }
    bindViews()
  }

  /// Makes room for a body of at most so many rows a step, without running it.
  func prepare(
    _ count: Int, of rows: RowSetID, external: [ValueID: UnsafeMutableRawPointer]
  ) throws {
    counts[rows.index] = count
    try reserve()
    for (value, pointer) in external { pointers[value.index] = pointer }
    bindViews()
  }

  private func bindViews() {
    for (value, literal) in plan.literals { pointers[value] = literal.tensor.storage.pointer }
    // Views of parameters and blocks alike.
    for (value, source) in plan.views { pointers[value] = pointers[source] }
  }
}
