import AdaptSyntax

/// A name of a file, the library or the host.
struct Binding {
  let name: String
  let cell: Cell
  var isMutable: Bool
  var span: Span?

  var value: Value { cell.value }
}

/// The names of a file and what they stand for, inside those of the library and the host.
///
/// Only for what is found by name, at a prompt or by a host: compiled code knows the cells.
final class Scope {
  let parent: Scope?
  private var bindings: [Binding] = []
  private var index: [String: Int] = [:]

  init(parent: Scope? = nil) { self.parent = parent }

  /// Names in the order they were bound.
  var names: [String] { bindings.map(\.name) }

  /// Binds a name to a value; one that was bound before stands for the new one.
  func define(_ name: String, _ value: Value, mutable: Bool = false, at span: Span? = nil) {
    let cell = own(name)?.cell ?? Cell()
    cell.declared = nil
    cell.value = value
    publish(name, cell, mutable: mutable, at: span)
  }

  /// Makes a cell visible under a name.
  func publish(_ name: String, _ cell: Cell, mutable: Bool, at span: Span?) {
    let binding = Binding(name: name, cell: cell, isMutable: mutable, span: span)
    if let position = index[name] {
      bindings[position] = binding
    } else {
      index[name] = bindings.count
      bindings.append(binding)
    }
  }

  /// The name's binding here, without the scopes around.
  func own(_ name: String) -> Binding? { index[name].map { bindings[$0] } }

  /// The name's binding here or in the scopes around.
  func find(_ name: String) -> Binding? {
    var scope: Scope? = self
    while let current = scope {
      if let binding = current.own(name) { return binding }
      scope = current.parent
    }
    return nil
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

  /// Lets go of everything, so that functions and cells that hold each other can go.
  func clear() {
    for binding in bindings {
      binding.cell.declared = nil
      binding.cell.value = .unbound
    }
    bindings = []
    index = [:]
  }
}

/// A shared name that may be gone.
struct WeakCell {
  weak var cell: Cell?
}
