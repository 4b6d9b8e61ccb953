// Products of any rank, made of those of matrices.

extension Graph {
  /// `a @ b` by the rules of NumPy: the last two axes are matrices, those before them broadcast, and
  /// a value of one axis is a row on the left and a column on the right.
  /// - Throws: ``GraphError`` naming both shapes.
  public mutating func product(_ a: ValueID, _ b: ValueID) throws -> ValueID {
    let (x, y) = (type(a), type(b))
    let plain = Op.matmul(transposeA: false, transposeB: false)
    if (try? product(plain, x, y)) != nil { return try add(plain, a, b) }
    let inner = y.dims.count >= 2 ? y.dims[y.dims.count - 2] : y.dims.last
    guard let last = x.dims.last, last == inner, x.element == y.element else {
      throw GraphError(
        .shape,
        "\(describe(x)) @ \(describe(y)): "
          + (x.dims.isEmpty || y.dims.isEmpty
            ? "a product needs an axis on both sides" : "the inner sizes differ"))
    }
    if x.rows == nil, x.dims.count == 1 {
      let row = try product(add(.reshape([1, x.dims[0]]), a), b)
      var dims = type(row).dims
      let isVector = y.dims.count == 1
      dims.remove(at: isVector ? dims.startIndex : dims.count - 2)
      return try add(.reshape(dims), row)
    }
    if y.rows == nil, y.dims.count == 1 {
      let column = try product(a, add(.reshape([y.dims[0], 1]), b))
      return try add(.reshape(type(column).dims.dropLast()), column)
    }
    return try highProduct(a, b)
  }

  private mutating func highProduct(_ a: ValueID, _ b: ValueID) throws -> ValueID {
    let (x, y) = (type(a), type(b))
    let plain = Op.matmul(transposeA: false, transposeB: false)
    let batched = Op.batchMatmul(transposeA: false, transposeB: false)
    guard x.dims.count >= 2, y.dims.count >= 2, x.dims.last == y.dims[y.dims.count - 2],
      let lead = Graph.broadcast(x.dims.dropLast(2), y.dims.dropLast(2))
    else { return try add(y.dims.count > 2 || x.dims.count > 2 ? batched : plain, a, b) }
    if x.rows == nil, y.rows == nil, y.dims.count == 2 {
      // One matrix for all: the leading axes are rows of one product.
      let rows = x.dims.dropLast().reduce(1, *)
      let flat = try add(.reshape([rows, x.columns]), a)
      return try add(.reshape(x.dims.dropLast() + [y.columns]), add(plain, flat, b))
    }
    var (left, right) = (
      try spread(a, to: lead + x.dims.suffix(2)), try spread(b, to: lead + y.dims.suffix(2))
    )
    if x.rows != nil, y.rows == nil {
      right = try add(.expandRows(mean: false), right, like(left, right))
    }
    if y.rows != nil, x.rows == nil {
      left = try add(.expandRows(mean: false), left, like(right, left))
    }
    return try add(batched, left, right)
  }

  /// A value over the rows of `rows` with the sizes of `sizes`, whose numbers do not matter.
  private mutating func like(_ rows: ValueID, _ sizes: ValueID) throws -> ValueID {
    let zero = try constant(0)
    let one = try add(.reshape([type(rows).count]), rows)
    let sum = try add(.reshape([]), add(.sumColumns(mean: false), one))
    let row = try add(.binary(.multiply), sum, zero)
    return try add(.broadcast(type(sizes).dims), row)
  }
}
