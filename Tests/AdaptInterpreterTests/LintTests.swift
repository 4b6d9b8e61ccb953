import AdaptInterpreter
import AdaptSyntax
import Testing

/// Warnings: each where it belongs, and none where the script means what it says.
@Suite struct LintTests {
  /// The warnings of a text as `W0101 name`, with the text they point at.
  private func warnings(_ text: String, files: [String: String] = [:]) throws -> [String] {
    let (interpreter, _) = try makeInterpreter(files: files)
    return interpreter.check(Array(text.utf8), name: "test.adapt")
      .map { "\($0.id.rawValue) \(interpreter.text(at: $0.span))" }
  }

  private let route = "route each token by TopK(1) { big { FFN(32) }  small { FFN(8) } }"

  // MARK: Names

  @Test func aNameThatOnlyAClosureReadsIsUsed() throws {
    #expect(try warnings("let n = 2\nprint [1].map({ x in x * n })\n").isEmpty)
  }

  @Test func aNameThatAFunctionBelowReadsIsUsed() throws {
    #expect(try warnings("fn f() { later }\nlet later = 1\nprint f()\n").isEmpty)
  }

  @Test func theInnerOfTwoNamesIsTheOneThatIsRead() throws {
    let text = "fn f(a) {\n  let b = a\n  if a > 0 { let b = 2\n print b }\n  a\n}\nprint f(1)\n"
    #expect(try warnings(text) == ["W0101 b", "W0104 b"])
  }

  @Test func whatIsOnlyAssignedIsNotRead() throws {
    #expect(try warnings("var n = 0\nn += 1\n") == ["W0101 n"])
  }

  @Test func changingAnElementChangesTheVariable() throws {
    #expect(try warnings("var xs = [1, 2]\nxs[0] = 3\nprint xs\n").isEmpty)
  }

  @Test func theNamesOfAModuleAreForOthers() throws {
    #expect(try warnings("let width = 16\nfn f(x) { x }\n").isEmpty)
    #expect(try warnings("let width = 16\nprint 1\n") == ["W0101 width"])
  }

