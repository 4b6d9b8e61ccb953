import AdaptGraph
import AdaptRuntime
import AdaptSyntax

/// What stands at a named place of a model that is traced.
struct TracedPlace {
  /// `layer`, `route`, `knob`, `path`, `loop`, `repeat` or `flow`.
  let kind: String
  let content: Flow
  let isReplaced: Bool
  let input: SymbolicTensor.Content
  /// Nil until the content was applied.
  var output: SymbolicTensor.Content?
  /// Where the script applies it.
  let span: Span
}

/// A parameter as a layer asked for it.
struct DeclaredParameter {
  let name: String
  /// The parameter that it really is; its own one where nothing is shared.
  let info: ParameterInfo
  let isFrozen: Bool

  var count: Int { info.shape.reduce(1, *) }
  var sharedWith: String? { info.name == name ? nil : info.name }
}

/// Records by name, in the order the names came first.
struct OrderedRecords<Record> {
  private(set) var all: [(name: String, record: Record)] = []
  private var places: [String: Int] = [:]

  /// Of several records of a name the first one stays.
  /// - Parameter merge: what the first takes in from a later one.
  init(
    _ records: some Sequence<(name: String, record: Record)>,
    merge: (inout Record, Record) -> Void = { _, _ in }
  ) {
    for (name, record) in records {
      if let place = places[name] {
        merge(&all[place].record, record)
      } else {
        places[name] = all.count
        all.append((name, record))
      }
    }
  }

  subscript(name: String) -> Record? { places[name].map { all[$0].record } }
}

/// A model's places and parameters by path, as a trace found them.
struct ModelStructure {
  struct Layer {
    let path: String
    let place: TracedPlace
    /// `[token, 64]` of what goes in and comes out.
    let input: String
    let output: String
  }

  /// Without the root.
  let layers: [Layer]
  let parameters: [DeclaredParameter]
  /// In the order they were met; those of what is applied again stand again.
  let knobs: [TracedKnob]
  let graph: ModelGraph

  init(_ trace: Trace, _ model: ModelGraph) {
    layers = trace.occupants.all.map { path, place in
      Layer(
        path: path, place: place, input: trace.describe(place.input),
        output: trace.describe(place.output))
    }
    parameters = trace.declared.all.map(\.record)
    knobs = trace.knobs.met
    graph = model
  }

  // MARK: Finding

  func layer(_ path: String) -> Layer? { layers.first { $0.path == path } }

  func parameter(_ name: String) -> DeclaredParameter? { parameters.first { $0.name == name } }

  func layers(_ glob: PathGlob) -> [Layer] { layers.filter { glob.matches($0.path) } }

  /// Parameters that a glob names, or that are inside of a layer it names.
  func parameters(_ glob: PathGlob) -> [DeclaredParameter] {
    parameters.filter { glob.includes($0.name) }
  }

  func parameters(inside path: String) -> [DeclaredParameter] {
    parameters.filter { Surgery.isInside($0.name, path) }
  }

  // MARK: Marks

  /// What surgery did, in words, by path; the root's path is empty.
  var marks: [String: String] {
    var result: [String: String] = [:]
    var frozen: [String] = []
    for path in [""] + layers.map(\.path) {
      let inside = path.isEmpty ? parameters : parameters(inside: path)
      var words: [String] = []
      if let layer = layer(path), layer.place.isReplaced {
        words.append("replaced by \(ValueWriter.text(layer.place.content))")
      }
      let isFrozen = !inside.isEmpty && inside.allSatisfy(\.isFrozen)
      // What is frozen or shared with all around it needs no word of its own.
      if isFrozen, !frozen.contains(where: { $0.isEmpty || Surgery.isInside(path, $0) }) {
        words.append("frozen")
        frozen.append(path)
      }
      let shared = sharedLayer(path)
      if let shared { words.append("shared with \(shared)") }
      words += ownMarks(inside, path, isFrozen: isFrozen, isShared: shared != nil)
      if !words.isEmpty { result[path] = words.joined(separator: ", ") }
    }
    return result
  }

  /// What surgery did to single parameters of a layer's own.
  private func ownMarks(
    _ parameters: [DeclaredParameter], _ path: String, isFrozen: Bool, isShared: Bool
  ) -> [String] {
    parameters.flatMap { parameter -> [String] in
      let name = path.isEmpty ? parameter.name : String(parameter.name.dropFirst(path.count + 1))
      guard !name.contains(".") else { return [] }
      let shared = isShared ? nil : parameter.sharedWith.map { "\(name) shared with \($0)" }
      return [parameter.isFrozen && !isFrozen ? "\(name) frozen" : nil, shared].compactMap { $0 }
    }
  }

  /// A layer whose parameters all belong to one other layer: that one's path.
  private func sharedLayer(_ path: String) -> String? {
    let inside = parameters(inside: path)
    let owners = Set(
      inside.map { parameter -> String? in
        guard let owner = parameter.sharedWith else { return nil }
        let end = parameter.name.dropFirst(path.count)
        return !path.isEmpty && owner.hasSuffix(end) ? String(owner.dropLast(end.count)) : nil
      })
    guard owners.count == 1, let owner = owners.first else { return nil }
    return owner
  }
}

extension Trace {
  /// `[token, 64]`; empty for what is not known.
  func describe(_ content: SymbolicTensor.Content?) -> String {
    guard let content, let value = Trace.value(content) else { return "" }
    let type = graph.type(value)
    let rows = type.rows.map { graph[$0].label }
    return "[\(([rows].compactMap { $0 } + type.dims.map(String.init)).joined(separator: ", "))]"
  }

  private static func value(_ content: SymbolicTensor.Content) -> ValueID? {
    switch content {
    case .value(let value), .zero(like: let value): value
    case .answers(let answers): answers.last?.value
    case .pending: nil
    }
  }
}
