/// One text with a name and the places where its lines begin.
public struct SourceFile: Sendable {
  /// What messages call it, for example a path or `<prompt 3>`.
  public let name: String
  public let bytes: [UInt8]
  /// Offsets of the first byte of each line. Never empty.
  let lineStarts: [Int]

  /// Complexity: linear in the number of bytes.
  public init(name: String, bytes: [UInt8]) {
    self.name = name
    self.bytes = bytes
    var starts = [0]
    bytes.withUnsafeBufferPointer { buffer in
      for offset in buffer.indices {
        let byte = buffer[offset]
        // CR LF is one end of a line.
        let isPair =
          byte == UInt8(ascii: "\r") && offset + 1 < buffer.count
          && buffer[offset + 1] == UInt8(ascii: "\n")
        if byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") && !isPair {
          starts.append(offset + 1)
        }
      }
    }
    lineStarts = starts
  }

  /// The bytes of a line without its end; `line` counts from 1 and is clamped.
  public func line(_ line: Int) -> Range<Int> {
    let index = min(max(line, 1), lineStarts.count) - 1
    let start = lineStarts[index]
    var end = index + 1 < lineStarts.count ? lineStarts[index + 1] : bytes.count
    while end > start, bytes[end - 1] == UInt8(ascii: "\n") || bytes[end - 1] == UInt8(ascii: "\r")
    {
      end -= 1
    }
    return start..<end
  }

  /// The line that holds a byte, counted from 1. Offsets beyond the text are in the last line.
  public func lineNumber(of offset: Int) -> Int {
    var low = 0
    var high = lineStarts.count
    while high - low > 1 {
      let middle = (low + high) / 2
      if lineStarts[middle] <= offset { low = middle } else { high = middle }
    }
    return low + 1
  }
}

/// The texts that spans point into, and the way from a diagnostic to its picture.
public struct SourceMap: Sendable {
  /// In the order of their ids.
  public private(set) var files: [SourceFile] = []

  public init() {}

  /// Takes in a text and returns the id that spans and ``parse(bytes:source:limits:)`` use.
  ///
  /// There are 65,536 ids; texts beyond share the last one.
  public mutating func add(name: String, bytes: [UInt8]) -> UInt16 {
    let file = SourceFile(name: name, bytes: bytes)
    if files.count > Int(UInt16.max) {
      files[Int(UInt16.max)] = file
    } else {
      files.append(file)
    }
    return UInt16(clamping: files.count - 1)
  }

  /// The text with this id; nil for an id that ``add(name:bytes:)`` never gave.
  public func file(_ id: UInt16) -> SourceFile? {
    Int(id) < files.count ? files[Int(id)] : nil
  }

  /// Line and column of a byte, both counted from 1, the column in characters as a person counts
  /// them. A tab is one character. Offsets beyond the text stand for its end, and a text that is
  /// not known has one empty line.
  public func position(of offset: Int, in id: UInt16) -> (line: Int, column: Int) {
    guard let file = file(id) else { return (1, 1) }
    let place = min(max(offset, 0), file.bytes.count)
    let line = file.lineNumber(of: place)
    let range = file.line(line)
    let before = file.bytes[range.lowerBound..<max(range.lowerBound, min(place, range.upperBound))]
    if before.allSatisfy({ $0 < 0x80 }) { return (line, before.count + 1) }
    var text = String(decoding: before, as: UTF8.self)
    if line == 1, text.unicodeScalars.first?.value == 0xFEFF { text.unicodeScalars.removeFirst() }
    return (line, text.count + 1)
  }

  /// The text of a span, repaired where it is not UTF-8; empty where there is none.
  public func text(of span: Span) -> String {
    guard let file = file(span.source) else { return "" }
    let start = min(Int(span.start), file.bytes.count)
    let end = min(max(start, Int(span.end)), file.bytes.count)
    return String(decoding: file.bytes[start..<end], as: UTF8.self)
  }
}
