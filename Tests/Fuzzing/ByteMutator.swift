import AdaptSyntax

/// Changes texts without knowing the grammar: bytes, tokens, numbers and nesting.
struct ByteMutator {
  var random: FuzzRandom
  let corpus: [[UInt8]]

  /// A text of the corpus with a few changes.
  mutating func script() -> [UInt8] {
    var bytes = corpus.isEmpty ? [] : random.pick(corpus)
    for _ in 0...random.below(6) { mutate(&bytes) }
    return bytes
  }

  private mutating func mutate(_ bytes: inout [UInt8]) {
    switch random.below(12) {
    case 0: flip(&bytes)
    case 1: bytes.removeSubrange(random.range(in: bytes.count))
    case 2: insertBytes(&bytes)
    case 3, 4: splice(&bytes)
    case 5: repeatPart(&bytes)
    case 6: nest(&bytes)
    default: mutateToken(&bytes)
    }
  }

  private mutating func flip(_ bytes: inout [UInt8]) {
    guard !bytes.isEmpty else { return }
    bytes[random.below(bytes.count)] ^= 1 << UInt8(random.below(8))
  }

  private mutating func insertBytes(_ bytes: inout [UInt8]) {
    let new = (0...random.below(4)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    bytes.insert(contentsOf: new, at: random.below(bytes.count + 1))
  }

  private mutating func splice(_ bytes: inout [UInt8]) {
    guard !corpus.isEmpty else { return }
    let other = random.pick(corpus)
    let part = other[random.range(in: other.count)]
    bytes.replaceSubrange(random.range(in: bytes.count), with: part)
  }

  private mutating func repeatPart(_ bytes: inout [UInt8]) {
    let range = random.range(in: bytes.count)
    guard bytes.count < 20_000 else { return }
    let part = Array(bytes[range])
    let times = random.chance(90) ? 1 + random.below(4) : 200
    for _ in 0..<times { bytes.insert(contentsOf: part, at: range.upperBound) }
  }

  /// Puts one bracket or operator many times.
  private mutating func nest(_ bytes: inout [UInt8]) {
    let (open, close) = random.pick([
      ("(", ")"), ("[", "]"), ("{ ", " }"), ("-", ""), ("not ", ""), ("[[", "]]"), ("\"\\(", ")\""),
      ("if true { ", " }"), ("residual { ", " }"), ("f(", ")"), ("(a: ", ")"), ("1 + ", ""),
      ("match 1 { _ { ", " } }"), ("try { ", " } catch { }"), ("[1: ", "]"), ("(1, ", ")"),
    ])
    let times = random.pick([3, 40, 90, 300])
    let place = random.below(bytes.count + 1)
    let ends = random.chance(80) ? String(repeating: close, count: times) : ""
    let text = String(repeating: open, count: times) + "1" + ends
    bytes.insert(contentsOf: Array(text.utf8), at: place)
  }

  // MARK: Tokens

  private mutating func mutateToken(_ bytes: inout [UInt8]) {
    let tokens = parse(bytes: bytes, source: 0).tokens.filter { !$0.range.isEmpty }
    guard !tokens.isEmpty else {
      bytes += Array(random.pick(ByteMutator.pieces).utf8)
      return
    }
    let range = random.pick(tokens).range
    switch random.below(5) {
    case 0: bytes.removeSubrange(range)
    case 1: bytes.insert(contentsOf: Array(bytes[range]), at: range.upperBound)
    case 2:
      let other = random.pick(tokens).range
      bytes.replaceSubrange(range, with: Array(bytes[other]))
    case 3: bytes.replaceSubrange(range, with: Array(random.pick(EdgeValues.all).utf8))
    default:
      let piece = " " + random.pick(ByteMutator.pieces) + " "
      bytes.insert(contentsOf: Array(piece.utf8), at: range.lowerBound)
    }
  }

  /// Words and signs of the language.
  private static let pieces =
    Token.Kind.allCases.map(\.rawValue) + [
      "match", "try", "catch", "expect", "test", "as", "import", "layer", "model", "route", "each",
      "by", "residual", "recompute", "parallel", "join", "repeat", "loop", "router", "param",
      "state", "_", "..",
      "\"\"\"", "\"", "\\(", "|", "[:]", "/*", "*/", "///", "\r", "\u{0}", "\u{FEFF}", "é",
    ]
}

/// Values at which something often changes.
enum EdgeValues {
  static let numbers = [
    "0", "1", "-1", "2", "255", "256", "65536", "2147483648", "4611686018427387904",
    "9223372036854775807", "(-9223372036854775807 - 1)", "0.0", "-0.0", "0.5", "1e308", "5e-324",
    "(1.0 / 0)", "(0.0 / 0)", "1e18", "1e19", "50%", "5ms", "2 GFLOP",
  ]
  static let others = [
    "none", "true", "false", "\"\"", "\"a\"", "\"é👍\"", "[]", "[[]]", "(a: 1)", "0..0", "3..0",
    "-2..3", "0..9223372036854775807", "{ }", "{ x in x }", "pass", "zero", "Linear(4)", "TopK(1)",
    "[:]", "[1: 2]", "(1, 2)", "len", "99999999999999999999", "1e999", "AdamW(1e-3)",
  ]
  static let all = numbers + others
}
