import CAdaptKernels

// Windows are laid out a tile at a time, never for a whole image, and multiplied with the
// weight; where channels do not mix there is no product, and vectors go along the channels.

extension CPU {
  /// y = windows of x · weight, all of it written.
  ///
  /// The weight is `[rows, columns, channels / groups, outputs]`.
  public func convolve(
    _ shape: ConvolutionShape, _ images: [ConvolutionShape.Image], x: UnsafePointer<Float>,
    weight: UnsafePointer<Float>, y: UnsafeMutablePointer<Float>
  ) {
    let tiles = tiles(shape, images)
    balanced(tiles.count) { range in
      withUnsafeTemporaryAllocation(of: Float.self, capacity: shape.tile * shape.depth) { room in
        guard let windows = room.baseAddress else { return }
        for tile in tiles[range] {
          shape.isDepthwise
            ? sumWindows(shape, tile, x, weight, y)
            : multiplyWindows(shape, tile, x, weight, y, windows)
        }
      }
    }
  }

  /// dx = what y's gradient gives each place of x, all of it written.
  public func convolveInput(
    _ shape: ConvolutionShape, _ images: [ConvolutionShape.Image], dy: UnsafePointer<Float>,
    weight: UnsafePointer<Float>, dx: UnsafeMutablePointer<Float>
  ) {
    // Windows overlap, so an image is one thread's.
    balanced(images.count) { range in
      withUnsafeTemporaryAllocation(of: Float.self, capacity: shape.tile * shape.depth) { room in
        guard let windows = room.baseAddress else { return }
        for image in images[range] {
          let count = image.from.rows * image.from.columns * shape.channels
          kernels.fill(dx + image.x * shape.channels, 0, count)
          for tile in tiles(shape, [image]) {
            shape.isDepthwise
              ? spreadWindows(shape, tile, dy, weight, dx)
              : addWindows(shape, tile, dy, weight, dx, windows)
          }
        }
      }
    }
  }

  /// Parts whose sums are added one after the other, so that they do not depend on the threads.
  private static let weightParts = 8
  /// Floats that these sums take together, unless one alone takes more.
  private static let sumsAtOnce = 1 << 26

  /// dWeight = Σ windowᵀ · dy, all of it written.
  public func convolveWeight(
    _ shape: ConvolutionShape, _ images: [ConvolutionShape.Image], x: UnsafePointer<Float>,
    dy: UnsafePointer<Float>, dWeight: UnsafeMutablePointer<Float>
  ) {
    let tiles = tiles(shape, images)
    fill(dWeight, value: 0, count: shape.weights)
    let parts = min(CPU.weightParts, tiles.count, max(1, CPU.sumsAtOnce / max(1, shape.weights)))
    guard parts > 0, shape.weights > 0 else { return }
    withUnsafeTemporaryAllocation(of: Float.self, capacity: parts * shape.weights) { room in
      guard let sums = room.baseAddress else { return }
      split(tiles.count, into: parts) { part, range in
        let sum = sums + part * shape.weights
        kernels.fill(sum, 0, shape.weights)
        addProducts(shape, tiles[range], x, dy, sum)
      }
      for part in 0..<parts {
        kernels.add_into(sums + part * shape.weights, dWeight, shape.weights)
      }
    }
  }

  private func tiles(_ shape: ConvolutionShape, _ images: [ConvolutionShape.Image])
    -> [ConvolutionTile]
  {
    images.flatMap { image in
      let count = image.to.rows * image.to.columns
      return stride(from: 0, to: count, by: shape.tile).map {
        ConvolutionTile(image: image, places: $0..<min(count, $0 + shape.tile))
      }
    }
  }

  // MARK: Products

  private func multiplyWindows(
    _ shape: ConvolutionShape, _ tile: ConvolutionTile, _ x: UnsafePointer<Float>,
    _ weight: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>,
    _ windows: UnsafeMutablePointer<Float>
  ) {
    guard shape.depth > 0 else {
      return kernels.fill(
        y + (tile.image.y + tile.places.lowerBound) * shape.outputs, 0,
        tile.places.count * shape.outputs)
    }
    for group in 0..<shape.groups where shape.outputs > 0 {
      shape.layOut(tile, group, x, windows)
      multiply(shape.product(tile, group, windows, weight, y))
    }
  }

