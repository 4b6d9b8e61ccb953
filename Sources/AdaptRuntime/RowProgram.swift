import AdaptGraph
import AdaptTensor

/// Ops that treat every row on its own, run a few rows at a time.
///
/// All steps run on one tile of rows before the next tile is touched: what lies between them stays in
/// the cache, memory is read and written once, and the threads are called once for all.
struct RowProgram: Sendable {
  /// Where numbers lie: at a value's own place, or in scratch memory, so many floats a row from its
  /// start.
  enum Place: Sendable {
    case value(ValueID)
    case scratch(Int)
  }

  /// An operand or a result, by its place in ``places``.
  typealias Ref = Int

  enum Step: Sendable {
    case unary(UnaryKernel, Ref, into: Ref, columns: Int)
    case unaryGradient(UnaryKernel, dy: Ref, x: Ref, y: Ref, into: Ref, columns: Int)
    /// `columns` of the result; `lines` of them a row.
    case binary(
      BinaryKernel, Ref, Broadcast, Ref, Broadcast, into: Ref, lines: Int, columns: Int)
    case select(Ref, Ref, Ref, into: Ref, columns: Int)
    /// One row for all, times 1 or, for a mean, 1 / rows.
    case expandRows(Ref, mean: Bool, into: Ref, columns: Int)
    case expandColumns(Ref, scale: Float, into: Ref, lines: Int, columns: Int)
    case sumColumns(Ref, scale: Float, into: Ref, lines: Int, columns: Int)
    case softmax(Ref, into: Ref, lines: Int, columns: Int)
    case softmaxGradient(dy: Ref, y: Ref, into: Ref, lines: Int, columns: Int)
    case normalize(
      NormalizeKind, Float, Ref, into: Ref, deviation: Ref, lines: Int, columns: Int)
    case normalizeGradient(
      NormalizeKind, dy: Ref, y: Ref, deviation: Ref, into: Ref, lines: Int, columns: Int)
    /// Part of each line, put somewhere in each line of the result.
    case copy(Ref, from: Int, width: Int, into: Ref, at: Int, total: Int, lines: Int, columns: Int)
    case clear(Ref, columns: Int)
    /// Rows of a whole value.
    case gather(Ref, index: Ref, into: Ref, columns: Int)
    /// Every row times a matrix: the number of the weight, and what is added.
    case product(Ref, Int, Added, into: Ref)
    /// Adds up rows, over all tiles: the number of the sum.
    case sum(Ref, Int)
  }

  /// What is added to a product: first a row to all, then rows one by one.
  struct Added: Sendable {
    var row: Ref?
    var rows: Ref?
  }

  /// A sum over rows, which lies where its value does when all tiles are done.
  struct Sum: Sendable {
    var value: ValueID
    var mean: Bool
    var columns: Int
  }

  /// A matrix that all rows are multiplied by.
  struct Weight: Sendable, Hashable {
    var value: ValueID
    /// Stored as `[columns, rows]`.
    var transposed: Bool
    var rows: Int
    var columns: Int
  }

  let rows: RowSetID
  /// How many rows there may be at most.
  let bounds: [Plan.RowBound]
  /// What it was made of.
  var nodes: [Node] = []
  var steps: [Step] = []
  var places: [Place] = []
  /// Floats from one row to the next; 0 for what all rows share.
  var strides: [Int] = []
  var sums: [Sum] = []
  var weights: [Weight] = []
  /// Floats of scratch memory a row.
  var scratch = 0
  /// Floats that a row of all operands takes.
  var width = 1
  /// What a row costs, in elements of a cheap kernel.
  var cost = 0

  init(rows: RowSetID, bounds: [Plan.RowBound]) { (self.rows, self.bounds) = (rows, bounds) }

  /// The names of its ops, each once.
  var summary: String {
    var names: [String] = []
    for name in nodes.map(\.op.name) where !names.contains(name) { names.append(name) }
    return names.prefix(4).joined(separator: ", ") + (names.count > 4 ? ", …" : "")
  }

  /// The values outside of scratch memory that it reads or writes.
  var values: [ValueID] {
    places.compactMap { place in
      if case .value(let value) = place { value } else { nil }
    }
  }

  /// Floats that all operands of a tile may take: half of a second-level cache at most.
  private static let tile = 32768
  /// The same with products, for which a matrix goes through the cache with every tile.
  private static let productTile = 131_072
  /// Rows of a tile with products, and of a tile of their kernel.
  private static let productRows = 32...128
  private static let kernelRows = 8
  /// Rows up to which each step takes all threads: too few to be cut, or to lay a matrix out for.
  private static let fewRows = 48
  /// Ranges of rows whose sums are added up one after the other, so that they do not depend on the
  /// number of threads.
  private static let sumParts = 8

