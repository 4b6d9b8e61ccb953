/// Reads the header of a safetensors file: the JSON that the format allows there and no other.
///
/// Strict rather than general: an object of objects of known keys needs no recursion, so nothing
/// nests deep enough to exhaust a stack.
struct HeaderParser {
  struct Entry {
    var name: String
    var type: ElementType
    var shape: [Int]
    var begin: Int
    var end: Int
  }

  private let bytes: ArraySlice<UInt8>
  private var at: Int

  init(_ bytes: ArraySlice<UInt8>) {
    self.bytes = bytes
    self.at = bytes.startIndex
  }

  /// The whole header.
  mutating func header() throws(TensorError) -> (entries: [Entry], metadata: [String: String]) {
    var entries: [Entry] = []
    var metadata: [String: String] = [:]
    guard bytes.first == UInt8(ascii: "{") else { throw wrong("it does not begin with {") }
    try object { (parser, name) throws(TensorError) in
      if name == SafeTensors.metadataKey {
        try parser.object { (parser, key) throws(TensorError) in
          parser.skipSpace()
          metadata[key] = try parser.string()
        }
      } else {
        entries.append(try parser.entry(name))
      }
    }
    skipSpace()
    guard at == bytes.endIndex else { throw wrong("something follows the object") }
    return (entries, metadata)
  }

  private mutating func entry(_ name: String) throws(TensorError) -> Entry {
    var type: ElementType?
    var shape: [Int]?
    var offsets: [Int]?
    try object { (parser, key) throws(TensorError) in
      switch key {
      case "dtype": type = try parser.elementType(of: name)
      case "shape": shape = try parser.sizes()
      case "data_offsets": offsets = try parser.sizes()
      default: throw parser.wrong("unknown key \(SafeTensors.quoted(key))")
      }
    }
    guard let type, let shape, let offsets, offsets.count == 2 else {
      throw wrong(
        "\(SafeTensors.quoted(name)) needs a dtype, a shape and two data_offsets")
    }
    return Entry(name: name, type: type, shape: shape, begin: offsets[0], end: offsets[1])
  }

  private mutating func elementType(of name: String) throws(TensorError) -> ElementType {
    skipSpace()
    let text = try string()
    guard let type = ElementType(rawValue: text) else {
      throw .malformed(
        "\(SafeTensors.quoted(name)) has the dtype \(SafeTensors.quoted(text)); "
          + "F32 and I32 can be read")
    }
    return type
  }

  /// `{ "key": value, … }`; `value` reads what stands behind the colon. No key comes twice.
  private mutating func object(
    _ value: (inout HeaderParser, String) throws(TensorError) -> Void
  ) throws(TensorError) {
    var keys = Set<String>()
    try expect("{")
    if skip("}") { return }
    repeat {
      skipSpace()
      let key = try string()
      guard keys.insert(key).inserted else {
        throw wrong("\(SafeTensors.quoted(key)) comes twice")
      }
      try expect(":")
      try value(&self, key)
    } while skip(",")
    try expect("}")
  }

  /// `[ 1, 2, … ]`, non-negative.
  private mutating func sizes() throws(TensorError) -> [Int] {
    var sizes: [Int] = []
    try expect("[")
    if skip("]") { return sizes }
    repeat { sizes.append(try size()) } while skip(",")
    try expect("]")
    return sizes
  }

  private mutating func size() throws(TensorError) -> Int {
    skipSpace()
    let start = at
    var value = 0
    while at < bytes.endIndex, case let digit = bytes[at] &- UInt8(ascii: "0"), digit <= 9 {
      let (tens, high) = value.multipliedReportingOverflow(by: 10)
      let (next, low) = tens.addingReportingOverflow(Int(digit))
      guard !high, !low else { throw wrong("a number is too large") }
      value = next
      at += 1
    }
    guard at > start else { throw wrong("expected a whole number that is not negative") }
    guard at == start + 1 || bytes[start] != UInt8(ascii: "0") else {
      throw wrong("a number begins with 0")
    }
    return value
  }

  private mutating func string() throws(TensorError) -> String {
    guard skipByte("\"") else { throw wrong("expected a string") }
    var text: [UInt8] = []
    while at < bytes.endIndex {
      let byte = bytes[at]
      at += 1
      switch byte {
      case UInt8(ascii: "\""):
        let string = String(decoding: text, as: UTF8.self)
        guard string.utf8.elementsEqual(text) else { throw wrong("a string is not UTF-8") }
        return string
      case UInt8(ascii: "\\"): text += try escape()
      case 0..<0x20: throw wrong("a control character in a string")
      default: text.append(byte)
      }
    }
    throw wrong("a string does not end")
  }

  /// What a backslash begins, in UTF-8.
  private mutating func escape() throws(TensorError) -> [UInt8] {
    guard at < bytes.endIndex else { throw wrong("a string does not end") }
    let byte = bytes[at]
    at += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return [byte]
    case UInt8(ascii: "b"): return [8]
    case UInt8(ascii: "f"): return [12]
    case UInt8(ascii: "n"): return [10]
    case UInt8(ascii: "r"): return [13]
    case UInt8(ascii: "t"): return [9]
    case UInt8(ascii: "u"): return try unicodeEscape()
    default: throw wrong("unknown escape in a string")
    }
  }

  private mutating func unicodeEscape() throws(TensorError) -> [UInt8] {
    var code = try fourDigits()
    if 0xD800..<0xDC00 ~= code {
      guard skipByte("\\"), skipByte("u"), case let low = try fourDigits(), 0xDC00..<0xE000 ~= low
      else { throw wrong("half a surrogate pair") }
      code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
    }
    guard let scalar = Unicode.Scalar(code) else { throw wrong("half a surrogate pair") }
    return Array(String(scalar).utf8)
  }

  private mutating func fourDigits() throws(TensorError) -> UInt32 {
    var code: UInt32 = 0
    for _ in 0..<4 {
      guard at < bytes.endIndex,
        let digit = Character(Unicode.Scalar(bytes[at])).hexDigitValue, bytes[at] < 0x80
      else { throw wrong("\\u needs four hexadecimal digits") }
      code = code << 4 | UInt32(digit)
      at += 1
    }
    return code
  }

  private mutating func skipSpace() {
    while at < bytes.endIndex, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[at]) { at += 1 }
  }

  private mutating func skipByte(_ byte: Unicode.Scalar) -> Bool {
    guard at < bytes.endIndex, bytes[at] == UInt8(ascii: byte) else { return false }
    at += 1
    return true
  }

  private mutating func skip(_ byte: Unicode.Scalar) -> Bool {
    skipSpace()
    return skipByte(byte)
  }

  private mutating func expect(_ byte: Unicode.Scalar) throws(TensorError) {
    guard skip(byte) else { throw wrong("expected \(byte)") }
  }

  private func wrong(_ what: String) -> TensorError {
    .malformed("byte \(at - bytes.startIndex) of the header: \(what)")
  }
}
