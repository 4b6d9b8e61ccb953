/// Which parts of a stretch of memory are free: who asks gets the lowest that is large enough.
struct Gaps {
  /// Ascending, and never two that touch.
  private var gaps: [Range<Int>]
  private let size: Int
  /// Where the highest byte ends that was ever taken.
  private(set) var high = 0

  init(_ size: Int) {
    self.size = size
    gaps = [0..<size]
  }

  /// Where so many bytes begin, rounded up to whole cache lines; nil where no gap is large enough.
  mutating func take(_ bytes: Int) -> Int? {
    let bytes = Gaps.rounded(bytes)
    guard let place = gaps.firstIndex(where: { $0.count >= bytes }) else { return nil }
    let (start, end) = (gaps[place].lowerBound, gaps[place].lowerBound + bytes)
    if end == gaps[place].upperBound {
      gaps.remove(at: place)
    } else {
      gaps[place] = end..<gaps[place].upperBound
    }
    high = max(high, end)
    return start
  }

  /// Frees what ``take(_:)`` gave for so many bytes.
  mutating func giveBack(_ start: Int, _ bytes: Int) {
    let freed = start..<(start + Gaps.rounded(bytes))
    let place = firstGap(from: freed.upperBound)
    let touchesNext = place < gaps.count && gaps[place].lowerBound == freed.upperBound
    if place > 0, gaps[place - 1].upperBound == freed.lowerBound {
      gaps[place - 1] = gaps[place - 1].lowerBound..<freed.upperBound
      guard touchesNext else { return }
      gaps[place - 1] = gaps[place - 1].lowerBound..<gaps[place].upperBound
      gaps.remove(at: place)
    } else if touchesNext {
      gaps[place] = freed.lowerBound..<gaps[place].upperBound
    } else {
      gaps.insert(freed, at: place)
    }
  }

  /// Frees everything.
  mutating func clear() { gaps = [0..<size] }

  /// Cache lines are whole, so that no two values share one; nothing is no bytes but has a place.
  static func rounded(_ bytes: Int) -> Int { max(64, (bytes + 63) & ~63) }

  /// The number of the first gap that begins at `byte` or behind it.
  private func firstGap(from byte: Int) -> Int {
    var (low, high) = (0, gaps.count)
    while low < high {
      let middle = (low + high) / 2
      if gaps[middle].lowerBound < byte { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
