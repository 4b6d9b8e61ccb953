import Adapt
import AdaptInterpreter
import AdaptSyntax
import Foundation
import Testing

/// A script that goes beyond one limit, and the error that says so.
struct Excess: Sendable, CustomTestStringConvertible {
  let name: String
  var limits = Limits()
  let script: String
  let id: DiagnosticID

  var testDescription: String { name }

  static let all = [
    Excess(
      name: "steps of a while", limits: Limits(steps: 1000), script: "while true { }",
      id: .limitSteps),
    Excess(
      name: "steps of calls", limits: Limits(steps: 1000),
      script: "fn f() { 1 }\nfor i in 0..10000 { f() }", id: .limitSteps),
    Excess(
      name: "steps of map", limits: Limits(steps: 1000),
      script: "(0..100000).map({ x in x + 1 })", id: .limitSteps),
    Excess(
      name: "steps of a comprehension", limits: Limits(steps: 1000),
      script: "[x for x in 0..100000]", id: .limitSteps),
    Excess(
      name: "steps of comparing", limits: Limits(steps: 10_000),
      script: "var a = [1]\nfor i in 0..100 { a = [a, a] }\na == a", id: .limitSteps),
    Excess(
      name: "steps of writing", limits: Limits(steps: 10_000),
      script: "model M() { Embedding(256, 4) >> Linear(256) }\ngenerate(M(), \"a\", bytes: 100000)",
      id: .limitSteps),
    Excess(
      name: "depth of calls", limits: Limits(depth: 50), script: "fn f(x) { f(x + 1) }\nf(0)",
      id: .limitDepth),
    Excess(
      name: "depth of closures", limits: Limits(depth: 50),
      script: "let f = { x in [x].map(f) }\nf(0)",
      id: .limitDepth),
    Excess(
      name: "depth of layers", limits: Limits(depth: 50),
      script: "layer L() { L() }\nmodel M() { Embedding(9, 4) >> L() }\nparameters(M())",
      id: .limitDepth),
    Excess(
      name: "nesting of values", script: "var a = []\nfor i in 0..9999 { a = [a] }", id: .limitDepth
    ),
    Excess(
      name: "nesting of expressions",
      script: String(repeating: "(", count: 9999) + "1" + String(repeating: ")", count: 9999),
      id: .nestingTooDeep),
    Excess(
      name: "length of operators", script: "1" + String(repeating: " + 1", count: 9999),
      id: .nestingTooDeep),
    Excess(
      name: "size of the script", script: String(repeating: "// a comment\n", count: 1_400_000),
      id: .sourceTooLarge),
    Excess(
      name: "elements of a list", limits: Limits(elements: 1000),
      script: "var a = [1]\nwhile true { a = a + a }", id: .limitMemory),
    Excess(
      // Below what any process holds.
      name: "memory of the process", limits: Limits(memory: 1 << 20), script: "while true { }",
      id: .limitMemory),
    Excess(
      name: "elements of a list that grows in place", limits: Limits(elements: 1000),
      script: "var a = [1]\nwhile true { a += [1] }", id: .limitMemory),
    Excess(
      name: "elements of a map", limits: Limits(elements: 1000),
      script: "var m = [:]\nfor i in 0..99999 { m[i] = i }", id: .limitMemory),
    Excess(
      name: "bytes of a string", limits: Limits(elements: 1000),
      script: "var s = \"x\"\nwhile true { s = s + s }", id: .limitMemory),
    Excess(
      name: "bytes of a string that grows in place", limits: Limits(elements: 1000),
      script: "var s = \"x\"\nwhile true { s += \"é\" }", id: .limitMemory),
    Excess(
      name: "numbers of a parameter", limits: Limits(parameter: 1000),
      script: "model M() { Embedding(256, 64) }\nparameters(M())", id: .limitMemory),
    Excess(
      name: "nodes of a model", limits: Limits(nodes: 1000),
      script: "model M() { Embedding(9, 4)\nrepeat 99999 { gelu } }\nparameters(M())",
      id: .limitMemory),
    Excess(
      name: "bytes of a tensor", limits: Limits(tensorBytes: 10_000), script: "zeros([100, 100])",
      id: .limitMemory),
    Excess(
      name: "bytes of a product", limits: Limits(tensorBytes: 10_000),
      script: "let a = ones([40, 1])\na @ ones([1, 4000])", id: .limitMemory),
    Excess(
      name: "time", limits: Limits(time: .milliseconds(50)), script: "while true { }",
      id: .limitTime),
    Excess(
      name: "time inside of try", limits: Limits(time: .milliseconds(50)),
      script: "while true { try { while true { } } catch { } }", id: .limitTime),
    Excess(
      name: "output of print", limits: Limits(output: 100), script: "for i in 0..1000 { print i }",
      id: .limitOutput),
    Excess(
      name: "text of a value", limits: Limits(output: 100),
      script: "string((0..1000).map({ x in x }))", id: .limitOutput),
    Excess(name: "reading outside", script: "text(\"/etc/passwd\")", id: .fileRefused),
    Excess(
      name: "importing outside", script: "import etc.passwd", id: .fileMissing),
    Excess(
      name: "writing outside",
      script:
        "model M() { Embedding(256, 4) >> Linear(256) }\nsave(M(), to: \"/etc/adapt.safetensors\")",
      id: .fileRefused),
  ]
}

extension EngineTests {
  @Test(arguments: Excess.all)
  func everyLimitHasAnErrorThatAHostCanTell(_ excess: Excess) throws {
    let engine = Engine(Engine.Options(limits: excess.limits, threads: 1))
    _ = try engine.evaluate("let before = 41")
    do {
      _ = try engine.evaluate(excess.script)
      Issue.record("nothing was said")
    } catch let error as ScriptError {
      #expect(error.diagnostics.first?.id == excess.id, "\(error.diagnostics)")
      for diagnostic in error.diagnostics { #expect(!engine.render(diagnostic).isEmpty) }
    }
    guard case .int(42)? = try engine.evaluate("before + 1") else {
      Issue.record("what was bound before is lost")
      return
    }
  }

  @Test(arguments: ["E0501", "E0504", "E0506"])
  func aScriptCannotCatchTheLimitsOfItsRun(_ id: String) {
    let limits = Limits(steps: 100_000, output: 1000, time: .milliseconds(500))
    let work = ["E0501": "{ }", "E0504": "{ (0..1000).map({ x in x }) }", "E0506": "{ print 1 }"]
    let engine = Engine(Engine.Options(limits: limits))
    let script = "try { while true \(work[id] ?? "{ }") } catch { print \"caught\" }"
    #expect(throws: ScriptError.self) { _ = try engine.evaluate(script) }
  }
}
