import AdaptGraph
import AdaptTensor

/// Runs one graph again and again.
///
/// Memory grows to the largest batch seen and stays; in steady state a run allocates nothing for tensors.
/// Not to be used from two threads at once.
public final class Executor {
  public let graph: Graph
  public let outputs: [ValueID]
  let cpu: CPU
  /// The calling thread alone, for work that is already split.
  let serial: CPU
  let plan: Plan
  /// Where the values lie of rows that the data bring.
  var arena: Storage?
  /// Where those lie of rows that sites select, when they take much memory.
  var moving = MovingMemory()
  /// Whether they do for the rows of this run; otherwise they lie in the arena as if all rows came.
  var isMoving = false
  /// How often memory was asked for, but for what moves.
  var fixedAllocations = 0
  /// Matrices that are laid out for products.
  var packed = PackedWeights()
  /// What lies between the ops of a group.
  private var scratch: Storage?
  /// Where values without any element point.
  private let nothing: Storage
  /// Rows of each set that the data bring, for which the arena is laid out.
  var arenaRows: [Int]?
  /// Bytes that the values of this run take, about.
  var arenaBytes = 0
  /// Where each value lies in this run.
  var pointers: [UnsafeMutableRawPointer?]
  /// Rows of each set in this run.
  var counts: [Int]
  /// Groups and positions of each set that an op reads them of.
  var layouts: [RowLayout]
  var batch = Batch(layout: RowLayout(lengths: []))
  var policies: SitePolicies
  /// How often the body of each scan ran in this run, by the row set of its steps.
  var stepCounts: [Int]
  /// What nodes keep of earlier rows, at their first outputs' places; empty unless rows run as they come.
  var memories: [(any RowMemory)?] = []
  /// The bodies of the graph's scans.
  private(set) var scans: [ObjectIdentifier: ScanRun] = [:]
  /// In the body of a scan, the rows that each site decided in earlier steps; empty elsewhere.
  var decided: [Int] = []
  /// For each row of a set, its row of the batch; kept only where it is asked for.
  var origins: [[Int32]?]
  /// Whether ``origins`` are kept: to record, to draw random numbers, and to say which row is wrong.
  var tracksOrigins = false
  /// Which run random numbers are drawn for.
  var noise = NoiseKey()
  var isRecording = false
  /// What the sites decided in the last run, when it was recorded.
  public internal(set) var decisions: [SiteDecision] = []
  /// What every run adds its times to; the backend's unless set.
  public var profile: Profile?
  /// How many rows of the last run took each path, by site.
  public internal(set) var pathCounts: [[Int]]
  /// How many units decided in the last run, by site.
  public var unitCounts: [Int] { graph.sites.map { units(of: $0.rows) } }

  /// How many rows a set had, over all steps where it is one of a scan.
  private func units(of rows: RowSetID) -> Int {
    if case .step(let whole) = graph[rows].origin { return units(of: whole) }
    return counts[rows.index]
  }

  /// - Parameter outputs: the values to be read after a run.
  /// - Throws: `GraphError` when the graph breaks a rule.
  public convenience init(_ graph: Graph, outputs: [ValueID], cpu: CPU) throws {
    try self.init(graph, outputs: outputs, cpu: cpu, external: [])
  }

  /// - Parameter external: inputs whose memory ``prepare(_:of:external:)`` is given.
  init(_ graph: Graph, outputs: [ValueID], cpu: CPU, external: Set<ValueID>) throws {
    var program = GraphProgram(graph: graph, outputs: outputs)
    try program.optimize()
    self.graph = program.graph
    self.outputs = program.outputs
    self.cpu = cpu
    serial = cpu.alone
    profile = cpu.profile
    plan = Plan(program.graph, outputs: program.outputs, external: external)
    pointers = Array(repeating: nil, count: program.graph.values.count)
    counts = Array(repeating: 0, count: program.graph.rowSets.count)
    layouts = Array(repeating: RowLayout(lengths: []), count: program.graph.rowSets.count)
    origins = Array(repeating: nil, count: program.graph.rowSets.count)
    pathCounts = program.graph.sites.map { Array(repeating: 0, count: $0.paths.count) }
    policies = try SitePolicies([:], program.graph) { nil }
    stepCounts = Array(repeating: 0, count: program.graph.rowSets.count)
    nothing = try Storage(byteCount: 64)
    for case .scan(let body) in program.graph.nodes.map(\.op) {
      scans[ObjectIdentifier(body)] = try ScanRun(body, cpu: cpu)
    }
  }

