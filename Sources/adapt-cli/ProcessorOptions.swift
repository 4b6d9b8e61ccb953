import AdaptPlatform
import AdaptTensor
import ArgumentParser

/// What the user lets a command take of the machine's processors.
struct ProcessorOptions: ParsableArguments {
  // A number below zero is an argument too, and wrong.
  @Option(
    parsing: .unconditional,
    help: "Threads for numeric work; all cores that the system grants when not given.",
    transform: ProcessorOptions.threads)
  var threads: Int?

  @Option(help: "What products are computed in where a script does not say.")
  var precision = Precision.fp32

  func validate() throws { _ = try ProcessorOptions.wantedLevel() }

  /// The instruction set that the environment's `ADAPT_LEVEL` names, to find out what depends on it; the
  /// best one where nothing is said.
  var level: SIMDLevel { (try? ProcessorOptions.wantedLevel()) ?? .best }

  private static func wantedLevel() throws -> SIMDLevel {
    guard let value = getenv("ADAPT_LEVEL") else { return .best }
    guard let level = SIMDLevel(name: String(cString: value)) else {
      throw ValidationError("ADAPT_LEVEL is baseline, v3 or v4")
    }
    return level
  }

  private static func threads(_ text: String) throws -> Int {
    guard let threads = Int(text), 1...1024 ~= threads else {
      throw ValidationError("write a whole number from 1 to 1024")
    }
    return threads
  }
}

extension Precision: ExpressibleByArgument {}
