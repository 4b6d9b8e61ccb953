/// Every id, of all modules: `E` for errors, `W` for warnings. ``explanation`` documents each.
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
  // Names and flow
  case unusedBinding = "W0101"
  case unusedParameter = "W0102"
  case unusedImport = "W0103"
  case shadowedName = "W0104"
  case unreachable = "W0105"
  case neverChanged = "W0106"
  case unusedValue = "W0107"
  case constantCondition = "W0108"
  case selfComparison = "W0109"
  case selfAssignment = "W0110"
  // Models
  case unbalancedRouter = "W0201"
  case seesFuture = "W0202"
  case pathNeverJoins = "W0203"
  case selectionDiffers = "W0204"
  case mixesSamples = "W0205"
  case deadParameter = "W0206"
  case blindRouter = "W0207"
  case nothingToReuse = "W0208"
  case nothingToRecompute = "W0209"
  // What a run shows of models
  case deadPath = "W0301"
  case collapsedRouter = "W0302"
  case neverStops = "W0303"
  case stopsAtOnce = "W0304"

  /// What the first letter stands for.
  public var severity: Diagnostic.Severity { rawValue.hasPrefix("W") ? .warning : .error }
}
