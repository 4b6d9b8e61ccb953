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

/// One that can tell where its time goes, op by op.
protocol ProfiledMeasurement: Measurement {
  /// Set to an empty profile to have each step add its times to it.
  var profile: Profile? { get set }
}

extension ProfiledMeasurement {
  /// Times of ten steps by op.
  func printProfile() throws {
    profile = Profile()
    for _ in 0..<10 { _ = try step() }
    for entry in profile?.table ?? [] {
      say(
        String(
          format: "%-40@ %5d calls  %8.2f ms  %8.1f GFLOP/s",
          (entry.op + (entry.way.isEmpty ? "" : " (\(entry.way))")) as NSString,
          entry.calls / 10, entry.seconds * 100, entry.flops / entry.seconds / 1e9))
    }
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
