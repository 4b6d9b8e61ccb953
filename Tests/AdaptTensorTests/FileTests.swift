import AdaptTensor
import Foundation
import Testing

@Suite struct FileTests {
  /// A directory of its own, removed afterwards.
  func inDirectory(_ body: (String) throws -> Void) throws {
    let path = NSTemporaryDirectory() + "adapt-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: path) }
    try body(path)
  }

  func names(_ directory: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: directory).sorted()
  }

  @Test("A file is written and replaced whole, and nothing else is left")
  func replaces() throws {
    try inDirectory { directory in
      let path = directory + "/model"
      for bytes in [[UInt8](), [1, 2, 3], [UInt8](repeating: 7, count: 100_000), [9]] {
        try AtomicFile.write(bytes, to: path)
        #expect(FileManager.default.contents(atPath: path) == Data(bytes))
        #expect(try names(directory) == ["model"])
      }
    }
  }

  @Test("Permissions of a replaced file and the link to it stay")
  func keepsPermissionsAndLinks() throws {
    try inDirectory { directory in
      let manager = FileManager.default
      try AtomicFile.write([1], to: directory + "/file")
      try manager.setAttributes([.posixPermissions: 0o640], ofItemAtPath: directory + "/file")
      try manager.createSymbolicLink(
        atPath: directory + "/link", withDestinationPath: directory + "/file")
      try AtomicFile.write([2], to: directory + "/link")
      #expect(manager.contents(atPath: directory + "/file") == Data([2]))
      let attributes = try manager.attributesOfItem(atPath: directory + "/file")
      #expect(attributes[.posixPermissions] as? Int == 0o640)
      #expect(try names(directory) == ["file", "link"])
    }
  }

  @Test("A write that fails leaves nothing behind")
  func failureLeavesNothing() throws {
    try inDirectory { directory in
      // A directory cannot be replaced by a file: this fails at the last step.
      try FileManager.default.createDirectory(
        atPath: directory + "/taken/inside", withIntermediateDirectories: true)
      #expect(throws: TensorError.self) { try AtomicFile.write([1], to: directory + "/taken") }
      #expect(try names(directory) == ["taken"])
      #expect(throws: TensorError.self) { try AtomicFile.write([1], to: directory + "/no/file") }
      #expect(throws: TensorError.self) { try AtomicFile.write([1], to: "") }
      #expect(try names(directory) == ["taken"])
    }
  }

  @Test("Tensors come back from a file as they were")
  func roundTrip() throws {
    let tensors: [(name: String, tensor: Tensor)] = [
      (
        "block.0.weight",
        try Tensor([2, 3], [1, -0.0, .infinity, .nan, .leastNonzeroMagnitude, 6])
      ),
      ("empty", try Tensor(zeros: [0, 4])), ("number", try Tensor([], [2.5])),
      ("index \"quoted\" \\ \n\u{1} ä 😀", try Tensor([3], integers: [.min, 0, .max])),
      ("", try Tensor([1], [0])),
    ]
    let metadata = ["format": "adapt", "note": "a\tb\"\u{7f}é"]
    let bytes = try SafeTensors.encode(tensors, metadata: metadata)
    let contents = try SafeTensors.decode(bytes)
    #expect(contents.entries.map(\.name) == tensors.map(\.name))
    #expect(contents.entries.map(\.tensor) == tensors.map(\.tensor))
    #expect(contents.metadata == metadata)
    #expect(contents["number"]?.floats == [2.5])
    #expect(try SafeTensors.encode(tensors, metadata: metadata) == bytes)
    #expect(try SafeTensors.decode(SafeTensors.encode([])).entries.isEmpty)
    let directory = try SafeTensors.directory(of: bytes)
    #expect(directory.metadata == metadata)
    #expect(directory.entries.map(\.name) == contents.entries.map(\.name))
    for (entry, read) in zip(directory.entries, contents.entries) {
      #expect(entry.shape == read.tensor.shape && entry.elementType == read.tensor.elementType)
      #expect(try entry.tensor(in: bytes) == read.tensor)
    }
    let last = try #require(directory.entries.last { $0.shape.reduce(1, *) > 0 })
    #expect(throws: TensorError.self) { try last.tensor(in: Array(bytes.prefix(16))) }
  }

  @Test("Names that would clash are refused")
  func clashingNames() throws {
    let t = try Tensor([1], [1])
    #expect(throws: TensorError.self) { try SafeTensors.encode([("a", t), ("a", t)]) }
    #expect(throws: TensorError.self) { try SafeTensors.encode([("__metadata__", t)]) }
  }

  static func file(_ header: String, data: Int = 0, length: UInt64? = nil) -> [UInt8] {
    let text = Array(header.utf8)
    let n = length ?? UInt64(text.count)
    return (0..<8).map { UInt8(truncatingIfNeeded: n >> (8 * UInt64($0))) } + text
      + [UInt8](repeating: 1, count: data)
  }

  static func entry(_ name: String, _ shape: String, _ offsets: String, _ type: String = "F32")
    -> String
  {
    "\"\(name)\":{\"dtype\":\"\(type)\",\"shape\":[\(shape)],\"data_offsets\":[\(offsets)]}"
  }

  static let hostile: [(String, [UInt8])] = [
    ("no bytes", []), ("seven bytes", [1, 0, 0, 0, 0, 0, 0]),
    ("length beyond the file", file("{}", length: 3)),
    ("length of 2^64 - 1", file("{}", length: .max)),
    ("length of 2^63", file("{}", length: 1 << 63)),
    ("empty header", file("")), ("not an object", file("[]")), ("space first", file(" {}")),
    ("unfinished", file("{")), ("rubbish behind", file("{}x")), ("two objects", file("{}{}")),
    ("outside", file("{\(entry("a", "2", "0,8"))}", data: 4)),
    ("far outside", file("{\(entry("a", "2", "0,9223372036854775807"))}", data: 4)),
    ("reversed offsets", file("{\(entry("a", "1", "4,0"))}", data: 4)),
    ("overlap", file("{\(entry("a", "2", "0,8")),\(entry("b", "2", "4,12"))}", data: 12)),
    (
      "the same place twice", file("{\(entry("a", "1", "0,4")),\(entry("b", "1", "0,4"))}", data: 4)
    ),
    ("gap", file("{\(entry("a", "1", "0,4")),\(entry("b", "1", "8,12"))}", data: 12)),
    ("gap at the start", file("{\(entry("a", "1", "4,8"))}", data: 8)),
    ("bytes behind", file("{\(entry("a", "1", "0,4"))}", data: 5)),
    ("data without tensors", file("{}", data: 4)),
    ("shape of another size", file("{\(entry("a", "3", "0,4"))}", data: 4)),
    ("half an element", file("{\(entry("a", "1", "0,3"))}", data: 3)),
    ("shape overflows", file("{\(entry("a", "4294967296,4294967296", "0,4"))}", data: 4)),
    ("shape wraps to 0", file("{\(entry("a", "4611686018427387904,4", "0,0"))}")),
    ("shape times size wraps", file("{\(entry("a", "4611686018427387904", "0,0"))}")),
    ("number overflows", file("{\(entry("a", "99999999999999999999", "0,4"))}", data: 4)),
    ("negative size", file("{\(entry("a", "-1", "0,4"))}", data: 4)),
    ("fraction", file("{\(entry("a", "1.0", "0,4"))}", data: 4)),
    ("leading zero", file("{\(entry("a", "01", "0,4"))}", data: 4)),
    ("half precision", file("{\(entry("a", "2", "0,4", "F16"))}", data: 4)),
    ("unknown type", file("{\(entry("a", "1", "0,4", "float"))}", data: 4)),
    ("same name", file("{\(entry("a", "1", "0,4")),\(entry("a", "1", "4,8"))}", data: 8)),
    ("same name escaped", file("{\(entry("a", "0", "0,0")),\(entry("\\u0061", "0", "0,0"))}")),
    (
      "same key",
      file(
        "{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]}}", data: 4
      )
    ),
    ("no type", file("{\"a\":{\"shape\":[1],\"data_offsets\":[0,4]}}", data: 4)),
    ("no shape", file("{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}}", data: 4)),
    ("one offset", file("{\(entry("a", "1", "4"))}", data: 4)),
    ("three offsets", file("{\(entry("a", "1", "0,4,8"))}", data: 4)),
    (
      "unknown key",
      file("{\"a\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4],\"x\":1}}", data: 4)
    ),
    ("metadata with a number", file("{\"__metadata__\":{\"a\":1}}")),
    ("metadata twice", file("{\"__metadata__\":{},\"__metadata__\":{}}")),
    ("trailing comma", file("{\"__metadata__\":{},}")),
    ("deep nesting", file(String(repeating: "{\"a\":", count: 100_000))),
    ("deep arrays", file("{\"a\":{\"shape\":" + String(repeating: "[", count: 100_000))),
    ("string without end", file("{\"a")), ("escape without end", file("{\"a\\")),
    ("unknown escape", file("{\"\\x\":1}")), ("half an escape", file("{\"\\u00")),
    ("lone surrogate", file("{\"\\ud800\":1}")), ("low surrogate", file("{\"\\udc00\":1}")),
    ("two high surrogates", file("{\"\\ud800\\ud800\":1}")),
    ("control character", file("{\"\n\":1}")),
    ("not UTF-8", [6, 0, 0, 0, 0, 0, 0, 0] + [0x7b, 0x22, 0xff, 0x22, 0x3a, 0x7d]),
    ("overlong UTF-8", [7, 0, 0, 0, 0, 0, 0, 0] + [0x7b, 0x22, 0xc0, 0x80, 0x22, 0x3a, 0x7d]),
  ]

  @Test("A hostile file is an error that says why", arguments: FileTests.hostile)
  func hostileFile(_ name: String, _ bytes: [UInt8]) {
    do {
      _ = try SafeTensors.decode(bytes)
      Issue.record("\(name) was accepted")
    } catch TensorError.malformed(let text) {
      #expect(!text.isEmpty)
    } catch TensorError.outOfMemory {
    } catch {
      Issue.record("\(name): \(error)")
    }
  }

  @Test("No change of one byte, and no cut, makes the reader trap")
  func mutations() throws {
    let bytes = try SafeTensors.encode(
      [("a", try Tensor([2], [1, 2])), ("b", try Tensor([1], integers: [3]))],
      metadata: ["k": "v"])
    for i in 0..<bytes.count {
      for replacement in [0, 0x22, 0x30, 0x5c, 0x7b, 0x7d, 0x5d, 0xff] as [UInt8] {
        var changed = bytes
        changed[i] = replacement
        _ = try? SafeTensors.decode(changed)
      }
      _ = try? SafeTensors.decode(Array(bytes[..<i]))
    }
  }
}
