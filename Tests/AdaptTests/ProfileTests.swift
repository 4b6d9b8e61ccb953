import Adapt
import AdaptTensor
import Foundation
import Testing

/// Where the time of a run went.
@Suite struct ProfileTests {
  static let script = """
    model Duo() {
      Linear(8) >> tanh
      route each sample by TopK(1) { big { FFN(16) }  skip { zero } }
      Linear(1)
    }
    let line = data(randn([64, 4], seed: 1), randn([64, 1], seed: 2))
    let net = Duo()
    train(net, on: line.train, steps: 3) { minimize meanSquaredError }
    print 1

    """

  @Test func theCommandLineSaysItByOpAndByPlace() throws {
    let folder = try Folder()
    try folder.write("a.adapt", Self.script)
    let outcome = try CommandLineTool(in: folder).run("run", "--profile", "a.adapt")
    #expect(outcome.status == 0 && outcome.output == "1\n", "\(outcome.errors)")
    #expect(outcome.errors.contains("matmul"))
    #expect(outcome.errors.contains("rows ("))
    #expect(outcome.errors.contains("outside of sites"))
    #expect(outcome.errors.contains("route.big"))
    #expect(folder.names.filter { !$0.hasPrefix(".") } == ["a.adapt"])
  }

  @Test func aTraceHasEveryOpInItsOrder() throws {
    let folder = try Folder()
    try folder.write("a.adapt", Self.script)
    let outcome = try CommandLineTool(in: folder).run("run", "a.adapt", "--profile=trace.json")
    #expect(outcome.status == 0, "\(outcome.errors)")
    let trace = try #require(
      JSONSerialization.jsonObject(with: Data(try folder.read("trace.json"))) as? [String: Any])
    let events = try #require(trace["traceEvents"] as? [[String: Any]])
    #expect(events.contains { $0["name"] as? String == "matmul" })
    let starts = events.compactMap { $0["ts"] as? Double }
    #expect(starts.count == events.count && starts == starts.sorted())
    #expect(events.allSatisfy { ($0["dur"] as? Double ?? -1) >= 0 && $0["ph"] as? String == "X" })
  }

  @Test func aTraceThatCannotBeWrittenIsAnError() throws {
    let folder = try Folder()
    try folder.write("a.adapt", Self.script)
    let outcome = try CommandLineTool(in: folder).run("run", "a.adapt", "--profile=none/t.json")
    #expect(outcome.status == 70)
    #expect(outcome.errors.contains("the profile cannot be written"))
  }

  @Test func aHostSeesWhatItsModelsTook() throws {
    let profile = Profile()
    let engine = Engine(Engine.Options(threads: 1, profile: profile))
    try engine.run(Array(Self.script.utf8), name: "a.adapt")
    let products = profile.table.filter { $0.op == "matmul" }
    #expect(products.reduce(0) { $0 + $1.calls } > 9)
    #expect(products.allSatisfy { $0.flops > 0 && $0.bytes > 0 && !$0.way.isEmpty })
    #expect(profile.events.kept.isEmpty)
    #expect(ProfileReport(Profile(), threads: 1).text == "profile: no model has run\n")
  }

  /// Sequences are shared out among threads, each of which runs the body by itself.
  @Test(arguments: [1, 2]) func stepsOfAScanAreSeen(_ threads: Int) throws {
    let script = """
      model Net(): x [.., token, 2] { x >> RNN(4) >> Linear(1) }
      predict(Net(), (1..5).map { n in randn([20, 2], seed: n) }, sequences: true)

      """
    let profile = Profile()
    let engine = Engine(Engine.Options(threads: threads, profile: profile))
    try engine.run(Array(script.utf8), name: "a.adapt")
    #expect(profile.table.contains { $0.op == "scan" })
    #expect(profile.table.contains { $0.op != "scan" && $0.calls >= 20 })
  }
}
