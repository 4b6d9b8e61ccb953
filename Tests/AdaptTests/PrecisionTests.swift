import Adapt
import AdaptInterpreter
import AdaptTensor
import Foundation
import Testing

/// What products are computed in: what a call says, else what the command line or the host does.
///
/// 257 has nine bits and becomes 256 where it is rounded to bfloat16. So each call tells exactly what
/// it computed in, by the path that its units take.
@Suite struct PrecisionTests {
  let folder: Folder
  let tool: CommandLineTool

  init() throws {
    folder = try Folder()
    tool = CommandLineTool(in: folder)
    try folder.write("book.txt", String(repeating: Self.verse, count: 400))
  }

  private static let verse =
    "In the beginning God created the heaven and the earth. And God said, Let there be light. "

  private static let models = """
    router Whole() {
      scores { { x in concat(slice(x, 0, 1) - 256.5, 256.5 - slice(x, 0, 1)) } }
      select top(1)
    }
    model Telling() {
      Embedding(256, 16)
      Linear(16, bias: false)
      route each token by Whole() { whole { pass }  rounded { zero } }
      Linear(256, bias: false)
    }
    router Level() { scores { { x in slice(x, 0, 1) } }  select above(0) }
    model Levels() {
      Embedding(256, 16)
      Linear(16, bias: false)
      route each token by Level() { high { FFN(512) }  else { zero } }
      Linear(256, bias: false)
    }
    let book = text("book.txt").bytes().windows(96)
    let prompt = "\(verse)"
    let lm = Telling()
    setParameter(lm, "embedding.table", 257 * ones([256, 16]))
    setParameter(lm, "linear.weight", ones([16, 16]) / 16)
    // Odd levels from 257 on: rounded ones are even.
    let levels = Levels()
    let heights = (257 + 2 * arange(256)).reshape([256, 1])
    setParameter(levels, "embedding.table", ones([256, 16]) * heights)
    setParameter(levels, "linear.weight", ones([16, 16]) / 16)

    """

  /// Behind the path of what was rounded all logits are 0.
  private static let calls = [
    "routes(lm, prompt PRECISION).sites[0].paths[0] == \"rounded\"",
    "predict(lm, [prompt.bytes()] PRECISION)[0].toList()[0][0] == 0",
    "abs(evaluate(lm, on: book.valid, windows: 2 PRECISION).loss - log(256)) < 1e-6",
    "generate(lm, prompt, bytes: 1, temperature: 0 PRECISION).text.bytes() == [0]",
    "record(lm, on: book.valid, windows: 2 PRECISION).counts.route.rounded == 192",
    "abs(oracle(lm, on: book.valid, windows: 1 PRECISION).trained_bits_per_byte - 8) < 1e-6",
    "abs(train(copy(lm), on: book.train, steps: 1, batch: 4 PRECISION).loss - log(256)) < 1e-6",
    "calibrate(levels, on: book.train, budget: 90% PRECISION).sites.route == \"threshold 320.0\"",
  ]

  /// What a script prints in a host of a precision.
  private func printed(_ script: String, _ precision: Precision) throws -> [String] {
    final class Output { var text = "" }
    let output = Output()
    let files = FileAccess(readable: [folder.url.path], scriptFolder: folder.url.path)
    let engine = Engine(
      Engine.Options(
        output: { output.text += $0 }, files: files, threads: 2, precision: precision))
    do {
      try engine.run(Array(script.utf8), name: "a.adapt")
    } catch let error as ScriptError {
      Issue.record("\(error.diagnostics.map { engine.render($0) }.joined(separator: "\n"))")
    }
    return output.text.split(separator: "\n").map(String.init)
  }

  // MARK: Calls

  @Test(arguments: [
    ("", Precision.fp32, false), ("", .bf16, true),
    (", precision: \"bf16\"", .fp32, true), (", precision: \"fp32\"", .bf16, false),
  ])
  func aCallComputesInWhatItSaysElseInTheHosts(
    _ argument: String, _ host: Precision, _ isRounded: Bool
  ) throws {
    let prints = Self.calls.map {
      "print " + $0.replacingOccurrences(of: " PRECISION", with: argument)
    }
    let found = try printed(Self.models + prints.joined(separator: "\n") + "\n", host)
    #expect(found == Self.calls.map { _ in "\(isRounded)" })
  }

