import AdaptGraph
import AdaptTensor

/// How each op is computed on the CPU: the one place where ops and kernels meet.
enum Kernels {
  typealias Kernel = (Node, Executor) throws -> Void

  static func run(_ node: Node, _ run: Executor) throws {
    if !run.memories.isEmpty, let output = node.outputs.first,
      let memory = run.memories[output.index]
    {
      return try memory.run(node, run)
    }
    try kernel(node.op.kind)(node, run)
  }

  static func kernel(_ kind: OpKind) -> Kernel {
    switch kind {
    case .input: input
    case .parameter, .literal, .reshape, .stopGradient, .fold, .unfold: nothing
    case .constant: constant
    case .positions: positions
    case .random: random
    case .unary: unary
    case .unaryGradient: unaryGradient
    case .binary: binary
    case .select: select
    case .convert: convert
    case .matmul: matmul
    case .batchMatmul: batchMatmul
    case .sumRows: sumRows
    case .expandRows: expandRows
    case .sumColumns: sumColumns
    case .expandColumns: expandColumns
    case .softmax: softmax
    case .softmaxGradient: softmaxGradient
    case .normalize: normalize
    case .normalizeGradient: normalizeGradient
    case .slice: slice
    case .pad: pad
    case .concat: concat
    case .permute: permute
    case .broadcast: broadcast
    case .reduce: reduce
    case .extremumIndex: extremumIndex
    case .cumulativeSum: cumulativeSum
    case .take: take
    case .put: put
    case .gather: gather
    case .scatter: scatter
    case .choose: choose
    case .mark: mark
    case .members: members
    case .groupMembers: groupMembers
    case .groupOf: groupOf
    case .pick: pick
    case .joinRows: joinRows
    case .attention: attention
    case .attentionGradient: attentionGradient
    case .shift: shift
    case .scan: scan
    case .convolution: convolution
    case .convolutionInput: convolutionInput
    case .convolutionWeight: convolutionWeight
    case .logLoss: logLoss
    case .logLossGradient: logLossGradient
    }
  }

  /// Parameters, literals and views are pointers; there is nothing to compute.
  static func nothing(_ node: Node, _ run: Executor) {}

  static func constant(_ node: Node, _ run: Executor) {
    guard case .constant(let value) = node.op else { return }
    run.floats(node.outputs[0])[0] = Float(value)
  }

  static func input(_ node: Node, _ run: Executor) throws {
    guard case .input(let name, let type) = node.op else { return }
    let count = run.elements(type)
    let given = type.element == .int32 ? run.batch.ints[name]?.count : run.batch.floats[name]?.count
    guard let given, given == count else {
      throw RuntimeError.badInput(
        "input '\(name)' needs \(count) numbers for \(run.rows(type)) rows, not \(given ?? 0)")
    }
    if let values = run.batch.ints[name], type.element == .int32 {
      run.ints(node.outputs[0]).update(from: values, count: count)
    } else if let values = run.batch.floats[name] {
      run.floats(node.outputs[0]).update(from: values, count: count)
    }
  }

  static func positions(_ node: Node, _ run: Executor) {
    guard let rows = run.graph.type(node.outputs[0]).rows else { return }
    let layout = run.layouts[rows.index]
    run.ints(node.outputs[0]).update(from: layout.positions, count: layout.rows)
  }
}

extension Kernels {
  /// By the rows of the batch, so that a path's rows have the numbers that they had before it.
  static func random(_ node: Node, _ run: Executor) {
    guard case .random(let noise, let stream) = node.op else { return }
    let type = run.graph.type(node.outputs[0])
    let (source, out) = (NoiseSource(noise, stream: stream, run.noise), run.floats(node.outputs[0]))
    let origins = type.rows.flatMap { run.origins[$0.index] }
    let columns = type.count
    run.cpu.parallel(run.rows(type), grain: max(1, 4096 / max(columns, 1))) { range in
      for row in range {
        let origin = origins.map { Int($0[row]) } ?? row
        for column in 0..<columns {
          out[row * columns + column] = source.number(row: origin, column: column)
        }
      }
    }
  }
}

/// A value as a matrix: rows and what is behind them.
struct MatrixView {
  var rows: Int
  var columns: Int

  /// The last axis against all before it.
  init(lastAxisOf type: TensorType, _ run: Executor) {
    columns = type.columns
    rows = columns == 0 ? 0 : run.elements(type) / columns
  }

  /// The first axis, rows where there are any, against all behind it.
  init(firstAxisOf type: TensorType, _ run: Executor) {
    rows = type.rows == nil ? (type.dims.first ?? 1) : run.rows(type)
    columns = type.rows == nil ? type.dims.dropFirst().reduce(1, *) : type.count
  }
}
