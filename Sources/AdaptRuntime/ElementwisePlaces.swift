import AdaptTensor

/// Gives the values of elementwise steps their places: the memory that they replace as soon as nobody
/// reads it any more, or a register, one after the other in the same.
struct ElementwisePlaces {
  private typealias Source = ElementwiseCompiler.Source

  private let chain: [ElementwiseCompiler.Step]
  private let results: [(ElementwiseCompiler.Source, into: Int)]
  private let memories: Int
  /// The last step that reads what a source gives; one behind all for results.
  private var lastUse: [ElementwiseCompiler.Source: Int] = [:]
  /// By step, where its value lies: in a memory, or behind those in a register.
  private var places: [Int] = []
  private var free: [Int] = []
  private(set) var registers = 0

  init(
    _ chain: [ElementwiseCompiler.Step], _ results: [(ElementwiseCompiler.Source, into: Int)],
    memories: Int
  ) {
    (self.chain, self.results, self.memories) = (chain, results, memories)
    for (number, step) in chain.enumerated() {
      for source in step.sources { lastUse[source] = number }
    }
    for (source, _) in results { lastUse[source] = chain.count }
    for number in chain.indices { places.append(place(of: number)) }
  }

  private mutating func place(of number: Int) -> Int {
    for source in Set(chain[number].sources) {
      guard case .value(let made) = source, lastUse[source] == number, places[made] >= memories
      else { continue }
      free.append(places[made])
    }
    if let memory = target(of: number) { return memory }
    if let register = free.popLast() {
      if lastUse[.value(number)] == nil { free.append(register) }
      return register
    }
    registers += 1
    return memories + registers - 1
  }

  /// The memory that a value replaces, where no later step reads what is there.
  private func target(of number: Int) -> Int? {
    results.first { source, target in
      source == .value(number) && lastUse[.memory(target)] ?? -1 <= number
    }?.into
  }

  /// The steps over places: memories, registers, scalars.
  func steps() -> [ElementStep] {
    func operand(_ source: Source) -> ElementStep.Operand {
      switch source {
      case .memory(let place): .numbers(place)
      case .value(let made): .numbers(places[made])
      case .scalar(let place): .one(memories + registers + place)
      }
    }
    var steps = zip(chain, places).map { step, place in
      switch step {
      case .unary(let kernel, let x): ElementStep(kernel, operand(x).place, into: place)
      case .binary(let kernel, let a, let b):
        ElementStep(kernel, operand(a), operand(b), into: place)
      }
    }
    for (source, target) in results {
      guard case .value(let made) = source, places[made] != target else { continue }
      steps.append(ElementStep(.copy, places[made], into: target))
    }
    return steps
  }
}
