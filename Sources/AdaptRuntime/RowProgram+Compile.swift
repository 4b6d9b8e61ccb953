import AdaptGraph
import AdaptTensor

// From nodes to steps.

extension RowProgram {
  /// What a group of nodes becomes.
  /// - Parameters:
  ///   - local: whether a value is needed inside the group only, and so lies in scratch memory.
  ///   - root: what a view looks at.
  init(
    _ nodes: [Node], rows: RowSetID, in graph: Graph, root: (ValueID) -> ValueID,
    isLocal: (ValueID) -> Bool
  ) {
    self.init(rows: rows, bounds: graph.bounds(of: rows))
    self.nodes = nodes.filter { !$0.isView }
    let ops = GroupOp.all(self.nodes, in: graph, root: root, isLocal: isLocal)
    var scratch = Scratch(ops, root)
    var refs: [ValueID: Ref] = [:]
    func ref(_ value: ValueID, _ program: inout RowProgram) -> Ref {
      let value = root(value)
      if let known = refs[value] { return known }
      program.places.append(
        isLocal(value) ? .scratch(scratch.place(of: value)) : .value(value))
      let type = graph.type(value)
      program.strides.append(type.rows == nil ? 0 : max(1, type.count))
      refs[value] = program.places.count - 1
      return program.places.count - 1
    }
    for (index, op) in ops.enumerated() {
      let node = op.node
      for output in op.outputs where graph.type(output).rows != nil && isLocal(output) {
        let reused = scratch.overwritable(op, at: index, output, graph, isLocal)
        scratch.open(output, max(1, graph.type(output).count), reusing: reused)
      }
      let operands = node.op.kind == .matmul ? node.inputs.prefix(1) : node.inputs[...]
      let inputs = operands.enumerated().map { place, input in
        // A gather reads its source as a whole: its rows are not the group's.
        node.op.kind == .gather && place == 0
          ? whole(input, root, &self) : ref(input, &self)
      }
      let outputs = op.outputs.filter { graph.type($0).rows != nil }.map { ref($0, &self) }
      if case .matmul(_, let transposed) = node.op {
        let added = Added(
          row: op.row.map { ref($0, &self) }, rows: op.rows.map { ref($0, &self) })
        add(Weight(root(node.inputs[1]), transposed, node, graph), inputs[0], added, outputs[0])
      } else {
        add(node, inputs, outputs, graph)
      }
      scratch.close(at: index)
    }
    self.scratch = scratch.size
    width = max(1, strides.reduce(0, +))
  }

  private func whole(
    _ value: ValueID, _ root: (ValueID) -> ValueID, _ program: inout RowProgram
  ) -> Ref {
    program.places.append(.value(root(value)))
    program.strides.append(0)
    return program.places.count - 1
  }

  private mutating func add(_ weight: Weight, _ x: Ref, _ added: Added, _ y: Ref) {
    cost += weight.rows * weight.columns / RowProgram.multiplications
    steps.append(.product(x, weights.count, added, into: y))
    weights.append(weight)
  }

  /// Multiplications that take as long as an element of a cheap kernel.
  private static let multiplications = 6

  private mutating func add(_ node: Node, _ x: [Ref], _ y: [Ref], _ graph: Graph) {
    let type = graph.type(node.outputs[0])
    let columns = max(1, type.columns)
    let lines = type.count / columns
    cost += type.count * (node.op.isHeavy ? 4 : 1)
    switch node.op {
    case .unary(let function):
      steps.append(.unary(function.kernel, x[0], into: y[0], columns: type.count))
    case .unaryGradient(let function):
      steps.append(
        .unaryGradient(
          function.kernel, dy: x[0], x: x[1], y: x[2], into: y[0], columns: type.count))
    case .binary(let function): addBinary(function, node, x, y[0], graph)
    case .select: steps.append(.select(x[0], x[1], x[2], into: y[0], columns: type.count))
    case .expandRows(let mean):
      steps.append(.expandRows(x[0], mean: mean, into: y[0], columns: type.count))
    case .expandColumns(let count, let mean):
      steps.append(
        .expandColumns(
          x[0], scale: mean ? 1 / Float(count) : 1, into: y[0], lines: lines, columns: columns))
    case .sumRows(let mean):
      cost += graph.type(node.inputs[0]).count
      steps.append(.sum(x[0], sums.count))
      sums.append(Sum(value: node.outputs[0], mean: mean, columns: type.count))
    case .sumColumns(let mean):
      let width = graph.type(node.inputs[0]).columns
      cost += lines * width
      steps.append(
        .sumColumns(
          x[0], scale: mean ? 1 / Float(width) : 1, into: y[0], lines: lines, columns: width))
    default: addAlongLines(node, x, y, graph, lines: lines, columns: columns)
    }
  }

