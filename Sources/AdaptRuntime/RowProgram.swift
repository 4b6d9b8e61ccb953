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
    /// Every row times a matrix: the number of the weight.
    case product(Ref, Int, into: Ref)
    /// Adds up rows, over all tiles: the number of the sum.
    case sum(Ref, Int)
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
  /// Rows of a tile with products.
  private static let productRows = 32...128
  /// Rows up to which each step takes all threads: too few to be cut, or to lay a matrix out for.
  private static let fewRows = 48
  /// Ranges of rows whose sums are added up one after the other, so that they do not depend on the
  /// number of threads.
  private static let sumParts = 8

  /// How so many rows are worked on.
  struct Cut {
    /// Rows of a tile.
    var height: Int
    /// Ranges of rows, a thread each.
    var parts: Int
    /// Whether all rows are one tile, each step of which takes all threads.
    var isWhole = false
  }

  func cut(_ rows: Int, _ cpu: CPU) -> Cut {
    if !weights.isEmpty, rows <= RowProgram.fewRows {
      return Cut(height: max(1, rows), parts: 1, isWhole: true)
    }
    let height = tileRows(rows)
    let tiles = (rows + height - 1) / height
    let most = sums.isEmpty ? cpu.threads : RowProgram.sumParts
    let parts = max(1, min(tiles, most, rows * cost / CPU.elementGrain))
    return Cut(height: height, parts: parts)
  }

  private func tileRows(_ rows: Int) -> Int {
    let width = max(1, strides.reduce(0, +))
    guard !weights.isEmpty else { return max(1, min(rows, RowProgram.tile / width)) }
    let (least, most) = (RowProgram.productRows.lowerBound, RowProgram.productRows.upperBound)
    // Whole tiles of the product's kernel.
    return min(rows, max(least, min(most, RowProgram.productTile / width / 8 * 8)))
  }

  /// Floats of memory that a run on so many rows needs beside its values and packed matrices.
  func memory(_ cut: Cut) -> Int { cut.parts * partSize(cut) }

  private func partSize(_ cut: Cut) -> Int {
    (scratch * cut.height + 15) / 16 * 16 + 2 * sums.reduce(0) { $0 + $1.columns }
  }

  // MARK: Running

  /// Runs all steps on all rows; `memory` has room for as many floats as
  /// ``Executor/memory(of:)`` says.
  func run(_ run: Executor, memory: UnsafeMutablePointer<Float>) {
    let rows = run.counts[self.rows.index]
    guard rows > 0 else { return clearSums(run) }
    let bases = places.map { place -> UnsafeMutablePointer<Float>? in
      if case .value(let value) = place { run.floats(value) } else { nil }
    }
    let cut = cut(rows, run.cpu)
    let size = partSize(cut)
    let matrices = run.matrices(of: self, cut, memory: memory + self.memory(cut))
    func part(_ number: Int, _ range: Range<Int>, _ cpu: CPU) {
      var tile = Tile(
        program: self, bases: bases, matrices: matrices, memory: memory + number * size,
        height: cut.height, rows: rows, cpu: cpu)
      tile.run(range)
    }
    if cut.isWhole {
      part(0, 0..<rows, run.cpu)
    } else {
      run.cpu.split(rows, into: cut.parts) { part($0, $1, run.serial) }
    }
    let first = memory + (size - 2 * sums.reduce(0) { $0 + $1.columns })
    finishSums(run, first, parts: cut.parts, step: size, rows: rows)
  }

  private func clearSums(_ run: Executor) {
    for sum in sums { run.serial.fill(run.floats(sum.value), value: 0, count: sum.columns) }
  }

  /// Adds up what the parts have summed.
  private func finishSums(
    _ run: Executor, _ first: UnsafeMutablePointer<Float>, parts: Int, step: Int, rows: Int
  ) {
    var total = first
    for sum in sums {
      for part in 1..<max(parts, 1) {
        run.serial.binary(
          .add, Operand(total, .full), Operand(total + part * step, .full), total, rows: 1,
          columns: sum.columns)
      }
      var scale = sum.mean ? 1 / Float(rows) : 1
      run.serial.binary(
        .multiply, Operand(total, .full), Operand(&scale, .scalar), run.floats(sum.value), rows: 1,
        columns: sum.columns)
      total += 2 * sum.columns
    }
  }
}

/// One thread's way through its rows.
private struct Tile {
  let program: RowProgram
  let bases: [UnsafeMutablePointer<Float>?]
  let matrices: [RowMatrix]
  let memory: UnsafeMutablePointer<Float>
  let height: Int
  let rows: Int
  let cpu: CPU
  /// The first row of the tile, and how many it has.
  private var start = 0
  private var count = 0

  init(
    program: RowProgram, bases: [UnsafeMutablePointer<Float>?], matrices: [RowMatrix],
    memory: UnsafeMutablePointer<Float>, height: Int, rows: Int, cpu: CPU
  ) {
    (self.program, self.bases, self.memory) = (program, bases, memory)
    self.matrices = matrices
    (self.height, self.rows, self.cpu) = (height, rows, cpu)
  }

  mutating func run(_ range: Range<Int>) {
    for sum in program.sums.indices { cpu.fill(total(sum), value: 0, count: columns(sum)) }
    for first in stride(from: range.lowerBound, to: range.upperBound, by: height) {
      (start, count) = (first, min(height, range.upperBound - first))
      for step in program.steps { run(step) }
    }
  }

