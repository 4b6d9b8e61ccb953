import AdaptGraph
import AdaptTensor

/// The last rows of each sequence, as many as a window reaches back.
final class ConvolutionMemory: RowMemory {
  private let history: RowHistory
  private let window: Convolution
  private let columns: Int

  init(_ window: Convolution, sequences: Int, columns: Int) {
    (self.window, self.columns) = (window, columns)
    history = RowHistory(sequences: sequences, columns: columns)
  }

  var byteCount: Int { history.byteCount }
  func forget() { history.removeAll() }

  func run(_ node: Node, _ run: Executor) throws {
    let (x, y) = (run.graph.type(node.inputs[0]), run.graph.type(node.outputs[0]))
    guard let rows = x.rows, let axis = window.axes.first else { return }
    let (layout, back) = (run.layouts[rows.index], axis.reach - 1)
    var shape = window.shape(x, y)
    for sequence in 0..<layout.groups {
      let range = layout.range(of: sequence)
      try history.append(
        run.floats(node.inputs[0]) + range.lowerBound * columns, rows: range.count, to: sequence)
      guard let seen = history.last(back + range.count, of: sequence) else { continue }
      // What is missing of that stood before the first row.
      shape.columns.before = back + range.count - seen.count
      let image = ConvolutionShape.Image(
        x: 0, y: range.lowerBound, from: (1, seen.count), to: (1, range.count))
      run.cpu.convolve(
        shape, [image], x: seen.first, weight: run.floats(node.inputs[1]),
        y: run.floats(node.outputs[0]))
      history.keep(last: back, of: sequence)
    }
  }
}
