// The layout of a script: where its lines break, how far they are indented, which spaces stand.
//
// Goals, in order: never change what a script means, nor lose a comment; formatting twice is
// formatting once; leave to the author what is a matter of taste. So line breaks are kept where the
// author made them. Breaks are added within a block that has some already, and in lines that are too
// long; one is taken away before the `{` of a block and within `else if`. What stands in a string is
// never touched.

/// The text of a script in the one layout that all scripts share; nil when the script has errors.
///
/// Blocks are indented by two spaces and lines are at most 100 columns wide where a bracket, a block
/// or `>>` allows to break them. An author's breaks stay, one empty line in a row too. Comments at the
/// ends of lines stay in one column if the author had one after the other so, and otherwise stand two
/// spaces behind their line; the `{` of paths or arms on adjacent lines likewise. Paths, arms and clauses on one line
/// stand two spaces apart. Lines end with LF, the last one too.
///
/// - Parameters:
///   - bytes: The text in UTF-8.
///   - tree: What ``parse(bytes:source:limits:)`` made of exactly these bytes.
/// - Complexity: linear in the number of bytes, times the depth of brackets that must be broken.
public func format(bytes: [UInt8], as tree: SyntaxTree) -> [UInt8]? {
  guard !tree.diagnostics.contains(where: { $0.severity == .error }) else { return nil }
  var layout = Layout(bytes: bytes, tree: tree)
  layout.arrangeBreaks()
  layout.breakLongLines()
  return layout.text()
}

/// What formatting holds lines to.
enum FormatStyle {
  static let indentation = 2
  static let columns = 100
  /// Spaces between code and the comment behind it, and between paths on one line.
  static let gap = 2
}
