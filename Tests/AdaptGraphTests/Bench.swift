import AdaptGraph
import Foundation
import Testing

/// A small graph with everything it takes to run it: layouts, inputs and parameters with values.
///
/// Numbers are drawn from a fixed sequence, so that a failure repeats, and lie in 0.2 ..< 1.4 or the
/// negative of it, away from the kinks at zero.
struct Bench {
  var graph = Graph()
  var rows: [RowSetID: ReferenceRows] = [:]
  var inputs: [String: ReferenceTensor] = [:]
  var parameters: [String: ReferenceTensor] = [:]
  var forced: [String: ReferenceTensor] = [:]
  /// Where a gradient can be asked for, by name.
  var variables: [(name: String, value: ValueID)] = []
  private var state: UInt64 = 0x9E37_79B9_7F4A_7C15

  // MARK: Numbers

  mutating func uniform() -> Double {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Double(state >> 11) / Double(1 << 53)
  }

  mutating func draw(_ count: Int, positive: Bool = false) -> [Double] {
    (0..<count).map { _ in
      let size = 0.2 + 1.2 * uniform()
      return positive || uniform() < 0.5 ? size : -size
    }
  }

  // MARK: Building

  mutating func addRows(_ lengths: [Int], _ label: String = "token") -> RowSetID {
    let id = graph.addRows(label: label, grouping: "sequence")
    rows[id] = ReferenceRows(lengths: lengths)
    return id
  }

  /// So many rows for each row of a set.
  mutating func openUnfolded(_ rows: RowSetID, _ label: String, _ count: Int) -> RowSetID {
    graph.openUnfolded(rows, label: label, count: count)
  }

  /// An input of drawn numbers, or of those given.
  mutating func input(
    _ name: String, _ rows: RowSetID?, _ dims: [Int], _ values: [Double]? = nil,
    positive: Bool = false, isVariable: Bool = true
  ) throws -> ValueID {
    let type = TensorType(rows: rows, dims)
    let shape = try shape(of: type)
    let numbers = values ?? draw(shape.reduce(1, *), positive: positive)
    inputs[name] = ReferenceTensor(shape, numbers)
    let value = try graph.add(.input(name, type))
    if isVariable { variables.append((name, value)) }
    return value
  }

  /// An input without rows.
  mutating func input(_ name: String, _ dims: [Int], _ values: [Double]? = nil) throws -> ValueID {
    try input(name, nil, dims, values)
  }

  /// One int a row.
  mutating func ints(_ name: String, _ rows: RowSetID, _ values: [Int]) throws -> ValueID {
    inputs[name] = ReferenceTensor([values.count], values.map(Double.init))
    return try graph.add(.input(name, TensorType(rows: rows, [], .int32)))
  }

  mutating func parameter(_ name: String, _ shape: [Int], _ values: [Double]? = nil) throws
    -> ValueID
  {
    let value = try graph.parameter(
      ParameterInfo(name: name, shape: shape, initial: .constant(0)))
    if parameters[name] == nil {
      parameters[name] = ReferenceTensor(shape, values ?? draw(shape.reduce(1, *)))
      variables.append((name, value))
    }
    return value
  }

  mutating func add(_ op: Op, _ inputs: ValueID...) throws -> ValueID {
    try graph.add(op, inputs)[0]
  }

  /// A scalar that sees every number of `value` with a weight of its own: Σ value·c.
  mutating func weighted(_ value: ValueID, _ name: String = "cotangent") throws -> ValueID {
    let type = graph.type(value)
    let weights = try input(name, type.rows, type.dims, isVariable: false)
    return try total(add(.binary(.multiply), value, weights))
  }

  /// The sum of all numbers of a value.
  mutating func total(_ value: ValueID) throws -> ValueID {
    let type = graph.type(value)
    var sum = try add(.reshape([type.count]), value)
    if type.rows != nil { sum = try add(.sumRows(mean: false), sum) }
    return try add(.reshape([]), add(.sumColumns(mean: false), sum))
  }

