import AdaptTensor
import Testing

@Suite struct SelectionTests {
  @Test("gather copies the rows an index names", arguments: Backend.all)
  func gather(_ backend: Backend) {
    let cpu = backend.cpu
    var source = Source(31)
    for (rows, columns) in shapes where rows > 0 {
      let x = source.normals(rows * columns)
      let index = source.integers(2 * rows + 1, below: rows)
      let y = Floats(count: index.count * columns)
      cpu.gather(x.p, index, y.p, count: index.count, columns: columns)
      let expected = index.flatMap { i in (0..<columns).map { x[Int(i) * columns + $0] } }
      #expect(y.intact && y.values == expected)
    }
  }

  @Test("scatterAdd adds every row, in order, also where indices repeat", arguments: Backend.all)
  func scatterAdd(_ backend: Backend) {
    let cpu = backend.cpu
    var source = Source(32)
    for (rows, columns) in shapes + [(3, 200), (50, 64), (1000, 17)] where rows > 0 {
      for distinct in [1, max(1, rows / 2), rows] {
        let index = source.integers(rows + 7, below: distinct)
        let y = source.normals(index.count * columns)
        let out = source.normals(rows * columns)
        var expected = out.values
        for (i, target) in index.enumerated() {
          for c in 0..<columns { expected[Int(target) * columns + c] += y[i * columns + c] }
        }
        cpu.scatterAdd(y.p, index, out.p, count: index.count, columns: columns, rows: rows)
        // The order is fixed, so the bits are too.
        #expect(out.intact && out.values == expected, "\(rows)×\(columns)")
      }
    }
  }

  @Test("scatterAdd passes over an index that is no row", arguments: Backend.all)
  func scatterOutside(_ backend: Backend) {
    let cpu = backend.cpu
    for columns in [1, 300] {
      let y = Floats([Float](repeating: 1, count: 3 * columns))
      let out = Floats([Float](repeating: 0, count: 2 * columns))
      cpu.scatterAdd(y.p, [-1, 1, 2], out.p, count: 3, columns: columns, rows: 2)
      #expect(out.intact && out.values.reduce(0, +) == Float(columns))
    }
  }

  static func topK(_ row: ArraySlice<Float>, _ k: Int) -> [Float] {
    let order = row.indices.sorted { (row[$0], $1) > (row[$1], $0) }
    var mask = [Float](repeating: 0, count: row.count)
    for i in order.prefix(max(0, k)) { mask[i - row.startIndex] = 1 }
    return mask
  }

  @Test("topK marks the best, ties to the lower column")
  func topK() {
    let cpu = CPU(threads: 1)
    var source = Source(33)
    for (rows, columns) in [(1, 1), (50, 3), (50, 8), (20, 17), (6, 500), (2, 3000)] {
      for k in [-1, 0, 1, 2, columns / 2, columns - 1, columns, columns + 5] {
        for levels in [2, 5, 1_000_000] {
          // Few levels make many ties; 0 and -0 tie as well.
          let scores = Floats(
            source.integers(rows * columns, below: levels).map {
              Float($0) - Float(levels / 2) == 0
                ? ($0 % 2 == 0 ? -0.0 : 0.0)
                : (Float($0) - Float(levels / 2)) * 1e-3
            })
          let mask = Floats(count: rows * columns)
          #expect(cpu.topK(scores.p, mask.p, rows: rows, columns: columns, k: k) == nil)
          let values = scores.values
          let expected = (0..<rows).flatMap {
            Self.topK(values[$0 * columns..<($0 + 1) * columns], k)
          }
          #expect(mask.intact && mask.values == expected, "\(rows)×\(columns), k \(k)")
        }
      }
    }
  }

  @Test("topK reports the first row that is not finite")
  func topKNonFinite() {
    let cpu = CPU(threads: 1)
    for bad in [Float.nan, .infinity, -.infinity] {
      let scores = Floats([1, 2, 3, 4, bad, 5, bad, 7])
      let mask = Floats(count: 8)
      #expect(cpu.topK(scores.p, mask.p, rows: 4, columns: 2, k: 1) == 2)
      #expect(mask.values == [0, 1, 0, 1, 0, 0, 0, 0])
    }
    let one = Floats([1])
    #expect(cpu.topK(one.p, one.p, rows: 0, columns: 1, k: 1) == nil)
    #expect(cpu.topK(one.p, one.p, rows: 1, columns: 0, k: 1) == nil)
  }

  @Test("members lists a column's rows, ascending")
  func members() {
    let cpu = CPU(threads: 1)
    var source = Source(34)
    for rows in [0, 1, 17, 1000] {
      let mask = Floats(source.integers(rows * 3, below: 2).map(Float.init))
      for column in 0..<3 {
        var out = [Int32](repeating: -7, count: rows + 4)
        let n = cpu.members(mask.p, column: column, &out, rows: rows, columns: 3)
        let expected = (0..<rows).filter { mask[$0 * 3 + column] != 0 }.map(Int32.init)
        #expect(Array(out[..<n]) == expected)
        #expect(out[rows...].allSatisfy { $0 == -7 })
      }
    }
  }
}
