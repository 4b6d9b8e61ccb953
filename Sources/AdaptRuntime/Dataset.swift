import AdaptGraph
import AdaptTensor

/// What one row of a model's input is, and what rows form together.
public struct RowFormat: Sendable, Hashable {
  /// `token`, `sample`.
  public var label: String
  /// `sequence`, or nil where rows stand alone.
  public var grouping: String?
  /// Sizes of a row; empty for one number.
  public var dims: [Int]
  /// Integers are looked up in a table, floats are computed with.
  public var element: ElementType

  public init(label: String, grouping: String? = nil, _ dims: [Int], _ element: ElementType) {
    self.label = label
    self.grouping = grouping
    self.dims = dims
    self.element = element
  }

  /// One integer a row in sequences, such as bytes of a text.
  public static let tokens = RowFormat(label: "token", grouping: "sequence", [], .int32)
}

extension RowFormat: CustomStringConvertible {
  private static let words: [ElementType: String] = [.int32: "integers", .float32: "numbers"]

  /// `[sequence, token] of integers`, `[sample, 2] of numbers`.
  public var description: String {
    let axes = [grouping, label].compactMap { $0 } + dims.map(String.init)
    return "[\(axes.joined(separator: ", "))] of \(RowFormat.words[element] ?? "")"
  }

  /// Reads what ``description`` writes; nil for anything else.
  public init?(_ text: String) {
    guard text.hasPrefix("["), let end = text.firstIndex(of: "]"),
      let element = RowFormat.words.first(where: { text[end...] == "] of \($0.value)" })?.key
    else { return nil }
    let axes = text[..<end].dropFirst().split(separator: ",").map { $0.drop { $0 == " " } }
    let labels = axes.prefix { $0.first?.isLetter == true }.map(String.init)
    let dims = axes.dropFirst(labels.count).compactMap { Int($0) }
    guard let label = labels.last, labels.count <= 2, labels.count + dims.count == axes.count,
      dims.allSatisfy({ $0 > 0 })
    else { return nil }
    self.init(label: label, grouping: labels.count == 2 ? labels[0] : nil, dims, element)
  }
}

/// What is asked of a model, for each row or for each group of rows.
public struct TargetFormat: Sendable, Hashable {
  /// One target a group, such as a class of a whole sequence.
  public var isPerGroup: Bool
  /// Sizes of a target; empty for a class.
  public var dims: [Int]
  /// Integers are classes, floats are quantities.
  public var element: ElementType

  public init(isPerGroup: Bool = false, _ dims: [Int], _ element: ElementType) {
    self.isPerGroup = isPerGroup
    self.dims = dims
    self.element = element
  }

  /// One class a row.
  public static let classes = TargetFormat([], .int32)

  public var isClass: Bool { element == .int32 }
}

/// What a data set brings to a model.
public struct DataFormat: Sendable, Hashable {
  public var input: RowFormat
  public var target: TargetFormat
  /// Whether each target counts by a weight of its own.
  public var isWeighted: Bool
  /// Rows in a group on average, for the cost of attention.
  public var length: Double

  public init(
    input: RowFormat, target: TargetFormat, isWeighted: Bool = false, length: Double = 1
  ) {
    self.input = input
    self.target = target
    self.isWeighted = isWeighted
    self.length = length
  }

  /// Sequences of so many tokens, each with a class.
  public static func tokens(length: Double) -> DataFormat {
    DataFormat(input: .tokens, target: .classes, length: length)
  }
}

/// Units that batches are made of, each with what is asked about it.
///
/// A batch feeds the graph's inputs by name: see ``DataInput``.
public protocol Dataset: Sendable {
  /// `train`, `valid`.
  var name: String { get }
  /// How many units there are: windows, sequences or samples.
  var count: Int { get }
  var format: DataFormat { get }
  /// The highest class that is asked for and a unit that has it; nil without classes.
  var highestClass: (unit: Int, number: Int)? { get }

  /// Units drawn at random, the same for the same seed and step. There must be one.
  func sample(_ count: Int, seed: UInt64, step: Int) -> Batch
  /// The units of the given numbers, in order.
  func batch(_ units: Range<Int>) -> Batch
}

/// The names under which a batch feeds a graph.
public enum DataInput {
  public static let input = "input"
  public static let target = "target"
  /// One number a target.
  public static let weight = "weight"
  /// One number: how far a training is, from 0 to 1. A trainer brings it.
  public static let progress = "progress"
}
