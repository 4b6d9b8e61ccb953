import AdaptPlatform
import CReadline

/// The lines of earlier sessions, in `$XDG_STATE_HOME/adapt/history` (by default under
/// `~/.local/state`).
final class History {
  private static let largest: Int32 = 10_000
  private let path: String

  init() {
    let environment = ProcessInfo.processInfo.environment
    let home = environment["HOME"] ?? "."
    let state = environment["XDG_STATE_HOME"] ?? home + "/.local/state"
    path = state + "/adapt/history"
    adapt_set_name("adapt")
    using_history()
    stifle_history(History.largest)
    read_history(path)
  }

  func add(_ text: String) {
    // Readline's file has a line an entry.
    add_history(text.replacing("\n", with: " "))
  }

  /// A session without a home to write to goes on without history.
  func save() {
    let folder = URL(fileURLWithPath: path).deletingLastPathComponent()
    try? FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    write_history(path)
  }
}
