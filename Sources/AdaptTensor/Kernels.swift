import CAdaptKernels

/// An instruction set the numeric loops were compiled for.
public enum SIMDLevel: Int32, Sendable, CaseIterable {
  /// What every processor of the architecture has: SSE2 or NEON.
  case baseline
  /// x86-64-v3: AVX2 and FMA.
  case v3
  /// x86-64-v4: AVX-512.
  case v4

  /// The levels this processor can run, lowest first.
  public static var available: [SIMDLevel] {
    allCases.filter { adapt_kernels_at($0.rawValue) != nil }
  }

  /// The highest level this processor can run.
  public static var best: SIMDLevel { available.last ?? .baseline }

  /// As command lines and reports write it: `baseline`, `v3`, `v4`.
  public var name: String {
    switch self {
    case .baseline: "baseline"
    case .v3: "v3"
    case .v4: "v4"
    }
  }

  /// The level of a ``name``.
  public init?(name: String) {
    guard let level = SIMDLevel.allCases.first(where: { $0.name == name }) else { return nil }
    self = level
  }
}

/// What the factors of products are rounded to before they are multiplied. Sums are single precision.
public enum Precision: String, Sendable, CaseIterable {
  /// Single precision: nothing is rounded.
  case fp32
  /// bfloat16, 8 bits of significand (Kalamkar et al. 2019): twice the rate on processors with
  /// AVX512-BF16, the same numbers but for the order of sums on all others.
  case bf16
}

/// An element by element function of one argument. The raw values are those of `adapt_unary`.
public enum UnaryKernel: Int32, Sendable, CaseIterable {
  case negate, exp, log, sqrt, reciprocal, tanh, sigmoid
  /// max(x, 0).
  case relu
  /// 0.5 x (1 + tanh(√(2/π) (x + 0.044715 x³))) (Hendrycks and Gimpel 2016, eq. 2, tanh form).
  case gelu
  /// x sigmoid(x).
  case silu
  case square, absolute
  /// -1, 0 or 1; its gradient is 0.
  case sign
  case sin, cos, erf, floor, ceil
  /// To the nearest integer, halves away from zero.
  case round
  case copy
}

/// An element by element function of two arguments. The raw values are those of `adapt_binary`.
///
/// A comparison gives 0 or 1, and with a NaN what IEEE 754 says: 1 for `notEqual`, else 0.
/// `maximum` and `minimum` of a NaN and a number are NaN.
public enum BinaryKernel: Int32, Sendable, CaseIterable {
  case add, subtract, multiply, divide, maximum, minimum, power
  case less, lessOrEqual, greater, greaterOrEqual, equal, notEqual
}

/// How an operand is repeated to fill `[rows, columns]`.
public enum Broadcast: Int32, Sendable {
  /// `[rows, columns]`, as it is.
  case full
  /// `[columns]`, for every row.
  case row
  /// `[rows, 1]`, for every column.
  case column
  /// One element.
  case scalar
}

/// An operand of a binary kernel. It does not own the memory it points to.
public struct Operand {
  public let pointer: UnsafePointer<Float>
  public let broadcast: Broadcast

  public init(_ pointer: UnsafePointer<Float>, _ broadcast: Broadcast) {
    self.pointer = pointer
    self.broadcast = broadcast
  }
}

/// Which normalisation of rows.
public enum NormalizeKind: Int32, Sendable {
  /// (x - mean) / √(variance + ε) (Ba et al. 2016, layer normalisation), without gain and bias.
  case layer
  /// x / √(mean of x² + ε) (Zhang and Sennrich 2019, RMSNorm), without gain.
  case rms
}
