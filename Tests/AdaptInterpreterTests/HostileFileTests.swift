import AdaptInterpreter
import Foundation
import Testing

/// What `load` is given may have been written by anyone.
@Suite struct HostileFiles {
  private final class Files {
    var bytes: [String: [UInt8]] = [:]
  }

  /// A file whose header says something else than what was saved.
  private func edited(_ bytes: [UInt8], _ old: String, _ new: String) throws -> [UInt8] {
    let length = bytes[..<8].reversed().reduce(0) { $0 << 8 | Int($1) }
    let header = try #require(String(bytes: bytes[8..<8 + length], encoding: .utf8))
    #expect(header.contains(old))
    var changed = Array(header.replacingOccurrences(of: old, with: new).utf8)
    while changed.count % 8 != 0 { changed.append(0x20) }
    let size = (0..<8).map { UInt8(truncatingIfNeeded: changed.count >> (8 * $0)) }
    return size + changed + bytes[(8 + length)...]
  }

  @Test(arguments: ["9223372036854775807", "-9223372036854775808", "-1", "x", ""])
  func trainsOnFromAnyNumberOfSteps(_ claim: String) throws {
    let files = Files()
    files.bytes["text"] = Array(String(repeating: "abcdefgh", count: 40).utf8)
    let host = Host(
      output: { _ in },
      read: { path in
        guard let bytes = files.bytes[path] else { throw HostError.missing }
        return bytes
      },
      write: { files.bytes[$0] = $1 })
    let interpreter = Interpreter(host: host, library: try standardLibrary())
    _ = try interpreter.evaluate(
      """
      let data = text("text").bytes().windows(8)
      model M() { Embedding(256, 4) >> Linear(256) }
      let m = M()
      save(m, to: "m")
      """)
    let saved = try #require(files.bytes["m"])
    files.bytes["m"] = try edited(saved, "\"steps\":\"0\"", "\"steps\":\"\(claim)\"")
    _ = try interpreter.evaluate(
      """
      load(m, from: "m")
      train(m, on: data.train, steps: 2, batch: 1)
      generate(m, "a", bytes: 2)
      """)
  }
}
