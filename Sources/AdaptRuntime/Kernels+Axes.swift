import AdaptGraph
import AdaptTensor

// Along any axis behind the row axis; the rows are places before it.

extension Kernels {
  static func select(_ node: Node, _ run: Executor) {
    run.cpu.select(
      run.floats(node.inputs[0]), run.floats(node.inputs[1]), run.floats(node.inputs[2]),
      run.floats(node.outputs[0]), count: run.elements(run.graph.type(node.outputs[0])))
  }

  static func convert(_ node: Node, _ run: Executor) {
    let (from, to) = (run.graph.type(node.inputs[0]), run.graph.type(node.outputs[0]))
    let count = run.elements(to)
    switch (from.element, to.element) {
    case (.int32, .float32):
      run.cpu.convert(run.ints(node.inputs[0]), run.floats(node.outputs[0]), count: count)
    case (.float32, .int32):
      run.cpu.convert(run.floats(node.inputs[0]), run.ints(node.outputs[0]), count: count)
    default:
      run.cpu.copy(run.floats(node.inputs[0]), run.floats(node.outputs[0]), count: count)
    }
  }

  static func permute(_ node: Node, _ run: Executor) {
    guard case .permute(let axes) = node.op else { return }
    let type = run.graph.type(node.inputs[0])
    let steps = strides(type.dims)
    let lead = type.rows == nil ? [] : [run.rows(type)]
    run.cpu.read(
      run.floats(node.inputs[0]), shape: lead + axes.map { type.dims[$0] },
      strides: lead.map { _ in type.count } + axes.map { steps[$0] }, run.floats(node.outputs[0]))
  }

  static func broadcast(_ node: Node, _ run: Executor) {
    let (from, to) = (run.graph.type(node.inputs[0]), run.graph.type(node.outputs[0]))
    let steps = strides(from.dims)
    let extra = to.dims.count - from.dims.count
    let spread = to.dims.indices.map { axis in
      axis < extra || from.dims[axis - extra] == 1 ? 0 : steps[axis - extra]
    }
    let lead = to.rows == nil ? [] : [run.rows(to)]
    run.cpu.read(
      run.floats(node.inputs[0]), shape: lead + to.dims,
      strides: lead.map { _ in from.count } + spread, run.floats(node.outputs[0]))
  }

  /// How far apart neighbours of each axis lie.
  private static func strides(_ dims: [Int]) -> [Int] {
    var step = 1
    return dims.reversed().map { size in
      defer { step *= size }
      return step
    }.reversed()
  }

  static func reduce(_ node: Node, _ run: Executor) {
    guard case .reduce(let reduction, let axis) = node.op else { return }
    let view = AxisView(run.graph.type(node.inputs[0]), axis: axis, run)
    let (x, y) = (run.floats(node.inputs[0]), run.floats(node.outputs[0]))
    switch reduction {
    case .sum: run.cpu.sum(x, view, y, scale: 1)
    case .mean: run.cpu.sum(x, view, y, scale: 1 / Float(max(1, view.size)))
    case .product: run.cpu.fold(.multiply, from: 1, x, view, y)
    case .maximum: run.cpu.fold(.maximum, from: -.infinity, x, view, y)
    case .minimum: run.cpu.fold(.minimum, from: .infinity, x, view, y)
    }
  }

  static func extremumIndex(_ node: Node, _ run: Executor) {
    guard case .extremumIndex(let maximum, let axis) = node.op else { return }
    let view = AxisView(run.graph.type(node.inputs[0]), axis: axis, run)
    run.cpu.extremumIndex(
      maximum: maximum, run.floats(node.inputs[0]), view, run.ints(node.outputs[0]))
  }

  static func cumulativeSum(_ node: Node, _ run: Executor) {
    guard case .cumulativeSum(let axis, let reversed) = node.op else { return }
    let view = AxisView(run.graph.type(node.inputs[0]), axis: axis, run)
    run.cpu.cumulativeSum(
      run.floats(node.inputs[0]), view, reversed: reversed, run.floats(node.outputs[0]))
  }

  static func take(_ node: Node, _ run: Executor) throws {
    guard case .take(let axis) = node.op else { return }
    let view = AxisView(run.graph.type(node.inputs[0]), axis: axis, run)
    let index = run.ints(node.inputs[1])
    let count = run.graph.type(node.inputs[1]).count
    try checkIndex(index, count, of: view.size) { place in
      "an axis of \(view.size) was asked for place \(place)"
    }
    run.cpu.take(
      run.floats(node.inputs[0]), view, index, count: count, run.floats(node.outputs[0]))
  }

  static func put(_ node: Node, _ run: Executor) throws {
    guard case .put(let axis, _) = node.op else { return }
    let view = AxisView(run.graph.type(node.outputs[0]), axis: axis, run)
    let index = run.ints(node.inputs[1])
    let count = run.graph.type(node.inputs[1]).count
    try checkIndex(index, count, of: view.size) { place in
      "an axis of \(view.size) was given a number for place \(place)"
    }
    run.cpu.put(
      run.floats(node.inputs[0]), view, index, count: count, run.floats(node.outputs[0]))
  }

  static func batchMatmul(_ node: Node, _ run: Executor) {
    guard case .batchMatmul(let transposeA, let transposeB) = node.op else { return }
    let type = run.graph.type(node.outputs[0])
    let a = run.graph.type(node.inputs[0]).dims
    let rank = type.dims.count
    run.cpu.matmul(
      run.floats(node.inputs[0]), transposeA: transposeA, run.floats(node.inputs[1]),
      transposeB: transposeB, run.floats(node.outputs[0]),
      batch: run.rows(type) * type.dims.dropLast(2).reduce(1, *), m: type.dims[rank - 2],
      n: type.dims[rank - 1], k: a[rank - (transposeA ? 2 : 1)])
  }
}

extension AxisView {
  /// The rows of a value are places before its axes.
  init(_ type: TensorType, axis: Int, _ run: Executor) {
    self.init(
      outer: run.rows(type) * type.dims[..<axis].reduce(1, *), size: type.dims[axis],
      inner: type.dims[(axis + 1)...].reduce(1, *))
  }
}
