import Foundation
import Fuzzing

/// How a process that tried inputs ended.
enum ExitCode {
  static let fine: Int32 = 0
  static let violation: Int32 = 1
  static let usage: Int32 = 64
  static let hang: Int32 = 97
}

/// Prints a line at once: what a process has in hand when it traps is lost.
func say(_ line: String) { FileHandle.standardOutput.write(Data((line + "\n").utf8)) }

/// Tries inputs in this process, which a trap or a hang ends; so the input is written down first.
struct Worker {
  let corpus: Corpus
  let folder: URL

  /// The most address space: a script that asks for all of memory fails here and not on the machine.
  private static let mostMemory: rlim_t = 6 << 30

  static func limitMemory() {
    var limit = rlimit(rlim_cur: mostMemory, rlim_max: mostMemory)
    setrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit)
  }

  private var watchdog: Watchdog {
    Watchdog(limit: .seconds(10)) { _exit(ExitCode.hang) }
  }

  /// Tries one file.
  func tryFile(_ path: String) -> Int32 {
    guard let data = FileManager.default.contents(atPath: path) else { return ExitCode.usage }
    let found = watchdog.watching { Trial(corpus: corpus).violations([UInt8](data)) }
    for violation in found { say("\(violation)") }
    return found.isEmpty ? ExitCode.fine : ExitCode.violation
  }

  /// Tries the inputs from a number on until the time is over; prints the number of the last.
  func run(_ campaign: Campaign, from first: Int, until end: ContinuousClock.Instant) {
    let (trial, watchdog) = (Trial(corpus: corpus), watchdog)
    let current = folder.appendingPathComponent("current.adapt")
    let number = folder.appendingPathComponent("current.number")
    var index = first
    while ContinuousClock.now < end {
      let input = campaign.input(index)
      try? Data(input).write(to: current)
      try? Data("\(index)".utf8).write(to: number)
      for violation in watchdog.watching({ trial.violations(input) }) {
        save(violation, input, index, campaign)
      }
      index += 1
    }
    try? Data("\(index)".utf8).write(to: number)
  }

  /// Keeps the first inputs that show a kind of violation.
  private func save(
    _ violation: Trial.Violation, _ input: [UInt8], _ index: Int, _ campaign: Campaign
  ) {
    let kind = String(violation.kind.map { $0.isLetter || $0.isNumber ? $0 : "-" })
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    guard names.filter({ $0.hasPrefix(kind) }).count < 4 else { return }
    let name = "\(kind)-\(campaign.seed)-\(index).adapt"
    try? Data(input).write(to: folder.appendingPathComponent(name))
    say("\(name): \(violation)")
  }
}
