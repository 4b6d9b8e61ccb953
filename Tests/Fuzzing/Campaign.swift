/// The inputs of a seed: the same ones each time, and each can be made by its number alone.
public struct Campaign: Sendable {
  /// How inputs are made.
  public enum Kind: String, CaseIterable, Sendable {
    /// The corpus with bytes and tokens changed.
    case bytes
    /// New scripts by the grammar, and scripts changed along their tree.
    case grammar
  }

  public let kind: Kind
  public let seed: UInt64
  private let corpus: Corpus

  public init(_ kind: Kind, seed: UInt64, corpus: Corpus) {
    self.kind = kind
    self.seed = seed
    self.corpus = corpus
  }

  /// The input of this number.
  public func input(_ number: Int) -> [UInt8] {
    var random = FuzzRandom(
      seed: seed ^ UInt64(truncatingIfNeeded: number) &* 0xD134_2543_DE82_EF95)
    switch kind {
    case .bytes:
      var mutator = ByteMutator(random: random, corpus: corpus.scripts)
      return mutator.script()
    case .grammar:
      if random.chance(40) || corpus.scripts.isEmpty { return generated(random) }
      let base = random.chance(40) ? generated(random) : random.pick(corpus.scripts)
      var mutator = TreeMutator(random: random) { random in
        var generator = ScriptGenerator(random: FuzzRandom(seed: random.next()))
        return generator.expression(generator.any(), depth: 2)
      }
      return mutator.mutate(base)
    }
  }

  private func generated(_ random: FuzzRandom) -> [UInt8] {
    var generator = ScriptGenerator(random: random)
    return Array(generator.script().utf8)
  }
}
