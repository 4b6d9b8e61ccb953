import AdaptGraph
import Testing

/// A graph around one op whose gradient is held against finite differences.
struct GradientCase: Sendable, CustomTestStringConvertible {
  let kind: OpKind
  let name: String
  let build: @Sendable (inout Bench) throws -> ValueID

  var testDescription: String { "\(kind.rawValue): \(name)" }

  init(
    _ kind: OpKind, _ name: String, _ build: @escaping @Sendable (inout Bench) throws -> ValueID
  ) {
    (self.kind, self.name, self.build) = (kind, name, build)
  }
}

/// A value's shape in a case: over the rows of the case or not.
struct Shape: Sendable, CustomStringConvertible {
  let hasRows: Bool
  let dims: [Int]

  static func rows(_ dims: Int...) -> Shape { Shape(hasRows: true, dims: dims) }
  static func once(_ dims: Int...) -> Shape { Shape(hasRows: false, dims: dims) }

  func with(columns: Int) -> Shape {
    Shape(hasRows: hasRows, dims: Array(dims.dropLast()) + [columns])
  }

  var description: String { (hasRows ? "rows" : "") + "\(dims)" }
}

extension Bench {
  /// An input of a shape, over three rows in two groups where it has rows.
  mutating func input(_ name: String, _ shape: Shape, positive: Bool = false) throws -> ValueID {
    let first = rows.keys.first { graph[$0].label == "case" }
    let home = shape.hasRows ? first ?? addRows([2, 1], "case") : nil
    return try input(name, home, shape.dims, positive: positive)
  }
}

extension GradientCase {
  static let all: [GradientCase] =
    [
      unary, binary, broadcasts, products, reductions, lastAxis, rows, groupsAndAxes, acrossRows,
      axes, secondOrder, scans, convolutions,
    ].flatMap { $0 }

  // MARK: Element by element

  /// Functions of positive numbers only.
  private static let positive: Set<Unary> = [.log, .sqrt]

  static let unary: [GradientCase] = Unary.allCases.map { function in
    GradientCase(.unary, function.rawValue) { bench in
      let rows = bench.addRows([2, 1])
      let x = try bench.input("x", rows, [3], positive: positive.contains(function))
      return try bench.add(.unary(function), x)
    }
  }

  static let binary: [GradientCase] = Binary.allCases.map { function in
    GradientCase(.binary, function.rawValue) { bench in
      let rows = bench.addRows([2, 1])
      // A power of a negative number is none, and a divisor stays away from zero anyway.
      let a = try bench.input("a", rows, [3], positive: function == .power)
      let b = try bench.input("b", rows, [3])
      return try bench.add(.binary(function), a, b)
    }
  }

  /// The pairs of shapes that meet; every function takes each in both orders.
  static let meetings: [(Shape, Shape)] = [
    (.rows(3), .rows(3)), (.rows(3), .once(3)), (.rows(3), .rows(1)), (.rows(3), .rows()),
    (.rows(3), .once()), (.rows(3), .once(1)), (.rows(3), .once(1, 1)), (.rows(), .rows(1)),
    (.rows(), .once(3)), (.rows(), .once()), (.rows(1), .once(3)), (.rows(1), .once()),
    (.rows(2, 3), .rows(2, 3)), (.rows(2, 3), .once(2, 3)), (.rows(2, 3), .once()),
    (.once(2, 3), .once(2, 3)), (.once(2, 3), .once(3)), (.once(2, 3), .once(1, 3)),
    (.once(2, 3), .once(2, 1)), (.once(2, 3), .once()), (.once(2, 3), .once(1)),
    (.once(3), .once()), (.once(3), .once(1)), (.once(3), .once(1, 3)), (.once(), .once(1)),
    (.once(2, 2, 2), .once()), (.rows(1), .once(1)), (.once(), .once()),
  ]

  static let broadcasts: [GradientCase] = meetings.flatMap { first, second in
    [(first, second), (second, first)].flatMap { a, b in
      ([.add, .subtract, .multiply, .divide, .maximum, .minimum, .power] as [Binary]).map {
        function in
        GradientCase(.binary, "\(function.rawValue) \(a) \(b)") { bench in
          let left = try bench.input("a", a, positive: function == .power)
          let right = try bench.input("b", b)
          return try bench.add(.binary(function), left, right)
        }
      }
    }
  }

  // MARK: Products and sums

