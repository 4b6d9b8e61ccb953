import AdaptGraph
import AdaptTensor

/// A matrix as a product finds it.
enum RowMatrix {
  /// Laid out for products with many rows.
  case packed(PackedMatrix)
  /// Where and as the value lies.
  case plain(UnsafePointer<Float>)
}

/// Matrices that were laid out for products and are kept while their parameters stay as they are.
///
/// A matrix is kept from its second use on: one that training changes before it is used again is laid
/// out in passing instead, in memory that is near.
struct PackedWeights {
  private enum Entry {
    /// Used once as it is now.
    case seen(Storage?)
    case kept(Storage)
    /// Of earlier numbers.
    case old(Storage)
  }

  private var entries: [RowProgram.Weight: Entry] = [:]
  private weak var store: ParameterStore?
  private var version = -1

  /// Forgets what was laid out of other numbers than the store's.
  mutating func begin(_ store: ParameterStore) {
    guard self.store !== store || version != store.version else { return }
    (self.store, version) = (store, store.version)
    entries = entries.compactMapValues { entry in
      switch entry {
      case .seen(let storage): storage.map { .old($0) }
      case .kept(let storage), .old(let storage): .old(storage)
      }
    }
  }

  func kept(_ weight: RowProgram.Weight) -> UnsafeMutablePointer<Float>? {
    if case .kept(let storage) = entries[weight] { storage.floats } else { nil }
  }

  /// Notes a use; at the second, memory for `count` floats, which the caller fills.
  mutating func use(_ weight: RowProgram.Weight, count: Int) throws -> (Storage, isNew: Bool)? {
    switch entries[weight] {
    case nil: entries[weight] = .seen(nil)
    case .old(let storage): entries[weight] = .seen(storage)
    case .kept: break
    case .seen(let old):
      let storage = try old ?? Storage(byteCount: 4 * count, zeroed: false)
      entries[weight] = .kept(storage)
      return (storage, old == nil)
    }
    return nil
  }
}

extension Executor {
  /// How a group works on the rows of this run.
  func cut(of program: RowProgram) -> RowProgram.Cut {
    program.cut(counts[program.rows.index], cpu)
  }

  /// Lays out those matrices of a group that are used again as they are.
  func keepMatrices(of program: RowProgram, _ cut: RowProgram.Cut) throws {
    guard cut.rows > 0, !cut.isWhole else { return }
    for weight in program.weights where !weight.isNarrow && isLasting(weight) {
      let count = cpu.packedCount(rows: weight.rows, columns: weight.columns)
      guard let (storage, isNew) = try packed.use(weight, count: count) else { continue }
      fixedAllocations += isNew ? 1 : 0
      pack(weight, into: storage.floats)
    }
  }

  /// Floats of memory that a group needs beside its values: for the rows of this run, and for as many as
  /// there may be in another on as large a batch.
  func memory(of program: RowProgram, _ cut: RowProgram.Cut) -> Int {
    let most = program.bounds.reduce(0) { $0 + counts[$1.rows.index] * $1.each }
    let now = self.memory(program, cut)
    return most == cut.rows ? now : max(now, self.memory(program, program.cut(most, cpu)))
  }

  private func memory(_ program: RowProgram, _ cut: RowProgram.Cut) -> Int {
    guard !cut.isWhole else { return program.memory(cut) }
    return program.weights.reduce(program.memory(cut)) { size, weight in
      !weight.isNarrow && packed.kept(weight) == nil
        ? size + cpu.packedCount(rows: weight.rows, columns: weight.columns) : size
    }
  }

  /// The matrices of a group; those that are not kept are laid out in `memory`.
  func matrices(
    of program: RowProgram, _ cut: RowProgram.Cut, memory: UnsafeMutablePointer<Float>
  ) -> [RowMatrix] {
    var free = memory
    return program.weights.map { weight in
      guard !cut.isWhole, !weight.isNarrow else { return .plain(floats(weight.value)) }
      if let kept = packed.kept(weight) { return .packed(weight.packed(kept)) }
      defer { free += cpu.packedCount(rows: weight.rows, columns: weight.columns) }
      pack(weight, into: free)
      return .packed(weight.packed(free))
    }
  }

  /// Whether a matrix stays what it is as long as the parameters do.
  private func isLasting(_ weight: RowProgram.Weight) -> Bool {
    switch plan.places[weight.value.index] {
    case .parameter, .literal: true
    case .block, .alias, .external, .none: false
    }
  }

  private func pack(_ weight: RowProgram.Weight, into memory: UnsafeMutablePointer<Float>) {
    cpu.pack(
      floats(weight.value), transposed: weight.transposed, rows: weight.rows,
      columns: weight.columns, into: memory)
  }
}

extension RowProgram.Weight {
  /// Whether most of a panel would be empty: the scores of a router.
  fileprivate var isNarrow: Bool { columns < 16 }

  fileprivate func packed(_ memory: UnsafeMutablePointer<Float>) -> PackedMatrix {
    PackedMatrix(memory, rows: rows, columns: columns)
  }
}
