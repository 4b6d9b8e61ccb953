extension DiagnosticID {
  /// What the error means and what usually helps: the text of `adapt explain`.
  public var explanation: String {
    switch self {
    case .notUTF8:
      "A script is UTF-8 text. Save the file as UTF-8; the position is that of the first bad byte."
    case .sourceTooLarge:
      "A script may hold 16 MiB. Put data into a file of its own and read it with text(…)."
    case .nestingTooDeep:
      "Brackets, blocks and chains of operators nest deeper than a reader or the parser can follow. "
        + "Name parts with let and put them together."
    case .unexpectedCharacter: "A character that has no meaning outside of strings and comments."
    case .unterminatedString: "A string ends on its line with \". Inside it write \\\" for a quote."
    case .invalidNumber: "A number that cannot be read, or an integer beyond 64 bits."
    case .invalidEscape: "In a string, \\ is followed by n, r, t, \", \\, ( or u{…}."
    case .unterminatedComment: "A comment that begins with /* ends with */; they nest."
    case .expectedToken: "Something the grammar asks for is missing here."
    case .unexpectedToken: "Something stands here that the grammar does not allow."
    case .expectedExpression: "A value, a layer or a form such as residual { … } must stand here."
    case .misplacedStatement:
      "A statement that only has a meaning elsewhere, such as return outside of a function or "
        + "minimize outside of the block of train."
    case .duplicateName: "Two things of one name where names must differ."
    case .unknownName:
      "Nothing of that name can be seen here. Names come from let, fn, layer, "
        + "parameters, imports and the standard library."
    case .unknownMember: "The value has no property or method of that name."
    case .wrongArguments: "A call with too few, too many or unknown arguments."
    case .notCallable: "Only functions, layers and other flows can be called or applied."
    case .immutableBinding: "let binds once. Use var for what changes."
    case .wrongType: "A value of another kind than the operation takes."
    case .wrongValue: "A value of the right kind that the operation cannot take."
    case .indexOutOfRange: "A list is counted from 0 to its count minus one."
    case .divisionByZero: "Integers cannot be divided by zero. 1.0 / 0 is infinite."
    case .failedByScript: "The script itself failed by fail(…) or assert(…)."
    case .wrongShape:
      "Sizes of tensors that do not fit together, or that a layer's signature does not allow. Both "
        + "shapes are named; the rows' name says what one row is."
    case .unknownWidth:
      "A layer needs the width of its input and nothing says it yet. Begin the model with Embedding, "
        + "or give it a signature such as : x [token, 64]."
    case .pathShapes: "The paths of a site give rows of different sizes, which cannot be joined."
    case .notDifferentiable:
      "The way from the objective to a parameter leads through an operation "
        + "that has no gradient."
    case .notFinite:
      "A number became NaN or infinite. A smaller learning rate, a smaller clip or another start "
        + "often helps."
    case .unknownSite: "The model has no site, or the site no path, of that name."
    case .fileMissing:
      "The file does not exist. Paths are relative to the script's folder and to the "
        + "working folder."
    case .fileRefused: "The host did not grant the script this file."
    case .fileUnreadable: "The file exists and cannot be read, or does not hold what it should."
    case .dataEmpty: "The file holds too little data for what is asked."
    case .importCycle: "Scripts import each other in a circle. Move what both need into a third."
    case .fileUnwritable: "The file cannot be written; what was there before is still there."
    case .limitSteps: "The script did more than the host allows."
    case .limitDepth: "Calls or values inside one another deeper than the host allows."
    case .limitMemory: "A value larger than the host or the machine allows."
    case .limitTime: "The script ran longer than the host allows."
    case .cancelled: "The host or Ctrl-C ended the script."
    case .limitOutput: "The script printed more than the host allows."
    }
  }
}
