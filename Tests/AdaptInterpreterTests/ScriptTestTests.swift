import AdaptInterpreter
import AdaptSyntax
import Testing

/// `test "name" { … }` as a host runs them.
@Suite struct ScriptTestTests {
  private func results(_ script: String, only wanted: String? = nil, limits: Limits = Limits())
    throws -> [TestResult]
  {
    let (interpreter, _) = try makeInterpreter(limits: limits)
    return try interpreter.runTests(Array(script.utf8), name: "test.adapt", only: wanted)
  }

  private func ids(_ result: TestResult) -> [DiagnosticID] {
    result.failure?.diagnostics.map(\.id) ?? []
  }

  @Test func runInTheOrderOfTheText() throws {
    let found = try results(
      """
      test "b" { expect 1 == 1 }
      test "a" { expect 1 == 2 }
      test "c" { }
      """)
    #expect(found.map(\.name) == ["b", "a", "c"])
    #expect(found.map { ids($0) } == [[], [.failedByScript], []])
  }

  @Test func aTestThatFailsDoesNotEndTheOthers() throws {
    let found = try results(
      """
      test "failed" { fail("here") }
      test "expected" { expect 1 == 2 }
      test "fine" { expect true }
      """)
    #expect(found.map { ids($0) } == [[.failedByScript], [.failedByScript], []])
    #expect(found[0].failure?.diagnostics.first?.title == "here")
  }

  @Test func seeWhatTheFileBinds() throws {
    let found = try results(
      """
      fn double(x) { x * 2 }
      let four = 4
      test "double" { expect double(four) == 8 }
      """)
    #expect(found.map { ids($0) } == [[]])
  }

  @Test func haveNamesOfTheirOwn() throws {
    let found = try results(
      """
      let x = 1
      test "one" {
        let x = 5
        expect x == 5
      }
      test "two" { expect x == 1 }
      """)
    #expect(found.map { ids($0) } == [[], []])
  }

  @Test func someCanBeChosenByTheirName() throws {
    let script = "test \"add one\" { }\ntest \"add two\" { }\ntest \"other\" { fail() }"
    #expect(try results(script, only: "add").map(\.name) == ["add one", "add two"])
    #expect(try results(script, only: "nothing of the kind").isEmpty)
  }

  @Test func areReportedOneByOne() throws {
    let (interpreter, _) = try makeInterpreter()
    var reported: [String] = []
    let script = "test \"a\" { }\ntest \"b\" { fail() }"
    _ = try interpreter.runTests(Array(script.utf8), name: "test.adapt") {
      reported.append($0.name)
    }
    #expect(reported == ["a", "b"])
  }

  @Test func aWrongFileHasNoResults() throws {
    #expect(throws: ScriptError.self) { try results("test \"a\" { nope }") }
    #expect(throws: ScriptError.self) { try results("test \"a\" { }\nfail(\"before\")") }
  }

  @Test func theLimitOfStepsEndsAllOfThem() throws {
    let script = "test \"long\" { while true { } }\ntest \"next\" { }"
    do {
      _ = try results(script, limits: Limits(steps: 10_000))
      Issue.record("nothing ended them")
    } catch let error as ScriptError {
      #expect(error.diagnostics.map(\.id) == [.limitSteps])
    }
  }

  @Test func aRunLeavesThemOut() throws {
    let (interpreter, output) = try makeInterpreter()
    try interpreter.run(Array("test \"a\" { print 1 }\nprint 2".utf8), name: "test.adapt")
    #expect(output.text == "2\n")
  }
}
