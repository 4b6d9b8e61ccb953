import AdaptGraph
import AdaptRuntime
import AdaptSyntax
import AdaptTensor

// Reading what a model consists of, by dotted paths and globs.

extension Interpreter {
  // MARK: Finding

  /// The layers that a glob names, at least one.
  func layers(_ glob: PathGlob, _ structure: ModelStructure, _ call: Call) throws
    -> [ModelStructure.Layer]
  {
    let found = structure.layers(glob)
    guard found.isEmpty else { return found }
    if structure.parameters.contains(where: { glob.matches($0.name) }) {
      throw call.wrongValue(1, "'\(glob.text)' is a parameter, and \(call.name) needs a layer")
    }
    throw nothing(at: glob.text, structure, what: "layer", at: call.span(1))
  }

  /// The parameters that a glob names, or that are inside of the layers it names; at least one.
  /// - Parameter exactly: whether only those it names count.
  func parameters(
    _ glob: PathGlob, _ structure: ModelStructure, _ call: Call, exactly: Bool = false
  ) throws -> [DeclaredParameter] {
    let found = structure.parameters(glob).filter { !exactly || glob.matches($0.name) }
    guard found.isEmpty else { return found }
    if structure.layers.contains(where: { glob.matches($0.path) }) {
      throw call.wrongValue(1, "'\(glob.text)' is a layer \(exactly ? "" : "without parameters")")
    }
    throw nothing(
      at: glob.text, structure, what: exactly ? "parameter" : "layer or parameter",
      at: call.span(1))
  }

  /// An error about a path that leads nowhere, with the closest one that leads somewhere.
  func nothing(at path: String, _ structure: ModelStructure, what: String, at span: Span)
    -> Diagnostic
  {
    var known: [String] = []
    if what.contains("layer") { known += structure.layers.map(\.path) }
    if what.contains("parameter") { known += structure.parameters.map(\.name) }
    let general = Set(known.map(PathGlob.general)).sorted()
    let near = closest(path, among: path.contains("*") ? general : known + general)
    let listed = general.prefix(6).joined(separator: ", ")
    return failure(
      .unknownSite, "the model has no \(what) '\(path)'", at: span,
      hint: near.map { "did you mean '\($0)'?" } ?? (listed.isEmpty ? "" : "it has \(listed)"))
  }

  private func parameter(_ call: Call) throws -> DeclaredParameter {
    let structure = try structure(of: try call.model(0), at: call.span(0))
    let path = try call.string(1)
    if let parameter = structure.parameter(path) { return parameter }
    if structure.layer(path) != nil {
      let inside = structure.parameters(inside: path).prefix(4).map { "'\($0.name)'" }
      throw call.wrongValue(
        1, "'\(path)' is a layer, not a parameter",
        hint: inside.isEmpty ? "" : "it has \(inside.joined(separator: ", "))")
    }
    throw nothing(at: path, structure, what: "parameter", at: call.span(1))
  }

  // MARK: Lists

  /// `model.layers("blocks[*]")`.
  func listLayers(_ call: Call) throws -> Value {
    let structure = try structure(of: try call.model(0), at: call.span(0))
    let records = try layers(PathGlob(try call.string(1)), structure, call).map { layer in
      try makeRecord(
        [
          ("path", .string(layer.path)), ("kind", .string(layer.kindName)),
          ("takes", .string(layer.input)), ("gives", .string(layer.output)),
          ("parameters", .int(ownCount(structure.parameters(inside: layer.path)))),
        ], at: call.span)
    }
    return try makeList(records, at: call.span)
  }

  private func ownCount(_ parameters: [DeclaredParameter]) -> Int {
    parameters.reduce(0) { $0 + ($1.sharedWith == nil ? $1.count : 0) }
  }

  /// `model.parameters("**.weight")`.
  func listParameters(_ call: Call) throws -> Value {
    let structure = try structure(of: try call.model(0), at: call.span(0))
    let glob = PathGlob(try call.string(1))
    let isLayer = structure.layers.contains { glob.matches($0.path) }
    let found = isLayer ? structure.parameters(glob) : try parameters(glob, structure, call)
    let records = try found.map { parameter in
      try makeRecord(
        [
          ("name", .string(parameter.name)),
          ("shape", .list(ListValue(parameter.info.shape.map { .int($0) }))),
          ("count", .int(parameter.count)), ("frozen", .bool(parameter.isFrozen)),
          ("shared", parameter.sharedWith.map { .string($0) } ?? .none),
        ], at: call.span)
    }
    return try makeList(records, at: call.span)
  }

