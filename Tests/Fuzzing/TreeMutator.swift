import AdaptSyntax

/// Changes texts along their tree, so that most of what comes out can still be parsed.
struct TreeMutator {
  var random: FuzzRandom
  /// Makes an expression, to put in place of another.
  var invent: (inout FuzzRandom) -> String

  /// The text with a few changes.
  mutating func mutate(_ bytes: [UInt8]) -> [UInt8] {
    var bytes = bytes
    for _ in 0...random.below(4) {
      let tree = parse(bytes: bytes, source: 0)
      let places = Places(tree.block)
      if random.chance(70) {
        mutateExpression(&bytes, places.expressions)
      } else {
        mutateStatement(&bytes, places.statements)
      }
    }
    return bytes
  }

  /// Where nodes of each sort stand.
  private struct Places {
    var expressions: [Range<Int>] = []
    var statements: [Range<Int>] = []

    init(_ block: Block) {
      var (expressions, statements) = ([Range<Int>](), [Range<Int>]())
      block.walk { node in
        let range = Int(node.span.start)..<max(Int(node.span.start), Int(node.span.end))
        switch node {
        case .expression: expressions.append(range)
        case .statement: statements.append(range)
        default: break
        }
        return true
      }
      self.expressions = expressions.filter { !$0.isEmpty }
      self.statements = statements.filter { !$0.isEmpty }
    }
  }

  // MARK: Expressions

  private mutating func mutateExpression(_ bytes: inout [UInt8], _ places: [Range<Int>]) {
    guard !places.isEmpty, bytes.count < 50_000 else { return }
    let place = random.pick(places)
    let text = String(decoding: bytes[place], as: UTF8.self)
    switch random.below(5) {
    case 0: swap(&bytes, place, random.pick(places))
    case 1: replace(&bytes, place, random.pick(EdgeValues.all))
    case 2: replace(&bytes, place, invent(&random))
    case 3:
      let other = random.pick(places)
      replace(&bytes, place, String(decoding: bytes[other], as: UTF8.self))
    default:
      let wrapping = random.pick(TreeMutator.expressionWrappings)
      replace(&bytes, place, wrapping.0 + text + wrapping.1)
    }
  }

  private func swap(_ bytes: inout [UInt8], _ a: Range<Int>, _ b: Range<Int>) {
    let (first, second) = a.lowerBound <= b.lowerBound ? (a, b) : (b, a)
    guard first.upperBound <= second.lowerBound else { return }
    let (one, two) = (Array(bytes[first]), Array(bytes[second]))
    bytes.replaceSubrange(second, with: one)
    bytes.replaceSubrange(first, with: two)
  }

  private func replace(_ bytes: inout [UInt8], _ place: Range<Int>, _ text: String) {
    bytes.replaceSubrange(place, with: Array(text.utf8))
  }

  private static let expressionWrappings = [
    ("(", ")"), ("[", "]"), ("-", ""), ("not ", ""), ("{ ", " }"), ("{ x in ", " }(1)"),
    ("residual { ", " }"), ("recompute { ", " }"),
    ("route each token by TopK(1) { a { ", " }  b { pass } }"),
    ("repeat 2 { ", " }"), ("loop 2 { ", " }"), ("parallel { ", ", pass } join concat"),
    ("if true { ", " } else { none }"), ("try { ", " } catch e { e.message }"),
    ("match 1 { 1 { ", " } else { 0 } }"), ("match ", " { 0 { 1 } [a, ..b] { b } x { x } }"),
    ("(", ", 1)"), ("(a: ", ").a"), ("[1, 2, 3][", "]"), ("", "[0]"), ("", "[1..]"), ("[1: ", "]"),
    ("[x for x in ", "]"), ("[", " for x in 0..2 if x > 0]"), ("\"\\(", ")\""), ("", " >> Norm()"),
    ("Linear(", ")"), ("string(", ")"), ("len(", ")"), ("", ".count"), ("", ".map({ x in x })"),
    ("", "()"), ("sum(", ")"), ("max(1, ", ")"),
  ]

  // MARK: Statements

  private mutating func mutateStatement(_ bytes: inout [UInt8], _ places: [Range<Int>]) {
    guard !places.isEmpty, bytes.count < 50_000 else { return }
    let place = random.pick(places)
    let text = String(decoding: bytes[place], as: UTF8.self)
    switch random.below(4) {
    case 0: bytes.removeSubrange(place)
    case 1: swap(&bytes, place, random.pick(places))
    case 2: replace(&bytes, place, text + "\n" + text)
    default:
      let wrapping = random.pick(TreeMutator.statementWrappings)
      replace(&bytes, place, wrapping.0 + text + wrapping.1)
    }
  }

  private static let statementWrappings = [
    ("if true {\n", "\n}"), ("for i in 0..2 {\n", "\n}"), ("while true {\n", "\nbreak\n}"),
    ("fn wrapped() {\n", "\n}\nwrapped()"), ("layer W() {\n", "\n}"), ("{\n", "\n}()"),
    ("model W() {\nEmbedding(9, 4)\n", "\n}\nprint parameters(W())"),
    ("let wrapped = try {\n", "\n} catch e { e }"), ("test \"t\" {\n", "\n}"),
    ("router W() {\nscores {\n", "\n}\nselect all }"), ("optimizer W() {\n", "\n}"),
  ]
}
