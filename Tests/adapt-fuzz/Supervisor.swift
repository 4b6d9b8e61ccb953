import Foundation
import Fuzzing

/// Runs workers one after another, keeps the inputs that ended one, and makes what it kept smaller.
struct Supervisor {
  let program: URL
  let root: URL
  let folder: URL
  let campaign: Campaign

  /// - Returns: the number of failing inputs.
  func run(seconds: Int) throws -> Int {
    let end = ContinuousClock.now + .seconds(seconds)
    var next = 0
    while ContinuousClock.now < end {
      let left = Int((end - ContinuousClock.now).components.seconds) + 1
      let status = try spawn([
        "worker", campaign.kind.rawValue, "\(left)", "\(campaign.seed)", folder.path, root.path,
        "\(next)",
      ])
      next = number() + 1
      if status == ExitCode.fine { break }
      keepCurrent(status)
    }
    let kept = try FileManager.default.contentsOfDirectory(atPath: folder.path)
      .filter { $0.hasSuffix(".adapt") && !$0.hasPrefix("current") && !$0.hasPrefix("small-") }
    for name in kept.sorted() { try minimize(name) }
    say("\(next) inputs of \(campaign.kind.rawValue), seed \(campaign.seed): \(kept.count) kept")
    return kept.count
  }

  private func number() -> Int {
    let data = FileManager.default.contents(
      atPath: folder.appendingPathComponent("current.number").path)
    return data.flatMap { String(data: $0, encoding: .utf8) }.flatMap { Int($0) } ?? 0
  }

  private func keepCurrent(_ status: Int32) {
    let kind = status == ExitCode.hang ? "hang" : "trap"
    let name = "\(kind)-\(campaign.seed)-\(number()).adapt"
    let current = folder.appendingPathComponent("current.adapt")
    try? FileManager.default.copyItem(at: current, to: folder.appendingPathComponent(name))
    say("\(name): a worker ended with \(status)")
  }

  /// Runs this program again.
  /// - Returns: its exit status, or minus the signal that ended it.
  private func spawn(_ arguments: [String], quietly: Bool = false) throws -> Int32 {
    let process = Process()
    process.executableURL = program
    process.arguments = arguments
    if quietly {
      process.standardOutput = FileHandle.nullDevice
      process.standardError = FileHandle.nullDevice
    }
    try process.run()
    process.waitUntilExit()
    return process.terminationReason == .exit
      ? process.terminationStatus : -process.terminationStatus
  }

  private func minimize(_ name: String) throws {
    let file = folder.appendingPathComponent(name)
    let attempt = folder.appendingPathComponent("current.attempt")
    guard let data = FileManager.default.contents(atPath: file.path) else { return }
    func status(_ bytes: [UInt8]) -> Int32 {
      try? Data(bytes).write(to: attempt)
      let status = try? spawn(["one", attempt.path, root.path], quietly: true)
      return status ?? ExitCode.usage
    }
    let wanted = status([UInt8](data))
    guard wanted != ExitCode.fine else {
      say("\(name): does not fail by itself")
      return
    }
    // A hang takes the watchdog's time at each attempt.
    var minimizer = Minimizer(attempts: wanted == ExitCode.hang ? 12 : 300) { status($0) == wanted }
    let small = minimizer.minimized([UInt8](data))
    try Data(small).write(to: folder.appendingPathComponent("small-\(name)"))
  }
}
