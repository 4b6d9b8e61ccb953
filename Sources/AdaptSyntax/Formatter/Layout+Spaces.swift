// Which spaces stand between two units of one line.
extension Layout {
  /// Spaces before the unit at `place`, which follows the one at `before` on its line.
  func spaces(before place: Int, after before: Int) -> Int {
    let unit = units[place]
    let left = units[before]
    if unit.isLineComment { return FormatStyle.gap }
    if facts.apart.contains(unit.range.lowerBound), left.kind != .leftBrace {
      return left.kind == .semicolon ? 1 : FormatStyle.gap
    }
    if left.isOpening, left.kind != .leftBrace { return 0 }
    switch unit.kind {
    case .comma, .semicolon, .colon, .dot, .rightParen, .rightBracket: return 0
    case .leftParen, .leftBracket: return isTight(place, before) ? 0 : spaceBehind(before)
    case .range, .closedRange: return [.comma, .colon].contains(left.kind) ? 1 : 0
    default: return spaceBehind(before)
    }
  }

  private func isTight(_ place: Int, _ before: Int) -> Bool {
    facts.owners.contains(units[before].range.upperBound)
  }

  /// Whether the `-` at `place` subtracts nothing from what stands before it.
  private func isSign(_ place: Int) -> Bool {
    guard place + 1 < units.count, let operand = significantFrom[place + 1] else { return false }
    return !facts.subtrahends.contains(units[operand].range.lowerBound)
  }

  private func spaceBehind(_ place: Int) -> Int {
    switch units[place].kind {
    case .dot, .range, .closedRange: 0
    case .minus where isSign(place): 0
    default: 1
    }
  }
}
