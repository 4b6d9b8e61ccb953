// Ops of any rank, made of those of the table. Views cost nothing, so an op along the last axis serves
// every axis.

extension Graph {
  // MARK: Broadcasting

  /// The sizes that values of these sizes meet in: aligned from the right, an axis of 1 is repeated.
  public static func broadcast(_ a: [Int], _ b: [Int]) -> [Int]? {
    var result: [Int] = []
    for place in 1...max(1, a.count, b.count) where place <= max(a.count, b.count) {
      let x = place <= a.count ? a[a.count - place] : 1
      let y = place <= b.count ? b[b.count - place] : 1
      guard x == y || x == 1 || y == 1 else { return nil }
      result.append(x == 1 ? y : x)
    }
    return result.reversed()
  }

  /// A function of two values that are broadcast to each other as far as need be.
  /// - Throws: ``GraphError`` naming both shapes when they do not broadcast.
  public mutating func elementwise(_ function: Binary, _ a: ValueID, _ b: ValueID) throws -> ValueID
  {
    let (x, y) = (type(a), type(b))
    // The op itself lets one number stand for any shape; here the larger rank is that of the result.
    if let direct = try? broadcast(x, y),
      direct.rows != nil || direct.dims.count == max(x.dims.count, y.dims.count)
    {
      return try add(.binary(function), a, b)
    }
    guard x.rows == nil || y.rows == nil || x.rows == y.rows,
      let dims = Graph.broadcast(x.dims, y.dims)
    else { return try add(.binary(function), a, b) }
    if x.rows == nil, y.rows == nil {
      if x.dims == dims, let view = Graph.matrixView(of: dims, beside: y.dims) {
        let flat = try add(.binary(function), viewed(a, as: view.large), viewed(b, as: view.small))
        return try viewed(flat, as: dims)
      }
      if y.dims == dims, let view = Graph.matrixView(of: dims, beside: x.dims) {
        let flat = try add(.binary(function), viewed(a, as: view.small), viewed(b, as: view.large))
        return try viewed(flat, as: dims)
      }
    }
    return try add(.binary(function), spread(a, to: dims), spread(b, to: dims))
  }

  /// How a value is a matrix of which the smaller one is a row or a column, so that nothing has to be
  /// repeated in memory; nil when it is neither.
  private static func matrixView(of large: [Int], beside small: [Int]) -> (
    large: [Int], small: [Int]
  )? {
    let row = Array(small.drop { $0 == 1 })
    let count = large.reduce(1, *)
    let columns = row.reduce(1, *)
    guard count > 0 else { return nil }
    if Array(large.suffix(row.count)) == row { return ([count / columns, columns], [columns]) }
    // Aligned from the right, the axes before the last ones of 1 must be those of the large one.
    let padded = Array(repeating: 1, count: large.count - small.count) + small
    let lead = padded.count - padded.reversed().prefix { $0 == 1 }.count
    guard Array(padded[..<lead]) == Array(large[..<lead]) else { return nil }
    let rows = large[..<lead].reduce(1, *)
    return ([rows, count / rows], [rows, 1])
  }

  /// The value with its axes repeated up to these sizes.
  public mutating func spread(_ value: ValueID, to dims: [Int]) throws -> ValueID {
    type(value).dims == dims ? value : try add(.broadcast(dims), value)
  }

  /// a where the mask is not 0, else b; all three are broadcast to each other.
  public mutating func choice(_ mask: ValueID, _ a: ValueID, _ b: ValueID) throws -> ValueID {
    let values = [mask, a, b]
    var dims: [Int] = []
    for value in values {
      guard let next = Graph.broadcast(dims, type(value).dims) else {
        throw GraphError(
          .shape, values.map { describe(type($0)) }.joined(separator: ", ") + " do not broadcast")
      }
      dims = next
    }
    let like = values.first { type($0).rows != nil }
    let full = try values.map { value -> ValueID in
      let wide = try spread(value, to: dims)
      guard let like, type(wide).rows == nil else { return wide }
      let shape = try spread(like, to: dims)
      return try add(.expandRows(mean: false), wide, shape)
    }
    return try add(.select, full[0], full[1], full[2])
  }

  /// Sums a gradient over the axes that a broadcast repeated.
  mutating func summed(_ gradient: ValueID, to dims: [Int]) throws -> ValueID {
    var value = gradient
    let extra = type(value).dims.count - dims.count
    for axis in type(gradient).dims.indices {
      let wanted = axis < extra ? 1 : dims[axis - extra]
      if type(value).dims[axis] != wanted { value = try add(.reduce(.sum, axis: axis), value) }
    }
    return try viewed(value, as: dims)
  }

  /// One number in the shape of a value.
  mutating func filled(_ number: Double, like value: ValueID) throws -> ValueID {
    let row = try spread(constant(number), to: type(value).dims)
    return type(value).rows == nil ? row : try add(.expandRows(mean: false), row, value)
  }

  mutating func ones(like value: ValueID) throws -> ValueID { try filled(1, like: value) }
  mutating func zeros(like value: ValueID) throws -> ValueID { try filled(0, like: value) }

  /// The same numbers under other sizes.
  public mutating func viewed(_ value: ValueID, as dims: [Int]) throws -> ValueID {
    type(value).dims == dims ? value : try add(.reshape(dims), value)
  }

  // MARK: Axes

