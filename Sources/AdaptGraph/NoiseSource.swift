import AdaptPlatform
import AdaptTensor

/// Which run random numbers belong to.
public struct NoiseKey: Hashable, Sendable {
  public var seed: UInt64
  /// The step of training, from which numbers are drawn anew; 0 elsewhere.
  public var step: Int

  public init(seed: UInt64 = 0, step: Int = 0) {
    (self.seed, self.step) = (seed, step)
  }
}

/// The numbers of one ``Op/random(_:stream:)`` in one run: any of them can be had without the others,
/// so they depend on nothing but the run, the stream and where they stand.
public struct NoiseSource: Sendable {
  private let noise: Noise
  private let generator: Philox

  public init(_ noise: Noise, stream: String, _ key: NoiseKey) {
    self.noise = noise
    generator = Philox(seed: key.seed, stream: "noise \(stream) \(key.step)")
  }

  /// The number for a place of a row, the row as the batch counts them.
  public func number(row: Int, column: Int) -> Float {
    // Two words each: a normal takes both.
    var words = generator
    words.position = UInt64(truncatingIfNeeded: row) << 32 | UInt64(column) << 1
    switch noise {
    case .uniform: return words.uniform()
    case .normal: return words.normal()
    case .gumbel:
      // Half a step from 0 and from 1, so that both logarithms are finite.
      let even = (Double(words.nextWord()) + 0.5) * 0x1p-32
      return Float(-log(-log(even)))
    }
  }
}

extension ReferenceRun {
  /// For each row of a set, its row of the batch, or its number among the rows that the batch has.
  func origins(of rows: RowSetID) throws -> [Int] {
    let count = try layout(rows).count
    switch graph[rows].origin {
    case .input, .groups, .step: return Array(0..<count)
    case .unfolded(let from, let each):
      return try origins(of: from).flatMap { row in (0..<each).map { row * each + $0 } }
    case .picked(let from, _):
      let source = try origins(of: from)
      let picks = graph.nodes.first { if case .pick(_, rows) = $0.op { true } else { false } }
      return try picks.map { try value($0.outputs[0]).values.map { source[Int($0)] } } ?? []
    case .joined(let parts):
      var result = Array(repeating: 0, count: count)
      let node = graph.nodes.first { if case .joinRows(rows) = $0.op { true } else { false } }
      for (number, part) in parts.enumerated() {
        guard let places = try node.map({ try value($0.outputs[number]).values }) else { continue }
        for (place, origin) in zip(places, try origins(of: part)) {
          result[Int(place)] = origin * parts.count + number
        }
      }
      return result
    case .selected(let from, let site, let path):
      let place = graph[site].paths[path]
      let index = try value(place.rows == rows ? place.index : place.unitIndex)
      let outer = try origins(of: from)
      return index.values.map { outer[Int($0)] }
    }
  }
}
