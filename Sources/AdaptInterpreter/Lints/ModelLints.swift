import AdaptGraph
import AdaptRuntime
import AdaptSyntax

/// A model that checking has traced.
struct TracedModel {
  let flow: Flow
  let input: ModelInput
  let mode: TraceMode
  /// Where the script asked for it.
  let span: Span
  let graph: ModelGraph
  let trace: Trace
}

/// Lints of a model: what goes wrong silently in training or in use.
///
/// Works on the graphs of the model, so that it sees what the layers come to and not how they are
/// written; places are those of the flows that made the nodes.
struct ModelLints {
  private let training: TracedModel
  private let inference: TracedModel
  private let place: (String, TracedModel) -> Span
  private let places: Places
  private(set) var diagnostics: [Diagnostic] = []

  /// - Parameter place: the innermost flow of the script around a scope.
  init(
    training: TracedModel, inference: TracedModel, places: Places,
    place: @escaping (String, TracedModel) -> Span
  ) {
    self.training = training
    self.inference = inference
    self.place = place
    self.places = places
  }

  /// What a script says of routes and parameters, gathered once for all its models.
  struct Places {
    /// Routers by the place of their route, to point at the router alone.
    fileprivate private(set) var routers: [Span: Span] = [:]
    /// Declared parameters by name.
    fileprivate private(set) var parameters: [String: [Span]] = [:]

    /// The head of a site that stands at a place: `route each token by TopK(1)`.
    func head(of site: Span) -> Span {
      guard let router = routers[site] else { return site }
      return Span(source: site.source, start: Int(site.start), end: Int(router.end))
    }

    init(_ tree: Block) {
      for expression in SyntaxNode.block(tree).expressions {
        switch expression.kind {
        case .route(let route): routers[expression.span] = route.router.span
        case .keep(let keep): routers[expression.span] = keep.router.span
        case .loop(let loop):
          guard case .upTo(_, _, let until) = loop.rounds else { continue }
          routers[expression.span] = until.span
        default: break
        }
      }
      for statement in SyntaxNode.block(tree).statements {
        switch statement.kind {
        case .parameter(let name, _, _): parameters[name.text, default: []].append(name.span)
        case .knob(let knob): routers[statement.span] = knob.decision?.router.span
        default: break
        }
      }
    }
  }

  mutating func lint() {
    let dropped = lintSites()
    lintParameters(except: dropped)
    lintBatch()
    lintReuse()
    lintRecompute()
  }

  // MARK: Places

  /// The router of a site as written, or the whole site.
  private func router(_ site: Site) -> Span {
    let span = place(site.name, training)
    return places.routers[span] ?? span
  }

  /// The head of a site, `route each token by TopK(1)`.
  private func head(_ site: Site) -> Span { places.head(of: place(site.name, training)) }

  // MARK: Sites

  /// - Returns: the sites whose result is dropped.
  private mutating func lintSites() -> [Site] {
    let graph = training.graph.graph
    let used = graph.ancestors(of: training.graph.results)
    let taught = graph.trainedThrough(training.graph.results)
    var dropped: [Site] = []
    for site in graph.sites {
      guard site.paths.contains(where: { used.contains($0.index) }) else {
        dropped.append(site)
        diagnostics.append(
          Diagnostic(
            .pathNeverJoins, "nothing of this site reaches the model's output", at: head(site),
            label: "site \(site.name)", hint: "use what it gives, or remove it"))
        continue
      }
      guard case .top(let count) = site.selection, count < site.paths.count, isLearned(site) else {
        continue
      }
      lintBalance(site, taking: count)
      if !taught.contains(site.scores) { reportBlind(site) }
    }
    return dropped
  }

  /// Whether anything that is trained goes into the scores.
  private func isLearned(_ site: Site) -> Bool {
    let graph = training.graph.graph
    return graph.trainedThrough([site.scores]).contains {
      graph.node(of: $0).op.kind == .parameter
    }
  }

