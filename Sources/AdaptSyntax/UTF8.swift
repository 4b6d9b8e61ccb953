/// One step of decoding UTF-8: a scalar and how many bytes it took.
struct DecodedScalar {
  /// Nil where the bytes are not UTF-8; then `length` bytes are to be skipped.
  var scalar: Unicode.Scalar?
  var length: Int
}

/// Decodes the scalar that begins at `offset`, which must be within `bytes`.
func decodeScalar(_ bytes: UnsafeBufferPointer<UInt8>, at offset: Int) -> DecodedScalar {
  let lead = bytes[offset]
  if lead < 0x80 { return DecodedScalar(scalar: Unicode.Scalar(lead), length: 1) }
  let length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2
  guard lead >= 0xC2, lead <= 0xF4, offset + length <= bytes.count else {
    return DecodedScalar(scalar: nil, length: 1)
  }
  var value = UInt32(lead) & (0x7F >> UInt32(length))
  for index in 1..<length {
    let byte = bytes[offset + index]
    guard byte & 0xC0 == 0x80 else { return DecodedScalar(scalar: nil, length: 1) }
    value = value << 6 | UInt32(byte & 0x3F)
  }
  let least: UInt32 = length == 2 ? 0x80 : length == 3 ? 0x800 : 0x10000
  // Surrogates and values beyond Unicode give no scalar.
  guard value >= least, let scalar = Unicode.Scalar(value) else {
    return DecodedScalar(scalar: nil, length: 1)
  }
  return DecodedScalar(scalar: scalar, length: length)
}

/// The offset of the first byte that is not UTF-8.
func firstInvalidByte(_ bytes: UnsafeBufferPointer<UInt8>) -> Int? {
  var offset = 0
  while offset < bytes.count {
    if bytes[offset] < 0x80 {
      offset += 1
      continue
    }
    let decoded = decodeScalar(bytes, at: offset)
    if decoded.scalar == nil { return offset }
    offset += decoded.length
  }
  return nil
}

extension Unicode.Scalar {
  /// `U+00A0`, as character tables write it.
  var codePoint: String {
    let digits = String(value, radix: 16, uppercase: true)
    return "U+" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
  }
}
