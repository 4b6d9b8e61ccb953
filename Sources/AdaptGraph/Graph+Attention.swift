extension Graph {
  /// Attention of values without rows, `[.., t, d]`, made of ops that have second derivatives.
  ///
  /// softmax(q kᵀ / √size) v in each head (Vaswani et al. 2017, eq. 1); with `causal` a place sees
  /// itself and those before it.
  /// - Throws: ``GraphError`` naming the shapes when they do not fit, or the heads do not divide d.
  public mutating func attention(
    _ q: ValueID, _ k: ValueID, _ v: ValueID, heads: Int, causal: Bool
  ) throws -> ValueID {
    let (query, key, value) = (type(q).dims, type(k).dims, type(v).dims)
    guard query.count >= 2, key == value, query.dropLast(2) == key.dropLast(2),
      query.last == key.last
    else {
      throw GraphError(
        .shape,
        "\(describe(type(q))), \(describe(type(k))) and \(describe(type(v))) do not attend")
    }
    let width = type(q).columns
    try require(
      heads > 0 && width % heads == 0, "\(width) columns do not divide into \(heads) heads")
    let product = Op.batchMatmul(transposeA: false, transposeB: true)
    let scale = 1 / Double(max(1, width / heads)).squareRoot()
    var scores = try add(product, split(q, heads), split(k, heads))
    scores = try add(.binary(.multiply), scores, constant(scale))
    if causal { scores = try hidingFuture(scores) }
    let shares = try add(.softmax, scores)
    let mixed = try add(
      .batchMatmul(transposeA: false, transposeB: false), shares, split(v, heads))
    let rank = query.count + 1
    let order = Array(0..<rank - 3) + [rank - 2, rank - 3, rank - 1]
    return try viewed(add(.permute(order), mixed), as: query)
  }

  /// `[.., t, d]` → `[.., head, t, d / heads]`.
  private mutating func split(_ value: ValueID, _ heads: Int) throws -> ValueID {
    let dims = type(value).dims
    let parts = try viewed(value, as: dims.dropLast() + [heads, type(value).columns / heads])
    let rank = dims.count + 1
    return try add(.permute(Array(0..<rank - 3) + [rank - 2, rank - 3, rank - 1]), parts)
  }

  /// Scores `[.., t, t]` without those of places behind: they are so low that their share is 0.
  private mutating func hidingFuture(_ scores: ValueID) throws -> ValueID {
    let dims = Array(type(scores).dims.suffix(2))
    func counted(_ size: Int) throws -> ValueID {
      let ones = try add(.broadcast([size]), constant(1))
      return try add(.cumulativeSum(axis: 0, reversed: false), ones)
    }
    let row = try viewed(counted(dims[0]), as: [dims[0], 1])
    let isSeen = try elementwise(.lessOrEqual, counted(dims[1]), row)
    return try choice(isSeen, scores, constant(-1e30))
  }
}