  /// Reduces some axes behind the row axis; nothing is left of them unless `keep`.
  public mutating func reduced(
    _ reduction: Reduction, _ value: ValueID, axes: [Int], keep: Bool
  ) throws -> ValueID {
    let dims = type(value).dims
    var result = value
    for group in Graph.neighbours(axes) {
      // Axes beside each other are one axis under another name.
      let merged = group.map { dims[$0] }.reduce(1) { $0.multipliedReportingOverflow(by: $1).0 }
      let before = type(result).dims[..<group.lowerBound]
      let after = type(result).dims[group.upperBound...]
      let one = try viewed(result, as: before + [merged] + after)
      let sum = try add(.reduce(reduction, axis: group.lowerBound), one)
      let ones = Array(repeating: 1, count: group.count)
      result = try viewed(sum, as: before + ones + after)
    }
    if keep { return result }
    return try viewed(result, as: dims.indices.filter { !axes.contains($0) }.map { dims[$0] })
  }

  /// Runs of axes that stand beside each other.
  private static func neighbours(_ axes: [Int]) -> [Range<Int>] {
    var result: [Range<Int>] = []
    for axis in axes.sorted() {
      if let last = result.last, last.upperBound == axis {
        result[result.count - 1] = last.lowerBound..<axis + 1
      } else {
        result.append(axis..<axis + 1)
      }
    }
    return result
  }

  /// Consecutive places of an axis.
  public mutating func sliced(_ value: ValueID, axis: Int, start: Int, count: Int) throws -> ValueID
  {
    var dims = type(value).dims
    guard dims.indices.contains(axis), start >= 0, count >= 0, start <= dims[axis] - count else {
      throw GraphError(
        .shape, "places \(start)..<\(start) + \(count) are not all in \(describe(type(value)))")
    }
    let inner = dims[(axis + 1)...].reduce(1, *)
    let flat = try viewed(value, as: dims[..<axis] + [dims[axis] * inner])
    let part = try add(.slice(start: start * inner, count: count * inner), flat)
    dims[axis] = count
    return try viewed(part, as: dims)
  }

  /// Values one behind the other along an axis.
  public mutating func joined(_ values: [ValueID], axis: Int) throws -> ValueID {
    guard let first = values.first, type(first).dims.indices.contains(axis) else {
      throw GraphError(.shape, "there is no axis \(axis) to concatenate along")
    }
    var dims = type(first).dims
    dims[axis] = 0
    for value in values {
      var other = type(value).dims
      let size = other.indices.contains(axis) ? other[axis] : 0
      if other.indices.contains(axis) { other[axis] = dims[axis] }
      guard other == dims else {
        throw GraphError(
          .shape,
          "\(describe(type(first))) and \(describe(type(value))) differ in more than axis \(axis)")
      }
      dims[axis] += size
    }
    let flat = try values.map { value in
      try viewed(value, as: Graph.flattened(type(value).dims, from: axis))
    }
    return try viewed(add(.concat, flat)[0], as: dims)
  }

  private static func flattened(_ dims: [Int], from axis: Int) -> [Int] {
    dims[..<axis] + [dims[axis...].reduce(1, *)]
  }

  // MARK: Second derivatives

  /// f″(x) of ops that have gradients themselves, or nil where it is zero; y is f(x).
  mutating func secondDerivative(of function: Unary, x: ValueID, y: ValueID) throws -> ValueID? {
    switch function {
    case .negate, .relu, .absolute, .sign, .floor, .ceil, .round: return nil
    case .square: return try constant(2)
    case .exp: return y
    case .sin, .cos: return try add(.unary(.negate), y)
    case .log: return try add(.unary(.negate), add(.unary(.square), add(.unary(.reciprocal), x)))
    case .sqrt:
      // −1/4 x^(−3/2)
      return try add(.binary(.divide), constant(-0.25), times(x, y))
    case .reciprocal: return try times(constant(2), times(y, add(.unary(.square), y)))
    case .tanh:
      // −2 y (1 − y²)
      return try times(times(constant(-2), y), complement(add(.unary(.square), y)))
    case .sigmoid:
      // y (1 − y) (1 − 2y)
      return try times(times(y, complement(y)), complement(times(constant(2), y)))
    case .erf:
      // −4/√π x exp(−x²)
      let bell = try add(.unary(.exp), add(.unary(.negate), add(.unary(.square), x)))
      return try times(times(constant(-2.256758334191025), x), bell)
    case .silu:
      // s (1 − s) (2 + x (1 − 2s))
      let s = try add(.unary(.sigmoid), x)
      let inner = try times(x, complement(times(constant(2), s)))
      return try times(times(s, complement(s)), add(.binary(.add), constant(2), inner))
    case .gelu: return try geluSecondDerivative(x)
    }
  }

  /// (1 − t²) (u′ + x u″/2 − x t u′²) for x (1 + t)/2, t = tanh(u).
  private mutating func geluSecondDerivative(_ x: ValueID) throws -> ValueID {
    let (c, a) = (0.7978845608028654, 0.044715)
    let square = try add(.unary(.square), x)
    let cubic = try add(.binary(.add), constant(c), times(constant(c * a), square))
    let t = try add(.unary(.tanh), times(x, cubic))
    let first = try add(.binary(.add), constant(c), times(constant(3 * c * a), square))
    // x u″/2 = 3 c a x²
    let second = try times(constant(3 * c * a), square)
    let bend = try times(times(x, t), add(.unary(.square), first))
    let sum = try add(.binary(.subtract), add(.binary(.add), first, second), bend)
    return try times(complement(add(.unary(.square), t)), sum)
  }

  private mutating func times(_ a: ValueID, _ b: ValueID) throws -> ValueID {
    try add(.binary(.multiply), a, b)
  }

  /// 1 − x.
  private mutating func complement(_ x: ValueID) throws -> ValueID {
    try add(.binary(.subtract), constant(1), x)
  }
}
