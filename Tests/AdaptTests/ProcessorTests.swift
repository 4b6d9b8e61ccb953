import Foundation
import Testing

/// What the command takes of the machine's processors: threads, their idling, instruction sets.
@Suite struct ProcessorTests {
  let folder: Folder
  let tool: CommandLineTool

  init() throws {
    folder = try Folder()
    tool = CommandLineTool(in: folder)
  }

  /// A few steps of a dense and of a routed model, and what they come to.
  private static let training = """
    model Duo() {
      Linear(64) >> gelu
      route each sample by TopK(1) { big { FFN(256) }  small { FFN(16) }  skip { zero } }
      Linear(1)
    }
    model Dense() { Linear(64) >> gelu >> FFN(256) >> Linear(1) }
    let line = data(randn([256, 8], seed: 1), randn([256, 1], seed: 2))
    for net in [Duo(), Dense()] {
      train(net, on: line.train, steps: 5, batch: 128) { minimize meanSquaredError }
      print "\\(evaluate(net, on: line.valid).loss: .7)"
    }

    """

  /// Runs the training in an environment.
  private func train(_ arguments: [String] = [], _ environment: [String: String] = [:]) throws
    -> Outcome
  {
    try folder.write("a.adapt", Self.training)
    let process = try tool.process(["run", "a.adapt"] + arguments)
    process.environment?.merge(environment) { _, new in new }
    try process.run()
    process.waitUntilExit()
    return try tool.outcome(process)
  }

  private func losses(_ outcome: Outcome) throws -> [Double] {
    #expect(outcome.status == 0, "\(outcome.errors)")
    let losses = outcome.output.split(separator: "\n").compactMap { Double($0) }
    #expect(losses.count == 2)
    return losses
  }

  // MARK: Threads

  @Test(arguments: [
    "--threads=0", "--threads=-1", "--threads=1025", "--threads=99999999999999999999",
    "--threads=two", "--threads=1.5",
  ])
  func aWrongNumberOfThreadsIsRefused(_ argument: String) throws {
    for command in ["run", "repl", "test"] {
      let file = command == "repl" ? [] : ["a.adapt"]
      try folder.write("a.adapt", "print 1\n")
      let process = try tool.process([command] + file + [argument])
      try process.run()
      process.waitUntilExit()
      let outcome = try tool.outcome(process)
      #expect(outcome.status == 64 && outcome.output.isEmpty, "\(command) \(argument)")
      #expect(outcome.errors.contains("a whole number from 1 to 1024"), "\(outcome.errors)")
    }
  }

  @Test func aNegativeNumberBehindASpaceIsRefusedAlike() throws {
    try folder.write("a.adapt", "print 1\n")
    let outcome = try tool.run("run", "a.adapt", "--threads", "-1")
    #expect(outcome.status == 64 && outcome.errors.contains("a whole number from 1 to 1024"))
  }

  @Test func aTrainingOfManyThreadsIsThatOfOne() throws {
    let one = try losses(try train(["--threads", "1"]))
    for threads in ["2", "5"] {
      let many = try losses(try train(["--threads", threads]))
      for (a, b) in zip(one, many) { #expect(abs(a - b) <= 1e-4 * a) }
    }
  }

  #if os(Linux)
    @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/taskset")))
    func aProcessBoundToOneProcessorStartsOneThread() throws {
      try folder.write("a.adapt", Self.training)
      let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
      let list = try #require(status.split(separator: "Cpus_allowed_list:").last)
      let first = String(list.drop { !$0.isNumber }.prefix { $0.isNumber })
      let process = try tool.process(
        ["-c", first, CommandLineTool.binary.path, "run", "a.adapt", "--profile"])
      process.executableURL = URL(fileURLWithPath: "/usr/bin/taskset")
      try process.run()
      process.waitUntilExit()
      let outcome = try tool.outcome(process)
      #expect(outcome.status == 0 && outcome.errors.contains("on 1 thread "), "\(outcome.errors)")
    }

    @Test func nobodySpinsBehindARun() throws {
      let process = try tool.process(["repl", "--threads", "4"])
      let input = Pipe()
      process.standardInput = input
      try process.run()
      defer { process.terminate() }
      let text = "sum(randn([512, 512], seed: 1) @ randn([512, 512], seed: 2))\n7 * 6\n"
      try input.fileHandleForWriting.write(contentsOf: Data(text.utf8))
      let deadline = ContinuousClock.now + .seconds(60)
      while !String(decoding: try folder.read(".output"), as: UTF8.self).contains("42"),
        ContinuousClock.now < deadline
      {
        usleep(10_000)
      }
      try #require(process.isRunning)
      // Threads look for work for a moment before they sleep.
      usleep(100_000)
      let before = try Self.processorTicks(process.processIdentifier)
      usleep(600_000)
      let after = try Self.processorTicks(process.processIdentifier)
      // One that spins takes 60 of these ticks on a quiet machine, its share of them on a busy one.
      #expect(after - before <= 2)
      let threads = try FileManager.default.contentsOfDirectory(
        atPath: "/proc/\(process.processIdentifier)/task")
      #expect(threads.count >= 4)
    }

    /// Hundredths of a second that all threads of a process have run.
    private static func processorTicks(_ process: Int32) throws -> Int {
      let text = try String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8)
      // The command's name stands in parentheses and may hold spaces.
      let fields = try #require(text.split(separator: ")").last).split(separator: " ")
      return try #require(Int(fields[11])) + (try #require(Int(fields[12])))
    }
  #endif

  // MARK: Instruction sets

  @Test func aTrainingIsTheSameAtEveryLevel() throws {
    let best = try losses(try train())
    // The library of products chooses by itself, and is bounded likewise.
    let bounds = ["baseline": "SSE41", "v3": "AVX2", "v4": "ALL"]
    for (level, bound) in bounds {
      let environment = ["ADAPT_LEVEL": level, "ONEDNN_MAX_CPU_ISA": bound]
      let found = try losses(try train([], environment))
      for (a, b) in zip(best, found) { #expect(abs(a - b) <= 1e-4 * a, "\(level)") }
    }
  }

  @Test func aProfileSaysTheLevel() throws {
    let outcome = try train(["--profile"], ["ADAPT_LEVEL": "baseline"])
    #expect(outcome.errors.contains(" at level baseline"), "\(outcome.errors)")
  }

  @Test(arguments: ["", "v5", "V3", "avx2"])
  func aLevelThatDoesNotExistIsRefused(_ level: String) throws {
    let outcome = try train([], ["ADAPT_LEVEL": level])
    #expect(outcome.status == 64 && outcome.output.isEmpty)
    #expect(outcome.errors.contains("ADAPT_LEVEL is baseline, v3 or v4"), "\(outcome.errors)")
  }
}
