import AdaptGraph
import AdaptTensor

/// What was changed in a model after it was written: by path, relative to where it is applied.
///
/// A trace takes it in where it applies the model, and finds there what stands at each place; nothing
/// else knows of it.
struct Surgery {
  /// What stands at a place instead of what was written there.
  var replaced: [String: Flow] = [:]
  /// Parameters of which was said whether training leaves them alone.
  var frozen: [String: Bool] = [:]
  /// Parameters that are another one, which is none of these itself.
  var shared: [String: ParameterInfo] = [:]
  /// What parameters start from, instead of from random numbers.
  var starts: [String: Tensor] = [:]

  var isEmpty: Bool {
    replaced.isEmpty && frozen.isEmpty && shared.isEmpty && starts.isEmpty
  }

  /// The parameter that one really is.
  func owner(of parameter: String) -> String { shared[parameter]?.name ?? parameter }

  /// Whether training changes a parameter.
  func trains(_ parameter: String) -> Bool { frozen[owner(of: parameter)] != true }

  // MARK: Changing

  /// Puts a flow at a place. What was said of the parameters inside no longer holds.
  /// - Returns: parameters whose values other ones used, with the first of those, which keeps them.
  mutating func replace(_ path: String, with flow: Flow) -> [(from: String, to: String)] {
    func isInside(_ name: String) -> Bool { Surgery.isInside(name, path) }
    replaced = replaced.filter { !isInside($0.key) }
    shared = shared.filter { !isInside($0.key) }
    let heirs = inheritance { isInside($0) }
    frozen = frozen.filter { !isInside($0.key) }
    starts = starts.filter { !isInside($0.key) }
    replaced[path] = flow
    return heirs
  }

  /// Lets the first of those that share a parameter own it, for each parameter that is lost.
  private mutating func inheritance(_ isLost: (String) -> Bool) -> [(from: String, to: String)] {
    var heirs: [String: String] = [:]
    for (name, info) in shared.sorted(by: { $0.key < $1.key }) where isLost(info.name) {
      guard let heir = heirs[info.name] else {
        heirs[info.name] = name
        shared[name] = nil
        frozen[name] = frozen[info.name]
        starts[name] = starts[info.name]
        continue
      }
      shared[name]?.name = heir
    }
    return heirs.map { (from: $0.key, to: $0.value) }.sorted { $0.to < $1.to }
  }

  /// Makes a parameter another one. Those that shared it share the other one now.
  mutating func share(_ name: String, with owner: ParameterInfo) {
    for (follower, info) in shared where info.name == name { shared[follower] = owner }
    shared[name] = owner
    frozen[name] = nil
    starts[name] = nil
  }

  // MARK: Places

  /// Whether a name is the path or one inside it.
  static func isInside(_ name: String, _ path: String) -> Bool {
    name == path || name.hasPrefix(path + ".")
  }

  /// Takes in what was changed in a model that is applied at a place; what was said before stands.
  mutating func merge(_ other: Surgery, at prefix: String) {
    guard !other.isEmpty else { return }
    func here(_ name: String) -> String { Trace.joined(prefix, name) }
    for (name, flow) in other.replaced where replaced[here(name)] == nil {
      replaced[here(name)] = flow
    }
    for (name, isFrozen) in other.frozen where frozen[here(name)] == nil {
      frozen[here(name)] = isFrozen
    }
    for (name, info) in other.shared where shared[here(name)] == nil {
      shared[here(name)] = ParameterInfo(
        name: here(info.name), shape: info.shape, initial: info.initial)
    }
    for (name, start) in other.starts where starts[here(name)] == nil {
      starts[here(name)] = start
    }
  }

  /// What was changed inside of one place, relative to it. What is shared with a parameter outside
  /// starts from the same values.
  func inside(_ path: String) -> Surgery {
    func relative(_ name: String) -> String? {
      name.hasPrefix(path + ".") ? String(name.dropFirst(path.count + 1)) : nil
    }
    var result = Surgery()
    for (name, flow) in replaced { if let name = relative(name) { result.replaced[name] = flow } }
    for (name, isFrozen) in frozen {
      if let name = relative(name) { result.frozen[name] = isFrozen }
    }
    for (name, info) in shared {
      guard let name = relative(name), let owner = relative(info.name) else { continue }
      result.shared[name] = ParameterInfo(name: owner, shape: info.shape, initial: info.initial)
    }
    for (name, start) in starts { if let name = relative(name) { result.starts[name] = start } }
    return result
  }
}
