import AdaptTensor

/// Memory that is handed out and taken back while a graph runs: for values whose rows a site selects.
///
/// Bytes that no run has touched cost nothing; a run that needs more than there is adds a space, which
/// stays.
struct MovingMemory {
  /// Some bytes of one of the spaces.
  private struct Piece {
    var space: Int
    var start: Int
    var bytes: Int
  }

  private struct Space {
    let storage: Storage
    var gaps: Gaps
  }

  private var spaces: [Space] = []
  private var size = 0
  /// By the number of the block, what it has now.
  private var pieces: [Piece?] = []
  /// How often the system was asked.
  private(set) var allocations = 0

  /// Bytes that the largest run so far has used.
  var used: Int { spaces.reduce(0) { $0 + $1.gaps.high } }

  /// Makes room for about so many bytes in blocks of so many numbers, before a run.
  mutating func reserve(_ bytes: Int, blocks: Int) throws {
    pieces = Array(repeating: nil, count: blocks)
    guard bytes > size else { return clear() }
    (spaces, size) = ([], 0)
    try add(bytes)
  }

  /// Takes everything back.
  mutating func clear() {
    for index in spaces.indices { spaces[index].gaps.clear() }
    for index in pieces.indices { pieces[index] = nil }
  }

  /// So many bytes for a block; what it had before goes back.
  mutating func open(_ block: Int, bytes: Int) throws -> UnsafeMutableRawPointer {
    close(block)
    for index in spaces.indices {
      if let pointer = take(block, bytes, from: index) { return pointer }
    }
    try add(max(bytes, size / 2))
    guard let pointer = take(block, bytes, from: spaces.count - 1) else {
      throw TensorError.outOfMemory(bytes: bytes)
    }
    return pointer
  }

  mutating func close(_ block: Int) {
    guard let piece = pieces[block] else { return }
    spaces[piece.space].gaps.giveBack(piece.start, piece.bytes)
    pieces[block] = nil
  }

  private mutating func take(_ block: Int, _ bytes: Int, from space: Int)
    -> UnsafeMutableRawPointer?
  {
    guard let start = spaces[space].gaps.take(bytes) else { return nil }
    pieces[block] = Piece(space: space, start: start, bytes: bytes)
    return spaces[space].storage.pointer + start
  }

  private mutating func add(_ bytes: Int) throws {
    let bytes = Gaps.rounded(bytes)
    spaces.append(Space(storage: try Storage(byteCount: bytes, zeroed: false), gaps: Gaps(bytes)))
    size += bytes
    allocations += 1
  }
}