  /// Runs nothing by itself: kernels find the caller's memory in ``pointers``, node by node.
  init(unplanned graph: Graph, cpu: CPU) throws {
    self.graph = graph
    self.cpu = cpu
    serial = cpu.alone
    outputs = []
    plan = .empty
    pointers = Array(repeating: nil, count: graph.values.count)
    (counts, layouts, origins, pathCounts, stepCounts) = ([], [], [], [], [])
    policies = try SitePolicies([:], graph) { nil }
    nothing = try Storage(byteCount: 64)
  }

  /// Runs the graph on one batch.
  /// - Parameters:
  ///   - policies: what decides at a site instead of its router, by site name.
  ///   - record: keep every decision, see ``decisions``.
  ///   - noise: what random numbers are drawn for; step 0 of the parameters' seed unless given.
  /// - Throws: ``RuntimeError`` for inputs that do not fit and for scores that are not finite.
  public func run(
    _ batch: Batch, _ parameters: ParameterStore, policies: [String: Policy] = [:],
    record: Bool = false, noise: NoiseKey? = nil
  ) throws {
    self.policies = try SitePolicies(policies, graph) { costs(in: batch) }
    self.batch = batch
    self.noise = noise ?? NoiseKey(seed: parameters.seed)
    isRecording = record
    tracksOrigins = record || plan.isRandom
    do { try runNodes(parameters) } catch RuntimeError.notFinite
      where !tracksOrigins && memories.isEmpty
    {
      // Once more, to the same error, which then knows the row of the batch.
      tracksOrigins = true
      try runNodes(parameters)
    }
  }

  private func runNodes(_ parameters: ParameterStore) throws {
    try open(parameters)
    try run(plan.steps.indices)
  }

  /// Gives every value its memory for the batch, before its steps run.
  private func open(_ parameters: ParameterStore) throws {
    decisions = []
    try openRows(batch.layout)
    try reserve()
    try bind(parameters)
    packed.begin(parameters)
  }

  /// Makes ready to run only some of the steps on a batch; for graphs that draw no random numbers.
  func open(_ batch: Batch, _ parameters: ParameterStore, policies: [String: Policy]) throws {
    self.policies = try SitePolicies(policies, graph) { costs(in: batch) }
    self.batch = batch
    (isRecording, tracksOrigins) = (false, false)
    try open(parameters)
  }

  /// Runs steps of the plan, by their numbers.
  func run(_ steps: Range<Int>) throws {
    if let profile { return try runProfiled(plan.steps[steps], profile) }
    for step in steps { try run(plan.steps[step]) }
  }

  /// What a row costs in each region on a batch like this.
  private func costs(in batch: Batch) -> RegionCosts? {
    let length = Double(batch.layout.rows) / Double(max(1, batch.layout.groups))
    return outputs.first.map { graph.costs(of: $0, length: length) }
  }

  /// Policies for the next run of a series, after this one: what is replayed goes on behind it.
  func following(_ policies: [String: Policy]) -> [String: Policy] {
    var policies = policies
    for site in graph.sites {
      policies[site.name] = policies[site.name]?.following(counts[site.rows.index])
    }
    return policies
  }

  func run(_ step: Plan.Step) throws {
    switch step {
    case .node(let node): try Kernels.run(node, self)
    case .rows(let program): try run(program)
    case .paths(let steps): try run(steps)
    case .memory(let events): try move(events)
    }
  }

  private func run(_ program: RowProgram) throws {
    let cut = cut(of: program)
    try keepMatrices(of: program, cut)
    try reserveScratch(floats: memory(of: program, cut))
    program.run(self, cut, memory: scratchMemory)
  }

  /// Where groups of ops keep what lies between them.
  var scratchMemory: UnsafeMutablePointer<Float> { (scratch ?? nothing).floats }

