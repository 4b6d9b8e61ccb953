import AdaptPlatform
import AdaptTensor

/// A text as windows of bytes: each byte of a window is to be predicted from those before it.
///
/// The last tenth of the text is held out.
public struct ByteWindows: Sendable {
  public let train: ByteSplit
  public let valid: ByteSplit

  /// - Throws: ``RuntimeError/badInput(_:)`` when the text does not hold one window in each split.
  public init(bytes: [UInt8], length: Int) throws {
    guard length > 0 else { throw RuntimeError.badInput("a window must hold at least 1 byte") }
    let held = bytes.count / 10
    guard held > length else {
      throw RuntimeError.badInput(
        "\(bytes.count) bytes are too few for windows of \(length): the held-out tenth must hold one"
      )
    }
    let border = bytes.count - held
    train = ByteSplit(name: "train", bytes: Array(bytes[..<border]), length: length)
    valid = ByteSplit(name: "valid", bytes: Array(bytes[border...]), length: length)
  }
}

/// One part of a text.
public struct ByteSplit: Dataset {
  public let name: String
  public let bytes: [UInt8]
  /// Bytes in a window.
  public let length: Int

  /// Windows that do not overlap and together cover the split, but for a rest.
  public var windows: Int { (bytes.count - 1) / length }

  public var count: Int { windows }
  public var format: DataFormat { .tokens(length: Double(length)) }
  public var highestClass: (unit: Int, number: Int)? { (0, 255) }

  /// Windows from random places, the same for the same seed and step.
  public func sample(_ count: Int, seed: UInt64, step: Int) -> Batch {
    var random = Philox(seed: seed, stream: "batch \(step)")
    return batch((0..<count).map { _ in random.next(below: bytes.count - length) })
  }

  /// The windows of the given numbers, in order.
  public func batch(_ windows: Range<Int>) -> Batch { batch(windows.map { $0 * length }) }

  private func batch(_ starts: [Int]) -> Batch {
    var input: [Int32] = []
    var target: [Int32] = []
    input.reserveCapacity(starts.count * length)
    target.reserveCapacity(starts.count * length)
    for start in starts {
      for place in start..<start + length {
        input.append(Int32(bytes[place]))
        target.append(Int32(bytes[place + 1]))
      }
    }
    return Batch(
      layout: RowLayout(groups: starts.count, length: length),
      ints: [DataInput.input: input, DataInput.target: target])
  }

  /// Entropy of the split's bytes in bits, each by itself: Σ −p log₂ p (Shannon 1951).
  public var unigramBits: Double {
    var counts = [Double](repeating: 0, count: 256)
    for byte in bytes { counts[Int(byte)] += 1 }
    return ByteSplit.entropy(counts)
  }

  /// Entropy of a byte in bits when the byte before it is known (Shannon 1951).
  public var bigramBits: Double {
    var counts = [Double](repeating: 0, count: 65536)
    for (first, second) in zip(bytes, bytes.dropFirst()) {
      counts[Int(first) << 8 | Int(second)] += 1
    }
    let total = Double(bytes.count - 1)
    return (0..<256).reduce(0) { sum, first in
      let row = counts[first * 256..<(first + 1) * 256]
      return sum + row.reduce(0, +) / total * ByteSplit.entropy(Array(row))
    }
  }

  private static func entropy(_ counts: [Double]) -> Double {
    let total = counts.reduce(0, +)
    return counts.reduce(0) { $1 > 0 ? $0 - $1 / total * log2($1 / total) : $0 }
  }
}
