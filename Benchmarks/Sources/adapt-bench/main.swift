import AdaptRuntime
import AdaptTensor
import Foundation

// Our side of the benchmarks: one process does one workload, a step on request.
// Speaks the protocol of ../../README.md on its standard input and output.
//
//     adapt-bench WORKLOAD.adapt [--threads N] [--weights FILE] [--set NAME=VALUE]... [--profile]
//     adapt-bench SCRIPT.adapt --parse

func measurement(_ options: Options) throws -> any Measurement {
  if options.isParsed { return try ParseWorkload(options.script) }
  let script = try WorkloadScript(options)
  let cpu = CPU(threads: options.threads)
  switch try script.text("does") {
  case "train": return try TrainingWorkload(script, options, cpu)
  case "forward": return try ForwardWorkload(script, options, cpu)
  case "generate": return try GenerationWorkload(script, options, cpu)
  case "oracle": return try OracleWorkload(script, options, cpu)
  case let other: throw RuntimeError.badInput("there is nothing that does '\(other)'")
  }
}

func run() throws {
  let options = Options(Array(CommandLine.arguments.dropFirst()))
  let timed = try measurement(options)
  if options.isProfiled, let profiled = timed as? any ProfiledMeasurement {
    try profiled.printProfile()
  } else {
    try serve(timed)
  }
}

do { try run() } catch {
  FileHandle.standardError.write(Data("adapt-bench: \(error)\n".utf8))
  exit(1)
}