  private func addWindows(
    _ shape: ConvolutionShape, _ tile: ConvolutionTile, _ dy: UnsafePointer<Float>,
    _ weight: UnsafePointer<Float>, _ dx: UnsafeMutablePointer<Float>,
    _ windows: UnsafeMutablePointer<Float>
  ) {
    let (outputs, depth) = (shape.outputs / shape.groups, shape.depth)
    guard outputs > 0, depth > 0 else { return }
    let first = dy + (tile.image.y + tile.places.lowerBound) * shape.outputs
    for group in 0..<shape.groups {
      multiply(
        Product(
          a: Matrix(
            first, columns: shape.outputs, rows: tile.places.count, transposed: false
          ).from(row: 0, column: group * outputs),
          b: Matrix(
            weight + group * outputs, columns: depth, rows: shape.outputs, transposed: true),
          c: windows, cStride: depth, m: tile.places.count, n: depth, k: outputs,
          accumulate: false))
      let each = shape.channels / shape.groups
      shape.forEachNumber(tile) { place, number, row in
        guard let place else { return }
        kernels.add_into(
          windows + row * depth + number * each, dx + place * shape.channels + group * each, each)
      }
    }
  }

  private func addProducts(
    _ shape: ConvolutionShape, _ tiles: ArraySlice<ConvolutionTile>, _ x: UnsafePointer<Float>,
    _ dy: UnsafePointer<Float>, _ sum: UnsafeMutablePointer<Float>
  ) {
    let (outputs, depth) = (shape.outputs / shape.groups, shape.depth)
    guard !shape.isDepthwise else {
      for tile in tiles { gatherWindows(shape, tile, x, dy, sum) }
      return
    }
    withUnsafeTemporaryAllocation(of: Float.self, capacity: shape.tile * depth) { room in
      guard let windows = room.baseAddress else { return }
      for tile in tiles {
        let first = dy + (tile.image.y + tile.places.lowerBound) * shape.outputs
        for group in 0..<shape.groups {
          shape.layOut(tile, group, x, windows)
          multiply(
            Product(
              a: Matrix(windows, columns: tile.places.count, rows: depth, transposed: true),
              b: Matrix(
                first, columns: shape.outputs, rows: tile.places.count, transposed: false
              ).from(row: 0, column: group * outputs),
              c: sum + group * outputs, cStride: shape.outputs, m: depth, n: outputs,
              k: tile.places.count, accumulate: true))
        }
      }
    }
  }

  // MARK: Channels apart

  private func sumWindows(
    _ shape: ConvolutionShape, _ tile: ConvolutionTile, _ x: UnsafePointer<Float>,
    _ weight: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>
  ) {
    shape.forEachWindow(tile) { window in
      kernels.window_sum(
        x + window.x, window.row, window.column, weight + window.weight, window.weightRow,
        shape.channels, window.rows, window.columns, y + window.y, shape.channels)
    }
  }

  private func spreadWindows(
    _ shape: ConvolutionShape, _ tile: ConvolutionTile, _ dy: UnsafePointer<Float>,
    _ weight: UnsafePointer<Float>, _ dx: UnsafeMutablePointer<Float>
  ) {
    shape.forEachWindow(tile) { window in
      kernels.window_spread(
        dy + window.y, weight + window.weight, window.weightRow, shape.channels, dx + window.x,
        window.row, window.column, window.rows, window.columns, shape.channels)
    }
  }

  private func gatherWindows(
    _ shape: ConvolutionShape, _ tile: ConvolutionTile, _ x: UnsafePointer<Float>,
    _ dy: UnsafePointer<Float>, _ sum: UnsafeMutablePointer<Float>
  ) {
    shape.forEachWindow(tile) { window in
      kernels.window_spread(
        dy + window.y, x + window.x, window.row, window.column, sum + window.weight,
        window.weightRow, shape.channels, window.rows, window.columns, shape.channels)
    }
  }
}
