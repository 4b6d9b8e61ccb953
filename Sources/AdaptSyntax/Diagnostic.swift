/// What is wrong with a script, as data; ``SourceMap/render(_:)`` makes the picture.
public struct Diagnostic: Error, Sendable {
  /// An error keeps the script from running, a warning does not.
  public enum Severity: String, Sendable { case error, warning }

  /// A second place that matters, for example where the other shape came from.
  public struct Note: Sendable {
    public var span: Span
    public var text: String

    public init(span: Span, text: String) {
      self.span = span
      self.text = text
    }
  }

  /// The stable id, for example `E0101`; `adapt explain` documents it.
  public var id: DiagnosticID
  /// One line: what is wrong.
  public var title: String
  /// The cause; nil when no place in a script is to blame.
  public var span: Span?
  /// A few words beside the carets.
  public var label: String
  public var notes: [Note]
  /// What to do about it; empty without a suggestion.
  public var hint: String
  /// The hint as a change of the text, where it is certain enough to be made without asking.
  public var fix: FixIt?

  /// As the id says.
  public var severity: Severity { id.severity }

  public init(
    _ id: DiagnosticID, _ title: String, at span: Span?, label: String = "", notes: [Note] = [],
    hint: String = "", fix: FixIt? = nil
  ) {
    self.id = id
    self.title = title
    self.span = span
    self.label = label
    self.notes = notes
    self.hint = hint
    self.fix = fix ?? Diagnostic.replacement(id, span, hint)
  }

  /// Where the place is a name that is not known, a hint that names another one is a change of the text.
  private static func replacement(_ id: DiagnosticID, _ span: Span?, _ hint: String) -> FixIt? {
    guard [.unknownName, .unknownMember, .wrongArguments].contains(id), let span,
      hint.hasPrefix("did you mean '"), hint.hasSuffix("'?")
    else { return nil }
    return .replace(span, with: String(hint.dropFirst(14).dropLast(2)))
  }
}
