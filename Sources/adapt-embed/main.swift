import Foundation

// Usage: adapt-embed FOLDER OUTPUT
// Writes a Swift file that maps each script's path inside FOLDER (without `.adapt`) to its text.

/// A raw string literal of `text`, with more `#` than any run that follows a quote in it.
func literal(_ text: String) -> String {
  var hashes = 1
  while text.contains("\"\"\"" + String(repeating: "#", count: hashes)) { hashes += 1 }
  let fence = String(repeating: "#", count: hashes)
  return "\(fence)\"\"\"\n\(text)\n\"\"\"\(fence)"
}

let folder = URL(fileURLWithPath: CommandLine.arguments[1])
let names = try FileManager.default.subpathsOfDirectory(atPath: folder.path)
let entries = try names.filter { $0.hasSuffix(".adapt") }.sorted().map { name in
  let text = try String(contentsOf: folder.appending(path: name), encoding: .utf8)
  return "  \"\(name.dropLast(6))\": \(literal(text)),"
}
let source = """
  /// The scripts of the standard library by their path. Made by `adapt-embed`.
  enum StandardLibrarySources {
    static let scripts: [String: String] = [
  \(entries.joined(separator: "\n"))
    ]
  }

  """
try source.write(
  to: URL(fileURLWithPath: CommandLine.arguments[2]), atomically: true, encoding: .utf8)