  private mutating func addBinary(
    _ function: Binary, _ node: Node, _ x: [Ref], _ y: Ref, _ graph: Graph
  ) {
    let type = graph.type(node.outputs[0])
    let forms = node.inputs.map { (Graph.form(of: graph.type($0), in: type) ?? .full).broadcast }
    // A row that is repeated is as long as everything behind the row axis.
    let columns = forms.contains(.row) ? type.count : max(1, type.columns)
    steps.append(
      .binary(
        function.kernel, x[0], forms[0], x[1], forms[1], into: y, lines: type.count / columns,
        columns: columns))
  }

  private mutating func addAlongLines(
    _ node: Node, _ x: [Ref], _ y: [Ref], _ graph: Graph, lines: Int, columns: Int
  ) {
    switch node.op {
    case .softmax: steps.append(.softmax(x[0], into: y[0], lines: lines, columns: columns))
    case .softmaxGradient:
      steps.append(.softmaxGradient(dy: x[0], y: x[1], into: y[0], lines: lines, columns: columns))
    case .normalize(let kind, let epsilon):
      steps.append(
        .normalize(
          kind.kernel, Float(epsilon), x[0], into: y[0], deviation: y[1], lines: lines,
          columns: columns))
    case .normalizeGradient(let kind):
      steps.append(
        .normalizeGradient(
          kind.kernel, dy: x[0], y: x[1], deviation: x[2], into: y[0], lines: lines,
          columns: columns))
    case .slice(let start, let count):
      let width = graph.type(node.inputs[0]).columns
      steps.append(
        .copy(
          x[0], from: start, width: width, into: y[0], at: 0, total: count, lines: lines,
          columns: count))
    case .pad(let start, let total):
      let width = graph.type(node.inputs[0]).columns
      steps.append(.clear(y[0], columns: lines * total))
      steps.append(
        .copy(
          x[0], from: 0, width: width, into: y[0], at: start, total: total, lines: lines,
          columns: width))
    case .concat:
      var start = 0
      for (input, ref) in zip(node.inputs, x) {
        let width = graph.type(input).columns
        steps.append(
          .copy(
            ref, from: 0, width: width, into: y[0], at: start, total: columns, lines: lines,
            columns: width))
        start += width
      }
    case .gather:
      steps.append(.gather(x[0], index: x[1], into: y[0], columns: lines * columns))
    default: return
    }
  }
}

extension RowProgram.Weight {
  fileprivate init(_ value: ValueID, _ transposed: Bool, _ product: Node, _ graph: Graph) {
    self.init(
      value: value, transposed: transposed, rows: graph.type(product.inputs[0]).count,
      columns: graph.type(product.outputs[0]).count)
  }
}

/// A node of a group, or a product with the sums right behind it.
private struct GroupOp {
  let node: Node
  var outputs: [ValueID]
  /// What is added to a product: a row to all, then rows one by one.
  var row: ValueID?
  var rows: ValueID?

  var inputs: [ValueID] { node.inputs + [row, rows].compactMap { $0 } }

  /// Those of a group without views, in order.
  static func all(
    _ nodes: [Node], in graph: Graph, root: (ValueID) -> ValueID, isLocal: (ValueID) -> Bool
  ) -> [GroupOp] {
    var uses: [ValueID: Int] = [:]
    for input in nodes.flatMap(\.inputs) { uses[root(input), default: 0] += 1 }
    var ops: [GroupOp] = []
    for node in nodes {
      if var op = ops.last, isLocal(op.outputs[0]), uses[op.outputs[0]] == 1,
        op.add(node, graph, root)
      {
        ops[ops.count - 1] = op
      } else {
        ops.append(GroupOp(node: node, outputs: node.outputs))
      }
    }
    return ops
  }

