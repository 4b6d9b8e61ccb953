import AdaptGraph
import AdaptTensor

// Element by element, and along an axis.

extension Kernels {
  static func unary(_ node: Node, _ run: Executor) {
    guard case .unary(let function) = node.op else { return }
    run.cpu.unary(
      function.kernel, run.floats(node.inputs[0]), run.floats(node.outputs[0]),
      count: run.elements(run.graph.type(node.outputs[0])))
  }

  static func unaryGradient(_ node: Node, _ run: Executor) {
    guard case .unaryGradient(let function) = node.op else { return }
    run.cpu.unaryGradient(
      function.kernel, dy: run.floats(node.inputs[0]), x: run.floats(node.inputs[1]),
      y: run.floats(node.inputs[2]), dx: run.floats(node.outputs[0]),
      count: run.elements(run.graph.type(node.outputs[0])))
  }

  static func binary(_ node: Node, _ run: Executor) {
    guard case .binary(let function) = node.op else { return }
    let type = run.graph.type(node.outputs[0])
    let forms = node.inputs.map { Graph.form(of: run.graph.type($0), in: type) ?? .full }
    let operands = zip(node.inputs, forms).map { value, form in
      Operand(UnsafePointer(run.floats(value)), form.broadcast)
    }
    // A row that is repeated is as long as everything behind the row axis.
    let isRowWide = type.rows != nil && forms.contains(.row)
    let view =
      isRowWide ? MatrixView(firstAxisOf: type, run) : MatrixView(lastAxisOf: type, run)
    run.cpu.binary(
      function.kernel, operands[0], operands[1], run.floats(node.outputs[0]), rows: view.rows,
      columns: view.columns)
  }

  static func matmul(_ node: Node, _ run: Executor) {
    guard case .matmul(let transposeA, let transposeB) = node.op else { return }
    let a = MatrixView(firstAxisOf: run.graph.type(node.inputs[0]), run)
    let b = MatrixView(firstAxisOf: run.graph.type(node.inputs[1]), run)
    run.cpu.matmul(
      run.floats(node.inputs[0]), transposeA: transposeA, run.floats(node.inputs[1]),
      transposeB: transposeB, run.floats(node.outputs[0]), m: transposeA ? a.columns : a.rows,
      n: transposeB ? b.rows : b.columns, k: transposeA ? a.rows : a.columns, accumulate: false)
  }

  static func sumRows(_ node: Node, _ run: Executor) {
    guard case .sumRows(let mean) = node.op else { return }
    let view = MatrixView(firstAxisOf: run.graph.type(node.inputs[0]), run)
    run.cpu.sumRows(
      run.floats(node.inputs[0]), run.floats(node.outputs[0]), rows: view.rows,
      columns: view.columns, scale: mean && view.rows > 0 ? 1 / Float(view.rows) : 1)
  }

  static func expandRows(_ node: Node, _ run: Executor) {
    guard case .expandRows(let mean) = node.op else { return }
    let view = MatrixView(firstAxisOf: run.graph.type(node.outputs[0]), run)
    var scale: Float = mean && view.rows > 0 ? 1 / Float(view.rows) : 1
    run.cpu.binary(
      .multiply, Operand(run.floats(node.inputs[0]), .row), Operand(&scale, .scalar),
      run.floats(node.outputs[0]), rows: view.rows, columns: view.columns)
  }

  static func sumColumns(_ node: Node, _ run: Executor) {
    guard case .sumColumns(let mean) = node.op else { return }
    let view = MatrixView(lastAxisOf: run.graph.type(node.inputs[0]), run)
    run.cpu.sumColumns(
      run.floats(node.inputs[0]), run.floats(node.outputs[0]), rows: view.rows,
      columns: view.columns, scale: mean ? 1 / Float(view.columns) : 1)
  }

  static func expandColumns(_ node: Node, _ run: Executor) {
    guard case .expandColumns(let count, let mean) = node.op else { return }
    let view = MatrixView(lastAxisOf: run.graph.type(node.outputs[0]), run)
    var scale: Float = mean ? 1 / Float(count) : 1
    run.cpu.binary(
      .multiply, Operand(run.floats(node.inputs[0]), .column), Operand(&scale, .scalar),
      run.floats(node.outputs[0]), rows: view.rows, columns: view.columns)
  }

  static func softmax(_ node: Node, _ run: Executor) {
    let view = MatrixView(lastAxisOf: run.graph.type(node.outputs[0]), run)
    run.cpu.softmax(
      run.floats(node.inputs[0]), run.floats(node.outputs[0]), rows: view.rows,
      columns: view.columns)
  }

