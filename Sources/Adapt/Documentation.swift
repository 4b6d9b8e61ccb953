import AdaptInterpreter
import AdaptSyntax

/// Nothing of that name is documented.
public struct UndocumentedName: Error, CustomStringConvertible {
  public let name: String
  /// What was probably meant.
  public let near: String?

  public var description: String {
    "there is no '\(name)'" + (near.map { ", did you mean '\($0)'?" } ?? "")
  }
}

extension Engine {
  /// What a name means, as `adapt doc` and `:doc` print it.
  ///
  /// Sees what the session has bound, the standard library and what is built in.
  /// - Throws: ``UndocumentedName``
  public func documentation(of name: String) throws -> String {
    try Engine.text(try interpreter.documentation(named: name), of: name) {
      let known = try interpreter.documentation().map(\.name)
      return closest(name, among: known + interpreter.topLevelNames)
    }
  }

  /// What a declaration of a script says of itself; all of them where no name is given.
  /// - Throws: ``UndocumentedName``
  public func documentation(of name: String?, in bytes: [UInt8], file: String) throws -> String {
    let entries = interpreter.documentation(of: bytes, name: file)
    guard let name else { return Engine.index(entries) }
    return try Engine.text(entries.filter { $0.name == name }, of: name) {
      closest(name, among: entries.map(\.name))
    }
  }

  /// A line for each name of the standard library and what is built in, grouped by kind.
  public func documentationIndex() throws -> String {
    Engine.index(try interpreter.documentation())
  }

  private static func text(
    _ entries: [DocumentationEntry], of name: String, near: () throws -> String?
  ) throws -> String {
    guard !entries.isEmpty else { throw UndocumentedName(name: name, near: try near()) }
    return entries.map(text).joined(separator: "\n")
  }

  private static func text(_ entry: DocumentationEntry) -> String {
    let body = entry.text.isEmpty ? "Not documented." : entry.text
    let lines = body.split(separator: "\n", omittingEmptySubsequences: false)
    // The fences of an example are for programs; a reader sees it indented.
    var isExample = false
    let shown = lines.compactMap { line -> String? in
      if line.hasPrefix("```") {
        isExample.toggle()
        return nil
      }
      return line.isEmpty ? "" : (isExample ? "      " : "  ") + line
    }
    return ([entry.signature, ""] + shown + ["", "  \(entry.place)"]).joined(separator: "\n") + "\n"
  }

  private static func index(_ entries: [DocumentationEntry]) -> String {
    let groups = DocumentationEntry.Kind.allCases.compactMap { kind -> String? in
      let group = entries.filter { $0.kind == kind }
      guard let width = group.map(\.name.count).max() else { return nil }
      let lines = group.map { entry in
        let gap = String(repeating: " ", count: width - entry.name.count)
        return "  \(entry.name)\(gap)  \(entry.summary)"
      }
      return ([kind.rawValue] + lines).joined(separator: "\n") + "\n"
    }
    return groups.joined(separator: "\n")
  }
}
