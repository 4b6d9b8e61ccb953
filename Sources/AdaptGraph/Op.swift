import AdaptTensor

/// Functions of one number.
public enum Unary: String, Hashable, Sendable, CaseIterable {
  case negate, exp, log, sqrt, reciprocal, tanh, sigmoid, relu, gelu, silu, square, absolute, sign
  case sin, cos
  /// The error function 2/√π ∫₀ˣ exp(−t²) dt.
  case erf
  case floor, ceil
  /// To the nearest integer, halves away from zero.
  case round
}

/// Functions of two numbers; comparisons give 0 or 1.
public enum Binary: String, Hashable, Sendable, CaseIterable {
  case add, subtract, multiply, divide, maximum, minimum, power
  case less, lessOrEqual, greater, greaterOrEqual, equal, notEqual
}

/// How an axis becomes one number.
public enum Reduction: String, Hashable, Sendable, CaseIterable {
  /// Of nothing: 0.
  case sum
  /// Of nothing: 0.
  case mean
  /// Of nothing: 1.
  case product
  /// A NaN among the numbers is the result.
  case maximum, minimum
}

/// How random numbers are distributed.
public enum Noise: String, Hashable, Sendable, CaseIterable {
  /// Even in 0 ..< 1.
  case uniform
  /// Mean 0, variance 1.
  case normal
  /// −log(−log u) of an even u: the largest of scores with it added is drawn by their softmax (Gumbel
  /// 1954; Maddison, Tarlow & Minka 2014, §2).
  case gumbel
}

/// What a row is divided by: its standard deviation around its mean, or its root mean square.
public enum Normalization: String, Hashable, Sendable, CaseIterable {
  /// Ba, Kiros & Hinton 2016.
  case layer
  /// Zhang & Sennrich 2019.
  case rms
}

/// Where rows are added up.
public enum ScatterTarget: Hashable, Sendable {
  /// Into the rows of a set.
  case rows(RowSetID)
  /// Into a table of so many rows.
  case table(Int)
}

/// Everything a node can compute.
///
/// "Rows" is the row axis, or the first axis of a value without one. What is known of each op stands
/// in one place, ``OpTable``.
public enum Op: Hashable, Sendable {
  // Sources
  /// A value the caller feeds.
  case input(String, TensorType)
  /// A parameter, by its index in ``Graph/parameters``.
  case parameter(Int)
  /// One float.
  case constant(Double)
  /// A tensor that is known when the graph is made.
  case literal(Literal)
  /// x → the position of each row in its group, `[rows]` int.
  case positions
  /// x → random numbers in its shape, the same for the same run, stream and row of the batch.
  case random(Noise, stream: String)

  // Element by element
  case unary(Unary)
  /// (dy, x, y) → dx.
  case unaryGradient(Unary)
  /// Operands broadcast: same shape, one row for all, one number a row, or a scalar.
  case binary(Binary)
  /// (mask, a, b), all of one shape → a where the mask is not 0, else b.
  case select
  /// The same numbers as another type; a float loses its fraction, NaN becomes 0.
  case convert(ElementType)

  // Products and reductions
  /// (a, b) → a·b, either transposed. Contracting over rows (`transposeA`) gives a value without rows.
  case matmul(transposeA: Bool, transposeB: Bool)
  /// (a, b) → a·b over the last two axes, either transposed, for each place of the axes before them.
  case batchMatmul(transposeA: Bool, transposeB: Bool)
  /// [rows, d] → [d].
  case sumRows(mean: Bool)
  /// ([d], like) → [rows of like, d]; divided by the number of rows for a mean's gradient.
  case expandRows(mean: Bool)
  /// [rows, d] → [rows, 1].
  case sumColumns(mean: Bool)
  /// [rows, 1] → [rows, count].
  case expandColumns(count: Int, mean: Bool)

  // Along the last axis
  case softmax
  /// (dy, y) → dx.
  case softmaxGradient
  /// x → (y, 1/deviation).
  case normalize(Normalization, epsilon: Double)
  /// (dy, y, 1/deviation) → dx.
  case normalizeGradient(Normalization)
  case slice(start: Int, count: Int)
  /// [.., d] → [.., total] with zeros around.
  case pad(start: Int, total: Int)
  case concat
  /// The same numbers under other sizes behind the row axis.
  case reshape([Int])

  // Along any axis behind the row axis, counted from 0
  /// Axis i of the result is axis `axes[i]` of the value.
  case permute([Int])
  /// Repeats axes of 1, and puts axes in front, up to these sizes (the rules of NumPy).
  case broadcast([Int])
  /// The axis becomes 1.
  case reduce(Reduction, axis: Int)
  /// Where the largest or smallest number stands, the first of several; the axis becomes 1.
  case extremumIndex(maximum: Bool, axis: Int)
  /// Each number plus those before it, or, reversed, those behind it.
  case cumulativeSum(axis: Int, reversed: Bool)
  /// (x, index [k]) → those places of an axis, which becomes k long. Places outside are an error.
  case take(axis: Int)
  /// (y, index [k]) → an axis of `size` with each place of y added where its index says.
  case put(axis: Int, size: Int)

