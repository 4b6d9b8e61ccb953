import Adapt
import AdaptGraph
import AdaptInterpreter
import AdaptRuntime
import AdaptTensor
import Foundation

// Our side of the benchmarks: one process trains one workload, or parses a script, a step on request.
// Speaks the protocol of ../../README.md on its standard input and output.
//
//     adapt-bench WORKLOAD.adapt [--threads N] [--weights FILE] [--profile]
//     adapt-bench SCRIPT.adapt --parse

struct Options {
  var workload = ""
  var threads = 2
  var weights: String?
  var isProfiled = false
  var isParsed = false

  init(_ arguments: [String]) {
    var rest = arguments[...]
    while let argument = rest.popFirst() {
      switch argument {
      case "--threads": threads = rest.popFirst().flatMap { Int($0) } ?? threads
      case "--weights": weights = rest.popFirst()
      case "--profile": isProfiled = true
      case "--parse": isParsed = true
      default: workload = argument
      }
    }
  }
}

/// A workload's model, ready to train on one batch.
struct Workload {
  static let (sequences, length) = (16, 128)

  let trainer: Trainer
  let batch: Batch
  let parameters = ParameterStore(seed: 1)
  let cpu: CPU

  init(_ options: Options) throws {
    cpu = CPU(threads: options.threads)
    let engine = Engine(
      Engine.Options(output: { FileHandle.standardError.write(Data($0.utf8)) }))
    let script = try Data(contentsOf: URL(fileURLWithPath: options.workload))
    try engine.run([UInt8](script), name: options.workload)
    guard case .flow(let model)? = engine.interpreter["lm"],
      case .object(let object)? = engine.interpreter["optimizer"],
      let optimizer = object as? OptimizerInstance,
      case .string(let objective)? = engine.interpreter["objective"]
    else { throw RuntimeError.badInput("a workload binds lm, optimizer and objective") }
    let graph = try engine.interpreter.objectiveGraph(
      of: model, minimizing: objective, length: Workload.length)
    batch = try Workload.load(options.weights, into: parameters)
    trainer = try Trainer(
      graph.model, objective: graph.total, terms: graph.terms,
      optimizer: engine.interpreter.trace(optimizer), parameters: parameters, clip: 1, cpu: cpu)
  }

  /// The rival's weights and batch, or a batch of our own.
  static func load(_ path: String?, into parameters: ParameterStore) throws -> Batch {
    let layout = RowLayout(groups: sequences, length: length)
    guard let path else {
      var random = Philox(seed: 2, stream: "text")
      let text = (0..<sequences * length).map { _ in Int32(random.next(below: 256)) }
      return Batch(layout: layout, ints: ["input": text, "target": text])
    }
    let contents = try SafeTensors.decode([UInt8](Data(contentsOf: URL(fileURLWithPath: path))))
    for entry in contents.entries where entry.name.hasPrefix("parameter.") {
      parameters[String(entry.name.dropFirst("parameter.".count))] = entry.tensor
    }
    guard let tokens = contents["tokens"], let targets = contents["targets"] else {
      throw RuntimeError.badInput("\(path) has no tokens and targets")
    }
    return Batch(
      layout: layout, ints: ["input": try tokens.integers, "target": try targets.integers])
  }

  func facts(_ report: StepReport) -> [String: Any] {
    let loss = report.terms.first { $0.name == "crossEntropy" }?.value ?? report.loss
    return [
      "loss": loss, "flops": trainer.flops(of: [.matmul]), "sgemm": sgemmRate(),
      "shares": report.paths.map { site in
        site.counts.map { Double($0) / Double(batch.layout.rows) }
      },
    ]
  }

  /// Operations a second of our best product of the workload's shape.
  func sgemmRate() -> Double {
    let (m, n, k) = (2048, 1024, 256)
    let (a, b) = ([Float](repeating: 1, count: m * k), [Float](repeating: 1, count: k * n))
    var c = [Float](repeating: 0, count: m * n)
    let clock = ContinuousClock()
    let times = (0..<12).map { _ in
      clock.measure {
        c.withUnsafeMutableBufferPointer { c in
          guard let c = c.baseAddress else { return }
          cpu.matmul(
            a, transposeA: false, b, transposeB: false, c, m: m, n: n, k: k, accumulate: false)
        }
      } / .seconds(1)
    }
    return 2 * Double(m * n * k) / (times.min() ?? .infinity)
  }
}

func say(_ text: String) {
  FileHandle.standardOutput.write(Data((text + "\n").utf8))
}

func json(_ facts: [String: Any]) throws -> String {
  String(
    decoding: try JSONSerialization.data(withJSONObject: facts, options: .sortedKeys), as: UTF8.self
  )
}

/// Answers the lines of the protocol until there are no more.
func serve(step: () throws -> Double, facts: () throws -> [String: Any]) throws {
  say("ready " + (try json(facts())))
  while let line = readLine() {
    switch line {
    case "step": say(String(format: "%.6f", try step()))
    case "stats": say(try json(facts()))
    case "quit": return
    default: say("error unknown command")
    }
  }
}

func serveTraining(_ options: Options) throws {
  let workload = try Workload(options)
  var last = try workload.trainer.step(workload.batch)
  if options.isProfiled { return try printProfile(of: workload) }
  try serve {
    let start = ContinuousClock.now
    last = try workload.trainer.step(workload.batch)
    return (ContinuousClock.now - start) / .seconds(1)
  } facts: {
    workload.facts(last)
  }
}

/// Times of ten steps by op.
func printProfile(of workload: Workload) throws {
  workload.trainer.profile = Profile()
  for _ in 0..<10 { _ = try workload.trainer.step(workload.batch) }
  for entry in workload.trainer.profile?.table ?? [] {
    say(
      String(
        format: "%-20@ %5d calls  %8.2f ms  %8.1f GFLOP/s", entry.op.rawValue as NSString,
        entry.calls / 10, entry.seconds * 100, entry.flops / entry.seconds / 1e9))
  }
}

let options = Options(Array(CommandLine.arguments.dropFirst()))
if options.isParsed {
  let workload = try ParseWorkload(options.workload)
  try serve(step: workload.seconds, facts: workload.facts)
} else {
  try serveTraining(options)
}
