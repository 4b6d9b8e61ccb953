import Foundation
import Testing

@Suite struct CommandLineTests {
  let folder: Folder
  let tool: CommandLineTool

  init() throws {
    folder = try Folder()
    tool = CommandLineTool(in: folder)
  }

  // MARK: Running

  @Test func aScriptPrintsAndEndsWithZero() throws {
    try folder.write("a.adapt", "let x = 20 + 22\nprint \"x is \\(x)\"\n")
    let outcome = try tool.run("run", "a.adapt")
    #expect(outcome.status == 0)
    #expect(outcome.output == "x is 42\n")
    #expect(outcome.errors.isEmpty)
  }

  @Test func aScriptCanComeFromStandardInput() throws {
    #expect(try tool.run("run", "-", input: "print 1 + 1").output == "2\n")
  }

  @Test func anEmptyScriptIsFine() throws {
    try folder.write("empty.adapt", "")
    let outcome = try tool.run("run", "empty.adapt")
    #expect(outcome.status == 0)
    #expect(outcome.output.isEmpty && outcome.errors.isEmpty)
  }

  // MARK: Exit codes

  @Test(arguments: [
    ["run"], ["run", "a.adapt", "--nonsense"], ["frobnicate"], ["explain", "E9999"],
  ])
  func wrongUsageEndsWith64(_ arguments: [String]) throws {
    let process = try tool.process(arguments)
    try process.run()
    process.waitUntilExit()
    let outcome = try tool.outcome(process)
    #expect(outcome.status == 64)
    #expect(!outcome.errors.isEmpty)
  }

  @Test func aMissingScriptEndsWith66() throws {
    let outcome = try tool.run("run", "nowhere.adapt")
    #expect(outcome.status == 66)
    #expect(outcome.errors.contains("nowhere.adapt"))
  }

  @Test func aMissingDataFileEndsWith66AndIsFoundBeforeAnythingRuns() throws {
    try folder.write("a.adapt", "print 1\nlet book = text(\"no.txt\")\n")
    let outcome = try tool.run("run", "a.adapt")
    #expect(outcome.status == 66)
    #expect(outcome.output.isEmpty)
    #expect(outcome.errors.contains("E0401") && outcome.errors.contains("a.adapt:2:"))
  }

  @Test func anUnknownNameEndsWith65AndSuggests() throws {
    try folder.write("a.adapt", "let value = 1\nprint valeu\n")
    for command in ["run", "check"] {
      let outcome = try tool.run(command, "a.adapt")
      #expect(outcome.status == 65)
      #expect(outcome.output.isEmpty)
      #expect(outcome.errors.contains("error[E0101]"))
      #expect(outcome.errors.contains("a.adapt:2:7"))
      #expect(outcome.errors.contains("^^^^^"))
      #expect(outcome.errors.contains("value"))
    }
  }

  @Test func checkReportsAllErrorsOfAFile() throws {
    try folder.write("a.adapt", "print one\nprint two\nlet x = 3\nx = 4\n")
    let outcome = try tool.run("check", "a.adapt")
    #expect(outcome.status == 65)
    for place in ["a.adapt:1:", "a.adapt:2:", "a.adapt:4:"] {
      #expect(outcome.errors.contains(place), "\(place)")
    }
  }

  // MARK: Hostile scripts

  @Test func aScriptThatIsNoUTF8IsAnError() throws {
    try folder.write("a.adapt", Array("print 1\nprint \"".utf8) + [0xC3, 0x28, 0x22, 0x0A])
    let outcome = try tool.run("run", "a.adapt")
    #expect(outcome.status == 65)
    #expect(outcome.errors.contains("E0001") && outcome.errors.contains("a.adapt:2:"))
  }

  @Test func tenThousandParenthesesAreAnError() throws {
    let text =
      "print " + String(repeating: "(", count: 10_000) + "1"
      + String(repeating: ")", count: 10_000)
    try folder.write("a.adapt", text)
    let outcome = try tool.run("run", "a.adapt", limit: 20)
    #expect(outcome.status == 65)
    #expect(outcome.errors.contains("E0003") && outcome.errors.contains("a.adapt:1:"))
    #expect(outcome.errors.count < 4000)
  }

