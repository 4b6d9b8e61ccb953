import Adapt
import Foundation
import Testing

/// The demo in small: what it prints, writes and reports, and what is left when it is stopped.
@Suite struct TrainingTests {
  let folder: Folder
  let tool: CommandLineTool

  init() throws {
    folder = try Folder()
    tool = CommandLineTool(in: folder)
    let verse =
      "In the beginning God created the heaven and the earth. And God said, Let there be light. "
    try folder.write("book.txt", String(repeating: verse, count: 400))
  }

  /// The demo's script at a size that trains in a second or two.
  private func script(steps: Int) throws -> String {
    let example = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent().appending(path: "examples/duo.adapt")
    let text = try String(contentsOf: example, encoding: .utf8)
    let changes = [
      ("data/kjv.txt", "book.txt"), ("windows(128)", "windows(64)"), ("width = 128", "width = 32"),
      ("depth = 4", "depth = 2"), ("steps: 1500", "steps: \(steps)"),
      ("budget: 50%", "budget: 80%"),
    ]
    return try changes.reduce(text) { text, change in
      #expect(text.contains(change.0), "the example has changed: \(change.0)")
      return text.replacingOccurrences(of: change.0, with: change.1)
    }
  }

  private func report() throws -> [[String: Any]] {
    try #require(
      JSONSerialization.jsonObject(with: Data(try folder.read("out.json"))) as? [[String: Any]])
  }

  @Test func theDemoLearnsRoutesWritesAndReports() throws {
    try folder.write("duo.adapt", try script(steps: 150))
    let outcome = try tool.run("run", "duo.adapt", "--report", "out.json")
    #expect(outcome.status == 0, "\(outcome.errors)")
    // No progress where there is no terminal.
    #expect(outcome.errors.isEmpty)
    #expect(outcome.output.contains("bits per byte"))
    #expect(folder.names.isSuperset(of: ["routes.svg", "duo.safetensors", "out.json"]))
    #expect(String(decoding: try folder.read("routes.svg"), as: UTF8.self).hasSuffix("</svg>\n"))
    let evaluation = try #require(try report().first { $0["kind"] as? String == "evaluate" })
    let bits = try #require(evaluation["bits_per_byte"] as? Double)
    let baseline = try #require(try report().first { $0["kind"] as? String == "baseline" })
    #expect(bits < (try #require(baseline["unigram_bits"] as? Double)))
    #expect(baseline["bigram_bits"] is Double)
    let oracle = try #require(try report().first { $0["kind"] as? String == "oracle" })
    #expect((try #require(oracle["executed_share"] as? Double)) <= 0.8)
    #expect((try #require(oracle["regret"] as? Double)) >= 0)
    let share = try #require(evaluation["executed_share"] as? Double)
    #expect(share > 0 && share < 1)
    let paths = try #require(evaluation["paths"] as? [String: [String: Double]])
    #expect(Set(paths.keys) == ["blocks[0].duo.route", "blocks[1].duo.route"])
    for shares in paths.values {
      #expect(Set(shares.keys) == ["big", "small", "skip"])
      #expect(abs(shares.values.reduce(0, +) - 1) < 1e-9)
    }
  }

  /// A whole training run of a routed model: what is lost by rounding is less than a hundredth of a bit.
  @Test func roundedProductsLearnTheSame() throws {
    try folder.write(
      "rounded.adapt",
      """
      import systems.duo (DuoLM)
      let book = text("book.txt").bytes().windows(64)
      fn learned(precision) {
        let lm = DuoLM(256, width: 32, depth: 2)
        let run = train(lm, on: book.train, steps: 80, batch: 8, optimizer: AdamW(3e-3), precision: precision) {
          minimize crossEntropy + 5% * cost
        }
        (loss: evaluate(lm, on: book.valid, windows: 8).bits_per_byte, norm: run.gradient_norm)
      }
      let single = learned("fp32")
      let rounded = learned("bf16")
      print single.loss
      expect single.loss < 4
      expect abs(single.loss - rounded.loss) < 0.02
      // They are not the same numbers.
      expect single.norm != rounded.norm
      """)
    let outcome = try tool.run("run", "rounded.adapt")
    #expect(outcome.status == 0, "\(outcome.output) \(outcome.errors)")
  }

  @Test func twoRunsAreEqualByteForByte() throws {
    try folder.write("duo.adapt", try script(steps: 10))
    func run() throws -> (String, [UInt8]) {
      let outcome = try tool.run("run", "duo.adapt")
      #expect(outcome.status == 0, "\(outcome.errors)")
      return (outcome.output, try folder.read("duo.safetensors"))
    }
    let (first, second) = (try run(), try run())
    #expect(first.0 == second.0)
    #expect(first.1 == second.1)
  }

  @Test func whatIsSavedCanBeLoaded() throws {
    let saving = try script(steps: 5) + "\nprint evaluate(lm, on: book.valid).bits_per_byte\n"
    try folder.write("save.adapt", saving)
    let model = saving.components(separatedBy: "train(lm")[0]
    try folder.write(
      "load.adapt",
      model
        + "load(lm, from: \"duo.safetensors\")\nprint evaluate(lm, on: book.valid).bits_per_byte\n")
    let saved = try tool.run("run", "save.adapt")
    let loaded = try tool.run("run", "load.adapt")
    #expect(loaded.status == 0, "\(loaded.errors)")
    #expect(saved.output.split(separator: "\n").last == loaded.output.split(separator: "\n").last)
  }

  @Test func aKilledRunLeavesNoHalfWrittenFile() throws {
    // Saves again and again, so that the end falls into writing.
    try folder.write(
      "duo.adapt",
      try script(steps: 1) + "\nwhile true { save(lm, to: \"duo.safetensors\") }\n")
    for delay in [0, 1, 2, 3, 5, 8, 13] {
      try? FileManager.default.removeItem(at: folder.url.appending(path: "duo.safetensors"))
      let process = try tool.process(["run", "duo.adapt"])
      try process.run()
      let deadline = ContinuousClock.now + .seconds(60)
      while process.isRunning, !folder.names.contains("duo.safetensors"),
        ContinuousClock.now < deadline
      {
        usleep(5000)
      }
      try #require(process.isRunning)
      usleep(UInt32(20_000 + delay * 1700))
      kill(process.processIdentifier, SIGKILL)
      process.waitUntilExit()
      try folder.write("load.adapt", try loading())
      let outcome = try tool.run("run", "load.adapt")
      #expect(outcome.status == 0, "\(outcome.errors)")
    }
    // Beside the file at most a whole one that was about to take its place.
    let size = try folder.read("duo.safetensors").count
    for name in folder.names where name.hasPrefix(".adapt-") {
      #expect(try folder.read(name).count == size)
    }
  }

  private func loading() throws -> String {
    try script(steps: 1).components(separatedBy: "train(lm")[0]
      + "load(lm, from: \"duo.safetensors\")\n"
  }

  @Test func controlCEndsTrainingInOrder() throws {
    try folder.write("duo.adapt", "print 1\n" + (try script(steps: 1_000_000)))
    let process = try tool.process(["run", "duo.adapt", "--report", "out.json"])
    try process.run()
    let deadline = ContinuousClock.now + .seconds(60)
    while try folder.read(".output").isEmpty, ContinuousClock.now < deadline { usleep(20_000) }
    usleep(300_000)
    process.interrupt()
    process.waitUntilExit()
    #expect(process.terminationStatus == 130)
    #expect(!folder.names.contains("duo.safetensors"))
    // What was found until then is reported.
    #expect(try report().contains { $0["kind"] as? String == "step" })
  }

  @Test func aBudgetThatNoRoutingMeetsIsFoundBeforeTraining() throws {
    let text = try script(steps: 1_000_000).replacingOccurrences(
      of: "budget: 80%", with: "budget: 5%")
    try folder.write("duo.adapt", text)
    let outcome = try tool.run("run", "duo.adapt", limit: 60)
    #expect(outcome.status == 65)
    #expect(outcome.errors.contains("the cheapest paths everywhere execute"))
    #expect(outcome.output.isEmpty)
  }

  @Test func aWrongShapeAtTheEndIsFoundBeforeTraining() throws {
    let text =
      try script(steps: 1_000_000)
      + "\nlayer Wrong() { parallel { Linear(3), Linear(4) } join sum }\n"
      + "model Other() { Embedding(256, 8) >> Wrong() >> Linear(256) }\n"
      + "print evaluate(Other(), on: book.valid)\n"
    try folder.write("duo.adapt", text)
    let outcome = try tool.run("run", "duo.adapt", limit: 60)
    #expect(outcome.status == 65)
    #expect(outcome.errors.contains("E0301") || outcome.errors.contains("E0303"))
    #expect(outcome.output.isEmpty)
  }
}
