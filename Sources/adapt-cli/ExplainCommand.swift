import AdaptSyntax
import ArgumentParser

struct ExplainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "explain", abstract: "Say what an id such as E0301 means, or list all.")

  @ArgumentParser.Argument(help: "The id; all ids when not given.")
  var id: String?

  func validate() throws {
    guard let id, DiagnosticID(spelling: id) == nil else { return }
    let known = DiagnosticID.allCases.map(\.rawValue)
    let near = closest(id.uppercased(), among: known).map { "did you mean \($0)? " } ?? ""
    throw ValidationError("there is no '\(id)'; \(near)'adapt explain' lists all")
  }

  func run() throws {
    guard let id = id.flatMap(DiagnosticID.init(spelling:)) else {
      for id in DiagnosticID.allCases {
        Terminal.output("\(id.rawValue)  \(id.explanation.title)\n")
      }
      return
    }
    Terminal.output(ExplainCommand.text(of: id))
  }

  private static func text(of id: DiagnosticID) -> String {
    let explanation = id.explanation
    var parts = ["\(id.rawValue): \(explanation.title)", wrapped(explanation.text)]
    let words = explanation.setting.words
    if explanation.bad.isEmpty {
      if !words.isEmpty { parts.append(words) }
    } else {
      let condition = words.isEmpty ? "" : ", \(words)"
      let noun = id.severity == .error ? "error" : "warning"
      parts.append("This gives the \(noun)\(condition):\n\n" + indented(explanation.bad))
      parts.append("This does not:\n\n" + indented(explanation.good))
    }
    return parts.joined(separator: "\n\n") + "\n"
  }

  private static func indented(_ script: String) -> String {
    script.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
      .map { $0.isEmpty ? "" : "    " + $0 }.joined(separator: "\n")
  }

  /// Broken between words into lines of at most 80 characters.
  static func wrapped(_ text: String, width: Int = 80) -> String {
    var lines = [""]
    for word in text.split(separator: " ") {
      let last = lines[lines.count - 1]
      if last.isEmpty {
        lines[lines.count - 1] = String(word)
      } else if last.count + word.count < width {
        lines[lines.count - 1] = last + " " + word
      } else {
        lines.append(String(word))
      }
    }
    return lines.joined(separator: "\n")
  }
}
