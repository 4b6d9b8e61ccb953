import AdaptRuntime
import AdaptTensor
import Foundation

// Our side of the benchmarks: one process does one workload, a step on request.
// Speaks the protocol of ../../README.md on its standard input and output.

func measurement(_ options: Options, _ profile: Profile?) throws -> any Measurement {
  if options.isParsed { return try ParseWorkload(options.script) }
  let script = try WorkloadScript(options)
  let cpu = CPU(threads: options.threads, profile: profile)
  switch try script.text("does") {
  case "train": return try TrainingWorkload(script, options, cpu)
  case "forward": return try ForwardWorkload(script, options, cpu)
  case "generate": return try GenerationWorkload(script, options, cpu)
  case "oracle": return try OracleWorkload(script, options, cpu)
  case let other: throw RuntimeError.badInput("there is nothing that does '\(other)'")
  }
}

func run() throws {
  let options = try Options(Array(CommandLine.arguments.dropFirst()))
  if options.isHelp { return say(Options.usage) }
  // The backend's own, so that what runs in the body of a scan or beside others is seen too.
  let profile = options.isProfiled ? Profile() : nil
  let timed = try measurement(options, profile)
  if let profile { try printProfile(profile, of: timed) } else { try serve(timed) }
}

do { try run() } catch {
  FileHandle.standardError.write(Data("adapt-bench: \(error)\n".utf8))
  exit(1)
}
