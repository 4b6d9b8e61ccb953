import AdaptPlatform

/// Counter-based random numbers: Philox 4x32 with 10 rounds (Salmon et al. 2011, "Parallel random
/// numbers: as easy as 1, 2, 3").
///
/// A seed and a stream name a sequence of 2⁶⁶ words of 32 bits; any word can be had without those
/// before it, so a result never depends on the order in which numbers are drawn. The seed is the
/// key. The counter's upper half is the stream and its lower half the number of a block of four
/// words: two streams of one seed share no block.
public struct Philox: RandomNumberGenerator, Sendable, Equatable {
  public let seed: UInt64
  public let stream: UInt64
  /// The number of the next word, from 0. Setting it jumps there.
  public var position: UInt64

  /// The sequence of `seed` and `stream`, from its word `position` on.
  public init(seed: UInt64, stream: UInt64 = 0, position: UInt64 = 0) {
    self.seed = seed
    self.stream = stream
    self.position = position
  }

  /// The sequence of `seed` and the stream `Philox.hash(stream)`.
  public init(seed: UInt64, stream: String, position: UInt64 = 0) {
    self.init(seed: seed, stream: Philox.hash(stream), position: position)
  }

  /// FNV-1a, 64 bits, of the UTF-8 bytes (Fowler, Noll, Vo): a name's number, the same in every
  /// process and version.
  public static func hash(_ name: String) -> UInt64 {
    name.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01b3 }
  }

  /// The four words of one counter under one key.
  public static func block(counter: SIMD4<UInt32>, key: SIMD2<UInt32>) -> SIMD4<UInt32> {
    var c = counter
    var k = key
    for _ in 0..<10 {
      let p = UInt64(0xD251_1F53) &* UInt64(c[0])
      let q = UInt64(0xCD9E_8D57) &* UInt64(c[2])
      c = SIMD4(
        UInt32(truncatingIfNeeded: q >> 32) ^ c[1] ^ k[0], UInt32(truncatingIfNeeded: q),
        UInt32(truncatingIfNeeded: p >> 32) ^ c[3] ^ k[1], UInt32(truncatingIfNeeded: p))
      k &+= SIMD2(0x9E37_79B9, 0xBB67_AE85)
    }
    return c
  }

  /// Block `index` of this sequence: its words 4 · index to 4 · index + 3.
  public func block(_ index: UInt64) -> SIMD4<UInt32> {
    func halves(_ x: UInt64) -> SIMD2<UInt32> {
      SIMD2(UInt32(truncatingIfNeeded: x), UInt32(truncatingIfNeeded: x >> 32))
    }
    return Philox.block(
      counter: SIMD4(lowHalf: halves(index), highHalf: halves(stream)), key: halves(seed))
  }

  /// Word `index` of this sequence; does not move `position`.
  public func word(at index: UInt64) -> UInt32 { block(index / 4)[Int(index % 4)] }

  /// The next word.
  public mutating func nextWord() -> UInt32 {
    defer { position &+= 1 }
    return word(at: position)
  }

  /// The next two words as one number.
  public mutating func next() -> UInt64 {
    let low = UInt64(nextWord())
    return low | UInt64(nextWord()) << 32
  }

  /// Uniform in 0 ..< 1, a multiple of 2⁻²⁴, from one word.
  public mutating func uniform() -> Float { Philox.uniform(nextWord()) }

  /// The uniform number that `uniform()` makes of word `index`; does not move `position`.
  public func uniform(at index: UInt64) -> Float { Philox.uniform(word(at: index)) }

  private static func uniform(_ word: UInt32) -> Float { Float(word >> 8) * 0x1p-24 }

  /// Standard normal, from two words (Box and Muller 1958).
  public mutating func normal() -> Float {
    let (a, b) = (nextWord(), nextWord())
    return Philox.normal(a, b)
  }

  /// The first of the two normals of two words.
  private static func normal(_ a: UInt32, _ b: UInt32) -> Float {
    Float(radius(a) * cos(angle(b)))
  }

  /// The two independent normals of two words. 2⁻³³ is added so that the logarithm is finite.
  private static func normals(_ a: UInt32, _ b: UInt32) -> (Float, Float) {
    let (radius, angle) = (radius(a), angle(b))
    return (Float(radius * cos(angle)), Float(radius * sin(angle)))
  }

  private static func radius(_ word: UInt32) -> Double {
    (-2 * log(Double(word) * 0x1p-32 + 0x1p-33)).squareRoot()
  }

  private static func angle(_ word: UInt32) -> Double { Double(word) * (0x1p-31 * Double.pi) }

  /// Uniform in 0 ..< bound, without bias (Lemire 2019, algorithm 5); 0 when `bound` is below 2.
  public mutating func next(below bound: Int) -> Int {
    guard bound > 1 else { return 0 }
    let n = UInt64(bound)
    var (high, low) = next().multipliedFullWidth(by: n)
    if low < n {
      let threshold = (0 &- n) % n
      while low < threshold { (high, low) = next().multipliedFullWidth(by: n) }
    }
    return Int(high)
  }

  /// Fills with uniform numbers in 0 ..< 1, those of `uniform()` called for each element.
  public mutating func fillUniform(_ out: UnsafeMutableBufferPointer<Float>) {
    var words = Words(self)
    for i in out.indices { out[i] = Philox.uniform(words.next()) }
    position &+= UInt64(out.count)
  }

  /// Fills with standard normals, those of `normal()` called for each element.
  public mutating func fillNormalsSingly(_ out: UnsafeMutableBufferPointer<Float>) {
    var words = Words(self)
    for i in out.indices { out[i] = Philox.normal(words.next(), words.next()) }
    position &+= UInt64(2 * out.count)
  }

  /// Fills with standard normals, two of each two words; an odd last element takes two as well.
  public mutating func fillNormal(_ out: UnsafeMutableBufferPointer<Float>) {
    var words = Words(self)
    for i in stride(from: 0, to: out.count, by: 2) {
      let (a, b) = (words.next(), words.next())
      let pair = Philox.normals(a, b)
      out[i] = pair.0
      if i + 1 < out.count { out[i + 1] = pair.1 }
    }
    position &+= UInt64((out.count + 1) / 2 * 2)
  }

  /// Reads words one by one and computes each block once.
  private struct Words {
    let generator: Philox
    var position: UInt64
    var current: SIMD4<UInt32>

    init(_ generator: Philox) {
      self.generator = generator
      position = generator.position
      current = generator.block(position / 4)
    }

    mutating func next() -> UInt32 {
      if position % 4 == 0 { current = generator.block(position / 4) }
      defer { position &+= 1 }
      return current[Int(position % 4)]
    }
  }
}
