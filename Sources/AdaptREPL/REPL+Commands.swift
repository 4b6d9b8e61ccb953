import Adapt
import AdaptInterpreter
import AdaptPlatform
import AdaptSyntax

// What begins with a colon.

extension REPL {
  private static let commands = [
    ":doc", ":help", ":names", ":precision", ":quit", ":route", ":time", ":type",
  ]

  /// What the tab key completes: names, words of the language and commands.
  var words: [String] {
    engine.interpreter.topLevelNames + Token.Kind.keywords.map(\.rawValue) + REPL.commands
  }

  /// - Returns: whether the session goes on.
  func command(_ text: String) -> Bool {
    let parts = text.split(separator: " ", maxSplits: 1).map(String.init)
    let rest = parts.count > 1 ? parts[1].trimmed() : ""
    switch parts[0] {
    case ":quit", ":q", ":exit": return false
    case ":help", ":h", ":?": show(REPL.help)
    case ":names": show(engine.interpreter.topLevelNames.joined(separator: "  ") + "\n")
    case ":time": time(rest)
    case ":type": type(rest)
    case ":doc": documentation(rest)
    case ":route": route(rest)
    case ":precision": precision(rest)
    default:
      let hint = closest(parts[0], among: REPL.commands).map { ", did you mean \($0)?" } ?? ""
      show("no command \(parts[0])\(hint) :help lists them\n")
    }
    return true
  }

  private func time(_ text: String) {
    let seconds = ContinuousClock().measure { evaluate(text) } / .seconds(1)
    show(String(printf: "%.3f s\n", seconds))
  }

  private func type(_ text: String) {
    guard let value = value(of: text) else { return }
    if case .function(let function) = value {
      show("\(value.typeName) \(function.signature)\n")
    } else {
      show(value.typeName + "\n")
    }
  }

  /// `:route SITES=POLICY` for all models from here on; without more, what was said so.
  private func route(_ text: String) {
    guard !text.isEmpty else {
      let overrides = engine.interpreter.overrides
      show(overrides.map { "\($0.sites)=\($0.text)\n" }.joined())
      return
    }
    guard let override = SiteOverride(text) else {
      show("write :route SITES=POLICY, where POLICY is \(SiteOverride.forms)\n")
      return
    }
    engine.interpreter.overrides.append(override)
  }

  /// `:precision NAME` for what follows; without a name, what there is.
  private func precision(_ name: String) {
    guard !name.isEmpty else { return show(engine.precision.rawValue + "\n") }
    guard let precision = Engine.Precision(rawValue: name) else {
      let names = Engine.Precision.allCases.map(\.rawValue).joined(separator: " or ")
      return show("write :precision \(names), not \(name)\n")
    }
    engine.precision = precision
  }

  private func documentation(_ name: String) {
    do {
      let text = try name.isEmpty ? engine.documentationIndex() : engine.documentation(of: name)
      show(text)
    } catch {
      show("\(error)\n")
    }
  }

  private static let help = """
    Type a statement or an expression; an expression's value is shown and kept as
    'it', and not shown when a semicolon ends the line. A piece that is not complete
    goes on on the next line, and an empty line ends it. Tab completes a name.
    Ctrl-C drops the line or stops what runs.

      :doc [NAME]    what a name means, or all there are
      :help          this text
      :names         what is bound
      :precision P   compute products in fp32 or bf16 where a call does not say; without P,
                     what there is
      :time CODE     run CODE and say how long it took
      :type CODE     what kind of value CODE gives
      :route S=P     let P decide at the sites S of all models: a path's name, random,
                     learned and others; learned ends it
      :quit          end the session (Ctrl-D does too)

      let x = 20 + 22        bind a name
      print "x is \\(x)"      print
      layer Tiny(n) { Linear(n) >> relu >> Linear(1) }

    """
}