  func reserveScratch(floats: Int) throws {
    guard 4 * floats > scratch?.byteCount ?? 0 else { return }
    scratch = try Storage(byteCount: 4 * floats, zeroed: false)
    fixedAllocations += 1
  }

  // MARK: Results

  /// A copy of an output (by its place in `outputs`) of the last run.
  public func floats(_ output: Int) -> [Float] {
    withFloats(output) { Array($0) }
  }

  /// An output of the last run, in place. The memory is valid inside `body` only.
  public func withFloats<R>(_ output: Int, _ body: (UnsafeBufferPointer<Float>) throws -> R)
    rethrows
    -> R
  {
    try body(self.output(output))
  }

  /// Where an output of the last run lies until the next.
  func output(_ output: Int) -> UnsafeBufferPointer<Float> {
    let value = outputs[output]
    let pointer = pointers[value.index]?.assumingMemoryBound(to: Float.self)
    let count = pointer == nil ? 0 : elements(graph.type(value))
    return UnsafeBufferPointer(start: pointer, count: count)
  }

  /// A scalar output of the last run.
  public func scalar(_ output: Int) -> Float { withFloats(output) { $0.first ?? .nan } }

  /// Operations that the last run executed for what the given values need: exact, from the rows that
  /// each path had.
  public func flops(for outputs: [Int]) -> Double {
    graph.flops(of: graph.needed(for: outputs.map { self.outputs[$0] }), rowCounts)
  }

  /// Operations that the last run executed in ops of the given kinds.
  public func flops(of kinds: Set<OpKind>) -> Double {
    let nodes = graph.nodes.indices.filter { kinds.contains(graph.nodes[$0].op.kind) }
    return graph.flops(of: Set(nodes), rowCounts)
  }

  var rowCounts: RowCounts {
    let (counts, layouts, steps) = (counts, layouts, stepCounts)
    return RowCounts(
      rows: { Double(counts[$0.index]) },
      pairs: {
        $0 == $1
          ? layouts[$0.index].pairs(causal: $2)
          : layouts[$0.index].pairs(with: layouts[$1.index], causal: $2)
      },
      steps: { Double(steps[$0.index]) })
  }

  // MARK: Preparation

  private func openRows(_ layout: RowLayout) throws {
    for index in graph.rowSets.indices {
      switch graph.rowSets[index].origin {
      case .input: layouts[index] = layout
      case .groups: layouts[index] = RowLayout(groups: 1, length: layout.groups)
      case .selected, .unfolded, .step, .picked, .joined: continue
      }
      counts[index] = layouts[index].rows
      origins[index] = tracksOrigins ? Array(0..<Int32(clamping: counts[index])) : nil
      unfold(RowSetID(index))
    }
  }

  /// Says which rows the sets have that are unfolded from one.
  func unfold(_ rows: RowSetID) {
    for (set, count) in plan.unfolded[rows] ?? [] {
      counts[set.index] = counts[rows.index] * count
      if plan.layoutRows.contains(set) {
        layouts[set.index] = RowLayout(groups: counts[rows.index], length: count)
      }
      if tracksOrigins, let parent = origins[rows.index] {
        origins[set.index] = parent.flatMap { row in
          (0..<Int32(clamping: count)).map { row * Int32(clamping: count) + $0 }
        }
      }
      unfold(set)
    }
  }

  // MARK: For kernels

  func elements(_ type: TensorType) -> Int { rows(type) * type.count }

  func rows(_ type: TensorType) -> Int { type.rows.map { counts[$0.index] } ?? 1 }

  func floats(_ value: ValueID) -> UnsafeMutablePointer<Float> {
    memory(value).assumingMemoryBound(to: Float.self)
  }

  func ints(_ value: ValueID) -> UnsafeMutablePointer<Int32> {
    memory(value).assumingMemoryBound(to: Int32.self)
  }

  private func memory(_ value: ValueID) -> UnsafeMutableRawPointer {
    // Every value of a planned graph has a place; one without rows in the arena is never read.
    pointers[value.index] ?? nothing.pointer
  }
}
