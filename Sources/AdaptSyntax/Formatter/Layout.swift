/// A script while it is formatted: its units, and where their lines break.
struct Layout {
  let bytes: [UInt8]
  let facts: FormatFacts
  var units: [FormatUnit]
  /// For a bracket the place of its partner in `units`.
  private(set) var partners: [Int?]
  /// For a unit the place of the innermost bracket around it; for a bracket the one around the pair.
  private(set) var enclosing: [Int?]
  /// For a unit the last one before it, and the first one from it on, that is no comment.
  private(set) var significantBefore: [Int?] = []
  private(set) var significantFrom: [Int?]
  /// For the `{` of a closure with parameters the place of its `in`.
  private(set) var closureHeads: [Int: Int] = [:]

  init(bytes: [UInt8], tree: SyntaxTree) {
    self.bytes = bytes
    facts = FormatFacts(tree)
    units = FormatUnit.all(of: bytes, tree.tokens)
    partners = Array(repeating: nil, count: units.count)
    enclosing = partners
    significantFrom = partners
    matchBrackets()
    findSignificant()
    findClosureHeads()
  }

  private mutating func matchBrackets() {
    var open: [Int] = []
    for (place, unit) in units.enumerated() {
      if unit.isClosing, let opener = open.popLast() {
        partners[opener] = place
        partners[place] = opener
      }
      enclosing[place] = open.last
      if unit.isOpening { open.append(place) }
    }
  }

  private mutating func findClosureHeads() {
    for (place, unit) in units.enumerated() where unit.kind == .leftBrace {
      guard let end = facts.closures[unit.range.lowerBound] else { continue }
      var head = place + 1
      while head < units.count, units[head].kind != .in || units[head].range.lowerBound < end {
        head += 1
      }
      if head < units.count { closureHeads[place] = head }
    }
  }

  /// Whether the unit stands in braces, or in no bracket at all: there a line's end means something.
  func isInBlock(_ place: Int) -> Bool {
    enclosing[place].map { units[$0].kind == .leftBrace } ?? true
  }

  func isStart(_ place: Int) -> Bool { facts.starts.contains(units[place].range.lowerBound) }

  private mutating func findSignificant() {
    var last: Int?
    for (place, unit) in units.enumerated() {
      significantBefore.append(last)
      if !unit.isComment { last = place }
    }
    var next: Int?
    for place in units.indices.reversed() {
      if !units[place].isComment { next = place }
      significantFrom[place] = next
    }
  }
}