  private func shape(of type: TensorType) throws -> [Int] {
    guard let id = type.rows else { return type.dims }
    return [try #require(rows[id]).count] + type.dims
  }

  // MARK: Running

  func run() throws -> ReferenceRun {
    var run = ReferenceRun(
      graph, rows: rows, inputs: inputs, parameters: parameters, forced: forced)
    try run.run()
    return run
  }

  /// What a value comes to; mutating so that the value can be added in the argument.
  mutating func numbers(_ value: ValueID) throws -> [Double] { try run().value(value).values }

  /// The numbers of rows of a run, as costs take them; pairs of one group by position.
  static func counts(_ run: ReferenceRun) -> RowCounts {
    let layouts = run.rows
    return RowCounts(
      rows: { Double(layouts[$0.index]?.count ?? 0) },
      pairs: { id, keys, causal in
        guard let layout = layouts[id.index], let other = layouts[keys.index] else { return 0 }
        return layout.matches(in: other).enumerated().reduce(0) { sum, match in
          (layout.offsets[match.offset]..<layout.offsets[match.offset + 1]).reduce(sum) {
            sum, row in
            let seen = match.element.filter {
              !causal || other.positions[$0] <= layout.positions[row]
            }
            return sum + Double(seen.count)
          }
        }
      })
  }
}

/// Holds the gradients of `loss` against central differences, number by number.
///
/// The step 1e-5 leaves an error of about 1e-10, of which 1e-6 of a gradient of 1e-3 is a safe
/// multiple; smaller gradients are compared by that absolute bound.
func expectGradients(
  _ bench: Bench, of loss: ValueID, sourceLocation: SourceLocation = #_sourceLocation
) throws {
  var backward = bench
  let targets = bench.variables.map(\.value)
  let gradients = try backward.graph.gradient(of: loss, withRespectTo: targets)
  try backward.graph.verify()
  let run = try backward.run()
  for ((name, value), gradient) in zip(bench.variables, gradients) {
    let differences = try centralDifferences(bench, loss, name)
    let found = try gradient.map { try run.value($0) }
    if let gradient {
      #expect(
        backward.graph.type(gradient) == bench.graph.type(value), "type of the gradient of \(name)",
        sourceLocation: sourceLocation)
    }
    let values = found?.values ?? Array(repeating: 0, count: differences.count)
    expectClose(
      values, differences, tolerance: 1e-6, floor: 1e-3, "gradient of \(name)",
      sourceLocation: sourceLocation)
  }
}

private func centralDifferences(_ bench: Bench, _ loss: ValueID, _ name: String) throws -> [Double]
{
  let step = 1e-5
  func shifted(_ index: Int, _ change: Double) throws -> Double {
    var bench = bench
    bench.inputs[name]?.values[index] += change
    bench.parameters[name]?.values[index] += change
    return try bench.numbers(loss)[0]
  }
  let count = (bench.inputs[name] ?? bench.parameters[name])?.values.count ?? 0
  return try (0..<count).map { index in
    try (shifted(index, step) - shifted(index, -step)) / (2 * step)
  }
}

/// Every number within `tolerance` of the other, relative to the larger or to `floor`.
func expectClose(
  _ found: [Double], _ expected: [Double], tolerance: Double = 1e-12, floor: Double = 1,
  _ what: String = "value", sourceLocation: SourceLocation = #_sourceLocation
) {
  #expect(found.count == expected.count, "\(what): count", sourceLocation: sourceLocation)
  for (index, (a, b)) in zip(found, expected).enumerated() {
    let bound = tolerance * max(abs(a), abs(b), floor)
    #expect(
      abs(a - b) <= bound, "\(what)[\(index)]: \(a), expected \(b)", sourceLocation: sourceLocation)
  }
}

/// Expects a ``GraphError`` of a kind whose message holds every one of `parts`.
func expectError(
  _ kind: GraphError.Kind, containing parts: [String] = [],
  sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws -> Void
) {
  let error = #expect(throws: GraphError.self, sourceLocation: sourceLocation) { try body() }
  guard let error else { return }
  #expect(error.kind == kind, "\(error.message)", sourceLocation: sourceLocation)
  for part in parts {
    #expect(error.message.contains(part), "\(error.message)", sourceLocation: sourceLocation)
  }
}
