import AdaptGraph
import Testing

/// Rows that are cut out of their groups, or put behind those of others.
@Suite struct RaggedTests {
  private func numbers(_ lengths: [Int], _ body: (inout Bench, ValueID) throws -> ValueID) throws
    -> [Double]
  {
    var bench = Bench()
    let count = lengths.reduce(0, +)
    let x = try bench.input("x", bench.addRows(lengths), [1], (0..<count).map { Double($0 + 1) })
    let y = try body(&bench, x)
    try bench.graph.verify()
    return try bench.numbers(y)
  }

  static let ranges: [(Int, Int?, [Double])] = [
    (0, 2, [1, 2, 4]), (1, nil, [2, 3]), (-1, nil, [3, 4]), (-2, -1, [2]), (0, 0, []),
    (0, 9, [1, 2, 3, 4]), (5, 9, []), (2, 1, []),
  ]

  @Test(arguments: ranges)
  func aRangeIsThatOfEachGroup(_ lower: Int, _ upper: Int?, _ expected: [Double]) throws {
    let found = try numbers([3, 0, 1]) {
      try $0.graph.picked($1, .range(lower: lower, upper: upper))
    }
    #expect(found == expected)
  }

  @Test func rowsStandBehindThoseOfTheSameGroup() throws {
    let found = try numbers([2, 0, 1]) { bench, x in
      try bench.graph.joinedRows([x, bench.graph.pooled(x), bench.graph.add(.unary(.negate), x)])
    }
    #expect(found == [1, 2, 1.5, -1, -2, 0, 3, 3, -3])
  }

  @Test func aValueWithoutRowsStandsInEachGroup() throws {
    let found = try numbers([2, 0, 1]) { bench, x in
      let memory = try bench.input("memory", [2, 1], [8, 9])
      return try bench.graph.joinedRows([memory, x])
    }
    #expect(found == [8, 9, 1, 2, 8, 9, 8, 9, 3])
  }

  /// A row keeps its place where the one before leaves that free.
  @Test func placesAscend() throws {
    let found = try numbers([4, 1]) { bench, x in
      let (head, tail) = (
        try bench.graph.picked(x, .range(lower: 0, upper: 1)),
        try bench.graph.picked(x, .range(lower: 2, upper: nil))
      )
      let joined = try bench.graph.joinedRows([head, tail, head])
      return try bench.graph.add(.convert(.float32), bench.graph.add(.positions, joined))
    }
    #expect(found == [0, 2, 3, 4, 0, 1])
  }

  @Test func theSameRowsAreOneSet() throws {
    var bench = Bench()
    let x = try bench.input("x", bench.addRows([2, 1]), [1])
    let y = try bench.graph.add(.unary(.negate), x)
    let (a, b) = (try bench.graph.joinedRows([x, y]), try bench.graph.joinedRows([y, x]))
    _ = try bench.graph.add(.binary(.add), a, b)
    let (c, d) = (
      try bench.graph.picked(x, .range(lower: 0, upper: 1)),
      try bench.graph.picked(y, .range(lower: 0, upper: 1))
    )
    _ = try bench.graph.add(.binary(.add), c, d)
  }

  @Test func rowsOfOtherGroupsAreRefused() throws {
    var bench = Bench()
    let (x, y) = (
      try bench.input("x", bench.addRows([2]), [1]),
      try bench.input("y", bench.addRows([2], "other"), [1])
    )
    expectError(.shape, containing: ["same groups"]) { _ = try bench.graph.joinedRows([x, y]) }
  }
}
