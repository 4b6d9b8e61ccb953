/// How a window goes over the places of one or two axes: a convolution without its numbers
/// (LeCun et al. 1989; dilated: Yu & Koltun 2016; in groups: Krizhevsky et al. 2012, depthwise
/// with one channel each).
///
/// Each place of the result is the product of the window's numbers with a weight of
/// `[sizes of the window.., channels / groups, outputs]`. Outside of the value are zeros.
public struct Convolution: Hashable, Sendable {
  /// The window along one axis.
  public struct Axis: Hashable, Sendable {
    /// Places that it holds.
    public var size: Int
    /// Places from one window to the next.
    public var stride: Int
    /// Places from one number of a window to the next.
    public var dilation: Int
    /// Zeros before the first place and behind the last one.
    public var before: Int
    public var after: Int

    public init(
      _ size: Int, stride: Int = 1, dilation: Int = 1, before: Int = 0, after: Int = 0
    ) {
      (self.size, self.stride, self.dilation) = (size, stride, dilation)
      (self.before, self.after) = (before, after)
    }

    /// Places from the first number of a window to behind its last.
    public var reach: Int { (size - 1) * dilation + 1 }

    /// How many windows there are over so many places.
    public func windows(over count: Int) -> Int {
      let free = count + before + after - reach
      return free < 0 ? 0 : free / stride + 1
    }

    /// The place of a window's number, which may be one of the zeros around.
    public func place(_ window: Int, _ number: Int) -> Int {
      window * stride - before + number * dilation
    }

    /// Whether its numbers are such that nothing computed from them overflows.
    var isPossible: Bool {
      let most = 1 << 24
      return [size, stride, dilation].allSatisfy { (1...most).contains($0) }
        && [before, after].allSatisfy { (0...most).contains($0) }
    }
  }

  /// One or two axes, which stand before the channels; or, along rows, the axis of a sequence's
  /// rows.
  public var axes: [Axis]
  public var groups: Int
  /// Whether it goes along the rows of each sequence, which are as many afterwards.
  public var isAlongRows: Bool

  public init(_ axes: [Axis], groups: Int = 1, isAlongRows: Bool = false) {
    (self.axes, self.groups, self.isAlongRows) = (axes, groups, isAlongRows)
  }

  /// Whether a row's result depends on later rows of its sequence.
  public var looksAhead: Bool { isAlongRows && axes.contains { $0.after > 0 } }

  /// As the text form of a graph names it.
  var description: String {
    var parts = [axes.map { "\($0.size)" }.joined(separator: "×")]
    func add(_ name: String, _ value: (Axis) -> Int, unless usual: Int) {
      guard axes.contains(where: { value($0) != usual }) else { return }
      parts.append(name + " " + axes.map { "\(value($0))" }.joined(separator: "×"))
    }
    add("stride", \.stride, unless: 1)
    add("dilation", \.dilation, unless: 1)
    add("before", \.before, unless: 0)
    add("after", \.after, unless: 0)
    if groups != 1 { parts.append("groups \(groups)") }
    return parts.joined(separator: ", ") + (isAlongRows ? ", rows" : "")
  }
}
