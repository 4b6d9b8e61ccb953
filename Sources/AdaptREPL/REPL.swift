import Adapt
import AdaptInterpreter
import AdaptPlatform
import AdaptSyntax
import CReadline

/// A session at the terminal: reads a statement or an expression, runs it, shows what it gave.
///
/// On a terminal it has line editing, history and Ctrl-C; otherwise it reads
/// lines from standard input without a prompt.
public final class REPL {
  let engine: Engine
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
      let trimmed = text.trimmed()
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
    adapt_set_words(words.joined(separator: "\n"))
    var wasInterrupted: Int32 = 0
    guard let line = adapt_readline(prompt, &wasInterrupted) else {
      print("")
      return .end
    }
    defer { free(line) }
    return wasInterrupted != 0 ? .interrupted : .line(String(cString: line))
  }

  private func isIncomplete(_ text: String) -> Bool {
    // A comment that documents belongs to what follows it.
    let last = text.split(separator: "\n").last?.drop { $0 == " " } ?? ""
    return last.hasPrefix("///") || parse(bytes: Array(text.utf8), source: 0).isIncomplete
  }

  // MARK: Running

  /// Runs a piece and shows the value it gives, which is kept as `it`. Nothing is shown of one that ends
  /// with a semicolon.
  func evaluate(_ text: String) {
    guard let value = value(of: text), !isNone(value) else { return }
    engine.interpreter.define("it", value)
    if text.trimmed().hasSuffix(";") { return }
    show(engine.interpreter.describe(value) + "\n")
  }

  /// Runs a piece, which Ctrl-C may stop; errors are shown.
  func value(of text: String) -> Value? {
    number += 1
    engine.resetCancellation()
    let running = Running(engine: engine)
    Interrupt.begin { running.engine.cancel() }
    defer { Interrupt.end() }
    do {
      return try engine.evaluate(text, name: "prompt \(number)")
    } catch let error as ScriptError {
      // The terminal has written ^C where the cursor stood.
      if isInteractive, error.diagnostics.contains(where: { $0.id == .cancelled }) { show("\n") }
      for diagnostic in error.diagnostics {
        show(engine.render(diagnostic, color: isColored) + "\n")
      }
    } catch {
      show("\(error)\n")
    }
    return nil
  }

  private func isNone(_ value: Value) -> Bool {
    if case .none = value { return true }
    return false
  }

  func show(_ text: String) {
    print(text, terminator: "")
    // All streams: naming stdout alone is not safe in the eyes of Swift 6.
    fflush(nil)
  }
}

/// Ctrl-C stops the piece that runs, not the session. `Engine.cancel` may be called from any thread.
private struct Running: @unchecked Sendable {
  let engine: Engine
}
