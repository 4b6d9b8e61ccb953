// Where lines break.
extension Layout {
  /// Settles the breaks that do not depend on the width of lines.
  mutating func arrangeBreaks() {
    joinBraces()
    joinChains()
    breakOpenBlocks()
    dropSemicolons()
    limitEmptyLines()
  }

  // MARK: Braces

  /// A block begins on the line of what it belongs to, and the parameters of a closure on that of its
  /// brace.
  private mutating func joinBraces() {
    for place in units.indices where units[place].kind == .leftBrace {
      // A closure that `print` prints may stand on a line of its own.
      let isValue = facts.values.contains(units[place].range.lowerBound)
      if place > 0, isInBlock(place), !isStart(place), !isValue, !units[place - 1].isComment {
        units[place].breaks = 0
      }
      if partners[place] == place + 1 { units[place + 1].breaks = 0 }
      guard let head = closureHeads[place] else { continue }
      for part in place + 1...head where !units[part - 1].isLineComment { units[part].breaks = 0 }
    }
  }

  /// `else if` stands on one line.
  private mutating func joinChains() {
    for place in units.indices.dropFirst()
    where facts.chained.contains(units[place].range.lowerBound) && !units[place - 1].isComment {
      units[place].breaks = 0
    }
  }

  /// Where one line of a block breaks, all of them do.
  mutating func breakOpenBlocks() {
    let opened = openBlocks()
    for place in opened {
      guard let end = partners[place] else { continue }
      breakInside(place, end)
    }
    for place in units.indices where isStart(place) {
      if let block = enclosing[place], opened.contains(block) { needBreak(before: place) }
    }
  }

  /// The braces between which something breaks.
  private func openBlocks() -> Set<Int> {
    var breaks = 0
    var atOpener: [Int] = []
    var opened: Set<Int> = []
    for (place, unit) in units.enumerated() {
      if unit.breaks > 0 { breaks += 1 }
      if unit.isOpening { atOpener.append(breaks) }
      if unit.isMultiline { breaks += 1 }
      if unit.isClosing, let before = atOpener.popLast(), let opener = partners[place],
        unit.kind == .rightBrace, breaks > before
      {
        opened.insert(opener)
      }
    }
    return opened
  }

  /// Breaks behind the `{` (or the `in` of a closure) and before the `}`.
  mutating func breakInside(_ opener: Int, _ end: Int) {
    let first = (closureHeads[opener] ?? opener) + 1
    let isTrailingComment = units[first].isComment && units[first].breaks == 0
    if !isTrailingComment { needBreak(before: first) }
    needBreak(before: end)
  }

  private mutating func needBreak(before place: Int) {
    units[place].breaks = max(1, units[place].breaks)
  }

  // MARK: Semicolons and empty lines

  /// A `;` at the end or the beginning of a line, or before `}`, separates nothing.
  mutating func dropSemicolons() {
    var next: Int?
    for place in units.indices.reversed() where !units[place].isDropped {
      if units[place].kind == .semicolon, separatesNothing(place, before: next) {
        units[place].isDropped = true
        if let next { units[next].breaks = max(units[next].breaks, units[place].breaks) }
      } else {
        next = place
      }
    }
  }

  private func separatesNothing(_ place: Int, before next: Int?) -> Bool {
    // Documentation beside it would come to belong to what follows.
    if place > 0, units[place - 1].kind == .docComment { return false }
    if place + 1 < units.count, units[place + 1].kind == .docComment { return false }
    let before = significantBefore[place].map { units[$0].kind }
    if units[place].breaks > 0 || before == nil || before == .semicolon || before == .leftBrace {
      return true
    }
    guard let next = next.map({ units[$0] }) else { return true }
    return next.breaks > 0 || next.kind == .rightBrace || next.isLineComment
  }

  /// At most one empty line in a row, none right inside of brackets.
  private mutating func limitEmptyLines() {
    var before: FormatUnit?
    for place in units.indices where !units[place].isDropped {
      let most = before?.isOpening ?? true || units[place].isClosing ? 1 : 2
      units[place].breaks = min(units[place].breaks, before == nil ? 0 : most)
      before = units[place]
    }
  }

  // MARK: Long lines

  /// Breaks lines that are too wide, at the outermost place that helps.
  mutating func breakLongLines() {
    // Each round breaks one more level of brackets, so there are no more rounds than units.
    for _ in units.indices {
      var isDone = true
      for line in lines() where width(of: line) > FormatStyle.columns {
        if breakOnce(line.units) { isDone = false }
      }
      guard !isDone else { return }
      breakOpenBlocks()
      dropSemicolons()
    }
  }

  /// False when the line cannot be broken.
  private mutating func breakOnce(_ line: Range<Int>) -> Bool {
    if breakValues(line) { return true }
    let pairs = outermostPairs(line)
    let blocks = pairs.filter { units[$0].kind == .leftBrace }
    if !blocks.isEmpty {
      for opener in blocks { breakBlock(opener) }
      return true
    }
    let lists = pairs.filter { units[$0].kind != .leftBrace }
    if let widest = lists.max(by: { span(of: $0) < span(of: $1) }), span(of: widest) > 20 {
      breakList(widest)
      return true
    }
    return needBreaks(before: outer(line).filter { units[$0].kind == .compose })
  }

  /// The values of `print`, one a line.
  private mutating func breakValues(_ line: Range<Int>) -> Bool {
    needBreaks(
      before: outer(line).filter { facts.values.contains(units[$0].range.lowerBound) })
  }

  /// The units behind the first one that stand in no bracket of the line.
  private func outer(_ line: Range<Int>) -> [Int] {
    line.dropFirst().filter { !isNested($0, line) }
  }

  /// False when there are none.
  private mutating func needBreaks(before places: [Int]) -> Bool {
    for place in places { needBreak(before: place) }
    return !places.isEmpty
  }

  private func isNested(_ place: Int, _ line: Range<Int>) -> Bool {
    enclosing[place].map { line.contains($0) } ?? false
  }

  /// Pairs of brackets with something between them that begin and end on the line and stand in no
  /// other such pair.
  private func outermostPairs(_ line: Range<Int>) -> [Int] {
    var openers: [Int] = []
    var place = line.lowerBound
    while place < line.upperBound {
      if units[place].isOpening, let end = partners[place], line.contains(end) {
        if end > place + 1 { openers.append(place) }
        place = end
      }
      place += 1
    }
    return openers
  }

  private func span(of opener: Int) -> Int {
    guard let end = partners[opener] else { return 0 }
    return units[end].range.lowerBound - units[opener].range.lowerBound
  }

  private mutating func breakBlock(_ opener: Int) {
    guard let end = partners[opener] else { return }
    breakInside(opener, end)
  }

  /// One element a line; where the last one is a closure, only its block breaks.
  private mutating func breakList(_ opener: Int) {
    guard let end = partners[opener] else { return }
    if units[end - 1].kind == .rightBrace, let block = partners[end - 1],
      enclosing[block] == opener,
      closesOnly(block, opener)
    {
      return breakBlock(block)
    }
    needBreak(before: opener + 1)
    needBreak(before: end)
    for place in opener + 1..<end where units[place].kind == .comma && enclosing[place] == opener {
      let next = units[place + 1]
      if !(next.isComment && next.breaks == 0) { needBreak(before: place + 1) }
    }
  }

  /// Whether the block is the last element by itself and not the end of a longer one.
  private func closesOnly(_ block: Int, _ opener: Int) -> Bool {
    guard block > opener + 1 else { return true }
    return [.comma, .colon].contains(units[block - 1].kind)
  }
}
