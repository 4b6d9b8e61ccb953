import AdaptSyntax
import AdaptTensor

// Arguments that are one of a few names.

extension NativeFunction.Parameter {
  /// What a model computes its products in: a name of ``Precision``, or what the host says.
  static var precision: NativeFunction.Parameter { .optional("precision") }
}

extension Call {
  /// The case of an enumeration that an argument names.
  /// - Throws: E0201 for what is no string, E0202 with all names for one that no case has.
  func choice<Choice>(_ index: Int, of _: Choice.Type = Choice.self) throws -> Choice
  where Choice: RawRepresentable<String> & CaseIterable {
    let text = try string(index)
    if let choice = Choice(rawValue: text) { return choice }
    let names = Choice.allCases.map(\.rawValue)
    let near = closest(text, among: names)
    let parameter = "'\(parameterNames[index])'"
    throw wrongValue(
      index, "\(name) needs \(Call.alternatives(names)) as \(parameter), not \"\(text)\"",
      hint: near.map { "did you mean \"\($0)\"?" } ?? "")
  }

  /// What a model computes its products in: what the call says, else what the host does.
  func precision(_ index: Int) throws -> Precision {
    if case .none = self[index] { return interpreter.precision }
    return try choice(index)
  }

  /// `"a", "b" or "c"`.
  private static func alternatives(_ names: [String]) -> String {
    let quoted = names.map { "\"\($0)\"" }
    guard let last = quoted.last, quoted.count > 1 else { return quoted.joined() }
    return quoted.dropLast().joined(separator: ", ") + " or \(last)"
  }
}
