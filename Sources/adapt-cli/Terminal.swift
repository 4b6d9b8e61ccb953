import Adapt
import AdaptInterpreter
import AdaptPlatform
import AdaptREPL
import AdaptSyntax

/// Standard output and standard error.
enum Terminal {
  static func output(_ text: String) { write(text, to: 1) }

  /// One line on standard error in the way of the command line's own messages.
  static func error(_ text: String) { write("adapt: \(text)\n", to: 2) }

  /// A warning of a run, as a person reads it.
  static func warn(_ warning: Diagnostic, _ sources: SourceMap) {
    write(sources.render(warning, color: isColored(2)) + "\n", to: 2)
  }

  /// Writes all of a text, or ends the process: results that nobody gets are a failure. A reader that
  /// went away (`adapt … | head`) ends it quietly by SIGPIPE.
  static func write(_ text: String, to descriptor: Int32) {
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let count = bytes.withUnsafeBytes {
        AdaptPlatform.write(descriptor, $0.baseAddress, $0.count)
      }
      if count > 0 {
        bytes = bytes.dropFirst(count)
      } else if errno != EINTR && errno != EAGAIN {
        if descriptor != 2 {
          error("output cannot be written: \(String(cString: strerror(errno)))")
        }
        exit(ExitStatus.internalError.rawValue)
      } else if errno == EAGAIN {
        usleep(1000)
      }
    }
  }

  /// Opens what the caller closed (`<&-`), the wrong way round so that its use fails: else the next file
  /// opened would pass for it.
  static func claimStandardFiles() {
    for descriptor: Int32 in 0...2 where fcntl(descriptor, F_GETFD) < 0 {
      _ = open("/dev/null", descriptor == 0 ? O_WRONLY : O_RDONLY)
    }
  }

  /// All of standard input, or nil when it cannot be read or is larger than a script may be.
  static func input() -> [UInt8]? {
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 1 << 16)
    while bytes.count <= ScriptFile.largest {
      let count = read(0, &piece, piece.count)
      if count == 0 { return bytes }
      if count > 0 {
        bytes += piece[..<count]
      } else if errno == EAGAIN {
        usleep(1000)
      } else if errno != EINTR {
        return nil
      }
    }
    return nil
  }

  static func isTerminal(_ descriptor: Int32) -> Bool { isatty(descriptor) != 0 }

  /// Whether text may carry colours there (no-color.org).
  static func isColored(_ descriptor: Int32) -> Bool {
    isTerminal(descriptor) && getenv("NO_COLOR") == nil
      && getenv("TERM").map { String(cString: $0) } != "dumb"
  }

  /// Columns of the terminal on standard error.
  static var width: Int {
    var size = winsize()
    return ioctl(2, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0 ? Int(size.ws_col) : 80
  }
}

/// A line at the bottom of the terminal that says how far long work is; silent where standard error
/// is no terminal.
final class ProgressLine {
  private let isShown = Terminal.isTerminal(2)
  private var activity = ""
  private var start = ContinuousClock.now
  private var last: ContinuousClock.Instant?
  private var isDrawn = false

  /// Ten times a second at most.
  func show(_ progress: AdaptInterpreter.Progress) {
    guard isShown else { return }
    let now = ContinuousClock.now
    if progress.activity != activity || progress.step <= 1 {
      activity = progress.activity
      start = now
      last = nil
    }
    let isLast = progress.step >= progress.steps
    if let last, !isLast, now - last < .milliseconds(100) { return }
    last = now
    draw(progress, elapsed: (now - start) / .seconds(1))
    if isLast { clear() }
  }

  /// A warning above the line.
  func warn(_ warning: Diagnostic, _ sources: SourceMap) {
    clear()
    Terminal.warn(warning, sources)
  }

  func clear() {
    guard isDrawn else { return }
    Terminal.write("\r\u{1B}[K", to: 2)
    isDrawn = false
  }

  private func draw(_ progress: AdaptInterpreter.Progress, elapsed: Double) {
    let left = elapsed / Double(max(1, progress.step)) * Double(progress.steps - progress.step)
    let count = "\(progress.step)/\(progress.steps)  \(ProgressLine.clock(left)) left"
    let rest = progress.note.isEmpty ? count : count + "  " + progress.note
    let room = max(1, Terminal.width - 1)
    // Rather without the word and the wider gaps than without the end.
    let lines = [progress.activity + " " + rest, rest.replacing("  ", with: " ")]
    let line = lines.first { $0.count <= room } ?? lines[1]
    Terminal.write("\r\u{1B}[K" + String(line.prefix(room)), to: 2)
    isDrawn = true
  }

  private static func clock(_ seconds: Double) -> String {
    let whole = Int(max(0, min(seconds, 359_999)).rounded())
    return String(printf: "%d:%02d", whole / 60, whole % 60)
  }
}

/// Ctrl-C, and what other programs send.
enum Interrupts {
  /// Lets signals arrive. A program that starts this one from a worker thread hands down that thread's
  /// mask, under which not even a termination would end it.
  static func unblock() {
    var none = sigset_t()
    sigemptyset(&none)
    sigprocmask(SIG_SETMASK, &none, nil)
  }

  /// Makes the first Ctrl-C end the script in order; a second one ends the process.
  static func cancel(_ engine: Engine) {
    let running = Running(engine: engine)
    Interrupt.begin(isOnce: true) { running.engine.cancel() }
  }

  /// `Engine.cancel` may be called from any thread.
  private struct Running: @unchecked Sendable {
    let engine: Engine
  }
}