  @Test func aLineOfFiftyMegabytesIsAnError() throws {
    try folder.write("a.adapt", Array(repeating: UInt8(ascii: "x"), count: 50 << 20))
    let outcome = try tool.run("run", "a.adapt", limit: 20)
    #expect(outcome.status == 65)
    #expect(outcome.errors.contains("E0002") && outcome.errors.contains("a.adapt:1:"))
    #expect(outcome.errors.count < 4000)
    #expect(outcome.seconds < 10)
  }

  @Test func anEndlessRecursionIsAnError() throws {
    try folder.write("a.adapt", "fn f(x) { return f(x + 1) }\nprint f(0)\n")
    let outcome = try tool.run("run", "a.adapt", limit: 60)
    #expect(outcome.status == 65)
    #expect(outcome.errors.contains("E0502"))
  }

  @Test func anEmptyBookIsAnError() throws {
    try folder.write("book.txt", "")
    try folder.write("a.adapt", "let book = text(\"book.txt\").bytes().windows(128)\n")
    let outcome = try tool.run("run", "a.adapt")
    #expect(outcome.status == 65)
    #expect(outcome.errors.contains("E0404") && outcome.errors.contains("a.adapt:1:"))
  }

  @Test func aFileOutsideOfTheFoldersIsRefused() throws {
    try folder.write("a.adapt", "let x = text(\"/etc/passwd\")\n")
    let outcome = try tool.run("run", "a.adapt")
    #expect(outcome.status == 65)
    #expect(outcome.errors.contains("E0402"))
  }

  // MARK: Streams

  @Test func aFullDiskIsToldAndEndsWith70() throws {
    guard FileManager.default.fileExists(atPath: "/dev/full") else { return }
    try folder.write("a.adapt", "print 1\n")
    let process = try tool.process(["run", "a.adapt"])
    process.standardOutput = FileHandle(forWritingAtPath: "/dev/full")
    try process.run()
    process.waitUntilExit()
    #expect(process.terminationStatus == 70)
    #expect(try tool.outcome(process).errors.contains("cannot be written"))
  }

  @Test func closedStreamsAreNoTrap() throws {
    try folder.write("a.adapt", "print 1\n")
    for (arguments, status) in [
      ("run - <&-", 66), ("run a.adapt >&-", 70), ("run a.adapt 2>&-", 0),
    ] {
      let process = try tool.process([])
      process.executableURL = URL(fileURLWithPath: "/bin/sh")
      process.arguments = ["-c", "exec \(CommandLineTool.binary.path) \(arguments)"]
      try process.run()
      process.waitUntilExit()
      #expect(process.terminationStatus == status, "\(arguments)")
    }
  }

  @Test func aReaderThatGoesAwayEndsTheRun() throws {
    try folder.write("a.adapt", "for i in 0..1000000 { print i }\n")
    let process = try tool.process(["run", "a.adapt"])
    let pipe = Pipe()
    process.standardOutput = pipe
    try process.run()
    _ = pipe.fileHandleForReading.availableData
    try pipe.fileHandleForReading.close()
    try pipe.fileHandleForWriting.close()
    process.waitUntilExit()
    #expect(process.terminationReason == .uncaughtSignal)
  }

  @Test func controlCEndsAnEndlessLoop() throws {
    try folder.write("a.adapt", "print \"on\"\nvar x = 0\nwhile true { x = x + 1 }\n")
    let process = try tool.process(["run", "a.adapt"])
    try process.run()
    // Not before the script itself runs: checking it comes first.
    let deadline = ContinuousClock.now + .seconds(60)
    while try folder.read(".output").isEmpty, ContinuousClock.now < deadline { usleep(20_000) }
    process.interrupt()
    process.waitUntilExit()
    #expect(process.terminationStatus == 130)
  }

  // MARK: REPL

  @Test func aSessionKeepsItsNames() throws {
    let outcome = try tool.run(
      "repl",
      input: "let x = 4\nfn twice(a) {\n  return 2 * a\n}\ntwice(x)\nx +\n 1\nnonsense\nx\n:quit\n")
    #expect(outcome.status == 0)
    #expect(outcome.output.hasPrefix("8\n5\n"))
    #expect(outcome.output.contains("E0101"))
    #expect(outcome.output.hasSuffix("4\n"))
  }

  @Test func helpListsTheCommands() throws {
    let outcome = try tool.run("repl", input: ":help\n:hepl\n")
    for word in [":quit", ":names", ":time", "did you mean :help"] {
      #expect(outcome.output.contains(word), "\(word)")
    }
  }
}
