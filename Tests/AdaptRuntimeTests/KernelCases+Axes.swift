import AdaptGraph
import AdaptTensor
import Testing

extension KernelTests {
  /// Ops along any axis, of values with and without rows.
  static let axisCases: [Case] =
    moves + reductions + [
      Case(
        "take", { try $0.graph.add(.take(axis: 0), $0.rowsInput([4, 3]), $0.places([3, 0, 3])) }),
      Case(
        "take once", { try $0.graph.add(.take(axis: 1), $0.fixedInput([4, 3]), $0.places([2])) }),
      Case(
        "put",
        { try $0.graph.add(.put(axis: 1, size: 5), $0.rowsInput([2, 3]), $0.places([4, 1, 4])) }
      ),
      Case(
        "select",
        {
          let mask = try $0.graph.add(.binary(.less), $0.rowsInput([5]), $0.rowsInput([5]))
          return try $0.graph.add(.select, mask, $0.rowsInput([5]), $0.rowsInput([5]))
        }
      ),
      Case(
        "convert",
        {
          let whole = try $0.graph.add(.convert(.int32), $0.rowsInput([5]))
          return try $0.graph.add(
            .binary(.multiply), $0.rowsInput([5]), $0.graph.add(.convert(.float32), whole))
        }
      ),
      Case(
        "convert to what it is", { try $0.graph.add(.convert(.float32), $0.rowsInput([5])) }),
      Case(
        "literal",
        {
          let tensor = try Tensor([2, 3], [1, -2, 3, 0.5, 4, -6])
          return try $0.graph.add(
            .binary(.multiply), $0.rowsInput([2, 3]), $0.graph.add(.literal(Literal(tensor))))
        }
      ),
      Case(
        "logLoss without rows",
        { try $0.graph.add(.logLoss, [$0.fixedInput([3, 9]), $0.places([8, 0, 4])])[0] }),
    ] + products

  private static let moves: [Case] = [
    Case("transposed", { try $0.graph.add(.permute([1, 0]), $0.fixedInput([37, 19])) }),
    Case("transposed rows", { try $0.graph.add(.permute([1, 0]), $0.rowsInput([5, 7])) }),
    Case("turned", { try $0.graph.add(.permute([2, 0, 1]), $0.fixedInput([3, 4, 5])) }),
    Case("swapped outside", { try $0.graph.add(.permute([1, 0, 2]), $0.fixedInput([3, 4, 5])) }),
    Case(
      "reversed axes", { try $0.graph.add(.permute([3, 2, 1, 0]), $0.fixedInput([3, 1, 4, 2])) }),
    Case("row repeated", { try $0.graph.add(.broadcast([4, 6]), $0.fixedInput([6])) }),
    Case("column repeated", { try $0.graph.add(.broadcast([4, 6]), $0.fixedInput([4, 1])) }),
    Case("number repeated", { try $0.graph.add(.broadcast([2, 2]), $0.rowsInput([])) }),
    Case("both repeated", { try $0.graph.add(.broadcast([2, 3, 4]), $0.rowsInput([3, 1])) }),
    Case("nothing", { try $0.graph.add(.broadcast([0, 3]), $0.fixedInput([3])) }),
  ]

  private static let reductions: [Case] = [0, 1, 2].flatMap { axis in
    Reduction.allCases.flatMap { reduction in
      [
        Case(
          "\(reduction) \(axis)",
          { try $0.graph.add(.reduce(reduction, axis: axis), $0.rowsInput([3, 4, 2])) }),
        Case(
          "\(reduction) \(axis) once",
          { try $0.graph.add(.reduce(reduction, axis: axis), $0.fixedInput([3, 20, 17])) }),
      ]
    } + [
      Case(
        "cumulative \(axis)",
        {
          try $0.graph.add(
            .cumulativeSum(axis: axis, reversed: axis == 1), $0.rowsInput([3, 4, 2]))
        }),
      Case(
        "where the largest of \(axis) is",
        {
          let place = try $0.graph.add(
            .extremumIndex(maximum: axis != 1, axis: axis), $0.rowsInput([3, 4, 2]))
          return try $0.graph.elementwise(
            .multiply, $0.rowsInput([3, 4, 2]), $0.graph.add(.convert(.float32), place))
        }),
    ]
  }

  private static let products: [Case] = [
    (false, false), (false, true), (true, false), (true, true),
  ]
  .flatMap { a, b in
    [
      Case(
        "batch \(a) \(b)",
        {
          try $0.graph.add(
            .batchMatmul(transposeA: a, transposeB: b),
            $0.fixedInput([5] + (a ? [3, 4] : [4, 3])),
            $0.fixedInput([5] + (b ? [2, 3] : [3, 2])))
        }),
      Case(
        "batch of rows \(a) \(b)",
        {
          try $0.graph.add(
            .batchMatmul(transposeA: a, transposeB: b), $0.rowsInput(a ? [3, 4] : [4, 3]),
            $0.rowsInput(b ? [2, 3] : [3, 2]))
        }),
    ]
  }
}
