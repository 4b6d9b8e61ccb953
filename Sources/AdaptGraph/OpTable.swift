/// Everything known about an op, apart from its kernels.
///
/// The kernels stand in the runtime's table, one an op and device; a test holds the two against each
/// other. To add an op: a case in ``Op`` and ``OpKind``, an entry here, a kernel there.
public struct OpDefinition: Sendable {
  /// The types of the outputs, or a ``GraphError``.
  public var infer: @Sendable (Op, [TensorType], Graph) throws -> [TensorType]
  /// Gradients of the inputs from those of the outputs (nil: no gradient reaches that one).
  /// A nil closure: gradient does not pass, as through a selection.
  public var gradient: Gradient
  /// Floating-point operations, given the numbers of rows.
  public var flops: @Sendable (Node, Graph, RowCounts) -> Double
  /// The op by definition: plain loops in Double.
  public var reference:
    @Sendable (Node, [ReferenceTensor], inout ReferenceRun) throws
      -> [ReferenceTensor]

  public enum Gradient: Sendable {
    /// Builds the inputs' gradients.
    case rule(@Sendable (inout Graph, Node, [ValueID?]) throws -> [ValueID?])
    /// As `rule`, of an op whose further outputs are counted too.
    case wholeRule(@Sendable (inout Graph, Node, [ValueID?]) throws -> [ValueID?])
    /// The output does not change with the inputs, or is not meant to.
    case zero
    /// Asking for it is an error.
    case missing
  }
}

/// The table of ops.
public enum OpTable {
  public static subscript(op: Op) -> OpDefinition { self[op.kind] }

  public static subscript(kind: OpKind) -> OpDefinition {
    switch kind {
    case .input: input
    case .parameter: parameter
    case .constant: constant
    case .literal: literal
    case .positions: positions
    case .random: random
    case .unary: unary
    case .unaryGradient: unaryGradient
    case .binary: binary
    case .select: select
    case .convert: convert
    case .matmul: matmul
    case .batchMatmul: batchMatmul
    case .sumRows: sumRows
    case .expandRows: expandRows
    case .sumColumns: sumColumns
    case .expandColumns: expandColumns
    case .softmax: softmax
    case .softmaxGradient: softmaxGradient
    case .normalize: normalize
    case .normalizeGradient: normalizeGradient
    case .slice: slice
    case .pad: pad
    case .concat: concat
    case .reshape: reshape
    case .permute: permute
    case .broadcast: broadcast
    case .reduce: reduce
    case .extremumIndex: extremumIndex
    case .cumulativeSum: cumulativeSum
    case .take: take
    case .put: put
    case .gather: gather
    case .scatter: scatter
    case .choose: choose
    case .mark: mark
    case .members: members
    case .groupMembers: groupMembers
    case .groupOf: groupOf
    case .pick: pick
    case .joinRows: joinRows
    case .unfold: unfold
    case .fold: fold
    case .attention: attention
    case .attentionGradient: attentionGradient
    case .shift: shift
    case .scan: scan
    case .convolution: convolution
    case .convolutionInput: convolutionInput
    case .convolutionWeight: convolutionWeight
    case .logLoss: logLoss
    case .logLossGradient: logLossGradient
    case .stopGradient: stopGradient
    }
  }
}

/// How many rows each set has: what costs are computed from.
public struct RowCounts: Sendable {
  /// Rows of a set; may be a mean, hence not whole.
  public var rows: @Sendable (RowSetID) -> Double
  /// Pairs of a row and a row of its group, of the second set, that it may look at: all, or those not
  /// after it.
  public var pairs: @Sendable (RowSetID, RowSetID, _ causal: Bool) -> Double
  /// How often the body of a scan ran, by the row set of its steps.
  public var steps: @Sendable (RowSetID) -> Double

  public init(
    rows: @escaping @Sendable (RowSetID) -> Double,
    pairs: @escaping @Sendable (RowSetID, RowSetID, _ causal: Bool) -> Double,
    steps: @escaping @Sendable (RowSetID) -> Double = { _ in 1 }
  ) {
    self.rows = rows
    self.pairs = pairs
    self.steps = steps
  }

  /// Numbers in a value of this type.
  func elements(_ type: TensorType) -> Double {
    Double(type.count) * (type.rows.map(rows) ?? 1)
  }
}
