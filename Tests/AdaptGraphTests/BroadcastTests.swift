import AdaptGraph
import Testing

/// Broadcasting against plain loops over places.
@Suite struct BroadcastTests {
  static let pairs: [([Int], [Int])] = [
    ([2, 3, 4], [4]), ([2, 3, 4], [3, 4]), ([2, 3, 4], [2, 3, 1]), ([2, 3, 4], [2, 1, 1]),
    ([2, 3, 4], [1, 3, 1]), ([2, 3, 4], [3, 1]), ([2, 1, 4], [3, 1]), ([2, 3, 4], []),
    ([1, 1, 4], [2, 3, 4]), ([3, 1], [2, 3, 4]), ([2, 2, 2], [2, 1, 2]), ([1, 3], [2, 1]),
    ([0, 3, 4], [4]), ([2, 0, 4], [2, 1, 1]), ([1], [1, 1, 1]), ([2, 3, 4], [2, 3, 4]),
  ]

  @Test(arguments: pairs) func agreesWithLoops(_ a: [Int], _ b: [Int]) throws {
    for (first, second) in [(a, b), (b, a)] {
      var bench = Bench()
      let x = try bench.input("x", first)
      let y = try bench.input("y", second)
      let result = try bench.graph.elementwise(.subtract, x, y)
      try bench.graph.verify()
      let dims = bench.graph.type(result).dims
      #expect(dims == Graph.broadcast(a, b))
      let found = try bench.numbers(result)
      let (left, right) = (bench.inputs["x"], bench.inputs["y"])
      for place in found.indices {
        let expected = read(left, dims, place) - read(right, dims, place)
        #expect(found[place] == expected, "\(first) − \(second) at \(place)")
      }
    }
  }

  @Test func sizesThatDiffer() {
    #expect(Graph.broadcast([2, 3], [4]) == nil)
    #expect(Graph.broadcast([2, 3], [3, 3]) == nil)
    #expect(Graph.broadcast([], []) == [])
    #expect(Graph.broadcast([0], [1]) == [0])
  }

  /// The number of a tensor that a place of the result sees.
  private func read(_ tensor: ReferenceTensor?, _ dims: [Int], _ place: Int) -> Double {
    guard let tensor else { return .nan }
    var (rest, index, step) = (place, 0, 1)
    for axis in dims.indices.reversed() {
      let own = axis - (dims.count - tensor.shape.count)
      let coordinate = rest % dims[axis]
      rest /= dims[axis]
      guard own >= 0 else { continue }
      if tensor.shape[own] > 1 { index += coordinate * step }
      step *= tensor.shape[own]
    }
    return tensor.values[index]
  }
}
