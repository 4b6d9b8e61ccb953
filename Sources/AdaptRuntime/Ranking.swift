/// Places by a finite number each: the greatest first, of equal ones the earlier.
///
/// A place and its number are one whole number, which is compared in one instruction.
struct Ranking {
  /// The number, turned so that the greatest is the least, above the place.
  private var keys: [UInt64]

  /// - Parameter places: below 2³².
  init(_ places: some Sequence<Int>, by number: (Int) -> Float) {
    keys = places.map { place in
      let bits = (number(place) + 0).bitPattern  // +0, for of equal numbers none is greater
      let ascending = bits >> 31 == 0 ? bits | 1 << 31 : ~bits
      return UInt64(~ascending) << 32 | UInt64(UInt32(truncatingIfNeeded: place))
    }
  }

  func sorted() -> [Int] { keys.sorted().map(Ranking.place) }

  /// The first so many, in any order.
  func first(_ count: Int) -> [Int] {
    guard count > 0 else { return [] }
    guard count < keys.count else { return keys.map(Ranking.place) }
    var keys = keys
    let last = keys.withUnsafeMutableBufferPointer { Ranking.select(count - 1, of: $0) }
    return keys.filter { $0 <= last }.map(Ranking.place)
  }

  private static func place(_ key: UInt64) -> Int { Int(UInt32(truncatingIfNeeded: key)) }

  /// The key that stands at a place when all are sorted (Hoare 1961, FIND); changes their order.
  private static func select(_ place: Int, of keys: UnsafeMutableBufferPointer<UInt64>) -> UInt64 {
    var (keys, low, high) = (keys, 0, keys.count - 1)
    var rounds = 0
    while low < high {
      rounds += 1
      guard rounds < 64 else {  // an order made to have pivots cut off little
        keys.sort()
        break
      }
      let pivot = median(keys[low], keys[(low + high) / 2], keys[high])
      var (up, down) = (low, high)
      while up <= down {
        while keys[up] < pivot { up += 1 }
        while keys[down] > pivot { down -= 1 }
        guard up <= down else { break }
        keys.swapAt(up, down)
        (up, down) = (up + 1, down - 1)
      }
      if place <= down { high = down } else if place >= up { low = up } else { break }
    }
    return keys[place]
  }

  private static func median(_ a: UInt64, _ b: UInt64, _ c: UInt64) -> UInt64 {
    max(min(a, b), min(max(a, b), c))
  }
}
