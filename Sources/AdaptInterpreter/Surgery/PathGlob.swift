/// Which places of a model are meant: `blocks[*].ffn.**`.
///
/// Names stand between points. `*` stands for any part of one name or index, `**` between points for
/// any number of names, also none.
struct PathGlob {
  let text: String
  private let names: [[Character]]

  init(_ text: String) {
    self.text = text
    names = text.split(separator: ".", omittingEmptySubsequences: false).map(Array.init)
  }

  /// Whether it says one path only.
  var isPlain: Bool { !text.contains("*") }

  /// Whether it means exactly this path.
  func matches(_ path: String) -> Bool { matches(PathGlob.split(path)[...], names[...]) }

  /// Whether it means this path or something that the path is inside of.
  func includes(_ path: String) -> Bool {
    let parts = PathGlob.split(path)
    return parts.indices.contains { matches(parts[...$0], names[...]) }
  }

  private static func split(_ path: String) -> [[Character]] {
    path.split(separator: ".").map(Array.init)
  }

  private func matches(_ path: ArraySlice<[Character]>, _ names: ArraySlice<[Character]>) -> Bool {
    guard let name = names.first else { return path.isEmpty }
    if name == ["*", "*"] {
      let rest = names.dropFirst()
      return (path.startIndex...path.endIndex).contains { matches(path[$0...], rest) }
    }
    guard let first = path.first, PathGlob.matches(first, name) else { return false }
    return matches(path.dropFirst(), names.dropFirst())
  }

  /// One name against one pattern: a `*` is tried with as few characters as go.
  private static func matches(_ name: [Character], _ pattern: [Character]) -> Bool {
    var (at, place) = (0, 0)
    var star: (pattern: Int, name: Int)?
    while at < name.count {
      if place < pattern.count, pattern[place] == "*" {
        star = (place, at)
        place += 1
      } else if place < pattern.count, pattern[place] == name[at] {
        (at, place) = (at + 1, place + 1)
      } else if let last = star {
        star = (last.pattern, last.name + 1)
        (at, place) = (last.name + 1, last.pattern + 1)
      } else {
        return false
      }
    }
    return pattern[place...].allSatisfy { $0 == "*" }
  }

  /// A path with every index replaced by `*`: what somebody may have meant by a glob.
  static func general(_ path: String) -> String {
    var isIndex = false
    return path.reduce(into: "") { result, character in
      if character == "]" { isIndex = false }
      if !isIndex { result.append(character) }
      if character == "[" {
        isIndex = true
        result.append("*")
      }
    }
  }
}