  static let products: [GradientCase] =
    [(false, false), (false, true), (true, false), (true, true)].map { a, b in
      GradientCase(.matmul, "\(a ? "T" : "N")\(b ? "T" : "N") without rows") { bench in
        let left = try bench.parameter("a", a ? [3, 2] : [2, 3])
        let right = try bench.parameter("b", b ? [4, 3] : [3, 4])
        return try bench.add(.matmul(transposeA: a, transposeB: b), left, right)
      }
    } + [
      GradientCase(.matmul, "rows by matrix") { bench in
        let x = try bench.input("x", bench.addRows([2, 1]), [3])
        let w = try bench.parameter("w", [3, 4])
        return try bench.add(.matmul(transposeA: false, transposeB: false), x, w)
      },
      GradientCase(.matmul, "rows by transposed matrix") { bench in
        let x = try bench.input("x", bench.addRows([2, 1]), [3])
        let w = try bench.parameter("w", [4, 3])
        return try bench.add(.matmul(transposeA: false, transposeB: true), x, w)
      },
      GradientCase(.matmul, "contracted over rows") { bench in
        let rows = bench.addRows([2, 1])
        let x = try bench.input("x", rows, [3])
        let y = try bench.input("y", rows, [2])
        return try bench.add(.matmul(transposeA: true, transposeB: false), x, y)
      },
    ]

  static let reductions: [GradientCase] = [false, true].flatMap { mean in
    sums.flatMap { rowReductions($0, mean: mean) }
      + sums.filter { !$0.dims.isEmpty }.flatMap { columnReductions($0, mean: mean) }
  }

  private static let sums: [Shape] = [.rows(3), .rows(), .rows(2, 3), .once(2, 3), .once(4)]

  private static func rowReductions(_ shape: Shape, mean: Bool) -> [GradientCase] {
    [
      GradientCase(.sumRows, "\(shape) mean \(mean)") { bench in
        let x = try bench.input("x", shape)
        return try bench.add(.sumRows(mean: mean), x)
      },
      GradientCase(.expandRows, "\(shape) mean \(mean)") { bench in
        let like = try bench.input("like", shape)
        let dims = shape.hasRows ? shape.dims : Array(shape.dims.dropFirst())
        return try bench.add(.expandRows(mean: mean), bench.input("x", dims), like)
      },
    ]
  }

  private static func columnReductions(_ shape: Shape, mean: Bool) -> [GradientCase] {
    [
      GradientCase(.sumColumns, "\(shape) mean \(mean)") { bench in
        let x = try bench.input("x", shape)
        return try bench.add(.sumColumns(mean: mean), x)
      },
      GradientCase(.expandColumns, "\(shape) mean \(mean)") { bench in
        let x = try bench.input("x", shape.with(columns: 1))
        return try bench.add(.expandColumns(count: 5, mean: mean), x)
      },
    ]
  }

  // MARK: Along the last axis

  static let lastAxis: [GradientCase] =
    ([.rows(3), .rows(1), .rows(2, 3), .once(2, 3), .once(4)] as [Shape]).flatMap(alongLastAxis)

  private static func alongLastAxis(_ shape: Shape) -> [GradientCase] {
    let columns = shape.dims.last ?? 1
    let ops: [(Op, String)] = [
      (.softmax, "softmax"), (.normalize(.layer, epsilon: 0.01), "layer"),
      (.normalize(.rms, epsilon: 0.01), "rms"), (.slice(start: 0, count: 1), "first"),
      (.slice(start: columns - 1, count: 1), "last"), (.slice(start: 0, count: columns), "whole"),
      (.pad(start: 2, total: 7), "both sides"), (.pad(start: 0, total: 7), "after"),
      (.reshape([1, shape.dims.reduce(1, *), 1]), "with ones"),
    ]
    let concat = GradientCase(.concat, "three \(shape), one twice") { bench in
      let a = try bench.input("a", shape)
      let b = try bench.input("b", shape.with(columns: 2))
      return try bench.add(.concat, a, b, a)
    }
    return [concat]
      + ops.map { op, name in
        GradientCase(op.kind, "\(name) \(shape)") { bench in
          let x = try bench.input("x", shape)
          return try bench.add(op, x)
        }
      }
  }

  // MARK: Rows

  static let rows: [GradientCase] = [
    GradientCase(.gather, "rows, one repeated, one left out") { bench in
      let x = try bench.input("x", bench.addRows([2, 1]), [2])
      let taken = bench.addRows([4], "taken")
      return try bench.add(.gather, x, bench.ints("index", taken, [2, 0, 2, 2]))
    },
    GradientCase(.gather, "a table") { bench in
      let table = try bench.parameter("table", [5, 2])
      let rows = bench.addRows([4])
      return try bench.add(.gather, table, bench.ints("index", rows, [4, 1, 4, 0]))
    },
    GradientCase(.gather, "a table of single numbers") { bench in
      let table = try bench.parameter("table", [5])
      let rows = bench.addRows([3])
      return try bench.add(.gather, table, bench.ints("index", rows, [3, 3, 1]))
    },
    GradientCase(.gather, "a table of matrices") { bench in
      let table = try bench.parameter("table", [3, 2, 2])
      let rows = bench.addRows([2])
      return try bench.add(.gather, table, bench.ints("index", rows, [2, 2]))
    },
    GradientCase(.gather, "the same rows twice by different indices") { bench in
      let x = try bench.input("x", bench.addRows([3]), [2])
      let taken = bench.addRows([2], "taken")
      let first = try bench.add(.gather, x, bench.ints("first", taken, [0, 2]))
      let second = try bench.add(.gather, x, bench.ints("second", taken, [2, 2]))
      return try bench.add(.binary(.multiply), first, second)
    },
    GradientCase(.scatter, "two sources into rows, indices repeated") { bench in
      let target = bench.addRows([4])
      let (left, right) = (bench.addRows([3], "left"), bench.addRows([2], "right"))
      let a = try bench.input("a", left, [2])
      let b = try bench.input("b", right, [2])
      let toA = try bench.ints("toA", left, [3, 0, 3])
      let toB = try bench.ints("toB", right, [0, 2])
      return try bench.add(.scatter(.rows(target)), a, toA, b, toB)
    },
    GradientCase(.scatter, "into a table") { bench in
      let rows = bench.addRows([3])
      let x = try bench.input("x", rows, [2])
      return try bench.add(.scatter(.table(4)), x, bench.ints("index", rows, [1, 1, 3]))
    },
  ]