  /// Takes in a sum of the product and something that is there before; returns whether it could.
  private mutating func add(
    _ sum: Node, _ graph: Graph, _ root: (ValueID) -> ValueID
  ) -> Bool {
    guard node.op.kind == .matmul, case .binary(.add) = sum.op,
      let product = sum.inputs.firstIndex(where: { root($0) == outputs[0] })
    else { return false }
    let (other, type) = (sum.inputs[1 - product], graph.type(sum.outputs[0]))
    guard graph.type(other).count == type.count, graph.type(outputs[0]).count == type.count else {
      return false
    }
    if graph.type(other).rows == nil, row == nil, rows == nil {
      row = other
    } else if graph.type(other).rows == type.rows, rows == nil,
      root(other) != root(node.inputs[0])
    {
      // Not the factor itself, which the result might be written over.
      rows = other
    } else {
      return false
    }
    outputs = sum.outputs
    return true
  }

  /// What the result may be written over, when nobody reads it any more.
  var overwritable: [ValueID] {
    if node.op.kind == .matmul { return rows.map { [$0] } ?? [] }
    return node.mayOverwrite ? node.inputs : []
  }
}

/// Scratch memory of a group: what one value leaves, the next one of its width takes.
private struct Scratch {
  private(set) var size = 0
  private var places: [ValueID: Int] = [:]
  private var widths: [ValueID: Int] = [:]
  private var free: [Int: [Int]] = [:]
  /// The last op of the group that reads each value.
  private var last: [ValueID: Int] = [:]
  private var ending: [Int: [ValueID]] = [:]
  private let root: [ValueID: ValueID]

  init(_ ops: [GroupOp], _ root: (ValueID) -> ValueID) {
    var roots: [ValueID: ValueID] = [:]
    for (index, op) in ops.enumerated() {
      for value in op.inputs + op.outputs {
        roots[value] = root(value)
        last[root(value)] = index
      }
    }
    self.root = roots
    for (value, index) in last { ending[index, default: []].append(value) }
  }

  func place(of value: ValueID) -> Int { places[value] ?? 0 }

  /// An operand that dies at this node and may be written over.
  func overwritable(
    _ op: GroupOp, at index: Int, _ output: ValueID, _ graph: Graph, _ isLocal: (ValueID) -> Bool
  ) -> ValueID? {
    let type = graph.type(output)
    return op.overwritable.compactMap { root[$0] }.first { value in
      isLocal(value) && last[value] == index && places[value] != nil
        && graph.type(value).rows == type.rows && graph.type(value).count == type.count
    }
  }

  mutating func open(_ value: ValueID, _ width: Int, reusing other: ValueID?) {
    widths[value] = width
    if let other, let place = places[other] {
      places[value] = place
      widths[other] = nil
    } else if let place = free[width]?.popLast() {
      places[value] = place
    } else {
      places[value] = size
      size += width
    }
  }

  mutating func close(at index: Int) {
    for value in (ending[index] ?? []).sorted(by: { $0.index < $1.index }) {
      guard let width = widths[value], let place = places[value] else { continue }
      free[width, default: []].append(place)
    }
  }
}

extension Node {
  /// Whether the result may lie where a full operand of its size lay.
  var mayOverwrite: Bool { [.unary, .unaryGradient, .binary].contains(op.kind) }
}

extension Op {
  /// What a profile calls it.
  var name: String {
    switch self {
    case .unary(let function): function.rawValue
    case .unaryGradient(let function): "\(function.rawValue) gradient"
    case .binary(let function): function.rawValue
    default: kind.rawValue
    }
  }

  /// Whether an element takes several times what an addition does.
  fileprivate var isHeavy: Bool {
    switch kind {
    case .softmax, .softmaxGradient, .normalize, .normalizeGradient, .unaryGradient, .unary: true
    default: false
    }
  }
}
