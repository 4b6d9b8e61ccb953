import AdaptSyntax

/// A name in a scope.
struct Binding {
  let name: String
  var value: Value
  let isMutable: Bool
  let span: Span?
}

/// Names and what they stand for, inside other scopes.
///
/// Closures hold the scope they were made in, so scopes are shared, and a chain of them may be as
/// long as a script makes it: what a dying scope held is handed to the graveyard, which lets go of
/// one at a time instead of one inside the other.
final class Scope {
  let parent: Scope?
  private let graveyard: Graveyard
  private var bindings: [Binding] = []
  /// Only for scopes of many names; a few are found faster by looking at each.
  private var index: [String: Int] = [:]
  private static let indexed = 12

  init(parent: Scope) {
    self.parent = parent
    graveyard = parent.graveyard
  }

  init(graveyard: Graveyard) {
    parent = nil
    self.graveyard = graveyard
  }

  deinit { graveyard.bury(bindings, parent) }

  /// Names in the order they were bound.
  var names: [String] { bindings.map(\.name) }

  /// Binds a name here; one that was bound before stands for the new value.
  func define(_ name: String, _ value: Value, mutable: Bool = false, at span: Span? = nil) {
    let binding = Binding(name: name, value: value, isMutable: mutable, span: span)
    if let position = position(of: name) {
      bindings[position] = binding
      return
    }
    bindings.append(binding)
    if bindings.count == Scope.indexed {
      for (position, binding) in bindings.enumerated() { index[binding.name] = position }
    } else if bindings.count > Scope.indexed {
      index[name] = bindings.count - 1
    }
  }

  /// The name's value here, without the scopes around.
  func own(_ name: String) -> Binding? { position(of: name).map { bindings[$0] } }

  /// The name's value here or in the scopes around.
  func find(_ name: String) -> Binding? {
    var scope: Scope? = self
    while let current = scope {
      if let position = current.position(of: name) { return current.bindings[position] }
      scope = current.parent
    }
    return nil
  }

  /// Changes the value of the nearest binding of the name, which must exist and be mutable.
  func assign(_ name: String, _ value: Value) {
    var scope: Scope? = self
    while let current = scope {
      if let position = current.position(of: name) {
        current.bindings[position].value = value
        return
      }
      scope = current.parent
    }
  }

  /// All names that can be seen from here.
  func visibleNames() -> [String] {
    var result: [String] = []
    var scope: Scope? = self
    while let current = scope {
      result += current.names
      scope = current.parent
    }
    return result
  }

  /// Lets go of everything, so that scopes and closures that hold each other can go.
  func clear() {
    let old = bindings
    bindings = []
    index = [:]
    graveyard.bury(old, nil)
  }

  private func position(of name: String) -> Int? {
    if bindings.count >= Scope.indexed { return index[name] }
    return bindings.firstIndex { $0.name == name }
  }
}

/// Lets go of what scopes held, one after the other, however long their chain is.
final class Graveyard {
  private var open: [([Binding], Scope?)] = []
  private var isDigging = false

  func bury(_ bindings: [Binding], _ parent: Scope?) {
    open.append((bindings, parent))
    guard !isDigging else { return }
    isDigging = true
    // Letting go of a body may end other scopes, which then append here instead of recursing.
    while open.popLast() != nil {}
    isDigging = false
  }
}

/// A scope that may be gone.
struct WeakScope {
  weak var scope: Scope?
}
