import AdaptGraph
import AdaptRuntime
import AdaptSyntax

// Parameters that layers of a model share, and models that begin as copies.

extension Interpreter {
  /// `share(model, "blocks[1].ffn", with: "blocks[0].ffn")`.
  func share(_ call: Call) throws -> Value {
    let (model, glob) = (try call.model(0), PathGlob(try call.string(1)))
    let owner = try call.string(2)
    let structure = try structure(of: model, at: call.span(0))
    let pairs = try sharedPairs(glob, owner, structure, call)
    var surgery = surgery(of: model)
    for (name, info) in pairs where name != info.name { surgery.share(name, with: info) }
    commit(surgery, of: model) { store in
      for (name, info) in pairs where name != info.name { store[name] = nil }
    }
    return call[0]
  }

  /// Parameters with the ones they become.
  private func sharedPairs(
    _ glob: PathGlob, _ owner: String, _ structure: ModelStructure, _ call: Call
  ) throws -> [(name: String, owner: ParameterInfo)] {
    if let parameter = structure.parameter(owner) {
      return try parameters(glob, structure, call, exactly: true).map { other in
        guard other.info.shape == parameter.info.shape else {
          throw unequal(other, parameter, call)
        }
        return (other.info.name, parameter.info)
      }
    }
    guard structure.layer(owner) != nil else {
      throw nothing(at: owner, structure, what: "layer or parameter", at: call.span(2))
    }
    return try layers(glob, structure, call).filter { $0.path != owner }.flatMap {
      try sharedPairs($0.path, owner, structure, call)
    }
  }

  /// The parameters of two layers, one by one.
  private func sharedPairs(
    _ path: String, _ owner: String, _ structure: ModelStructure, _ call: Call
  ) throws -> [(name: String, owner: ParameterInfo)] {
    if Surgery.isInside(path, owner) || Surgery.isInside(owner, path) {
      throw call.wrongValue(1, "'\(path)' and '\(owner)' are inside one another")
    }
    let (mine, theirs) = (
      structure.parameters(inside: path), structure.parameters(inside: owner)
    )
    func ends(_ parameters: [DeclaredParameter], _ path: String) -> Set<Substring> {
      Set(parameters.map { $0.name.dropFirst(path.count) })
    }
    if let odd = ends(mine, path).symmetricDifference(ends(theirs, owner)).min() {
      let (with, without) = ends(mine, path).contains(odd) ? (path, owner) : (owner, path)
      throw failure(
        .wrongShape, "'\(path)' and '\(owner)' have other parameters", at: call.span(1),
        label: "'\(with)' has '\(odd.dropFirst())', '\(without)' has not",
        hint: "layers that share are made alike")
    }
    return try mine.compactMap { parameter in
      let name = owner + parameter.name.dropFirst(path.count)
      guard let other = structure.parameter(name) else { return nil }
      guard other.info.shape == parameter.info.shape else {
        throw unequal(parameter, other, call)
      }
      return (parameter.info.name, other.info)
    }
  }

  private func unequal(_ a: DeclaredParameter, _ b: DeclaredParameter, _ call: Call) -> Diagnostic {
    failure(
      .wrongShape,
      "parameters that share have one shape: '\(a.name)' is \(a.info.shape), '\(b.name)' is "
        + "\(b.info.shape)", at: call.span(1))
  }

  // MARK: Copying

  /// `copy(model)`: a model of its own that begins with all the other one has.
  func copyModel(_ call: Call) throws -> Value {
    let model = try call.model(0)
    let result = model.root.copied()
    if isDryRun {
      pretendedSurgeries[ObjectIdentifier(result)] = (result, surgery(of: model))
      pretendedInputs[ObjectIdentifier(result)] = knownInput(of: model)
    } else if let state = model.root.attachment as? ModelState {
      result.attachment = ModelState(copying: state)
    }
    guard let view = model.view else { return .flow(result) }
    return .flow(
      result.seen { copy in
        copy.policies = view.policies
        copy.settings = view.settings
      })
  }
}

extension Flow {
  /// The same flow with an identity of its own, and so with parameters of its own.
  /// - Parameter place: where it is written from now on.
  func copied(at place: Span? = nil) -> Flow {
    let copy: Flow
    if case .compose(let parts) = kind {
      copy = Flow(.compose(parts.map { $0.copied(named: $0.boundName) }), span: place ?? span)
    } else {
      copy = Flow(kind, span: place ?? span)
    }
    copy.surgery = surgery
    return copy
  }

  private func copied(named name: String?) -> Flow {
    let copy = copied()
    copy.boundName = name
    return copy
  }
}