  private func pointer(_ ref: RowProgram.Ref) -> UnsafeMutablePointer<Float> {
    switch program.places[ref] {
    case .scratch(let offset): memory + offset * height
    // Every value has memory while its graph runs.
    case .value: (bases[ref] ?? memory) + start * program.strides[ref]
    }
  }

  private func columns(_ sum: Int) -> Int { program.sums[sum].columns }

  /// Where a sum grows; behind it is room for the sum of one tile.
  private func total(_ sum: Int) -> UnsafeMutablePointer<Float> {
    let before = program.sums[..<sum].reduce(0) { $0 + 2 * $1.columns }
    return memory + (program.scratch * height + 15) / 16 * 16 + before
  }

  private func run(_ step: RowProgram.Step) {
    switch step {
    case .unary(let kernel, let x, let into, let columns):
      cpu.unary(kernel, pointer(x), pointer(into), count: count * columns)
    case .unaryGradient(let kernel, let dy, let x, let y, let into, let columns):
      cpu.unaryGradient(
        kernel, dy: pointer(dy), x: pointer(x), y: pointer(y), dx: pointer(into),
        count: count * columns)
    case .binary(let kernel, let a, let formA, let b, let formB, let into, let lines, let columns):
      cpu.binary(
        kernel, Operand(pointer(a), formA), Operand(pointer(b), formB), pointer(into),
        rows: count * lines, columns: columns)
    case .select(let mask, let a, let b, let into, let columns):
      cpu.select(pointer(mask), pointer(a), pointer(b), pointer(into), count: count * columns)
    case .expandRows(let x, let mean, let into, let columns):
      scale(x, .row, mean ? 1 / Float(rows) : 1, into, lines: 1, columns)
    case .expandColumns(let x, let factor, let into, let lines, let columns):
      scale(x, .column, factor, into, lines: lines, columns)
    case .sumColumns(let x, let scale, let into, let lines, let columns):
      cpu.sumColumns(
        pointer(x), pointer(into), rows: count * lines, columns: columns, scale: scale)
    case .product(let x, let weight, let into):
      multiply(pointer(x), program.weights[weight], matrices[weight], pointer(into))
    case .copy, .clear, .gather, .sum: move(step)
    case .softmax, .softmaxGradient, .normalize, .normalizeGradient: alongLines(step)
    }
  }

  private func scale(
    _ x: RowProgram.Ref, _ form: Broadcast, _ factor: Float, _ into: RowProgram.Ref, lines: Int,
    _ columns: Int
  ) {
    var factor = factor
    cpu.binary(
      .multiply, Operand(pointer(x), form), Operand(&factor, .scalar), pointer(into),
      rows: count * lines, columns: columns)
  }

  private func multiply(
    _ x: UnsafePointer<Float>, _ weight: RowProgram.Weight, _ matrix: RowMatrix,
    _ y: UnsafeMutablePointer<Float>
  ) {
    switch matrix {
    case .packed(let packed): cpu.product(x, packed, y, m: count)
    case .plain(let b):
      cpu.matmul(
        x, transposeA: false, b, transposeB: weight.transposed, y, m: count, n: weight.columns,
        k: weight.rows, accumulate: false)
    }
  }

  private func alongLines(_ step: RowProgram.Step) {
    switch step {
    case .softmax(let x, let into, let lines, let columns):
      cpu.softmax(pointer(x), pointer(into), rows: count * lines, columns: columns)
    case .softmaxGradient(let dy, let y, let into, let lines, let columns):
      cpu.softmaxGradient(
        dy: pointer(dy), y: pointer(y), dx: pointer(into), rows: count * lines, columns: columns)
    case .normalize(let kind, let epsilon, let x, let into, let deviation, let lines, let columns):
      cpu.normalize(
        kind, pointer(x), pointer(into), pointer(deviation), rows: count * lines,
        columns: columns, epsilon: epsilon)
    case .normalizeGradient(
      let kind, let dy, let y, let deviation, let into, let lines, let columns):
      cpu.normalizeGradient(
        kind, dy: pointer(dy), y: pointer(y), rstd: pointer(deviation), dx: pointer(into),
        rows: count * lines, columns: columns)
    default: return
    }
  }

  private func move(_ step: RowProgram.Step) {
    switch step {
    case .copy(
      let x, let from, let width, let into, let at, let total, let lines, let columns):
      let (source, target) = (pointer(x) + from, pointer(into) + at)
      for line in 0..<count * lines {
        (target + line * total).update(from: source + line * width, count: columns)
      }
    case .clear(let into, let columns):
      cpu.fill(pointer(into), value: 0, count: count * columns)
    case .gather(let x, let index, let into, let columns):
      pointer(index).withMemoryRebound(to: Int32.self, capacity: count) {
        cpu.gather(pointer(x), $0, pointer(into), count: count, columns: columns)
      }
    case .sum(let x, let sum):
      let (total, columns) = (total(sum), columns(sum))
      cpu.sumRows(pointer(x), total + columns, rows: count, columns: columns, scale: 1)
      cpu.binary(
        .add, Operand(total, .full), Operand(total + columns, .full), total, rows: 1,
        columns: columns)
    default: return
    }
  }
}
