import AdaptInterpreter
import AdaptSyntax
import AdaptTensor
import Testing

/// Tensors between a script and its host.
@Suite struct TensorValueTests {
  @Test func aHostReadsAndGivesTensors() throws {
    let (interpreter, _) = try makeInterpreter()
    interpreter.define("x", .array(ArrayValue(try Tensor([2], [1, 2]), axes: ["d"])))
    guard case .array(let result)? = try interpreter.evaluate("2 * x + 1") else { throw NotAFlow() }
    #expect(result.tensor?.floats == [3, 5])
    #expect(result.axes == ["d"])
  }

  @Test func tensorsBeyondTheLimitAreRefused() throws {
    let (interpreter, _) = try makeInterpreter(limits: Limits(tensorBytes: 1000))
    #expect(try interpreter.error("let x = ones([251])").id == .limitMemory)
    #expect(try interpreter.error("let x = ones([20]) + ones([20, 1])").id == .limitMemory)
    #expect(interpreter.check("let x = ones([250]) + 1").isEmpty)
    // Larger than the limit on the way only.
    let error = try interpreter.error("let x = sum(ones([16, 1]) * ones([1, 16]))")
    #expect(error.id == .limitMemory)
    #expect(error.title.contains("16 × 16"))
  }

  /// Checking computes nothing: these tensors would take minutes and most of a machine's memory.
  @Test func checkingKnowsShapesOnly() throws {
    let (interpreter, _) = try makeInterpreter()
    let text = """
      let x = randn([30000, 30000], seed: 1)
      let y = x @ x @ x
      let g = grad({ w in sum(w @ x) })(x)
      print g @ ones([3])
      """
    let error = try interpreter.error(text)
    #expect(error.id == .wrongShape)
    #expect(error.title.hasPrefix("[30000, 30000] @ [3]"))
  }

  @Test func everyRunStartsTheAmbientNumbersAnew() throws {
    let (interpreter, transcript) = try makeInterpreter()
    let text = Array("print randn([2]).toList(), rand([1]).toList()".utf8)
    try interpreter.run(text, name: "a.adapt")
    let first = transcript.text
    try interpreter.run(text, name: "b.adapt")
    #expect(transcript.text == first + first)
  }

  @Test func aFailedGradientLeavesNothingBehind() throws {
    let (interpreter, _) = try makeInterpreter()
    let text = Array("grad({ x in if x > 0 { x } else { 0 } })(1.0)".utf8)
    #expect(throws: ScriptError.self) { try interpreter.evaluate(text, name: "a.adapt") }
    guard case .number(let slope)? = try interpreter.evaluate("grad({ x in x * x })(3.0)") else {
      throw NotAFlow()
    }
    #expect(slope == 6)
  }

  @Test func patternErrorsPointIntoThePattern() throws {
    let (interpreter, _) = try makeInterpreter()
    let error = try interpreter.error(#"rearrange(ones([2, 6]), "b (h d) -> b h e", h: 2)"#)
    #expect(interpreter.text(at: error.span) == "d")
    let size = try interpreter.error(#"rearrange(ones([2, 6]), "b (h d) -> b h d", h: 4)"#)
    #expect(interpreter.text(at: size.span) == "h d")
  }
}