  /// A rounded factor is off by at most 2⁻⁹ of itself, so a sum of products by 2⁻⁸ of what its terms
  /// are without their signs. The logits stay within a hundredth of the largest, and the loss within a
  /// hundredth of a nat.
  @Test func roundedResultsAreCloseAndNotMixedUpWithOthers() throws {
    let script = """
      model LM() {
        Embedding(256, 32)
        residual { Norm() >> Attention(2, causal: true) }
        residual { Norm() >> route each token by TopK(1) { big { FFN(64) }  small { FFN(16) } } }
        Linear(256)
      }
      let book = text("book.txt").bytes().windows(96)
      let lm = LM()
      train(lm, on: book.train, steps: 60, batch: 8, optimizer: AdamW(1e-2)) {
        minimize crossEntropy + 5% * cost
      }
      fn found(precision) {
        let logits = predict(lm, ["\(Self.verse)".bytes()], precision: precision)[0]
        let result = evaluate(lm, on: book.valid, windows: 8, precision: precision)
        let made = generate(lm, "\(Self.verse)And", bytes: 12, temperature: 0, precision: precision)
        (logits: logits, loss: result.loss, text: made.text)
      }
      let (whole, rounded, again) = (found("fp32"), found("bf16"), found("fp32"))
      expect any(whole.logits != rounded.logits)
      expect max(abs(whole.logits - rounded.logits)) < 0.01 * max(abs(whole.logits))
      expect whole.loss != rounded.loss
      expect abs(whole.loss - rounded.loss) < 0.01
      print whole.loss, rounded.loss
      print whole.text == rounded.text
      print whole.logits.toList() == again.logits.toList(), whole.loss == again.loss, whole.text == again.text
      """
    let found = try printed(script, .fp32)
    #expect(found.dropFirst() == ["true", "true true true"], "\(found)")
  }

  // MARK: Tensors

  private static let tensors = """
    let (x, w) = (257 * ones([64, 16]), ones([16, 16]))
    print (x @ w)[0, 0]
    print grad({ y in sum(y @ (257 * w)) })(x)[0, 0]
    print gradcheck({ y in sum(y @ (257 * w)) }, x).ok
    print (x[0..63] @ w)[0, 0]

    """

  /// Fewer rows are not rounded, and a check of gradients holds in any host.
  @Test(arguments: [(Precision.fp32, "4112.0"), (.bf16, "4096.0")])
  func tensorsAreMultipliedInTheHosts(_ precision: Precision, _ product: String) throws {
    #expect(try printed(Self.tensors, precision) == [product, product, "true", "4112.0"])
  }

  @Test func aHostMayChangeItsMind() throws {
    let engine = Engine(Engine.Options(threads: 1))
    let product = "let y = ((257 * ones([64, 16])) @ ones([16, 16]))[0, 0]; \"\\(y)\""
    func text() throws -> String {
      guard case .string(let text)? = try engine.evaluate(product) else { return "" }
      return text
    }
    #expect(try text() == "4112.0" && engine.precision == .fp32)
    engine.precision = .bf16
    #expect(try text() == "4096.0" && engine.precision == .bf16)
    engine.precision = .fp32
    #expect(try text() == "4112.0")
  }

  // MARK: Command line

  @Test func theOptionReachesRunTestAndTheSession() throws {
    let product = "((257 * ones([64, 16])) @ ones([16, 16]))[0, 0]"
    try folder.write(
      "a.adapt", "print \(product)\ntest \"is rounded\" { expect \(product) == 4096 }\n")
    #expect(try tool.run("run", "a.adapt").output == "4112.0\n")
    #expect(try tool.run("run", "a.adapt", "--precision", "bf16").output == "4096.0\n")
    #expect(try tool.run("run", "--precision=fp32", "a.adapt").output == "4112.0\n")
    #expect(try tool.run("test", "a.adapt").status == 65)
    #expect(try tool.run("test", "--precision", "bf16", "a.adapt").status == 0)
    let lines = product + "\n:precision\n:precision fp32\n" + product + "\n:precision half\n"
    let session = try tool.run("repl", "--precision", "bf16", input: lines)
    #expect(session.output == "4096.0\nbf16\n4112.0\nwrite :precision fp32 or bf16, not half\n")
  }

  @Test(arguments: ["run", "test", "repl"])
  func anUnknownOptionIsRefused(_ command: String) throws {
    try folder.write("a.adapt", "print 1\n")
    let outcome =
      command == "repl"
      ? try tool.run(command, "--precision", "fp16")
      : try tool.run(command, "a.adapt", "--precision", "fp16")
    #expect(outcome.status == 64 && outcome.output.isEmpty)
    #expect(
      outcome.errors.contains(
        "The value 'fp16' is invalid for '--precision <precision>'. "
          + "Please provide one of 'fp32' and 'bf16'."), "\(outcome.errors)")
  }
}
