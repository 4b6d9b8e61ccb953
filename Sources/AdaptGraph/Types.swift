import AdaptTensor

/// A set of rows whose number is known only when the graph runs: a symbolic size.
///
/// Activations are rows. A model's input brings one row set (its tokens, say); every path of a site
/// has a fresh one, born at the router and gone at the join. Two values may meet in an op only when
/// they stand over the same row set, so what is scattered is provably what was gathered.
public struct RowSetID: Hashable, Sendable {
  public let index: Int

  public init(_ index: Int) { self.index = index }
}

/// What is known of a row set before anything runs.
public struct RowSet: Hashable, Sendable {
  public enum Origin: Hashable, Sendable {
    /// Brought by the data.
    case input
    /// The rows of `parent` that a site sent down one of its paths.
    case selected(from: RowSetID, site: SiteID, path: Int)
    /// The rows that stand at one step of a scan.
    case step(of: RowSetID)
    /// One row for each group of the set: for each sequence of tokens.
    case groups(of: RowSetID)
    /// So many rows for each row of the set: an axis that became rows.
    case unfolded(from: RowSetID, count: Int)
    /// Some rows of each group of the set.
    case picked(from: RowSetID, RowPick)
    /// The rows of several sets, group by group one behind the other.
    case joined([RowSetID])
  }

  /// What one row is: `token`, `sample`.
  public var label: String
  /// What consecutive rows form together, `sequence`, or nil when rows stand alone.
  public var grouping: String?
  public var origin: Origin
  /// The size symbol of the text form: `token`, or `token/blocks[0].route.big`.
  public var name: String

  public init(label: String, grouping: String?, origin: Origin, name: String) {
    self.label = label
    self.grouping = grouping
    self.origin = origin
    self.name = name
  }

  /// Whether the data bring it: its rows are there before anything is decided.
  public var isGiven: Bool {
    switch origin {
    case .input, .groups: true
    // Of a step there are as many as sequences go on.
    case .step: true
    case .selected, .unfolded, .picked, .joined: false
    }
  }
}

/// The type of a value: over which rows it stands, and the sizes of a row.
///
/// `rows == nil` is a value that exists once: a parameter, a loss, a mean over rows.
public struct TensorType: Hashable, Sendable {
  public var rows: RowSetID?
  /// The sizes behind the row axis; empty for one number a row, or for a scalar.
  public var dims: [Int]
  public var element: ElementType

  public init(rows: RowSetID? = nil, _ dims: [Int], _ element: ElementType = .float32) {
    self.rows = rows
    self.dims = dims
    self.element = element
  }

  /// One float.
  public static let scalar = TensorType([])

  /// Numbers in one row, or in the whole value when it has no rows; `Int.max` where that overflows.
  public var count: Int {
    dims.reduce(1) { product, size in
      let (result, overflow) = product.multipliedReportingOverflow(by: size)
      return overflow ? .max : result
    }
  }

  /// Whether the sizes can be those of a tensor: none negative, and a number of elements that fits.
  ///
  /// So must the product of any of them, which is why an axis of 0 does not excuse the others.
  public var isPossible: Bool {
    var count = 1
    for size in dims {
      let (product, overflow) = count.multipliedReportingOverflow(by: max(1, size))
      guard size >= 0, !overflow else { return false }
      count = product
    }
    return count < .max
  }

  /// The last size; 1 where there is none.
  public var columns: Int { dims.last ?? 1 }
}

/// A value of the graph: what one node gives.
public struct ValueID: Hashable, Sendable {
  public let index: Int

  public init(_ index: Int) { self.index = index }
}

/// How a parameter starts.
public enum Initializer: Hashable, Sendable {
  /// Gaussian with mean 0 and the given standard deviation.
  case normal(Double)
  /// Uniform in ± the given bound.
  case uniform(Double)
  case constant(Double)
}

/// A trained tensor.
public struct ParameterInfo: Hashable, Sendable {
  /// The dotted name, unique in its graph: `blocks[0].ffn.up.weight`.
  public var name: String
  public var shape: [Int]
  public var initial: Initializer

  public init(name: String, shape: [Int], initial: Initializer) {
    self.name = name
    self.shape = shape
    self.initial = initial
  }
}

/// A tensor inside a graph. Two are equal when they are the same memory in the same shape.
public struct Literal: Hashable, Sendable {
  public let tensor: Tensor

  public init(_ tensor: Tensor) { self.tensor = tensor }

  public static func == (a: Literal, b: Literal) -> Bool {
    a.tensor.storage === b.tensor.storage && a.tensor.shape == b.tensor.shape
      && a.tensor.elementType == b.tensor.elementType
  }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(ObjectIdentifier(tensor.storage))
    hasher.combine(tensor.shape)
  }
}

/// Why a graph cannot be made.
public struct GraphError: Error, Hashable, Sendable {
  public enum Kind: Hashable, Sendable { case shape, pathShapes, notDifferentiable, invalid }

  public var kind: Kind
  /// One line that names both shapes where shapes are the matter.
  public var message: String

  public init(_ kind: Kind, _ message: String) {
    self.kind = kind
    self.message = message
  }
}
