import AdaptTensor

/// One thread's way through some rows of a ``RowProgram``, tile by tile.
struct RowTile {
  let program: RowProgram
  let bases: [UnsafeMutablePointer<Float>?]
  let matrices: [RowMatrix]
  /// Scratch memory, and where the part's sums grow.
  let memory: UnsafeMutablePointer<Float>
  let totals: UnsafeMutablePointer<Float>
  let height: Int
  let rows: Int
  let cpu: CPU
  /// The first row of the tile, and how many it has.
  private var start = 0
  private var count = 0

  init(
    program: RowProgram, bases: [UnsafeMutablePointer<Float>?], matrices: [RowMatrix],
    memory: UnsafeMutablePointer<Float>, totals: UnsafeMutablePointer<Float>, height: Int,
    rows: Int, cpu: CPU
  ) {
    (self.program, self.bases, self.memory, self.totals) = (program, bases, memory, totals)
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
    totals + program.sums[..<sum].reduce(0) { $0 + 2 * $1.columns }
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
    case .product(let x, let weight, let added, let into):
      let addend = Addend(row: added.row.map(pointer), rows: added.rows.map(pointer))
      multiply(pointer(x), program.weights[weight], matrices[weight], addend, pointer(into))
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
    _ addend: Addend, _ y: UnsafeMutablePointer<Float>
  ) {
    switch matrix {
    case .packed(let packed): cpu.product(x, packed, y, m: count, adding: addend)
    case .plain(let b):
      cpu.add(addend, to: y, rows: count, columns: weight.columns) { y in
        cpu.matmul(
          x, transposeA: false, b, transposeB: weight.transposed, y, m: count, n: weight.columns,
          k: weight.rows, accumulate: false)
      }
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
