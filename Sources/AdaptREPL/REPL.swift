import Adapt
import AdaptInterpreter
import AdaptSyntax
import CReadline
import Foundation

/// A session at the terminal: reads a statement or an expression, runs it, shows what it gave.
///
/// On a terminal it has line editing, history and Ctrl-C; otherwise it reads
/// lines from standard input without a prompt.
public final class REPL {
  private let engine: Engine
  private let isColored: Bool
  private let isInteractive = isatty(0) != 0
  private var number = 0

  public init(_ engine: Engine, isColored: Bool) {
    self.engine = engine
    self.isColored = isColored
  }

  /// Reads until `:quit` or the end of input.
  public func run() {
    let history = isInteractive ? History() : nil
    if isInteractive { print("Adapt. :help says what there is, :quit ends the session.") }
    while let text = readPiece() {
      let trimmed = text.trimmingCharacters(in: .whitespacesAndNewlines)
      if trimmed.isEmpty { continue }
      history?.add(trimmed)
      if trimmed.hasPrefix(":") {
        guard command(trimmed) else { break }
      } else {
        evaluate(text)
      }
    }
    history?.save()
  }

  // MARK: Reading

  /// A piece of script: lines until nothing is open any more. Nil at the end of input.
  private func readPiece() -> String? {
    var text = ""
    while true {
      switch readLine(prompt: text.isEmpty ? "adapt> " : "  ...> ") {
      case .end: return text.isEmpty ? nil : text
      case .interrupted: return ""
      case .line(let line):
        text += text.isEmpty ? line : "\n" + line
        // An empty line ends a piece that is still open, so that nobody is caught in it.
        if line.isEmpty || text.hasPrefix(":") || !isIncomplete(text) { return text }
      }
    }
  }

  private enum Line {
    case line(String)
    case interrupted, end
  }

  private func readLine(prompt: String) -> Line {
    guard isInteractive else { return Swift.readLine().map { .line($0) } ?? .end }
    var wasInterrupted: Int32 = 0
    guard let line = adapt_readline(prompt, &wasInterrupted) else {
      print("")
      return .end
    }
    defer { free(line) }
    return wasInterrupted != 0 ? .interrupted : .line(String(cString: line))
  }

  private func isIncomplete(_ text: String) -> Bool {
    parse(bytes: Array(text.utf8), source: 0).isIncomplete
  }

  // MARK: Running

  private func evaluate(_ text: String) {
    number += 1
    engine.resetCancellation()
    let running = Running(engine: engine)
    Interrupt.begin { running.engine.cancel() }
    defer { Interrupt.end() }
    do {
      let value = try engine.evaluate(text, name: "prompt \(number)")
      if let value, !isNone(value) { show(engine.interpreter.describe(value) + "\n") }
    } catch let error as ScriptError {
      // The terminal has written ^C where the cursor stood.
      if isInteractive, error.diagnostics.contains(where: { $0.id == .cancelled }) { show("\n") }
      for diagnostic in error.diagnostics {
        show(engine.render(diagnostic, color: isColored) + "\n")
      }
    } catch {
      show("\(error)\n")
    }
  }

  private func isNone(_ value: Value) -> Bool {
    if case .none = value { return true }
    return false
  }

  private func show(_ text: String) {
    print(text, terminator: "")
    // All streams: naming stdout alone is not safe in the eyes of Swift 6.
    fflush(nil)
  }

  // MARK: Commands

  /// - Returns: whether the session goes on.
  private func command(_ text: String) -> Bool {
    let words = text.split(separator: " ")
    switch words[0] {
    case ":quit", ":q", ":exit": return false
    case ":help", ":h", ":?": show(REPL.help)
    case ":names": show(engine.interpreter.topLevelNames.joined(separator: "  ") + "\n")
    case ":time": time(words.dropFirst().joined(separator: " "))
    default:
      let known = [":quit", ":help", ":names", ":time"]
      let hint = closest(String(words[0]), among: known).map { ", did you mean \($0)?" } ?? ""
      show("no command \(words[0])\(hint) :help lists them\n")
    }
    return true
  }

  private func time(_ text: String) {
    let seconds = ContinuousClock().measure { evaluate(text) } / .seconds(1)
    show(String(format: "%.3f s\n", seconds))
  }

  private static let help = """
    Type a statement or an expression; an expression's value is shown. A piece
    that is not complete goes on on the next line, and an empty line ends it.
    Ctrl-C drops the line or stops what runs.

      :help          this text
      :names         what is bound
      :time CODE     run CODE and say how long it took
      :quit          end the session (Ctrl-D does too)

      let x = 20 + 22        bind a name
      print "x is \\(x)"      print
      layer Tiny(n) { Linear(n) >> relu >> Linear(1) }

    """
}

/// Ctrl-C stops the piece that runs, not the session. `Engine.cancel` may be called from any thread.
private struct Running: @unchecked Sendable {
  let engine: Engine
}
