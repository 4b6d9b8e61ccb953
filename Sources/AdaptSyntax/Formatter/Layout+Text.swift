// The text, with columns that the author lined up.
extension Layout {
  /// The finished text.
  func text() -> [UInt8] {
    let lines = lines()
    var gaps: [Int: Int] = [:]
    align(lines, bridging: false, into: &gaps) { bodyToAlign(of: $0) }
    align(lines, bridging: true, into: &gaps) { commentToAlign(of: $0) }
    var text: [UInt8] = []
    text.reserveCapacity(bytes.count + bytes.count / 8)
    for line in lines { write(line, gaps, to: &text) }
    return text
  }

  private func write(_ line: Line, _ gaps: [Int: Int], to text: inout [UInt8]) {
    var before: Int?
    for place in line.units where !units[place].isDropped {
      if let before {
        let count = gaps[place] ?? spaces(before: place, after: before)
        text.append(contentsOf: repeatElement(UInt8(ascii: " "), count: count))
      } else {
        if units[place].breaks > 1 { text.append(UInt8(ascii: "\n")) }
        text.append(contentsOf: repeatElement(UInt8(ascii: " "), count: line.indentation))
      }
      text.append(contentsOf: bytes[units[place].range])
      before = place
    }
    if before != nil { text.append(UInt8(ascii: "\n")) }
  }

  // MARK: Columns

  /// Gives the units that `choose` picks from lines one column where they had one before.
  ///
  /// Lines without such a unit may stand between them when `bridging`.
  private func align(
    _ lines: [Line], bridging: Bool, into gaps: inout [Int: Int], _ choose: (Line) -> Int?
  ) {
    var run: [(place: Int, column: Int)] = []
    for line in lines {
      let place = choose(line)
      let isNext = place.map { place in run.last.map { has($0.place, columnOf: place) } ?? true }
      let isApart = units[line.units.lowerBound].breaks > 1
      if isNext == false || !bridging && (place == nil || isApart) {
        close(run, into: &gaps)
        run = []
      }
      if let place { run.append((place, column(of: place, in: line, gaps))) }
    }
    close(run, into: &gaps)
  }

  private func has(_ first: Int, columnOf second: Int) -> Bool {
    units[first].column == units[second].column
  }

  private func close(_ run: [(place: Int, column: Int)], into gaps: inout [Int: Int]) {
    guard run.count > 1, let widest = run.map(\.column).max() else { return }
    for (place, column) in run {
      let gap = units[place].isComment ? FormatStyle.gap : 1
      gaps[place] = gap + widest - column
    }
  }

  /// The column of a unit with the least space before it.
  private func column(of place: Int, in line: Line, _ gaps: [Int: Int]) -> Int {
    var column = line.indentation
    var before: Int?
    for unit in line.units where !units[unit].isDropped {
      if let before { column += gaps[unit] ?? spaces(before: unit, after: before) }
      if unit == place { return column }
      column = units[unit].isMultiline ? units[unit].width : column + units[unit].width
      before = unit
    }
    return column
  }

  /// The comment behind the code of a line.
  private func commentToAlign(of line: Line) -> Int? {
    let last = line.units.upperBound - 1
    guard units[last].isLineComment, last > line.units.lowerBound else { return nil }
    return units[line.units.lowerBound..<last].contains { !$0.isDropped } ? last : nil
  }

  /// The brace of a path or an arm that begins the line.
  private func bodyToAlign(of line: Line) -> Int? {
    guard facts.apart.contains(units[line.units.lowerBound].range.lowerBound) else { return nil }
    return line.units.first { facts.bodies.contains(units[$0].range.lowerBound) }
  }
}
