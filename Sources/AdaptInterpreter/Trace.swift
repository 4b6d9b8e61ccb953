import AdaptGraph
import AdaptSyntax
import AdaptTensor

/// A value of the graph that is being traced.
public struct SymbolicTensor {
  enum Content {
    case value(ValueID)
    /// The model's input, of which nothing is known yet.
    case pending
    /// Zeros in the shape of a value: what `zero` gives. Kept apart so that a join can leave it out.
    case zero(like: ValueID)
  }

  let content: Content
  let trace: Trace
  /// Names of the axes behind the rows; empty, or one an axis.
  var axes: [String?] = []
}

/// Whether the model is traced to be trained or to be used.
public enum TraceMode: String, Sendable {
  case training, inference
}

/// A graph in the making, and where in the model the interpreter stands.
///
/// Parameters are named by scope; a layer that is applied again, and the rounds of a loop, come back
/// to the same names and so find the same parameters.
final class Trace {
  var graph = Graph()
  let mode: TraceMode
  var losses: [(name: String, value: ValueID)] = []
  /// What functions being differentiated are traced at: not to be computed before they are done.
  var variables: Set<ValueID> = []
  /// Whether the graph would be another in the other mode.
  var differsByMode = false
  /// Numbers in all parameters so far.
  var parameterCount = 0
  /// The model's input, once its type is known.
  var input: ValueID?
  var objective: ObjectiveContext?
  var optimizer: OptimizerContext?

  /// Where values and sizes come from, for messages.
  var origins = ShapeOrigins()
  /// What was changed in the models that are applied, by where they are.
  private(set) var surgery = Surgery()
  /// The places that were entered and the parameters that were asked for, each once.
  private(set) var occupants = OrderedRecords<TracedPlace>()
  private(set) var declared = OrderedRecords<DeclaredParameter>()

  /// Where parameters are named.
  private(set) var prefix = ""
  /// Where sites and nodes are named: like `prefix`, with the rounds of loops told apart.
  private(set) var place = ""
  /// Names that were given inside a scope.
  private var used: [String: Names] = [:]
  private var siteNames: Set<String> = []
  private var applied: [ObjectIdentifier: Application] = [:]
  /// Which flow of the script each scope comes from, for lints.
  private(set) var spans: [String: Span] = [:]
  /// The flow that is being applied.
  private var current: Span?

  /// Where a flow was applied first. Holds the flow, so that no other gets its identity.
  private struct Application {
    let flow: Flow
    let prefix: String
    let used: Names
  }

  /// The names given inside one scope, and how often each was asked for.
  private struct Names {
    var taken: Set<String> = []
    var counts: [String: Int] = [:]

    mutating func take(_ name: String) -> String {
      var (result, number) = (name, counts[name, default: 0] + 1)
      if number > 1 { result = "\(name)\(number)" }
      // The author may have bound `norm2` as well.
      while !taken.insert(result).inserted {
        number += 1
        result = "\(name)\(number)"
      }
      counts[name] = number
      return result
    }
  }

  init(mode: TraceMode) { self.mode = mode }

  // MARK: Scopes

  /// A name that is free in the current scope: `norm`, then `norm2`.
  private func free(_ name: String) -> String {
    used[prefix, default: Names()].take(name)
  }

  /// Takes a name in the current scope, for a family of scopes such as `blocks[i]`.
  func take(_ name: String) -> String { free(name) }

  /// Runs `body` inside a new scope of that name, or of one like it that is free.
  func scoped<T>(_ name: String, _ body: () throws -> T) rethrows -> T {
    let name = free(name)
    return try inside(name, place: name, body)
  }

  /// Runs `body` inside the scope of exactly that name.
  /// - Parameter place: what sites are told apart by, where it differs.
  func inside<T>(_ name: String, place: String, _ body: () throws -> T) rethrows -> T {
    let outer = (prefix, self.place, graph.scope)
    prefix = Trace.joined(prefix, name)
    self.place = Trace.joined(self.place, place)
    used[prefix] = Names()
    graph.scope = self.place
    if let current, spans[self.place] == nil { spans[self.place] = current }
    defer { (prefix, self.place, graph.scope) = outer }
    return try body()
  }

  /// Runs `body` where the flow was applied before, or here when it was not.
  func applying<T>(_ flow: Flow, _ body: () throws -> T) rethrows -> T {
    let identity = ObjectIdentifier(flow)
    let around = current
    current = flow.span
    defer { current = around }
    guard let first = applied[identity] else {
      applied[identity] = Application(flow: flow, prefix: prefix, used: used[prefix] ?? Names())
      return try body()
    }
    let (outer, here) = (prefix, used[prefix])
    let there = used[first.prefix]
    prefix = first.prefix
    used[prefix] = first.used
    defer {
      used[first.prefix] = there
      if outer != first.prefix { used[outer] = here }
      prefix = outer
    }
    return try body()
  }

  /// The full name of a parameter of the current scope.
  func parameterName(_ name: String) -> String { Trace.joined(prefix, free(name)) }

  /// The full name of the site that the current scope is.
  func siteName() -> String {
    var (name, number) = (place, 1)
    while !siteNames.insert(name).inserted {
      number += 1
      name = "\(place)@\(number)"
    }
    return name
  }

  static func joined(_ prefix: String, _ name: String) -> String {
    prefix.isEmpty ? name : "\(prefix).\(name)"
  }

  // MARK: Surgery

  /// Takes in what was changed in a model that is applied at the current place.
  func adopt(_ changes: Surgery) { surgery.merge(changes, at: prefix) }

  /// Notes what stands at the current place; what is applied again stays as it was first.
  func note(_ place: TracedPlace) { occupants.add(place, as: prefix) }

  func finishPlace(_ output: SymbolicTensor.Content) {
    occupants.change(prefix) { $0.output = $0.output ?? output }
  }

  func note(_ parameter: DeclaredParameter) { declared.add(parameter, as: parameter.name) }

  /// The parameters that training leaves alone.
  var frozenParameters: Set<String> {
    Set(declared.all.map(\.record).filter(\.isFrozen).map(\.info.name))
  }

  /// What parameters start from that do not start from their initializer.
  var starts: [String: Tensor] {
    surgery.starts.filter { declared[$0.key]?.sharedWith == nil }
  }

  // MARK: Losses

  /// Adds what a router brings to the loss; several of one site are numbered.
  func addLoss(site: String, _ value: ValueID) {
    let name = "\(site).balance"
    let count = losses.filter { $0.name == name || $0.name.hasPrefix(name + "[") }.count
    losses.append((count == 0 ? name : "\(name)[\(count)]", value))
  }
}

/// A layer's name as a scope: `Attention` → `attention`, `FFN` → `ffn`, `LSTMCell` → `lstmCell`.
func scopeName(_ name: String) -> String {
  let letters = Array(name)
  let capitals = letters.prefix { $0.isUppercase }.count
  // In a run of capitals the last one begins the next word, unless the run is the whole name.
  let lowered =
    capitals > 1 && capitals < letters.count && letters[capitals].isLetter
    ? capitals - 1 : capitals
  return letters.prefix(lowered).map { $0.lowercased() }.joined()
    + String(letters.dropFirst(lowered))
}

/// The plural of a scope name: `block` → `blocks`, `memory` → `memories`.
func plural(_ name: String) -> String {
  if let last = name.last, last == "y", let before = name.dropLast().last, !"aeiou".contains(before)
  {
    return name.dropLast() + "ies"
  }
  let hisses = ["s", "x", "z", "ch", "sh"].contains { name.hasSuffix($0) }
  return name + (hisses ? "es" : "s")
}
