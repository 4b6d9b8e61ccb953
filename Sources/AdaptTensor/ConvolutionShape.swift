/// The sizes of a convolution over images of rows of places, each place with channels.
public struct ConvolutionShape: Sendable {
  /// The window along one axis; see `Convolution.Axis` in the graph.
  public struct Axis: Sendable {
    public var size: Int
    public var stride: Int
    public var dilation: Int
    public var before: Int

    public init(size: Int = 1, stride: Int = 1, dilation: Int = 1, before: Int = 0) {
      (self.size, self.stride, self.dilation, self.before) = (size, stride, dilation, before)
    }

    /// The numbers of a window that lie inside of so many places, and the place of the first.
    func inside(_ window: Int, of count: Int) -> (numbers: Range<Int>, place: Int) {
      let start = window * stride - before
      let first = start >= 0 ? 0 : (-start + dilation - 1) / dilation
      let end = min(size, count > start ? (count - start + dilation - 1) / dilation : 0)
      return (first..<max(first, end), start + first * dilation)
    }
  }

  /// Where one image begins in the value and in the result, in places, and its sizes there.
  public struct Image: Sendable {
    public var x: Int
    public var y: Int
    public var from: (rows: Int, columns: Int)
    public var to: (rows: Int, columns: Int)

    public init(
      x: Int, y: Int, from: (rows: Int, columns: Int), to: (rows: Int, columns: Int)
    ) {
      (self.x, self.y, self.from, self.to) = (x, y, from, to)
    }
  }

  public var rows: Axis
  public var columns: Axis
  public var channels: Int
  public var outputs: Int
  public var groups: Int

  public init(rows: Axis, columns: Axis, channels: Int, outputs: Int, groups: Int) {
    (self.rows, self.columns, self.groups) = (rows, columns, groups)
    (self.channels, self.outputs) = (channels, outputs)
  }

  /// Numbers of the weight for one output: of a window in one group.
  var depth: Int { rows.size * columns.size * (channels / groups) }
  var weights: Int { depth * outputs }
  /// Whether each channel has an output and a window of its own.
  var isDepthwise: Bool { groups == channels && outputs == channels && groups > 1 }

  /// Places of results that are worked on at once: their windows fit in a near cache, but they are
  /// enough that the weight is not read for a few of them, unless windows are huge.
  var tile: Int {
    let (near, enough) = (32768 / max(1, depth), min(32, (1 << 22) / max(1, depth)))
    return max(1, min(256, max(near, enough)))
  }
}

/// Some results of one image, by their places in a row of all of them.
struct ConvolutionTile {
  var image: ConvolutionShape.Image
  var places: Range<Int>
}

/// The part of a window that lies inside of its image, as floats from the beginnings of all.
struct Window {
  var x: Int
  var y: Int
  var weight: Int
  /// From one row, or one place of a row, to the next.
  var row: Int
  var column: Int
  var weightRow: Int
  var rows: Int
  var columns: Int
}

extension ConvolutionShape {
  func product(
    _ tile: ConvolutionTile, _ group: Int, _ windows: UnsafePointer<Float>,
    _ weight: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>
  ) -> Product {
    let each = outputs / groups
    return Product(
      a: Matrix(windows, columns: depth, rows: tile.places.count, transposed: false),
      b: Matrix(weight, columns: outputs, rows: depth, transposed: false)
        .from(row: 0, column: group * each),
      c: y + (tile.image.y + tile.places.lowerBound) * outputs + group * each, cStride: outputs,
      m: tile.places.count, n: each, k: depth, accumulate: false)
  }

  /// Lays the windows of a tile out, a row for each, zeros where they reach beyond the image.
  func layOut(
    _ tile: ConvolutionTile, _ group: Int, _ x: UnsafePointer<Float>,
    _ windows: UnsafeMutablePointer<Float>
  ) {
    let each = channels / groups
    forEachNumber(tile) { place, number, row in
      let to = windows + row * depth + number * each
      if let place {
        to.update(from: x + place * channels + group * each, count: each)
      } else {
        to.update(repeating: 0, count: each)
      }
    }
  }

  /// Calls `body` for each number of each window with its place in the value, or nil beyond the
  /// image, its number, and the window's place in the tile.
  func forEachNumber(_ tile: ConvolutionTile, _ body: (Int?, Int, Int) -> Void) {
    let image = tile.image
    for (row, place) in tile.places.enumerated() {
      let top = place / image.to.columns * rows.stride - rows.before
      let left = place % image.to.columns * columns.stride - columns.before
      for i in 0..<rows.size {
        let line = top + i * rows.dilation
        let isInside = line >= 0 && line < image.from.rows
        for j in 0..<columns.size {
          let column = left + j * columns.dilation
          let isHere = isInside && column >= 0 && column < image.from.columns
          body(
            isHere ? image.x + line * image.from.columns + column : nil, i * columns.size + j, row)
        }
      }
    }
  }

  /// Calls `body` with what lies inside of the image of each window of a tile.
  func forEachWindow(_ tile: ConvolutionTile, _ body: (Window) -> Void) {
    let image = tile.image
    for place in tile.places {
      let vertical = rows.inside(place / image.to.columns, of: image.from.rows)
      let horizontal = columns.inside(place % image.to.columns, of: image.from.columns)
      let isEmpty = vertical.numbers.isEmpty || horizontal.numbers.isEmpty
      let first = image.x + vertical.place * image.from.columns + horizontal.place
      let number = vertical.numbers.lowerBound * columns.size + horizontal.numbers.lowerBound
      body(
        Window(
          x: isEmpty ? 0 : first * channels, y: (image.y + place) * channels,
          weight: isEmpty ? 0 : number * channels,
          row: rows.dilation * image.from.columns * channels,
          column: columns.dilation * channels, weightRow: columns.size * channels,
          rows: isEmpty ? 0 : vertical.numbers.count, columns: horizontal.numbers.count))
    }
  }
}
