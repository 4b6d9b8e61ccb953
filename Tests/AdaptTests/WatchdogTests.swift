import Adapt
import AdaptInterpreter
import AdaptSyntax
import Foundation
import Testing

/// What a run warns of: each script that must warn stands beside one that must not.
@Suite struct WatchdogTests {
  /// Warnings of a run as id and line of the script.
  private func warnings(_ script: String, files: [String: String] = [:]) throws -> [String] {
    let folder = try Folder()
    for (name, text) in files { try folder.write(name, text) }
    var found: [String] = []
    let engine = Engine(
      Engine.Options(
        files: FileAccess(readable: [folder.url.path], scriptFolder: folder.url.path),
        warn: { warning, sources in
          let line = warning.span.map { sources.position(of: Int($0.start), in: $0.source).line }
          found.append("\(warning.id.rawValue):\(line ?? 0)")
        }))
    try engine.run(Array(script.utf8), name: "a.adapt")
    return found
  }

  /// A model of points on a circle, its third line given, trained and perhaps evaluated.
  private func model(
    _ line: String, steps: Int, rate: String = "3e-4", target: String = "n mod 2",
    evaluated: Bool = false
  ) -> String {
    """
    model M() {
      Linear(8)
      \(line)
      Linear(2)
    }
    let points = data((1..1000).map { n in ([sin(n), cos(n)], \(target)) })
    let m = M()
    train(m, on: points.train, steps: \(steps), optimizer: AdamW(\(rate)))
    \(evaluated ? "print evaluate(m, on: points.train).paths" : "")
    """
  }

  // MARK: Paths

  private func threshold(_ limit: Double) -> String {
    "route each sample by Sure(\(limit)) { a { FFN(8) }  b { FFN(8) }  c { FFN(8) } }"
  }

  private static let sure =
    "\nrouter Sure(t) { scores { Linear(paths) >> softmax }  select above(t)  weigh score }\n"

  @Test(arguments: [(0.9, ["W0301:3"]), (0.2, [])])
  func aPathThatNothingTakes(_ limit: Double, _ expected: [String]) throws {
    #expect(try warnings(model(threshold(limit), steps: 110) + Self.sure) == expected)
  }

  @Test func aShortTrainingSaysNothing() throws {
    #expect(try warnings(model(threshold(0.9), steps: 90) + Self.sure).isEmpty)
  }

