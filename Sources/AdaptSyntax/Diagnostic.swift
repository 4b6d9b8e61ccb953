/// What is wrong with a script, as data; ``SourceMap/render(_:)`` makes the picture.
public struct Diagnostic: Error, Sendable {
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
  public var severity: Severity
  /// One line: what is wrong.
  public var title: String
  /// The cause; nil when no place in a script is to blame.
  public var span: Span?
  /// A few words beside the carets.
  public var label: String
  public var notes: [Note]
  /// What to do about it; empty without a suggestion.
  public var hint: String

  public init(
    _ id: DiagnosticID, _ title: String, at span: Span?, label: String = "", notes: [Note] = [],
    hint: String = "", severity: Severity = .error
  ) {
    self.id = id
    self.severity = severity
    self.title = title
    self.span = span
    self.label = label
    self.notes = notes
    self.hint = hint
  }
}

/// Every id, with the sentence that `adapt explain` starts from. One table for all modules.
public enum DiagnosticID: String, Sendable, CaseIterable {
  // Text and syntax
  case notUTF8 = "E0001"
  case sourceTooLarge = "E0002"
  case nestingTooDeep = "E0003"
  case unexpectedCharacter = "E0004"
  case unterminatedString = "E0005"
  case invalidNumber = "E0006"
  case invalidEscape = "E0007"
  case unterminatedComment = "E0008"
  case expectedToken = "E0010"
  case unexpectedToken = "E0011"
  case expectedExpression = "E0012"
  case misplacedStatement = "E0013"
  case duplicateName = "E0014"
  // Names and calls
  case unknownName = "E0101"
  case unknownMember = "E0102"
  case wrongArguments = "E0103"
  case notCallable = "E0104"
  case immutableBinding = "E0105"
  // Values
  case wrongType = "E0201"
  case wrongValue = "E0202"
  case indexOutOfRange = "E0203"
  case divisionByZero = "E0204"
  case failedByScript = "E0205"
  // Shapes and models
  case wrongShape = "E0301"
  case unknownWidth = "E0302"
  case pathShapes = "E0303"
  case notDifferentiable = "E0304"
  case notFinite = "E0305"
  case unknownSite = "E0306"
  // The outside
  case fileMissing = "E0401"
  case fileRefused = "E0402"
  case fileUnreadable = "E0403"
  case dataEmpty = "E0404"
  case importCycle = "E0405"
  case fileUnwritable = "E0406"
  // Limits
  case limitSteps = "E0501"
  case limitDepth = "E0502"
  case limitMemory = "E0503"
  case limitTime = "E0504"
  case cancelled = "E0505"
  case limitOutput = "E0506"
}
