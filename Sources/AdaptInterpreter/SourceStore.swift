import AdaptPlatform
import AdaptSyntax

/// Texts and trees, shared by the interpreter and its dry runs.
final class SourceStore {
  private(set) var map = SourceMap()
  private let library: [(name: String, text: String)]
  private var libraryTrees: [String: SyntaxTree] = [:]
  /// Which sources belong to the library; errors are shown where a script used it instead.
  private var librarySources: [Bool] = []
  /// Imported files, so that checking and running read each once.
  private var modules: [String: SyntaxTree] = [:]

  init(library: [(name: String, text: String)]) { self.library = library }

  func parse(_ bytes: [UInt8], name: String) -> SyntaxTree {
    AdaptSyntax.parse(bytes: bytes, source: map.add(name: name, bytes: bytes))
  }

  /// The tree of a text that is known, parsed anew.
  func tree(of source: UInt16) -> SyntaxTree? {
    map.file(source).map { AdaptSyntax.parse(bytes: $0.bytes, source: source) }
  }

  func isLibrary(_ span: Span) -> Bool {
    let source = Int(span.source)
    return source < librarySources.count && librarySources[source]
  }

  /// All the scripts whose names every script sees.
  func preludeTrees() -> [(name: String, tree: SyntaxTree)] {
    preludeFiles.map { ($0.name, libraryTree($0.name, $0.text)) }
  }

  /// Their names and texts, in the order of ``prelude(_:)``.
  private var preludeFiles: [(name: String, text: String)] {
    library.filter { !$0.name.contains("/") }
  }

  /// What each of those scripts binds, read off the beginnings of its lines.
  var preludeNames: [[String]] { preludeFiles.map { SourceStore.declaredNames($0.text) } }

  /// One of those scripts.
  func prelude(_ number: Int) -> SyntaxTree {
    let file = preludeFiles[number]
    return libraryTree(file.name, file.text)
  }

  private static let declaring: [[UInt8]] = [
    "layer ", "model ", "router ", "objective ", "optimizer ", "fn ", "let ",
  ].map { Array($0.utf8) }

  private static func declaredNames(_ text: String) -> [String] {
    var text = text
    return text.withUTF8 { bytes in
      var names: [String] = []
      var start = 0
      while start < bytes.count {
        let rest = UnsafeBufferPointer(rebasing: bytes[start...])
        if let name = declaredName(rest) { names.append(name) }
        // The whole library is looked through at each start of a process.
        guard let base = rest.baseAddress, let end = memchr(base, 10, rest.count) else { break }
        start += UnsafeRawPointer(end) - UnsafeRawPointer(base) + 1
      }
      return names
    }
  }

  /// What a line declares that begins here.
  private static func declaredName(_ line: UnsafeBufferPointer<UInt8>) -> String? {
    guard let word = declaring.first(where: { line.starts(with: $0) }) else { return nil }
    let name = line.dropFirst(word.count).prefix { byte in
      (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
        || byte == UInt8(ascii: "_")
    }
    return String(decoding: name, as: UTF8.self)
  }

  /// A script of the library that can be imported.
  func libraryModule(_ path: String) -> SyntaxTree? {
    library.first { $0.name == path }.map { libraryTree($0.name, $0.text) }
  }

  /// An imported file; read the first time.
  func module(_ path: String, read: () throws -> [UInt8]) rethrows -> SyntaxTree {
    if let tree = modules[path] { return tree }
    let tree = parse(try read(), name: path)
    modules[path] = tree
    return tree
  }

  private func libraryTree(_ name: String, _ text: String) -> SyntaxTree {
    if let tree = libraryTrees[name] { return tree }
    let bytes = Array(text.utf8)
    let source = map.add(name: "stdlib/" + name, bytes: bytes)
    while librarySources.count <= source { librarySources.append(false) }
    librarySources[Int(source)] = true
    let tree = AdaptSyntax.parse(bytes: bytes, source: source)
    libraryTrees[name] = tree
    return tree
  }
}