  static func softmaxGradient(_ node: Node, _ run: Executor) {
    let view = MatrixView(lastAxisOf: run.graph.type(node.outputs[0]), run)
    run.cpu.softmaxGradient(
      dy: run.floats(node.inputs[0]), y: run.floats(node.inputs[1]),
      dx: run.floats(node.outputs[0]), rows: view.rows, columns: view.columns)
  }

  static func normalize(_ node: Node, _ run: Executor) {
    guard case .normalize(let kind, let epsilon) = node.op else { return }
    let view = MatrixView(lastAxisOf: run.graph.type(node.inputs[0]), run)
    run.cpu.normalize(
      kind.kernel, run.floats(node.inputs[0]), run.floats(node.outputs[0]),
      run.floats(node.outputs[1]), rows: view.rows, columns: view.columns, epsilon: Float(epsilon))
  }

  static func normalizeGradient(_ node: Node, _ run: Executor) {
    guard case .normalizeGradient(let kind) = node.op else { return }
    let view = MatrixView(lastAxisOf: run.graph.type(node.outputs[0]), run)
    run.cpu.normalizeGradient(
      kind.kernel, dy: run.floats(node.inputs[0]), y: run.floats(node.inputs[1]),
      rstd: run.floats(node.inputs[2]), dx: run.floats(node.outputs[0]), rows: view.rows,
      columns: view.columns)
  }

  static func slice(_ node: Node, _ run: Executor) {
    guard case .slice(let start, let count) = node.op else { return }
    let source = MatrixView(lastAxisOf: run.graph.type(node.inputs[0]), run)
    // Ints and floats are both four bytes; they move as they are.
    copyColumns(
      from: run.floats(node.inputs[0]) + start, stride: source.columns,
      to: run.floats(node.outputs[0]), stride: count, rows: source.rows, count: count, run)
  }

  static func pad(_ node: Node, _ run: Executor) {
    guard case .pad(let start, let total) = node.op else { return }
    let source = MatrixView(lastAxisOf: run.graph.type(node.inputs[0]), run)
    let output = run.floats(node.outputs[0])
    run.cpu.fill(output, value: 0, count: source.rows * total)
    copyColumns(
      from: run.floats(node.inputs[0]), stride: source.columns, to: output + start, stride: total,
      rows: source.rows, count: source.columns, run)
  }

  static func concat(_ node: Node, _ run: Executor) {
    let total = run.graph.type(node.outputs[0]).columns
    var start = 0
    for input in node.inputs {
      let source = MatrixView(lastAxisOf: run.graph.type(input), run)
      copyColumns(
        from: run.floats(input), stride: source.columns, to: run.floats(node.outputs[0]) + start,
        stride: total, rows: source.rows, count: source.columns, run)
      start += source.columns
    }
  }

  private static func copyColumns(
    from source: UnsafePointer<Float>, stride sourceStride: Int,
    to target: UnsafeMutablePointer<Float>, stride targetStride: Int, rows: Int, count: Int,
    _ run: Executor
  ) {
    let rowsAtOnce = max(1, 16384 / max(count, 1))
    run.cpu.parallel(rows, grain: rowsAtOnce) { range in
      for row in range {
        (target + row * targetStride).update(from: source + row * sourceStride, count: count)
      }
    }
  }
}

extension BroadcastForm {
  var broadcast: Broadcast {
    switch self {
    case .full: .full
    case .row: .row
    case .column: .column
    case .scalar: .scalar
    }
  }
}

extension Unary {
  var kernel: UnaryKernel {
    switch self {
    case .negate: .negate
    case .exp: .exp
    case .log: .log
    case .sqrt: .sqrt
    case .reciprocal: .reciprocal
    case .tanh: .tanh
    case .sigmoid: .sigmoid
    case .relu: .relu
    case .gelu: .gelu
    case .silu: .silu
    case .square: .square
    case .absolute: .absolute
    case .sign: .sign
    case .sin: .sin
    case .cos: .cos
    case .erf: .erf
    case .floor: .floor
    case .ceil: .ceil
    case .round: .round
    }
  }
}

extension Binary {
  var kernel: BinaryKernel {
    switch self {
    case .add: .add
    case .subtract: .subtract
    case .multiply: .multiply
    case .divide: .divide
    case .maximum: .maximum
    case .minimum: .minimum
    case .power: .power
    case .less: .less
    case .lessOrEqual: .lessOrEqual
    case .greater: .greater
    case .greaterOrEqual: .greaterOrEqual
    case .equal: .equal
    case .notEqual: .notEqual
    }
  }
}

extension Normalization {
  var kernel: NormalizeKind { self == .layer ? .layer : .rms }
}
