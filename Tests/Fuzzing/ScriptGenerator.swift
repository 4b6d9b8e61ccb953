/// Makes scripts that can be parsed and mostly mean something: names are bound before they are used,
/// and values are mostly of the kind that is asked for.
struct ScriptGenerator {
  /// What an expression is meant to come to.
  enum Kind: CaseIterable {
    case int, number, bool, string, list, range, record, time, function, tuple, map, tensor
  }

  struct Binding {
    let name: String
    let kind: Kind
    let isMutable: Bool
  }

  var random: FuzzRandom
  /// Names that can be seen, the innermost block last.
  var scopes: [[Binding]] = [[]]
  private var names = 0
  /// How many statements may still be made, so that a script ends.
  private var budget: Int

  init(random: FuzzRandom) {
    self.random = random
    budget = 0
    budget = 3 + self.random.below(25)
  }

  /// A whole script.
  mutating func script() -> String {
    var lines: [String] = []
    while budget > 0 { lines.append(statement(depth: 0)) }
    if random.chance(25) { lines.append(model()) }
    lines.append("print \(expression(any(), depth: 3))")
    return lines.joined(separator: "\n") + "\n"
  }

  // MARK: Names

  mutating func any() -> Kind { random.pick(Kind.allCases) }

  mutating func newName() -> String {
    names += 1
    // Now and then a name that hides one of the library, or a word of a form.
    if random.chance(4) {
      return random.pick(["sum", "match", "test", "loop", "as", "état", "_x"])
    }
    return "v\(names)"
  }

  mutating func bind(_ name: String, _ kind: Kind, isMutable: Bool = false) {
    scopes[scopes.count - 1].append(Binding(name: name, kind: kind, isMutable: isMutable))
  }

  /// A name that stands for a value of the kind; nil when there is none.
  mutating func name(_ kind: Kind, mutable: Bool = false) -> String? {
    let known = scopes.joined().filter { $0.kind == kind && ($0.isMutable || !mutable) }
    return known.isEmpty ? nil : random.pick(known).name
  }

  // MARK: Statements

  /// A block between braces, with names of its own.
  mutating func block(depth: Int, binding: [(String, Kind)] = [], result: Kind? = nil) -> String {
    scopes.append([])
    for (name, kind) in binding { bind(name, kind) }
    var lines = (0..<random.below(3)).map { _ in statement(depth: depth + 1) }
    if let result { lines.append(expression(result, depth: 2)) }
    scopes.removeLast()
    return "{\n" + lines.joined(separator: "\n") + "\n}"
  }

  mutating func statement(depth: Int) -> String {
    budget -= 1
    guard depth < 4 else { return "print \(expression(any(), depth: 1))" }
    switch random.below(14) {
    case 0...2: return binding(depth: depth)
    case 3: return assignment()
    case 4: return "if \(expression(.bool, depth: 2)) \(block(depth: depth)) \(elseBranch(depth))"
    case 5: return loop(depth: depth)
    case 6: return "print \(expression(any(), depth: 3)), \(expression(any(), depth: 1))"
    case 7: return function(depth: depth)
    case 8: return destructuring()
    case 9: return "expect \(expression(.bool, depth: 2))"
    case 10: return "try \(block(depth: depth)) catch e { print e.id }"
    case 11 where depth == 0: return topLevel(depth: depth)
    default: return expression(any(), depth: 3)
    }
  }

  private mutating func elseBranch(_ depth: Int) -> String {
    random.chance(50) ? "else \(block(depth: depth))" : ""
  }

  private mutating func binding(depth: Int) -> String {
    let (kind, isMutable) = (any(), random.chance(50))
    let value = expression(kind, depth: 3)
    let name = newName()
    bind(name, kind, isMutable: isMutable)
    return "\(isMutable ? "var" : "let") \(name) = \(value)"
  }

  private mutating func assignment() -> String {
    let kind = any()
    guard let target = name(kind, mutable: true) else { return "print 0" }
    switch kind {
    case .int, .number:
      return "\(target) \(random.pick(["=", "+=", "-=", "*="])) \(expression(kind, depth: 2))"
    case .list: return "\(target)[\(expression(.int, depth: 1))] = \(expression(.int, depth: 1))"
    case .record: return "\(target).a = \(expression(.int, depth: 1))"
    case .map: return "\(target)[\(expression(.string, depth: 1))] = \(expression(.int, depth: 1))"
    default: return "\(target) = \(expression(kind, depth: 2))"
    }
  }

  private mutating func loop(depth: Int) -> String {
    switch random.below(4) {
    case 0:
      let name = newName()
      return "var \(name) = 0\nwhile \(name) < \(random.below(5)) {\n\(name) += 1\n"
        + "\(statement(depth: depth + 1))\n}"
    case 1:
      let (a, b) = (newName(), newName())
      let body = block(depth: depth, binding: [(a, .int), (b, .int)])
      return "for (\(a), \(b)) in \(expression(.list, depth: 1)).enumerated() \(body)"
    default:
      let name = newName()
      let (sequence, kind): (Kind, Kind) = random.pick([
        (.range, .int), (.list, .int), (.string, .string), (.map, .tuple),
      ])
      let values = expression(sequence, depth: 2)
      return "for \(name) in (\(values)) \(block(depth: depth, binding: [(name, kind)]))"
    }
  }

  private mutating func function(depth: Int) -> String {
    let (name, parameter) = (newName(), newName())
    let defaultValue = random.chance(40) ? " = \(expression(.int, depth: 1))" : ""
    let body = block(depth: depth, binding: [(parameter, .int)], result: .int)
    bind(name, .function)
    return "fn \(name)(\(parameter)\(defaultValue)) \(body)"
  }

  private mutating func destructuring() -> String {
    let (a, b) = (newName(), newName())
    let value = [expression(.int, depth: 2), expression(.int, depth: 2)]
    bind(a, .int)
    switch random.below(4) {
    case 0:
      bind(b, .int)
      return "let (\(a), \(b)) = (\(value[0]), \(value[1]))"
    case 1:
      bind(b, .list)
      return "let [\(a), ..\(b)] = [\(value[0]), \(value[1]), 3]"
    case 2:
      bind(b, .int)
      return "let (y: \(a), x: \(b)) = (x: \(value[0]), y: \(value[1]))"
    default:
      bind(b, .int)
      return "var \(a) = 1\nvar \(b) = 2\n(\(a), \(b)) = (\(b), \(a))"
    }
  }

  private mutating func topLevel(depth: Int) -> String {
    switch random.below(4) {
    case 0: return "import modules.shapes"
    case 1: return "import modules.shapes as \(newName())"
    case 2: return "import modules.shapes (area, unit as \(newName()))"
    default: return "test \"\(random.below(9))\" \(block(depth: depth))"
    }
  }
}
