import AdaptGraph
import AdaptRuntime
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
    /// Several results for each row, of which one counts, or all as they are weighted.
    case answers([Answer])
  }

  let content: Content
  let trace: Trace
  /// Names of the axes behind the rows; empty, or one an axis.
  var axes: [String?] = []
  /// Whether rows that are elsewhere count too: what is computed of contexts alone is a context.
  var isContext = false
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
  var losses: [RouterLoss] = []
  /// What routers' states become behind a step of training, by their names.
  var updates: [NamedValue] = []
  /// What states start from that is more than one number.
  var stateStarts: [String: Tensor] = [:]
  /// How much each row of the input counts, where the data say so.
  var weight: ValueID?
  /// Stands for minus the loss of each row of the input until the objective is known.
  var reward: ValueID?
  /// Stands for the expected cost of the model until that is whole.
  var expectedCost: ValueID?
  /// The router whose clauses are being evaluated.
  var router: String?
  /// What means over these rows are weighted with, inside of a router's losses.
  var counting: ValueID?
  /// What functions being differentiated are traced at: not to be computed before they are done.
  var variables: Set<ValueID> = []
  /// Who has left on the way to here: the region is that of those who stayed.
  var departures: [Departure] = []
  /// What all had that came to a site, by the region of each of its paths: also those who took another.
  var brought: [RegionID: ValueID] = [:]
  /// What was answered on the way, in training, where nobody leaves.
  var answers: [Answer] = []
  /// What the last exit answered, and its patience.
  var lastExit: (answer: ValueID, patience: ValueID)?
  /// What `reuse` has from the round before, by its scope.
  var reused: [String: ReuseForm.Memory] = [:]
  /// Where blocks that the backward pass is to compute again stand in a scan, which does so anyway.
  private(set) var scannedBlocks: [Span] = []
  /// Whether the graph would be another in the other mode.
  var differsByMode = false
  /// Whether tensors of numbers were met, which a dry run does not have.
  var metNumbers = false
  /// Numbers in all parameters so far.
  var parameterCount = 0
  /// The model's input, once its type is known.
  var input: ValueID?
  var objective: ObjectiveContext?
  var optimizer: OptimizerContext?

  /// The knobs that views turn.
  var knobs = TracedKnobs()
  /// Where values and sizes come from, for messages.
  var origins = ShapeOrigins()
  /// What was changed in the models that are applied, by where they are.
  private(set) var surgery = Surgery()
  /// The places that were entered and the parameters that were asked for, each time they were.
  private var noted: [(name: String, record: TracedPlace)] = []
  private var asked: [DeclaredParameter] = []

  private var scope = NameScope(prefix: "")
  /// Where sites and nodes are named: like `prefix`, with the rounds of loops told apart.
  private(set) var place = ""
  private var siteNames: Set<String> = []
  /// How many streams of random numbers each place has.
  private var noises: [String: Int] = [:]
  private var applied: [ObjectIdentifier: Application] = [:]
  /// The places that were entered, with the flow that was being applied; those up to `spansKnown` stand
  /// in `spans`, each with its first.
  private var entered: [(place: String, flow: Span)] = []
  private var spans: [String: Span] = [:]
  private var spansKnown = 0
  /// The flow that is being applied.
  private var current: Span?

  /// Where a flow was applied first, and how many names the scope had given then. Holds the flow, so
  /// that no other gets its identity.
  private struct Application {
    let flow: Flow
    let scope: NameScope
    let given: Int
  }

  init(mode: TraceMode) { self.mode = mode }

  // MARK: Scopes

  /// Where parameters are named.
  var prefix: String { scope.prefix }

  /// Takes a name in the current scope, for a family of scopes such as `blocks[i]`.
  func take(_ name: String) -> String { scope.names.take(name) }

  /// Runs `body` inside a new scope of that name, or of one like it that is free.
  func scoped<T>(_ name: String, _ body: () throws -> T) rethrows -> T {
    let name = take(name)
    return try inside(name, place: name, body)
  }

  /// Runs `body` inside the scope of exactly that name; of none, in the current one with no name given.
  /// - Parameter place: what sites are told apart by, where it differs.
  func inside<T>(_ name: String, place: String, _ body: () throws -> T) rethrows -> T {
    let (outer, outerPlace) = (scope, self.place)
    scope = NameScope(prefix: Trace.joined(outer.prefix, name))
    let isSame = name == place && outer.prefix == outerPlace
    self.place = isSame ? scope.prefix : Trace.joined(outerPlace, place)
    graph.scope = self.place
    if let current { entered.append((self.place, current)) }
    defer {
      (scope, self.place) = (outer, outerPlace)
      graph.scope = outerPlace
    }
    return try body()
  }

  /// Runs `body` where the flow was applied before, or here when it was not.
  func applying<T>(_ flow: Flow, _ body: () throws -> T) rethrows -> T {
    let identity = ObjectIdentifier(flow.root)
    let (around, outer) = (current, scope)
    current = flow.span
    defer { (current, scope) = (around, outer) }
    if let first = applied[identity] {
      scope = NameScope(again: first.scope, given: first.given)
    } else {
      applied[identity] = Application(flow: flow.root, scope: scope, given: scope.names.count)
    }
    return try body()
  }

  /// Runs `body`; what it adds is computed again by the backward pass instead of being kept for it.
  func recomputing<T>(_ span: Span, _ body: () throws -> T) rethrows -> T {
    if graph.isScanned(graph.region), !scannedBlocks.contains(span) { scannedBlocks.append(span) }
    graph.openRecomputedBlock()
    defer { graph.closeRecomputedBlock() }
    return try body()
  }

  /// The full name of a parameter of the current scope.
  func parameterName(_ name: String) -> String { Trace.joined(prefix, take(name)) }

  /// The full name of the site that the current scope is.
  func siteName() -> String {
    var (name, number) = (place, 1)
    while !siteNames.insert(name).inserted {
      number += 1
      name = "\(place)@\(number)"
    }
    return name
  }

  /// The next stream of random numbers at the current place.
  func noiseName() -> String {
    noises[place, default: 0] += 1
    return "\(place) \(noises[place] ?? 0)"
  }

  static func joined(_ prefix: String, _ name: String) -> String {
    guard !prefix.isEmpty else { return name }
    guard !name.isEmpty else { return prefix }
    var result = ""
    result.reserveCapacity(prefix.utf8.count + 1 + name.utf8.count)
    result += prefix
    result += "."
    result += name
    return result
  }

  /// Which flow of the script a place comes from.
  func span(of place: String) -> Span? {
    for (place, flow) in entered[spansKnown...] where spans[place] == nil { spans[place] = flow }
    spansKnown = entered.count
    return spans[place]
  }

  // MARK: Surgery

  /// Takes in what was changed in a model that is applied at the current place.
  func adopt(_ changes: Surgery) { surgery.merge(changes, at: prefix) }

  /// Notes what stands at the current place.
  /// - Returns: what ``finish(_:_:)`` calls it.
  func note(_ place: TracedPlace) -> Int {
    noted.append((prefix, place))
    return noted.count - 1
  }

  func finish(_ place: Int, _ output: SymbolicTensor.Content) {
    noted[place].record.output = output
  }

  func note(_ parameter: DeclaredParameter) { asked.append(parameter) }

  /// What stands at each place; what is applied again stays as it was first.
  var occupants: OrderedRecords<TracedPlace> {
    OrderedRecords(noted) { first, again in first.output = first.output ?? again.output }
  }

  /// The parameters that were asked for, each once.
  var declared: OrderedRecords<DeclaredParameter> {
    OrderedRecords(asked.lazy.map { ($0.name, $0) })
  }

  /// The parameters that training leaves alone.
  var frozenParameters: Set<String> {
    guard asked.contains(where: \.isFrozen) else { return [] }
    return Set(declared.all.map(\.record).filter(\.isFrozen).map(\.info.name))
  }

  /// What parameters start from that do not start from their initializer.
  var starts: [String: Tensor] {
    guard !surgery.starts.isEmpty else { return stateStarts }
    let declared = declared
    return stateStarts.merging(
      surgery.starts.filter { declared[$0.key]?.sharedWith == nil }, uniquingKeysWith: { $1 })
  }

  // MARK: Losses

  /// Adds what a router brings to the loss; several of one site are numbered.
  func addLoss(site: String, router: String, _ value: ValueID) {
    let name = "\(site).\(scopeName(router))"
    let count = losses.filter { $0.name == name || $0.name.hasPrefix(name + "[") }.count
    losses.append(
      RouterLoss(
        name: count == 0 ? name : "\(name)[\(count)]", router: router, value: value))
  }

  /// Adds what a layer minimizes, under one name for all copies of a `repeat`.
  func addLoss(ofLayer value: ValueID) {
    let name = PathGlob.general(place)
    losses.append(RouterLoss(name: name, router: name, value: value))
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