  /// How so many rows are worked on.
  struct Cut {
    let rows: Int
    /// Rows of a tile, at most.
    let height: Int
    /// Ranges of rows, of which a thread takes one after the other.
    let parts: Int
    /// Threads that may take part: any of them may be the only one.
    let threads: Int
    /// What the cuts between parts lie at multiples of.
    let unit: Int

    /// Whether all rows are one tile, each step of which takes all threads.
    var isWhole: Bool { parts == 0 }

    /// The rows of a part.
    func range(_ part: Int) -> Range<Int> {
      let units = CPU.range(part, of: parts, count: (rows + unit - 1) / unit)
      return units.lowerBound * unit..<min(rows, units.upperBound * unit)
    }
  }

  func cut(_ rows: Int, _ cpu: CPU) -> Cut {
    if !weights.isEmpty, rows <= RowProgram.fewRows {
      return Cut(rows: rows, height: max(1, rows), parts: 0, threads: 1, unit: 1)
    }
    let unit = weights.isEmpty ? 1 : RowProgram.kernelRows
    let height = tileRows(rows)
    // As many for each thread, so that none is left with a tile when the others are done.
    let threads = max(1, min(cpu.threads, rows * cost / CPU.elementGrain))
    let tiles = (rows + height * threads - 1) / (height * threads) * threads
    let most = sums.isEmpty ? rows * cost / CPU.elementGrain : RowProgram.sumParts
    let parts = max(1, min(tiles, most))
    return Cut(
      rows: rows, height: height, parts: parts, threads: parts > 1 ? cpu.threads : 1, unit: unit)
  }

  private func tileRows(_ rows: Int) -> Int {
    guard !weights.isEmpty else { return max(1, min(rows, RowProgram.tile / width)) }
    let (least, most) = (RowProgram.productRows.lowerBound, RowProgram.productRows.upperBound)
    let unit = RowProgram.kernelRows
    return max(least, min(most, RowProgram.productTile / width / unit * unit))
  }

  /// Floats of memory that a run on so many rows needs beside its values and packed matrices.
  func memory(_ cut: Cut) -> Int {
    cut.threads * tileMemory(cut) + max(1, cut.parts) * sumMemory
  }

  private func tileMemory(_ cut: Cut) -> Int { (scratch * cut.height + 15) / 16 * 16 }

  /// Floats of a part's sums, each with room for the sum of one tile behind it.
  private var sumMemory: Int { 2 * sums.reduce(0) { $0 + $1.columns } }

  // MARK: Running

  /// Runs all steps on all rows; `memory` has room for as many floats as
  /// ``Executor/memory(of:)`` says.
  func run(_ run: Executor, _ cut: Cut, memory: UnsafeMutablePointer<Float>) {
    guard cut.rows > 0 else { return clearSums(run) }
    let bases = places.map { place -> UnsafeMutablePointer<Float>? in
      if case .value(let value) = place { run.floats(value) } else { nil }
    }
    let matrices = run.matrices(of: self, cut, memory: memory + self.memory(cut))
    let totals = memory + cut.threads * tileMemory(cut)
    func part(_ number: Int, _ range: Range<Int>, on thread: Int, _ cpu: CPU) {
      var tile = RowTile(
        program: self, bases: bases, matrices: matrices,
        memory: memory + thread * tileMemory(cut), totals: totals + number * sumMemory,
        height: cut.height, rows: cut.rows, cpu: cpu)
      tile.run(range)
    }
    if cut.isWhole {
      part(0, 0..<cut.rows, on: 0, run.cpu)
    } else {
      run.cpu.share(cut.parts) { part($0, cut.range($0), on: $1, run.serial) }
    }
    finishSums(run, totals, cut)
  }

  private func clearSums(_ run: Executor) {
    for sum in sums { run.serial.fill(run.floats(sum.value), value: 0, count: sum.columns) }
  }

  /// Adds up what the parts have summed.
  private func finishSums(_ run: Executor, _ first: UnsafeMutablePointer<Float>, _ cut: Cut) {
    var total = first
    for sum in sums {
      for part in 1..<max(cut.parts, 1) {
        run.serial.binary(
          .add, Operand(total, .full), Operand(total + part * sumMemory, .full), total, rows: 1,
          columns: sum.columns)
      }
      var scale = sum.mean ? 1 / Float(cut.rows) : 1
      run.serial.binary(
        .multiply, Operand(total, .full), Operand(&scale, .scalar), run.floats(sum.value), rows: 1,
        columns: sum.columns)
      total += 2 * sum.columns
    }
  }
}
