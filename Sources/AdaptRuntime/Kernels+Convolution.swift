import AdaptGraph
import AdaptTensor

// Windows along axes or rows.

extension Kernels {
  static func convolution(_ node: Node, _ run: Executor) {
    guard case .convolution(let window) = node.op else { return }
    let (x, y) = (run.graph.type(node.inputs[0]), run.graph.type(node.outputs[0]))
    run.cpu.convolve(
      window.shape(x, y), window.images(x, y, run), x: run.floats(node.inputs[0]),
      weight: run.floats(node.inputs[1]), y: run.floats(node.outputs[0]))
  }

  static func convolutionInput(_ node: Node, _ run: Executor) {
    guard case .convolutionInput(let window, _) = node.op else { return }
    let (x, y) = (run.graph.type(node.outputs[0]), run.graph.type(node.inputs[0]))
    run.cpu.convolveInput(
      window.shape(x, y), window.images(x, y, run), dy: run.floats(node.inputs[0]),
      weight: run.floats(node.inputs[1]), dx: run.floats(node.outputs[0]))
  }

  static func convolutionWeight(_ node: Node, _ run: Executor) {
    guard case .convolutionWeight(let window) = node.op else { return }
    let (x, y) = (run.graph.type(node.inputs[0]), run.graph.type(node.inputs[1]))
    run.cpu.convolveWeight(
      window.shape(x, y), window.images(x, y, run), x: run.floats(node.inputs[0]),
      dy: run.floats(node.inputs[1]), dWeight: run.floats(node.outputs[0]))
  }
}

extension Convolution {
  /// - Parameters:
  ///   - x: the type of the value.
  ///   - y: the type of the result.
  func shape(_ x: TensorType, _ y: TensorType) -> ConvolutionShape {
    let kernel = axes.map {
      ConvolutionShape.Axis(
        size: $0.size, stride: $0.stride, dilation: $0.dilation, before: $0.before)
    }
    return ConvolutionShape(
      rows: kernel.count == 2 ? kernel[0] : ConvolutionShape.Axis(),
      columns: kernel.last ?? ConvolutionShape.Axis(), channels: x.columns, outputs: y.columns,
      groups: groups)
  }

  /// The sequences of a run, or what each row has.
  fileprivate func images(_ x: TensorType, _ y: TensorType, _ run: Executor)
    -> [ConvolutionShape.Image]
  {
    if isAlongRows, let rows = x.rows {
      let layout = run.layouts[rows.index]
      return (0..<layout.groups).map { group in
        let range = layout.range(of: group)
        return ConvolutionShape.Image(
          x: range.lowerBound, y: range.lowerBound, from: (1, range.count), to: (1, range.count))
      }
    }
    let (from, to) = (sizes(of: x), sizes(of: y))
    return (0..<run.rows(x)).map {
      ConvolutionShape.Image(
        x: $0 * from.rows * from.columns, y: $0 * to.rows * to.columns, from: from, to: to)
    }
  }

  private func sizes(of type: TensorType) -> (rows: Int, columns: Int) {
    let sizes = type.dims.dropLast()
    return (sizes.count == 2 ? sizes[0] : 1, sizes.last ?? 1)
  }
}