  @Test func aSignatureReadsItsHyperparameters() throws {
    #expect(
      try warnings("layer A(n): x [.., d] -> [.., n] { x >> Linear(2 * d) >> Linear(n) }\n").isEmpty
    )
    #expect(try warnings("layer A(n): x [.., d] { x }\n") == ["W0102 n"])
  }

  @Test func aDefaultReadsTheParametersBefore() throws {
    #expect(try warnings("fn f(a, b = a) { b }\nprint f(1)\n").isEmpty)
  }

  @Test func underscoresAreMeantToBeUnused() throws {
    #expect(try warnings("fn f(_a) { 1 }\nlet _x = f(2)\nprint [1].map({ _y in 0 })\n").isEmpty)
  }

  @Test func importsAreUsedByAnyOfTheirNames() throws {
    let files = ["sizes.adapt": "let a = 1\nlet b = 2\n"]
    #expect(try warnings("import sizes\nprint b\n", files: files).isEmpty)
    #expect(try warnings("import sizes\nprint 1\n", files: files) == ["W0103 import sizes"])
  }

  @Test func aParameterMayTakeANameOfTheFile() throws {
    #expect(try warnings("let n = 2\nfn f(n) { n }\nprint f(n)\n").isEmpty)
  }

  @Test func aFileMayTakeANameOfTheLibrary() throws {
    #expect(try warnings("layer FFN(n) { Linear(n) }\n").isEmpty)
  }

  // MARK: Flow

  @Test func linesOfAFlowAreNotDropped() throws {
    #expect(try warnings("layer A(n) {\n  Linear(n)\n  gelu\n  residual { Norm() }\n}\n").isEmpty)
  }

  @Test func theLastLineOfAFunctionIsItsValue() throws {
    #expect(try warnings("fn f(x) {\n  if x > 0 { x } else { 0 - x }\n}\nprint f(1)\n").isEmpty)
    #expect(try warnings("fn f(x) {\n  x + 1\n  x\n}\nprint f(1)\n") == ["W0107 x + 1"])
  }

  @Test func aCallWithAnEffectIsNotDropped() throws {
    #expect(try warnings("fn f(x) { print x }\nf(1)\n[1].map({ x in f(x) })\n").isEmpty)
    #expect(try warnings("sqrt(2)\n") == ["W0107 sqrt(2)"])
  }

  @Test func bothBranchesLeave() throws {
    let text = "fn f(x) {\n  if x { return 1 } else { fail(\"no\") }\n  2\n}\nprint f(true)\n"
    #expect(try warnings(text) == ["W0105 2"])
    let one = "fn f(x) {\n  if x { return 1 }\n  2\n}\nprint f(true)\n"
    #expect(try warnings(one).isEmpty)
  }

  @Test func anEndlessLoopIsAWayOfWriting() throws {
    #expect(
      try warnings("var n = 0\nwhile true {\n  n += 1\n  if n > 3 { break }\n}\nprint n\n").isEmpty)
    #expect(try warnings("while false { print 1 }\n") == ["W0108 false"])
  }

  @Test func twoCallsMayDiffer() throws {
    #expect(try warnings("fn f() { 1 }\nprint f() == f()\n").isEmpty)
  }

  // MARK: Models

  private func model(_ body: String, before: String = "") -> String {
    "\(before)\nmodel Tiny() {\n  Embedding(256, 8)\n  \(body)\n  Linear(256)\n}\nprint Tiny()\n"
  }

  @Test func theLibrarysRouterIsFine() throws {
    #expect(try warnings(model(route)).isEmpty)
    #expect(try warnings(model("loop 2 { \(route) }")).isEmpty)
    #expect(try warnings(model("repeat 2 { Norm() >> \(route) }")).isEmpty)
  }

  @Test func aRouterWithAllPathsNeedsNoBalance() throws {
    let router =
      "router Mix() {\n  scores { Linear(paths) >> softmax }\n  select all\n  weigh score\n}"
    #expect(
      try warnings(model("route each token by Mix() { a { FFN(8) } b { FFN(8) } }", before: router))
        .isEmpty)
  }

  @Test func aRouterInALoopIsReportedOnce() throws {
    let router =
      "router Bare() {\n  scores { Linear(paths) >> softmax }\n  select top(1)\n  weigh score\n}"
    let body = "loop 3 { route each token by Bare() { a { FFN(8) } b { FFN(8) } } }"
    #expect(try warnings(model(body, before: router)) == ["W0201 Bare()"])
  }

  @Test func aModelThatIsNeverUsedIsLookedAtToo() throws {
    let text =
      "model M() { Embedding(256, 8) >> A() >> Linear(256) }\n"
      + "layer A(): x [.., d] {\n  param w: [d]\n  x\n}\nlet m = M()\n"
    #expect(try warnings(text) == ["W0206 w"])
  }

  @Test func lookingAheadMattersOnlyForDecoding() throws {
    let body = "residual { Attention(2) }"
    #expect(try warnings(model(body)).isEmpty)
    let text = model(body) + "let lm = Tiny()\nprint generate(lm, \"a\", bytes: 1)\n"
    #expect(try warnings(text) == ["W0202 lm"])
  }

  @Test func aMeanInALossIsNoMatterForTheOutput() throws {
    let layer = "layer Loss(): x [.., d] {\n  let _m = mean(x)\n  x\n}"
    #expect(try warnings(model("Loss()", before: layer)).isEmpty)
  }

  @Test func oneRuleForBothModesDiffersFromNone() throws {
    let router =
      "router R() {\n  scores { Linear(paths) >> softmax }\n  select top(1) in training\n"
      + "  select top(1) in inference\n  weigh score\n  loss 1% * sum(mean(score) * mean(selected))\n}"
    #expect(
      try warnings(model("route each token by R() { a { FFN(8) } b { FFN(8) } }", before: router))
        .isEmpty)
  }

  private let gate = "router Chance() {\n  scores { Linear(paths) >> sigmoid }\n  weigh score\n}"

  @Test func theBestOfASequenceLookAhead() throws {
    let text = model("keep 50% of token by Chance() { FFN(8) }", before: gate)
    #expect(try warnings(text).isEmpty)
    let decoded = text + "let lm = Tiny()\nprint generate(lm, \"a\", bytes: 1)\n"
    #expect(try warnings(decoded) == ["W0202 lm"])
  }

  @Test func aCapacityLooksAhead() throws {
    let router =
      "router R() {\n  scores { Linear(paths) >> softmax }\n  select top(1, capacity: 2)\n"
      + "  weigh score\n}"
    let text = model("route each token by R() { a { FFN(8) } b { FFN(8) } }", before: router)
    #expect(
      try warnings(text + "print generate(Tiny(), \"a\", bytes: 1)\n").contains("W0202 Tiny()"))
  }

  @Test func aThresholdLooksAtNothingElse() throws {
    let text = model("keep above 0.5 of token by Chance() { FFN(8) }", before: gate)
    #expect(try warnings(text + "print generate(Tiny(), \"a\", bytes: 1)\n").isEmpty)
  }

  @Test func theBestOfTheBatchDependOnIt() throws {
    #expect(
      try warnings(model("keep 50% of sequence by Chance() { FFN(8) }", before: gate))
        == ["W0205 keep 50% of sequence by Chance()"])
    #expect(
      try warnings(model("keep above 0.5 of sequence by Chance() { FFN(8) }", before: gate)).isEmpty
    )
  }

  private func ruled(_ selection: String) -> String {
    "router R() {\n  scores { Linear(paths) >> softmax }\n  select \(selection)\n  weigh score\n}"
  }

  @Test(arguments: [
    "best(50%, among: \"batch\")", "pairs(50%, among: \"batch\")",
    "top(1, capacity: 1, among: \"batch\")",
    "given(score > 0.5, capacity: 50%, among: \"batch\")",
  ])
  func tokensOfTheBatchDependOnIt(_ selection: String) throws {
    let router = ruled(selection)
    let route = "route each token by R() { a { FFN(8) } b { FFN(8) } }"
    #expect(try warnings(model(route, before: router)) == ["W0205 route each token by R()"])
    let alone = router.replacingOccurrences(of: ", among: \"batch\"", with: "")
    #expect(try warnings(model(route, before: alone)).isEmpty)
  }

  /// All rules that compare units cannot decide while a text is written.
  @Test(arguments: [
    "best(50%)", "pairs(50%)", "given(score > 0.5, capacity: 50%)",
    "pairs(50%, among: \"batch\")",
  ])
  func aRuleThatComparesUnitsLooksAhead(_ selection: String) throws {
    let router = ruled(selection)
    let text = model("route each token by R() { a { FFN(8) } b { FFN(8) } }", before: router)
    #expect(
      try warnings(text + "print generate(Tiny(), \"a\", bytes: 1)\n").contains("W0202 Tiny()"))
  }

  @Test func everyAnswerOfTrainingIsTrained() throws {
    #expect(
      try warnings(model("exit each token when confidence > 0.9 through Linear(256)")).isEmpty)
    let router = "router Early() {\n  scores { Linear(1) >> sigmoid }\n  weigh score\n}"
    let exit = "exit each token by Early() through Linear(256)"
    #expect(try warnings(model(exit, before: router)).isEmpty)
    let blind = "router Early() { scores { Linear(1) } }"
    #expect(try warnings(model(exit, before: blind)) == ["W0206 Linear(1)"])
  }

  @Test func thereIsNothingToReuseOutsideOfALoop() throws {
    let reuse = "reuse each token when age < 2 { FFN(8) }"
    #expect(try warnings(model(reuse)) == ["W0208 \(reuse)"])
    #expect(try warnings(model("loop 2 { \(reuse) }")).isEmpty)
    #expect(try warnings(model("loop 2 { Block() }", before: "layer Block() { \(reuse) }")).isEmpty)
  }

  @Test func aScanComputesItsStepsAgainAsItIs() throws {
    let inside =
      "scan over token carrying (h = zeros(8)) { recompute { FFN(8) }; { x in h = x + h; h } }"
    #expect(try warnings(model(inside)) == ["W0209 recompute { FFN(8) }"])
    #expect(try warnings(model("repeat 2 { \(inside) }")) == ["W0209 recompute { FFN(8) }"])
    #expect(try warnings(model("recompute { GRU(8) }")).isEmpty)
  }

  // MARK: Which are shown

  @Test func aCommentOnTheLineOrAboveAllows() throws {
    #expect(
      try warnings("// lint: allow W0101\nlet a = 1\nlet b = 2 // lint: allow W0101\nprint 1\n")
        .isEmpty)
    #expect(try warnings("// lint: allow W0102\nlet a = 1\nprint 1\n") == ["W0101 a"])
  }

  @Test func modelsAreNotLookedAtBesideErrors() throws {
    let found = try warnings(model(route, before: "let unused = 1\nprint nowhere"))
    #expect(found == ["W0101 unused", "E0101 nowhere"])
  }

  @Test func aRunShowsNoWarnings() throws {
    let (interpreter, transcript) = try makeInterpreter()
    try interpreter.run(Array("var x = 1\nprint x\n".utf8), name: "test.adapt")
    #expect(transcript.text == "1\n")
  }
}