  @Test func anEvaluationOfAModelThatWasTrainedSays() throws {
    // Ten steps a call never make a hundred in a row; all of them together do make a model.
    let steps = model(threshold(0.9), steps: 10).replacingOccurrences(
      of: "train(m", with: "for _ in 0..12 { train(m"
    ).replacingOccurrences(of: "AdamW(3e-4))", with: "AdamW(3e-4)) }")
    #expect(try warnings(steps + Self.sure).isEmpty)
    #expect(
      try warnings(steps + "\nprint evaluate(m, on: points.train).loss" + Self.sure)
        == ["W0301:3"])
    let untrained = model(threshold(0.9), steps: 0, evaluated: true)
    #expect(try warnings(untrained + Self.sure).isEmpty)
  }

  /// Points so near to one another that a router without a bias cannot tell them apart, and, in the twin,
  /// all around the circle.
  @Test(arguments: [("3 + sin(n) / 100", ["W0302:2"]), ("sin(n)", [])])
  func aRouterThatSendsEverythingOneWay(_ place: String, _ expected: [String]) throws {
    let script = """
      model M() {
        route each sample by TopK(1) { a { FFN(8) }  b { FFN(8) }  c { FFN(8) } }
      }
      let points = data((1..1000).map { n in ([\(place), cos(n) / 2], n mod 2) })
      train(M(), on: points.train, steps: 110)
      """
    #expect(try warnings(script) == expected)
  }

  @Test func copiesOfALayerAreOnePlace() throws {
    let line = "repeat 3 { residual { \(threshold(0.9)) } }"
    #expect(try warnings(model(line, steps: 110) + Self.sure) == ["W0301:3"])
  }

  // MARK: Stopping

  @Test(arguments: [
    ("ACT(ponder: 0)", ["W0303:3"]), ("ACT(ponder: 5%, start: 0)", []),
    ("ACT(ponder: 0, start: 9)", ["W0304:3"]),
  ])
  func roundsOfALoop(_ router: String, _ expected: [String]) throws {
    let loop = "loop up to 4 each sample until \(router) { FFN(8) } join average"
    #expect(try warnings(model(loop, steps: 510)) == expected)
  }

  @Test(arguments: [(0.5, ["W0304:3"]), (0.8, []), (0.99999, ["W0303:3"])])
  func anExit(_ limit: Double, _ expected: [String]) throws {
    let exit = "exit each sample when confidence > \(limit) through Linear(2)"
    let script = model(
      exit, steps: 120, rate: "1e-2", target: "if sin(n) > 0 { 1 } else { 0 }", evaluated: true)
    #expect(try warnings(script) == expected)
  }

  @Test(arguments: [(0.5, ["W0304:3"]), (0.8, []), (0.99999, ["W0303:3"])])
  func aCascade(_ limit: Double, _ expected: [String]) throws {
    let cascade = """
      cascade each sample { a { Linear(2) } accept when confidence > \(limit)  b { Linear(2) } }
      """
    let script = model(
      cascade, steps: 120, rate: "1e-2", target: "if sin(n) > 0 { 1 } else { 0 }",
      evaluated: true
    ).replacingOccurrences(of: "\n  Linear(2)\n", with: "\n")
    #expect(try warnings(script) == expected)
  }

  // MARK: Silence

  @Test func aCommentAllowsIt() throws {
    let line = threshold(0.9) + "  // lint: allow W0301"
    #expect(try warnings(model(line, steps: 110) + Self.sure).isEmpty)
    let other = threshold(0.9) + "  // lint: allow W0302"
    #expect(try warnings(model(other, steps: 110) + Self.sure) == ["W0301:3"])
  }

  @Test func aPolicyThatDecidesIsNoFault() throws {
    let script = model(threshold(0.2), steps: 110).replacingOccurrences(
      of: "train(m,", with: "train(m.under(always(\"a\")),")
    #expect(try warnings(script + Self.sure).isEmpty)
  }

  @Test(arguments: ["Uniform()", "RoundRobin()", "RandomRouter()"])
  func aRouterThatLearnsNothingIsNoFault(_ router: String) throws {
    let line = "route each sample by \(router) { a { FFN(8) }  b { FFN(8) }  c { FFN(8) } }"
    #expect(try warnings(model(line, steps: 110, evaluated: true)).isEmpty)
  }

  @Test(arguments: [
    "TopK(1)", "TopK(2)", "Gate(2)", "NoisyTopK(2)", "Switch()", "ExpertChoice()", "LossFree(2)",
    "Sinkhorn()", "ReluGate()", "Threshold()", "GumbelSoftmax(balance: 1%)", "Mixture()",
  ])
  func aRouterOfTheLibraryOnTextSaysNothing(_ router: String) throws {
    let verse =
      "In the beginning God created the heaven and the earth. And God said, Let there be light. "
    let script = """
      model LM() {
        Embedding(256, 16)
        residual { Norm() >> route each token by \(router) { 4 experts { FFN(16) } } }
        Norm() >> Linear(256)
      }
      let book = text("book.txt").bytes().windows(16)
      let lm = LM()
      train(lm, on: book.train, steps: 150, batch: 8, optimizer: AdamW(3e-3))
      print evaluate(lm, on: book.valid).loss
      """
    let text = String(repeating: verse, count: 60)
    #expect(try warnings(script, files: ["book.txt": text]).isEmpty)
  }

  // MARK: Where it goes

  @Test func theCommandLineWarnsOnStandardErrorAndInItsReport() throws {
    let folder = try Folder()
    try folder.write("a.adapt", model(threshold(0.9), steps: 110) + Self.sure)
    let outcome = try CommandLineTool(in: folder).run("run", "a.adapt", "--report", "out.json")
    #expect(outcome.status == 0 && outcome.output.isEmpty)
    #expect(outcome.errors.hasPrefix("warning[W0301]: no sample takes 'a', 'b', 'c' of site route"))
    #expect(outcome.errors.contains("a.adapt:3:3"))
    let report = try #require(
      JSONSerialization.jsonObject(with: Data(try folder.read("out.json"))) as? [[String: Any]])
    let entry = try #require(report.first { $0["kind"] as? String == "warning" })
    #expect(entry["id"] as? String == "W0301" && entry["site"] as? String == "route")
  }
}
