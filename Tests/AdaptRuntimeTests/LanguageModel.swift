import AdaptGraph
import AdaptRuntime
import AdaptTensor

/// A byte-level language model built by hand, without the language: what the runtime is tried on.
struct LanguageModel {
  var vocab = 32
  var width = 16
  var depth = 2
  var heads = 2
  var hidden = 64
  var limit = 64
  /// Hidden width of the small path; nil for a dense model.
  var small: Int?
  /// Compute every path for all rows and mask, instead of gathering rows.
  var isMasked = false

  var graph = Graph()
  var balances: [ValueID] = []

  mutating func build() throws -> ModelGraph {
    let rows = graph.addRows(label: "token", grouping: "sequence")
    let input = try graph.add(.input("input", TensorType(rows: rows, [], .int32)))
    var x = try graph.add(.gather, parameter("embedding.table", [vocab, width]), input)
    let places = try graph.add(.positions, x)
    let table = try parameter("positions.table", [limit, width])
    x = try graph.add(.binary(.add), x, graph.add(.gather, table, places))
    for index in 0..<depth {
      let block = "blocks[\(index)]"
      x = try graph.add(
        .binary(.add), x, attention(block + ".attention", norm(block + ".norm", x)))
      let h = try norm(block + ".norm2", x)
      let y =
        small == nil
        ? try feedForward(block + ".ffn", h, hidden) : try route(block + ".duo.route", h)
      x = try graph.add(.binary(.add), x, y)
    }
    let logits = try linear("linear", norm("norm", x), vocab)
    return ModelGraph(graph: graph, input: input, output: logits)
  }

  private mutating func parameter(_ name: String, _ shape: [Int], _ initial: Initializer? = nil)
    throws -> ValueID
  {
    try graph.parameter(ParameterInfo(name: name, shape: shape, initial: initial ?? .normal(0.02)))
  }

  private mutating func linear(_ name: String, _ x: ValueID, _ count: Int) throws -> ValueID {
    let weight = try parameter(name + ".weight", [graph.type(x).columns, count])
    let product = try graph.add(.matmul(transposeA: false, transposeB: false), x, weight)
    return try graph.add(
      .binary(.add), product, parameter(name + ".bias", [count], .constant(0)))
  }

  private mutating func norm(_ name: String, _ x: ValueID) throws -> ValueID {
    let y = try graph.add(.normalize(.layer, epsilon: 1e-5), [x])[0]
    let scaled = try graph.add(
      .binary(.multiply), y, parameter(name + ".gain", [width], .constant(1)))
    return try graph.add(
      .binary(.add), scaled, parameter(name + ".shift", [width], .constant(0)))
  }

  private mutating func attention(_ name: String, _ x: ValueID) throws -> ValueID {
    let parts = try ["query", "key", "value"].map { try linear("\(name).\($0)", x, width) }
    let y = try graph.add(.attention(heads: heads, causal: true), parts)[0]
    return try linear(name + ".output", y, width)
  }

  private mutating func feedForward(_ name: String, _ x: ValueID, _ hidden: Int) throws -> ValueID {
    let up = try graph.add(.unary(.gelu), linear(name + ".up", x, hidden))
    return try linear(name + ".down", up, width)
  }

  private mutating func route(_ name: String, _ x: ValueID) throws -> ValueID {
    let weight = try parameter(name + ".router.linear.weight", [width, 3])
    let product = try graph.add(.matmul(transposeA: false, transposeB: false), x, weight)
    let scores = try graph.add(.softmax, product)
    let site = try graph.addSite(
      name: name, unit: "token", router: "TopK", selection: .top(1), scores: scores)
    let mask = graph[site].mask
    let weights = try graph.add(.binary(.multiply), scores, mask)
    try addBalance(scores, mask)
    var outputs: [ValueID?] = []
    for (number, path) in ["big", "small", "skip"].enumerated() {
      let rows = try graph.enterPath(site, name: path, [x, weights])
      if number < 2 {
        let width = number == 0 ? hidden : small ?? 1
        let y = try feedForward("\(name).\(path).ffn", rows[0], width)
        let share = try graph.add(.slice(start: number, count: 1), rows[1])
        outputs.append(try graph.add(.binary(.multiply), y, share))
      } else {
        outputs.append(nil)
      }
      graph.leavePath()
    }
    guard !isMasked else { return try masked(name, x, weights) }
    return try graph.join(site, outputs: outputs) ?? x
  }

  /// Σ over paths of every row's output times its weight, which is 0 where it was not selected.
  private mutating func masked(_ name: String, _ x: ValueID, _ weights: ValueID) throws -> ValueID {
    let paths = try [("big", hidden), ("small", small ?? 1)].enumerated().map { number, path in
      let y = try feedForward("\(name).\(path.0).ffn", x, path.1)
      return try graph.add(
        .binary(.multiply), y, graph.add(.slice(start: number, count: 1), weights))
    }
    return try graph.add(.binary(.add), paths[0], paths[1])
  }

  /// 3·Σ mean score·share (Fedus et al. 2022, eq. 4).
  private mutating func addBalance(_ scores: ValueID, _ mask: ValueID) throws {
    let mean = try graph.add(.sumRows(mean: true), scores)
    let share = try graph.add(.sumRows(mean: true), mask)
    let sum = try graph.add(
      .sumColumns(mean: false), graph.add(.binary(.multiply), mean, share))
    balances.append(
      try graph.add(.binary(.multiply), graph.add(.reshape([]), sum), graph.constant(3)))
  }
}

/// AdamW (Loshchilov & Hutter 2019, algorithm 2) as an update graph.
func adamW(rate: Double, decay: Double) throws -> OptimizerGraph {
  var graph = Graph()
  let rows = graph.addRows(label: "element", grouping: nil)
  let type = TensorType(rows: rows, [])
  func op(_ function: Binary, _ a: ValueID, _ b: ValueID) throws -> ValueID {
    try graph.add(.binary(function), a, b)
  }
  let p = try graph.add(.input("parameter", type))
  let g = try graph.add(.input("gradient", type))
  let m = try graph.add(.input("state.m", type))
  let v = try graph.add(.input("state.v", type))
  let step = try graph.add(.input("step", .scalar))
  let (b1, b2) = (try graph.constant(0.9), try graph.constant(0.999))
  let m2 = try op(.add, op(.multiply, b1, m), op(.multiply, graph.constant(0.1), g))
  let square = try op(.multiply, g, g)
  let v2 = try op(.add, op(.multiply, b2, v), op(.multiply, graph.constant(0.001), square))
  let one = try graph.constant(1)
  let mHat = try op(.divide, m2, op(.subtract, one, op(.power, b1, step)))
  let vHat = try op(.divide, v2, op(.subtract, one, op(.power, b2, step)))
  let root = try op(.add, graph.add(.unary(.sqrt), vHat), graph.constant(1e-8))
  let decayed = try op(.multiply, p, graph.constant(1 - rate * decay))
  let new = try op(
    .subtract, decayed, op(.multiply, graph.constant(rate), op(.divide, mHat, root)))
  return OptimizerGraph(
    graph: graph, states: [("m", 0), ("v", 0)], newParameter: new, newStates: [m2, v2])
}
