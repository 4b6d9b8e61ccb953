/// Random numbers that a seed repeats on every machine (SplitMix64, Steele et al. 2014).
public struct FuzzRandom: Sendable {
  private var state: UInt64

  public init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }

  /// From 0 to below the bound; 0 for a bound of less than 1.
  mutating func below(_ bound: Int) -> Int {
    bound < 1 ? 0 : Int(next() % UInt64(bound))
  }

  /// True so many times of a hundred.
  mutating func chance(_ percent: Int) -> Bool { below(100) < percent }

  /// One of the items, of which there is at least one.
  mutating func pick<Item>(_ items: [Item]) -> Item { items[below(items.count)] }

  /// A part of a sequence of this length, mostly a short one.
  mutating func range(in count: Int) -> Range<Int> {
    let start = below(count + 1)
    let length = chance(80) ? below(16) : below(count + 1)
    return start..<min(count, start + length)
  }
}
