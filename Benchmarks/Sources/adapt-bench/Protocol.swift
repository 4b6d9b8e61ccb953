import AdaptRuntime
import AdaptTensor
import Foundation

/// What can be timed, a step on request.
protocol Measurement: AnyObject {
  /// Does one step.
  /// - Returns: the seconds it took.
  func step() throws -> Double
  /// What is to be known about it, by the names that ../../README.md has.
  func facts() throws -> [String: Any]
}

/// Prints what a step of ten took on average, op by op, longest first, and as a whole.
///
/// What the body of a scan does counts by itself and within `scan`. Steps of a scan that run on several
/// threads count on each.
/// - Parameter profile: what the measurement's backend adds its times to.
func printProfile(_ profile: Profile, of measurement: any Measurement) throws {
  let (before, steps) = (profile.table, 10)
  let whole = try (0..<steps).reduce(0) { sum, _ in try sum + measurement.step() }
  let share = 1 / Double(steps)
  let entries = profile.table.map { entry in
    entry.since(before.first { ($0.op, $0.way) == (entry.op, entry.way) })
  }
  for entry in entries.sorted(by: { $0.seconds > $1.seconds }) where entry.calls > 0 {
    let name = entry.op + (entry.way.isEmpty ? "" : " (\(entry.way))")
    say(
      padded(name)
        + String(
          format: "%8.1f calls  %9.3f ms  %8.1f GFLOP/s", Double(entry.calls) * share,
          entry.seconds * 1000 * share, entry.flops / entry.seconds / 1e9))
  }
  say(padded("a step") + String(format: "%8d        %9.3f ms", 1, whole * 1000 * share))
}

private func padded(_ name: String) -> String {
  name.padding(toLength: max(56, name.count), withPad: " ", startingAt: 0)
}

extension Profile.Entry {
  /// What came behind an earlier state of the same entry.
  fileprivate func since(_ earlier: Profile.Entry?) -> Profile.Entry {
    guard let earlier else { return self }
    var rest = self
    rest.calls -= earlier.calls
    rest.seconds -= earlier.seconds
    rest.flops -= earlier.flops
    return rest
  }
}

/// The bytes of a file.
/// - Throws: an error that names it.
func contents(of path: String) throws -> [UInt8] {
  do { return try [UInt8](Data(contentsOf: URL(fileURLWithPath: path))) } catch {
    let exists = FileManager.default.fileExists(atPath: path)
    throw RuntimeError.badInput(
      exists ? "\(path) cannot be read" : "there is no file '\(path)'")
  }
}

/// The seconds that `body` takes.
func seconds(_ body: () throws -> Void) rethrows -> Double {
  try ContinuousClock().measure(body) / .seconds(1)
}

func say(_ text: String) {
  FileHandle.standardOutput.write(Data((text + "\n").utf8))
}

func json(_ facts: [String: Any]) throws -> String {
  let data = try JSONSerialization.data(withJSONObject: facts, options: .sortedKeys)
  return String(decoding: data, as: UTF8.self)
}

/// Answers the lines of the protocol until there are no more.
func serve(_ measurement: any Measurement) throws {
  say("ready " + (try json(measurement.facts())))
  while let line = readLine() {
    switch line {
    case "step": say(String(format: "%.7f", try measurement.step()))
    case "stats": say(try json(measurement.facts()))
    case "quit": return
    default: say("error unknown command")
    }
  }
}