  private mutating func lintBalance(_ site: Site, taking count: Int) {
    // Where a layer is applied again, and in the rounds of a loop, what it brings has the first's name.
    let place = ModelLints.unnumbered(site.name) + "."
    guard
      !training.graph.losses.contains(where: {
        ModelLints.unnumbered($0.name).hasPrefix(place)
      }),
      !training.graph.updates.contains(where: {
        ModelLints.unnumbered($0.name).hasPrefix(place)
      })
    else { return }
    diagnostics.append(
      Diagnostic(
        .unbalancedRouter, "router \(site.router) has no balance term", at: router(site),
        label: "learned, and takes \(count) of \(site.paths.count) paths",
        hint: "add a 'loss' clause: loss 1% * paths * sum(mean(score) * mean(selected))"))
  }

  /// A name without the numbers of copies and rounds: `hops.route` of `hops[2].route@2`.
  private static func unnumbered(_ name: String) -> String {
    var (result, isNumber) = ("", false)
    for character in name {
      if character == "[" || character == "@" { isNumber = true }
      if character == "." { isNumber = false }
      if !isNumber { result.append(character) }
      if character == "]" { isNumber = false }
    }
    return result
  }

  private mutating func reportBlind(_ site: Site) {
    diagnostics.append(
      Diagnostic(
        .blindRouter, "router \(site.router) does not learn from the result", at: router(site),
        label: "the scores decide and do not weigh", hint: "add the clause 'weigh score'"))
  }

  // MARK: Parameters

  private mutating func lintParameters(except dropped: [Site]) {
    let graph = training.graph.graph
    let scores = graph.sites.map(\.scores)
    let trained = graph.trainedThrough(
      training.graph.results + training.graph.losses.map(\.value) + scores)
    for node in graph.nodes {
      guard case .parameter(let index) = node.op, let value = node.outputs.first,
        !trained.contains(value), !dropped.contains(where: { node.scope.hasPrefix($0.name) })
      else { continue }
      let name = graph.parameters[index].name
      guard !training.graph.updates.contains(where: { $0.name == name }),
        !training.graph.frozen.contains(name)
      else { continue }
      let last = name.split(separator: ".").last.map(String.init) ?? name
      let declared = places.parameters[last] ?? []
      diagnostics.append(
        Diagnostic(
          .deadParameter, "no gradient reaches the parameter '\(name)'",
          at: declared.count == 1 ? declared[0] : place(node.scope, training),
          label: "keeps the values it starts with",
          hint: "use it in the result, or remove it"))
    }
  }

  // MARK: Batches

  private mutating func lintBatch() {
    let graph = inference.graph.graph
    for node in graph.batchReductions(of: inference.graph.results) {
      diagnostics.append(
        Diagnostic(
          .mixesSamples, "the output depends on the other samples of the batch",
          at: place(node.scope, inference),
          label: "makes one number of all rows",
          hint: "reduce along 'axis: last' or within the sequence"))
    }
    lintJointSelections()
  }

  /// Units that belong to no sequence are chosen among all of the batch.
  private mutating func lintJointSelections() {
    let graph = inference.graph.graph
    let used = graph.ancestors(of: [inference.graph.output])
    for site in graph.sites
    where site.selection.isJoint
      && (graph[site.rows].grouping == nil || site.selection.isAmongBatch)
      && site.paths.contains(where: { used.contains($0.index) })
    {
      diagnostics.append(
        Diagnostic(
          .mixesSamples, "the output depends on the other samples of the batch", at: head(site),
          label: "each \(site.unit) competes with the others of the batch",
          hint: "a threshold decides for each by itself: above(0.5)"))
    }
  }

  // MARK: Reuse

  private mutating func lintReuse() {
    for (scope, memory) in training.trace.reused.sorted(by: { $0.key < $1.key })
    where memory.rounds == 1 {
      diagnostics.append(
        Diagnostic(
          .nothingToReuse, "nothing was computed before that could be used again",
          at: place(scope, training), label: "stands in no loop",
          hint: "write 'loop n { … }' around it, or its body alone"))
    }
  }

  // MARK: Recompute

  private mutating func lintRecompute() {
    for span in training.trace.scannedBlocks {
      diagnostics.append(
        Diagnostic(
          .nothingToRecompute, "a scan computes its steps again as it is", at: span,
          label: "changes nothing in here",
          hint: "write its body alone, or 'recompute { … }' around the scan"))
    }
  }
}