  // Rows
  /// (x, index) → x[index].
  case gather
  /// (y, index, y, index, …) → the sum of each y's rows at its index.
  case scatter(ScatterTarget)
  /// Numbers to decide by [units, paths], and scores where those are others → 0/1 selection, by the
  /// site's rule or the policy it runs under, with a column for the path of the rest where there is one.
  case choose(SiteID)
  /// Numbers to decide by [units, paths] → 0/1 selection by a rule, of no site.
  case mark(Selection)
  /// selection → indices of the rows on one path; its type opens that path's row set.
  case members(SiteID, path: Int, RowSetID)
  /// Indices of units → indices of the rows (of the first set) that they consist of; its type opens
  /// the second set.
  case groupMembers(of: RowSetID, RowSetID)
  /// x → for each row the number of its group, `[rows]` int.
  case groupOf
  /// x, or marks of its rows → indices of those rows of each group that a rule picks; its type opens the
  /// set of them.
  case pick(RowPick, RowSetID)
  /// (x, …) of different rows → for each the places that its rows have in the set that holds them all,
  /// group by group one behind the other, which this opens.
  case joinRows(RowSetID)
  /// [rows, n, ..] → [n rows for each row, ..]: an axis becomes rows.
  case unfold(RowSetID)
  /// [n rows for each row, ..] → [rows, n, ..].
  case fold

  // Across rows of a group
  /// (q, k, v) → (output, log-sum-exp [rows, heads]); scale 1/√head size (Vaswani et al. 2017, eq. 1).
  case attention(heads: Int, causal: Bool)
  /// (dOutput, q, k, v, output, lse) → (dq, dk, dv).
  case attentionGradient(heads: Int, causal: Bool)

  // Along the rows of a group
  /// x → for each row the row that stands so many places before it in its group, zeros before the first;
  /// behind it where the number is negative.
  case shift(Int)
  /// (rows of each step…, values without rows…, what states start from…) → (results…, what each row is
  /// handed of each state…, totals…). See ``ScanBody``.
  case scan(ScanBody)

  // Windows along axes or rows
  /// (x, weight) → the product of each window with the weight. See ``Convolution``.
  case convolution(Convolution)
  /// (dy, weight) → dx, of a value whose axes have these sizes.
  case convolutionInput(Convolution, sizes: [Int])
  /// (x, dy) → dWeight.
  case convolutionWeight(Convolution)

  // Losses
  /// (logits [rows, classes], targets [rows]) → (−log softmax at the target in nats, log-sum-exp).
  case logLoss
  /// (dLoss, logits, targets, lse) → dLogits.
  case logLossGradient

  /// The value itself; no gradient passes.
  case stopGradient
}

/// The ops without what they carry: the key of ``OpTable``.
public enum OpKind: String, Hashable, Sendable, CaseIterable {
  case input, parameter, constant, literal, positions, random
  case unary, unaryGradient, binary, select, convert
  case matmul, batchMatmul, sumRows, expandRows, sumColumns, expandColumns
  case softmax, softmaxGradient, normalize, normalizeGradient
  case slice, pad, concat, reshape
  case permute, broadcast, reduce, extremumIndex, cumulativeSum, take, put
  case gather, scatter, choose, mark, members, groupMembers, groupOf, unfold, fold
  case pick, joinRows
  case attention, attentionGradient, shift, scan, logLoss, logLossGradient
  case convolution, convolutionInput, convolutionWeight
  case stopGradient
}

extension Op {
  public var kind: OpKind {
    switch self {
    case .input: .input
    case .parameter: .parameter
    case .constant: .constant
    case .literal: .literal
    case .positions: .positions
    case .random: .random
    case .unary: .unary
    case .unaryGradient: .unaryGradient
    case .binary: .binary
    case .select: .select
    case .convert: .convert
    case .matmul: .matmul
    case .batchMatmul: .batchMatmul
    case .sumRows: .sumRows
    case .expandRows: .expandRows
    case .sumColumns: .sumColumns
    case .expandColumns: .expandColumns
    case .softmax: .softmax
    case .softmaxGradient: .softmaxGradient
    case .normalize: .normalize
    case .normalizeGradient: .normalizeGradient
    case .slice: .slice
    case .pad: .pad
    case .concat: .concat
    case .reshape: .reshape
    case .permute: .permute
    case .broadcast: .broadcast
    case .reduce: .reduce
    case .extremumIndex: .extremumIndex
    case .cumulativeSum: .cumulativeSum
    case .take: .take
    case .put: .put
    case .gather: .gather
    case .scatter: .scatter
    case .choose: .choose
    case .mark: .mark
    case .members: .members
    case .groupMembers: .groupMembers
    case .groupOf: .groupOf
    case .pick: .pick
    case .joinRows: .joinRows
    case .unfold: .unfold
    case .fold: .fold
    case .attention: .attention
    case .attentionGradient: .attentionGradient
    case .shift: .shift
    case .scan: .scan
    case .convolution: .convolution
    case .convolutionInput: .convolutionInput
    case .convolutionWeight: .convolutionWeight
    case .logLoss: .logLoss
    case .logLossGradient: .logLossGradient
    case .stopGradient: .stopGradient
    }
  }
}