  /// `model.sites()`.
  func listSites(_ call: Call) throws -> Value {
    let structure = try structure(of: try call.model(0), at: call.span(0))
    let glob = PathGlob(try call.string(1))
    let sites = structure.graph.graph.sites.filter { glob.matches($0.name) }
    if sites.isEmpty, glob.text != "**" {
      let near = closest(glob.text, among: structure.graph.graph.sites.map(\.name))
      throw failure(
        .unknownSite, "the model has no site '\(glob.text)'", at: call.span(1),
        hint: near.map { "did you mean '\($0)'?" } ?? "model.sites() gives all")
    }
    let records = try sites.map { site in
      try makeRecord(
        [
          ("path", .string(site.name)), ("unit", .string(site.unit)),
          ("router", .string(site.router)),
          ("paths", .list(ListValue(site.paths.map { .string($0.name) }))),
        ], at: call.span)
    }
    return try makeList(records, at: call.span)
  }

  // MARK: Parts

  /// A sub-layer as a flow of its own, which starts from the values that it has here.
  func sublayer(of model: Flow, _ path: String, at span: Span) throws -> Flow {
    let structure = try structure(of: model, at: span)
    guard let layer = structure.layer(path) else {
      throw nothing(at: path, structure, what: "layer", at: span)
    }
    let result = layer.place.content.copied(at: span)
    if result.layer == nil { result.boundName = layer.familyName }
    var surgery = surgery(of: model).inside(path)
    if !isDryRun {
      let state = state(of: model)
      try runtime(at: span) { try state.parameters.ensure(structure.graph) }
      for parameter in structure.parameters(inside: path) {
        let name = String(parameter.name.dropFirst(path.count + 1))
        guard surgery.shared[name] == nil else { continue }
        surgery.starts[name] = state.parameters[parameter.info.name]
      }
    }
    result.surgery.merge(surgery, at: "")
    return result
  }

  /// `model.parameter("head.weight")`: its values.
  func parameterValue(_ call: Call) throws -> Value {
    let (model, parameter) = (try call.model(0), try parameter(call))
    guard !isDryRun else { return unknownArray(TensorType(parameter.info.shape), []) }
    let state = state(of: model)
    let structure = try structure(of: model, at: call.span(0))
    try runtime(at: call.span) { try state.parameters.ensure(structure.graph) }
    guard let tensor = state.parameters[parameter.info.name] else { return .none }
    return .array(ArrayValue(tensor))
  }

  /// `setParameter(model, "head.bias", [0, 0])`.
  func setParameter(_ call: Call) throws -> Value {
    let (model, parameter) = (try call.model(0), try parameter(call))
    let (shape, numbers) = try numbers(of: call[2], call)
    guard shape == parameter.info.shape else {
      throw failure(
        .wrongShape,
        "parameter '\(parameter.name)' is \(parameter.info.shape), not \(shape)",
        at: call.span(2))
    }
    guard !isDryRun else { return call[0] }
    let state = state(of: model)
    let structure = try structure(of: model, at: call.span(0))
    try runtime(at: call.span) { try state.parameters.ensure(structure.graph) }
    state.parameters[parameter.info.name] = try runtime(at: call.span(2)) {
      try Tensor(shape, numbers)
    }
    return call[0]
  }

  /// The shape and numbers that a value gives a parameter; in a dry run they may not be known yet.
  private func numbers(of value: Value, _ call: Call) throws -> (shape: [Int], numbers: [Float]) {
    if case .array(let array) = value { return (array.shape, array.doubles.map(Float.init)) }
    var reader = ListReader(interpreter: self, span: call.span(2), element: .float32)
    let shape = try reader.read(value)
    return (shape, reader.numbers.map(Float.init))
  }
}

extension ModelStructure.Layer {
  /// The layer's name, or what form it is.
  var kindName: String { place.content.layer?.name ?? place.kind }

  /// The last name of the path without an index.
  var familyName: String {
    let last = path.split(separator: ".").last ?? ""
    return String(last.prefix { $0 != "[" })
  }
}
