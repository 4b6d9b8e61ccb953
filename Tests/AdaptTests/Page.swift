import Foundation

/// A page of the documentation: its scripts, each with what the page says that it does.
///
/// A block ```` ```adapt ```` is a script of its own. Behind the word may stand `continue` (it goes on from the
/// scripts above it), `check` or `test` (it is shown to that command), or `file NAME` (it is a file that
/// later ones import). A block ```` ```text ```` right behind a script is all that it prints; with `about`, its
/// numbers may differ a little. Any other word is an error, so that no script is left out by mistake.
struct Page {
  enum Kind: Equatable {
    case run, continued, check, test
    case file(String)
  }

  /// What a script prints, as the page shows it.
  struct Shown: Equatable {
    var text: String
    var isExact: Bool
  }

  struct Snippet {
    /// Of its first line, from 1.
    var line: Int
    var kind: Kind
    var lines: [String]
    var shown: Shown?

    var text: String { lines.joined(separator: "\n") + "\n" }
  }

  struct Fault: Error, CustomStringConvertible {
    var description: String
  }

  let name: String
  let text: String
  private(set) var snippets: [Snippet] = []

  /// - Throws: ``Fault`` where a block has no end or cannot be understood.
  init(name: String, text: String) throws {
    self.name = name
    self.text = text
    var open: (info: String, line: Int, lines: [String])?
    /// Whether nothing but blank lines stands between the last script and here.
    var isBehindSnippet = false
    for (index, line) in text.components(separatedBy: "\n").enumerated() {
      if let block = open {
        if line.hasPrefix("```") {
          isBehindSnippet = try add(block.info, block.line, block.lines, isBehindSnippet)
          open = nil
        } else {
          open?.lines.append(line)
        }
      } else if line.hasPrefix("```") {
        open = (String(line.dropFirst(3)), index + 2, [])
      } else if !line.isEmpty {
        isBehindSnippet = false
      }
    }
    if let block = open { throw Fault(description: "\(name):\(block.line): no end of the block") }
  }

  /// - Returns: whether the block is a script.
  private mutating func add(
    _ info: String, _ line: Int, _ lines: [String], _ isBehindSnippet: Bool
  ) throws -> Bool {
    let words = info.split(separator: " ").map(String.init)
    switch words.first {
    case "adapt":
      guard let kind = Page.kind(Array(words.dropFirst())) else {
        throw Fault(description: "\(name):\(line): what is a script of '\(info)'?")
      }
      snippets.append(Snippet(line: line, kind: kind, lines: lines))
      return true
    case "text" where isBehindSnippet:
      let text = lines.joined(separator: "\n")
      snippets[snippets.count - 1].shown = Shown(text: text, isExact: words.count == 1)
    default: break
    }
    return false
  }

  private static func kind(_ words: [String]) -> Kind? {
    switch (words.first, words.count) {
    case (nil, _): .run
    case ("continue", 1): .continued
    case ("check", 1): .check
    case ("test", 1): .test
    case ("file", 2): .file(words[1])
    default: nil
    }
  }
}

extension Page.Snippet {
  /// The texts behind `// =>`.
  var printed: [String] {
    lines.compactMap { line in
      if let range = line.range(of: "// => ") { return String(line[range.upperBound...]) }
      return line.hasSuffix("// =>") ? "" : nil
    }
  }

  /// What stands behind `// error:`: the line in the script, the id, and a part of the picture.
  var errors: [(line: Int, id: String, part: String)] {
    lines.enumerated().flatMap { index, line in
      line.components(separatedBy: "// error: ").dropFirst().map { note in
        let words = note.split(separator: " ", maxSplits: 1).map(String.init)
        let part = words.count > 1 ? words[1].trimmingCharacters(in: .whitespaces) : ""
        return (index + 1, words.first ?? "", part)
      }
    }
  }

  /// The script with its wrong lines left empty.
  var withoutErrors: String {
    lines.map { $0.contains("// error: ") ? "" : $0 }.joined(separator: "\n") + "\n"
  }
}
