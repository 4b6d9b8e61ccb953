import AdaptGraph
import AdaptTensor

extension Plan {
  /// Where blocks lie one beside another.
  struct Layout {
    /// Where each block begins; 0 for one without a size.
    var starts: [Int]
    var bytes: Int
  }

  /// Finds a place for each block that has a size, free again when the block is not needed any more.
  func layout(_ sizes: [Int?]) throws -> Layout {
    var gaps = Gaps(Int.max / 2)
    var layout = Layout(starts: Array(repeating: 0, count: blocks.count), bytes: 0)
    for event in events {
      guard let size = sizes[event.block] else { continue }
      switch event {
      case .open(let block):
        guard let start = gaps.take(size) else { throw TensorError.outOfMemory(bytes: nil) }
        layout.starts[block] = start
      case .close(let block): gaps.giveBack(layout.starts[block], size)
      }
    }
    layout.bytes = gaps.high
    return layout
  }
}

extension Plan.Event {
  var block: Int {
    switch self {
    case .open(let block), .close(let block): block
    }
  }
}
