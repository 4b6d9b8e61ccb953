/// Scripts that use every form, for tests that hold for all text.
enum Corpus {
  /// The first script of the language's description.
  static let duo = #"""
    // Every feed-forward layer is big, small or skipped, token by token.
    layer Duo(hidden) {
      route each token by TopK(1) {
        big   { FFN(hidden) }
        small { FFN(hidden / 16) }
        skip  { zero }
      }
    }

    layer Block(heads, hidden) {
      residual { Norm() >> Attention(heads, causal: true) }
      residual { Norm() >> Duo(hidden) }
    }

    model DuoLM(vocab, width = 128, depth = 4, heads = 4) {
      Embedding(vocab, width) >> Positions()
      repeat depth { Block(heads, 4 * width) }
      Norm() >> Linear(vocab)
    }

    let book = text("bible.txt").bytes().windows(128)
    let lm = DuoLM(vocab: 256)

    train(lm, on: book.train, steps: 500, batch: 16, optimizer: AdamW(3e-4)) {
      minimize crossEntropy + 0.05 * cost          // cost: expected FLOPs, relative to all-big
    }

    print lm                                       // tree: shapes, parameters, FLOPs of each path
    print evaluate(lm, on: book.valid)             // bits per byte, executed FLOPs, share of each path
    print oracle(lm, on: book.valid, budget: 50%)  // best routing found, regret of the trained router
    plot(routes(lm, "In the beginning"), to: "routes.svg")
    save(lm, to: "duo.safetensors")
    """#

  static let declarations = #"""
    import nn.router
    /// A layer with everything declared.
    layer Linear(n, bias = true): x [.., token, d] -> [.., token, 4 * n] {
      param w: [d, n] = normal(0.02)
      param b: [n]
      x @ w + b
    }
    layer Gelu { pass }
    router Mine(k, balance = 0.01) {
      scores { Linear(paths) >> softmax } in inference
      select top(k) in training
      select threshold(0.5) in inference
      weigh byScore; loss balance * load(2, 3)
    }
    objective smooth { mean(x ^ 2) }
    optimizer Sgd(rate = 1e-2, momentum = 0.9) {
      state m = 0
      m = momentum * m + gradient
      -rate * m
    }
    fn fib(n) { if n < 2 { n } else { fib(n - 1) + fib(n - 2) } }
    """#

  static let control = #"""
    var total = 0; let loss = 3
    for i in 0..10 { total += i; if i == 5 { break } else if i > 7 { continue } else { total *= 2 } }
    while not done and total >= 1_000 or flag { total -= 1 }
    let square = { x in x ^ 2 }
    let pair = { a, b in
      let c = a + b
      return c
    }
    xs.map({ x in x mod 2 }).filter(square)
      .sorted(by: { -it })
    let r = (name: "x", size: -2.5, ok: none)
    r.name = "text \(r.size: .3) and \(f(a: [1, "in \(1)"])) \u{1F600}\n"
    xs[0, 1] /= 2
    let budget = [50%, 5ms, 2 GFLOP, 3us, 1...5]
    print
    print "a", total,
      loss
    """#

  static let forms = #"""
    let m = a
      >> b >>
      parallel { Norm() >> A(), { zero }
        B() } join concat
    loop hops { route each token by TopK(1) { n experts { FFN(h) } 2 * k more { pass }
      skip { zero } } }
    repeat (n + 1) { residual { A() }; residual { B() } }
    repeat n { recompute { residual { A() } } }
    fn train(model, layer, each) { return route(model, by: each).in }
    /* nested /* comment */ here */ loop - 1
    """#

  static let values = #"""
    import a.b as c; import a.b (x, y as z,)
    /// Two names.
    let (first, [second, ..rest, _], (x: px, y: (py, _))) = pair
    for (i, [.., last]) in pairs.map({ (k, v), n in (v, k, n) }) { (a.b, (c, d[0])) = (c, (d, a.b)) }
    let m = ["a": 1, 2: [x * y for x in 0..3 if x > 1 for (y, _) in ys], (1, 2): [:]]
    let parts = x[0, 1..3] + x[2..] - x[..-3] * x[..] / x[.., 0] ^ x[token: 0...4, -2..]
    let kind = match (m["a"], n) {
      (0, _) { "none" }; (1..5, true) if n > 2 { print 1 }
      "s" | -1 | -2.5...1 | 50% | none { match n { else { 1 } } }
      [_, ..] | [] { try { f(first) } catch { 0 } }
      (kind: "big", size: s) if s > 1 { s } [a, .., b] { a }
      else { 3 }
    }
    try { expect kind == 3 }
    catch (message: m) { print m }
    match (a) + 1; try - match [0]; expect = catch.test
    let page = """
      All \(kind: >8.2f) "quoted"
        deeper \\ \(["a": """
          inner
          """])

      end
      """
    /// Documented.
    test "a name" { expect not a or (b, c,) == d }
    """#

  static let sites = #"""
    knob width in [1, 2] = 1; knob part in [1, 2] each token by TopK(1); router R(k) { state b = 0; scores { x } update { b += load } }
    route each token by R { always shared { a } always 2 more { b } n experts { c } else { d } }
    keep 12.5% of token by R { a } else { b }; keep top n of key each query by R(1) else drop; keep 1 of t by R else merge
    keep above (0.3) of token by R { loop 2 carrying (h = 0, k = f(1),) { h = h + k } join last }
    loop up to 2 * n each token until H(1) carrying (h = [0]) { h } join expected
    loop up to (4) until H { scan over token carrying (s = 0) { s } in reverse }
    exit each token when confidence > 0.9 through Norm() >> Linear(9)
    exit each token by R(0.5)
    cascade each sample { small { a } accept when margin >= 1 big { b }
      accept by R; last { c } }
    reuse each token when age < 4 { a }
    let keep = top(up) - until[scan] * knob.of
    """#

  static let all = [duo, declarations, control, forms, values, sites]
}
