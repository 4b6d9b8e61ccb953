import AdaptGraph
import AdaptTensor

// Which rows go where, and losses.

extension Kernels {
  static func gather(_ node: Node, _ run: Executor) throws {
    let (source, index) = (node.inputs[0], node.inputs[1])
    let type = run.graph.type(source)
    let table = MatrixView(firstAxisOf: type, run)
    let count = run.rows(run.graph.type(index))
    if type.rows == nil {
      try checkIndex(run.ints(index), count, of: table.rows) { row in
        let place = node.scope.isEmpty ? "a table" : node.scope
        return run.graph.node(of: index).op == .positions
          ? "\(place) has places for \(table.rows) rows of a sequence, and one has \(row + 1) or more"
          : "\(place) has \(table.rows) rows and was asked for row \(row)"
      }
    }
    run.cpu.gather(
      run.floats(source), run.ints(index), run.floats(node.outputs[0]), count: count,
      columns: table.columns)
  }

  /// Indices into a table come from data; indices of rows were made by a site and are right.
  static func checkIndex(
    _ index: UnsafePointer<Int32>, _ count: Int, of rows: Int, _ message: (Int) -> String
  ) throws {
    for row in 0..<count where index[row] < 0 || Int(index[row]) >= rows {
      throw RuntimeError.badInput(message(Int(index[row])))
    }
  }

  static func scatter(_ node: Node, _ run: Executor) {
    let target = MatrixView(firstAxisOf: run.graph.type(node.outputs[0]), run)
    let output = run.floats(node.outputs[0])
    run.cpu.fill(output, value: 0, count: target.rows * target.columns)
    for place in stride(from: 0, to: node.inputs.count, by: 2) {
      let index = node.inputs[place + 1]
      run.cpu.scatterAdd(
        run.floats(node.inputs[place]), run.ints(index), output,
        count: run.rows(run.graph.type(index)), columns: target.columns, rows: target.rows)
    }
  }

  static func logLoss(_ node: Node, _ run: Executor) throws {
    let view = MatrixView(lastAxisOf: run.graph.type(node.inputs[0]), run)
    try checkIndex(run.ints(node.inputs[1]), view.rows, of: view.columns) { target in
      "a target is class \(target), and the model gives logits for \(view.columns)"
    }
    run.cpu.logLoss(
      run.floats(node.inputs[0]), run.ints(node.inputs[1]), run.floats(node.outputs[0]),
      run.floats(node.outputs[1]), rows: view.rows, columns: view.columns)
  }

  static func logLossGradient(_ node: Node, _ run: Executor) {
    let view = MatrixView(lastAxisOf: run.graph.type(node.outputs[0]), run)
    run.cpu.logLossGradient(
      dLoss: run.floats(node.inputs[0]), run.floats(node.inputs[1]), run.ints(node.inputs[2]),
      run.floats(node.inputs[3]), dLogits: run.floats(node.outputs[0]), rows: view.rows,
      columns: view.columns)
  }
}
