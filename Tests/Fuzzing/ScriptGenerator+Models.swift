extension ScriptGenerator {
  /// A model with what is done with it.
  mutating func model() -> String {
    let width = random.pick([1, 2, 4, 8])
    var lines = ["model M(depth = \(random.below(3))) {", "Embedding(256, \(width))"]
    lines += (0..<random.below(4)).map { _ in line(width, depth: 2) }
    lines += ["Linear(256)", "}", "let m = M()", "print parameters(m)"]
    if random.chance(30) { lines += uses() }
    return lines.joined(separator: "\n")
  }

  /// A line of a flow that keeps the width, mostly.
  private mutating func line(_ width: Int, depth: Int) -> String {
    let inner = depth > 0 ? random.below(14) : random.below(6)
    switch inner {
    case 0: return "Norm()"
    case 1: return "Linear(\(random.chance(90) ? width : width + 1))"
    case 2: return "FFN(\(random.pick([1, 4, width])))"
    case 3: return random.pick(["gelu", "pass", "{ x in x * 2 }", "tanh", "zero"])
    case 4: return "Attention(\(random.pick([1, 2])), causal: \(leaf(.bool)))"
    case 5: return window(width)
    case 6: return "residual { \(line(width, depth: depth - 1)) }"
    case 7: return "repeat \(random.below(3)) { \(line(width, depth: depth - 1)) }"
    case 8: return "loop \(random.below(3)) { \(line(width, depth: depth - 1)) }"
    case 9:
      return "parallel { \(line(width, depth: depth - 1)), \(line(width, depth: depth - 1)) }"
    case 10: return "if depth > 1 { \(line(width, depth: depth - 1)) }"
    case 11: return "recompute { \(line(width, depth: depth - 1)) }"
    default: return route(width, depth: depth - 1)
    }
  }

  /// A convolution along the rows.
  private mutating func window(_ width: Int) -> String {
    let padding = random.pick(["causal", "causal", "same"])
    let places = "kernel: \(1 + random.below(4)), dilation: \(random.pick([1, 1, 2, 9]))"
    return
      "Conv1D(\(width), \(places), padding: \"\(padding)\", groups: \(random.pick([1, 1, width])))"
  }

  private mutating func route(_ width: Int, depth: Int) -> String {
    let count = 1 + random.below(2)
    var paths = (0..<count).map { "p\($0) { \(line(width, depth: depth)) }" }
    if random.chance(40) {
      paths.append("\(1 + random.below(3)) experts { \(line(width, depth: depth)) }")
    }
    if random.chance(50) { paths.append("skip { zero }") }
    return
      "route each token by TopK(\(random.pick([1, 1, 2]))) { \(paths.joined(separator: "  ")) }"
  }

  private mutating func uses() -> [String] {
    let uses = [
      "train(m, on: data.train, steps: 2, batch: 2) { minimize crossEntropy + 0.1 * cost }",
      "let report = evaluate(m, on: data.valid, windows: 1)",
      "let result = generate(m, \"ab\", bytes: 2)",
      "let best = oracle(m, on: data.valid, windows: 1)",
      "print type(routes(m, \"abc\"))", "save(m, to: \"m.safetensors\")",
    ]
    let chosen = (0..<2).map { _ in random.pick(uses) }
    return ["let data = text(\"data.txt\").bytes().windows(8)"] + chosen
  }
}
