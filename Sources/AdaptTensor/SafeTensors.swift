/// Files of named tensors in the safetensors format: eight bytes with the length of a header,
/// the header in JSON, the elements (little-endian).
///
/// https://huggingface.co/docs/safetensors. Element types other than those of `ElementType` are
/// refused.
public enum SafeTensors {
  /// What a file holds.
  public struct Contents: Sendable, Equatable {
    /// A tensor and its name.
    public struct Entry: Sendable, Equatable {
      public let name: String
      public let tensor: Tensor

      public init(name: String, tensor: Tensor) {
        self.name = name
        self.tensor = tensor
      }
    }
    /// In the order of the header.
    public let entries: [Entry]
    /// The header's `__metadata__`.
    public let metadata: [String: String]

    /// The tensor with this name, or nil. Linear in the number of tensors.
    public subscript(name: String) -> Tensor? { entries.first { $0.name == name }?.tensor }
  }

  /// The tensors of a file, their elements unread.
  public struct Directory: Sendable {
    /// A tensor's name, type and shape.
    public struct Entry: Sendable {
      public let name: String
      public let elementType: ElementType
      public let shape: [Int]
      /// Where its elements lie, in bytes from the file's start.
      let range: Range<Int>

      /// The tensor, from the bytes of the file that this stands in. Throws `outOfMemory`, and
      /// `malformed` for the bytes of a shorter file.
      public func tensor(in bytes: [UInt8]) throws(TensorError) -> Tensor {
        let result: Result<Tensor, TensorError> = bytes.withUnsafeBytes { file in
          guard range.upperBound <= file.count else {
            return .failure(.malformed("\(quoted(name)) lies outside of the file"))
          }
          let elements = UnsafeRawBufferPointer(rebasing: file[range])
          return Result { () throws(TensorError) in
            try Tensor(shape, elementType: elementType, bytes: elements)
          }
        }
        return try result.get()
      }
    }
    /// In the order of the header.
    public let entries: [Entry]
    /// The header's `__metadata__`.
    public let metadata: [String: String]
  }

  /// The longest header that is read or written, as in the reference implementation.
  static let headerLimit = 100_000_000
  static let metadataKey = "__metadata__"

  /// The bytes of a file with these tensors in this order; equal input gives equal bytes.
  ///
  /// Throws `malformed` when two names are equal or one is `__metadata__`.
  public static func encode(
    _ tensors: [(name: String, tensor: Tensor)], metadata: [String: String] = [:]
  ) throws(TensorError) -> [UInt8] {
    var header = [UInt8(ascii: "{")]
    var names = Set([metadataKey])
    var offset = 0
    if !metadata.isEmpty {
      let pairs = metadata.sorted { $0.key < $1.key }
      header += Array("\(quoted(metadataKey)):{".utf8)
      header += Array(pairs.map { "\(quoted($0)):\(quoted($1))" }.joined(separator: ",").utf8)
      header += Array("}".utf8)
    }
    for (name, tensor) in tensors {
      guard names.insert(name).inserted else {
        throw .malformed("the name \(quoted(name)) stands for two things")
      }
      let end = offset + tensor.byteCount
      let shape = tensor.shape.map(String.init).joined(separator: ",")
      if header.count > 1 { header.append(UInt8(ascii: ",")) }
      header += Array(
        """
        \(quoted(name)):{"dtype":"\(tensor.elementType.rawValue)","shape":[\(shape)],\
        "data_offsets":[\(offset),\(end)]}
        """.utf8)
      offset = end
    }
    header.append(UInt8(ascii: "}"))
    // Spaces behind it bring the elements to a multiple of eight.
    header += [UInt8](repeating: UInt8(ascii: " "), count: (8 - header.count % 8) % 8)
    guard header.count <= headerLimit else { throw .malformed("the header is too long") }
    var bytes = (0..<8).map { UInt8(truncatingIfNeeded: header.count >> (8 * $0)) }
    bytes.reserveCapacity(8 + header.count + offset)
    bytes += header
    for (_, tensor) in tensors { tensor.withBytes { bytes += $0 } }
    return bytes
  }

  /// Reads a file. Throws `malformed` with what is wrong, and `outOfMemory`; nothing in a file
  /// makes it read or reserve more than the file's own size.
  public static func decode(_ bytes: [UInt8]) throws(TensorError) -> Contents {
    let directory = try directory(of: bytes)
    var entries: [Contents.Entry] = []
    for entry in directory.entries {
      entries.append(Contents.Entry(name: entry.name, tensor: try entry.tensor(in: bytes)))
    }
    return Contents(entries: entries, metadata: directory.metadata)
  }

  /// What a file says that it holds, checked as ``decode(_:)`` checks it, without the elements.
  public static func directory(of bytes: [UInt8]) throws(TensorError) -> Directory {
    let length = try headerLength(bytes)
    var parser = HeaderParser(bytes[8..<8 + length])
    let header = try parser.header()
    let start = 8 + length
    try checkLayout(header.entries, dataSize: bytes.count - start)
    return Directory(
      entries: header.entries.map {
        Directory.Entry(
          name: $0.name, elementType: $0.type, shape: $0.shape,
          range: start + $0.begin..<start + $0.end)
      }, metadata: header.metadata)
  }

  private static func headerLength(_ bytes: [UInt8]) throws(TensorError) -> Int {
    guard bytes.count >= 8 else { throw .malformed("shorter than the length of its header") }
    let length = (0..<8).reduce(UInt64(0)) { $0 | UInt64(bytes[$1]) << (8 * UInt64($1)) }
    guard length <= UInt64(headerLimit) else {
      throw .malformed("a header of \(length) bytes is longer than \(headerLimit)")
    }
    guard length <= UInt64(bytes.count - 8) else {
      throw .malformed("a header of \(length) bytes does not fit a file of \(bytes.count)")
    }
    return Int(length)
  }

  /// The tensors fill the data exactly: no overlap, no gap, nothing outside, and each has the size
  /// its shape asks for.
  private static func checkLayout(
    _ entries: [HeaderParser.Entry], dataSize: Int
  ) throws(TensorError) {
    var end = 0
    // An empty tensor comes before one that begins where it does.
    for entry in entries.sorted(by: { ($0.begin, $0.end) < ($1.begin, $1.end) }) {
      let name = quoted(entry.name)
      guard entry.begin <= entry.end, entry.end <= dataSize else {
        throw .malformed(
          "\(name) lies at \(entry.begin)..<\(entry.end), outside the \(dataSize) bytes of data")
      }
      guard entry.begin >= end else { throw .malformed("\(name) overlaps another tensor") }
      guard entry.begin == end else { throw .malformed("a gap before \(name)") }
      let count = try Tensor.count(of: entry.shape)
      let (size, overflow) = count.multipliedReportingOverflow(by: entry.type.size)
      guard !overflow, size == entry.end - entry.begin else {
        throw .malformed(
          "\(name) of shape \(entry.shape) does not take \(entry.end - entry.begin) bytes")
      }
      end = entry.end
    }
    guard end == dataSize else {
      throw .malformed("\(dataSize - end) bytes behind the last tensor")
    }
  }

  /// A string in JSON.
  static func quoted(_ text: String) -> String {
    var out = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": out += "\\\""
      case "\\": out += "\\\\"
      case "\u{0}"..<" ":
        let digits = String(scalar.value, radix: 16)
        out += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: out.unicodeScalars.append(scalar)
      }
    }
    return out + "\""
  }
}
