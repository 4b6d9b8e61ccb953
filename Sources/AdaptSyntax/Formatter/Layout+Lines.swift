// Lines as they will be: their units, their indentation, their columns.
extension Layout {
  struct Line {
    var units: Range<Int>
    var indentation: Int
  }

  /// All lines, by the breaks as they are now.
  func lines() -> [Line] {
    var lines: [Line] = []
    var first = 0
    /// The indentation of the line that a bracket stands on, by the bracket's place.
    var indentations: [Int: Int] = [:]
    for place in units.indices {
      if place + 1 < units.count, units[place + 1].breaks == 0 { continue }
      let line = first..<place + 1
      let indentation = indentation(of: first, indentations)
      for opener in line where units[opener].isOpening { indentations[opener] = indentation }
      lines.append(Line(units: line, indentation: indentation))
      first = place + 1
    }
    return lines
  }

  private func indentation(of first: Int, _ indentations: [Int: Int]) -> Int {
    if units[first].isClosing, let opener = partners[first] { return indentations[opener] ?? 0 }
    let outer = enclosing[first].flatMap { indentations[$0] }
    let content = outer.map { $0 + FormatStyle.indentation } ?? 0
    // A comment stands as what follows it does.
    guard let place = significantFrom[first], !units[place].isClosing else { return content }
    return content + (goesOn(place) ? FormatStyle.indentation : 0)
  }

  /// Whether the line that begins here goes on with what the line before began.
  private func goesOn(_ place: Int) -> Bool {
    guard let before = significantBefore[place] else { return false }
    let kind = units[place].kind
    // One that stands there by itself is dropped.
    if kind == .semicolon { return false }
    if units[before].kind == .rightBrace, [.else, .catch, .join].contains(kind) { return false }
    if isInBlock(place) { return !isStart(place) }
    if units[before].isOpening || units[before].kind == .comma { return false }
    return kind != .for && kind != .if
  }

  /// The width of a line without the comment behind it.
  func width(of line: Line) -> Int {
    var width = line.indentation
    var before: Int?
    for place in line.units where !units[place].isDropped {
      if units[place].isLineComment, before != nil { break }
      if let before { width += spaces(before: place, after: before) }
      width = units[place].isMultiline ? units[place].width : width + units[place].width
      before = place
    }
    return width
  }
}