  // MARK: Across rows, losses

  /// Groups of different lengths, one empty and one of a single row.
  static let groups = [3, 0, 1, 2]

  static let acrossRows: [GradientCase] =
    [false, true].flatMap { causal in
      [1, 2].map { heads in
        GradientCase(.attention, "\(heads) heads\(causal ? ", causal" : "")") { bench in
          let rows = bench.addRows(groups)
          let q = try bench.input("q", rows, [4])
          let k = try bench.input("k", rows, [4])
          let v = try bench.input("v", rows, [4])
          return try bench.add(.attention(heads: heads, causal: causal), q, k, v)
        }
      } + [
        GradientCase(.attention, "query, key and value the same\(causal ? ", causal" : "")") {
          bench in
          let x = try bench.input("x", bench.addRows(groups), [4])
          return try bench.add(.attention(heads: 2, causal: causal), x, x, x)
        }
      ]
    }
    + [false, true].map { causal in
      GradientCase(.attention, "keys around the queries' path\(causal ? ", causal" : "")") {
        bench in
        let rows = bench.addRows(groups)
        let x = try bench.input("x", rows, [4])
        let v = try bench.input("v", rows, [4])
        let scores = try bench.input("scores", rows, [1])
        bench.forced["site"] = ReferenceTensor([6, 2], [0, 1, 1, 0, 1, 0, 0, 1, 0, 1, 1, 0])
        let site = try bench.graph.addSite(
          name: "site", unit: "token", router: "R", selection: .above(0), scores: scores,
          hasElse: true)
        let path = try bench.graph.enterPath(site, name: "a", [x])[0]
        let y = try bench.add(.attention(heads: 2, causal: causal), path, x, v)
        bench.graph.leavePath()
        let rest = try bench.graph.enterPath(site, name: "b", [x])[0]
        bench.graph.leavePath()
        return try bench.graph.join(site, outputs: [y, rest]) ?? x
      }
    } + [
      GradientCase(.scatter, "rows of a part, all rows, means and a table joined") { bench in
        let x = try bench.input("x", bench.addRows(groups), [2])
        let y = try bench.input("y", [2, 2])
        let part = try bench.graph.picked(x, .range(lower: -2, upper: nil))
        let all = try bench.graph.joinedRows([y, part, x, bench.graph.pooled(x)])
        return try bench.add(.attention(heads: 1, causal: false), x, all, all)
      },
      GradientCase(.logLoss, "three classes") { bench in
        let rows = bench.addRows([3, 1])
        let logits = try bench.input("logits", rows, [3])
        return try bench.add(.logLoss, logits, bench.ints("targets", rows, [0, 2, 2, 1]))
      },
    ]
}

// MARK: Groups and axes as rows

extension GradientCase {
  static let groupsAndAxes: [GradientCase] = [
    GradientCase(.gather, "mean of each group, for each row") { bench in
      let x = try bench.input("x", bench.addRows([2, 0, 1]), [3])
      return try bench.graph.spread(bench.graph.pooled(x), like: x)
    },
    GradientCase(.scatter, "sum of each group") { bench in
      let x = try bench.input("x", bench.addRows([2, 0, 1]), [3])
      return try bench.graph.spread(bench.graph.pooled(x, mean: false), like: x)
    },
    GradientCase(.unfold, "an axis becomes rows") { bench in
      let rows = bench.addRows([2, 1])
      let x = try bench.input("x", rows, [2, 3])
      let heads = bench.openUnfolded(rows, "head", 2)
      let unfolded = try bench.add(.unfold(heads), x)
      let product = try bench.add(.plainMatmul, unfolded, bench.parameter("w", [3, 2]))
      return try bench.add(.fold, bench.add(.unary(.tanh), product))
    },
    GradientCase(.fold, "rows become an axis") { bench in
      let rows = bench.addRows([2, 1])
      let x = try bench.input("x", rows, [2, 3])
      let heads = bench.openUnfolded(rows, "head", 2)
      let unfolded = try bench.add(.unfold(heads), x)
      return try bench.add(.unary(.tanh), bench.add(.fold, unfolded))
    },
  ]
}
