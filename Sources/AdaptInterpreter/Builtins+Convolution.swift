import AdaptGraph
import AdaptSyntax

// Windows along rows or axes.

extension Interpreter {
  /// The largest size of a window, and the largest step of any kind.
  private static let mostPlaces = 1 << 16

  static func convolved(_ call: Call) throws -> Value {
    let (interpreter, x) = (call.interpreter, try call.tensorOperand(0))
    let weight = try call.tensorOperand(1)
    let sizes = weight.type.dims.dropLast(2)
    guard weight.type.rows == nil, (1...2).contains(sizes.count) else {
      throw call.wrongValue(
        1,
        "a weight is [window, d / groups, outputs] or [rows, columns, d / groups, outputs], not "
          + interpreter.describe(weight))
    }
    let axes = try sizes.map { try axis(of: $0, call) }
    let isAlongRows = axes.count == 1 && x.type.rows != nil && x.type.dims.count == 1
    if isAlongRows { try requireRows(axes[0], call) }
    let window = Convolution(
      axes, groups: try call.int(5, in: 1...mostPlaces), isAlongRows: isAlongRows)
    try requireFit(window, x, weight, call)
    return try interpreter.compute([x, weight], axes: x.axes, at: call.span) { graph, ids in
      try graph.add(.convolution(window), ids)[0]
    }
  }

  /// The window along one axis, by the call's stride, padding and dilation.
  private static func axis(of size: Int, _ call: Call) throws -> Convolution.Axis {
    guard (1...mostPlaces).contains(size) else {
      throw call.wrongValue(1, "a window has 1 to \(mostPlaces) places, not \(size)")
    }
    var axis = Convolution.Axis(
      size, stride: try call.int(2, in: 1...mostPlaces),
      dilation: try call.int(4, in: 1...mostPlaces))
    let around = axis.reach - 1
    switch call[3] {
    case .string("same"): (axis.before, axis.after) = (around / 2, around - around / 2)
    case .string("causal"): axis.before = around
    case .string(let name):
      throw call.wrongValue(
        3, "there is no padding \"\(name)\"",
        hint: "known are \"same\", \"causal\" and a number of zeros on each side")
    default:
      axis.before = try call.int(3, in: 0...mostPlaces)
      axis.after = axis.before
    }
    return axis
  }

  /// Along rows a window stands at every row, and a step of a scan has one of them.
  private static func requireRows(_ axis: Convolution.Axis, _ call: Call) throws {
    guard axis.stride == 1, axis.before + axis.after == axis.reach - 1 else {
      throw call.wrongValue(
        axis.stride == 1 ? 3 : 2, "along rows there is a window at each row",
        hint: "use stride 1, and \"same\" or \"causal\" as padding")
    }
    let interpreter = call.interpreter
    if let graph = interpreter.trace?.graph, graph.isScanned(graph.region) {
      throw interpreter.failure(
        .misplacedStatement, "a window goes over rows, and a step of a scan sees one row",
        at: call.span,
        hint: "put the convolution before the scan, where it has all rows at once")
    }
  }

  /// What a graph would refuse as well, said by the sizes that do not fit.
  private static func requireFit(
    _ window: Convolution, _ x: TensorOperand, _ weight: TensorOperand, _ call: Call
  ) throws {
    func require(_ isTrue: Bool, _ title: @autoclosure () -> String, hint: String = "") throws {
      guard !isTrue else { return }
      throw call.interpreter.failure(.wrongShape, title(), at: call.span, hint: hint)
    }
    let described = call.interpreter.describe(x)
    let (axes, dims) = (window.axes, x.type.dims)
    let inGroups = window.groups == 1 ? "" : " in \(window.groups) groups"
    try require(
      dims.count == (window.isAlongRows ? 1 : axes.count + 1),
      axes.count == 2
        ? "square windows go over [.., height, width, channels], not \(described)"
        : "windows of one axis go over [.., token, channels], not \(described)")
    let (each, outputs) = (weight.type.dims[axes.count], weight.type.columns)
    try require(
      each * window.groups == x.type.columns,
      "the weight is for \(each * window.groups) channels\(inGroups), not the "
        + "\(x.type.columns) of \(described)")
    try require(
      outputs % window.groups == 0,
      "\(outputs) channels do not divide into \(window.groups) groups")
    for (axis, count) in zip(axes, dims) where !window.isAlongRows {
      try require(
        axis.windows(over: count) > 0,
        "a window that reaches over \(axis.reach) places does not fit into "
          + "\(count + axis.before + axis.after), the zeros around counted",
        hint: "make the kernel or the dilation smaller, or the padding larger")
    }
  }
}
