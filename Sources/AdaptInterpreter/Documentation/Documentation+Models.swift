// What `adapt doc` says of functions of tensors, data and models.

extension Interpreter {
  /// Functions of tensors.
  static let tensorDocumentation = [
    "softmax": """
    Exponentials along the last axis, divided by their sum: `[.., d]` → the same.
    ```
    layer Weights(n) { Linear(n) >> softmax }
    ```
    """,
    "normalize": """
    Each row minus its mean, divided by its standard deviation: `[.., d]` → the same. `kind:
    "layer"` is Ba, Kiros & Hinton 2016; `kind: "rms"` divides by the root mean square only
    (Zhang & Sennrich 2019). `epsilon` is added to the variance.
    ```
    layer Whiten(): x [.., d] -> [.., d] { normalize(x, kind: "rms") }
    ```
    """,
    "attend": """
    Scaled dot-product attention within each sequence (Vaswani et al. 2017, eq. 1), in `heads`
    parts of the last axis: query, key and value `[token, d]` → `[token, d]`. With `causal:
    true` a row sees itself and the rows before it. E0301 when heads do not divide d.
    ```
    layer Self(): x [.., d] -> [.., d] { attend(x, x, x, causal: true) }
    ```
    """,
    "context": """
    x for the rows that are here, and for those that are on another path or have left what they had when
    the ways parted, as far as it has the same sizes (Elbayad et al. 2020, §3; Schuster et al. 2022, §3).
    What is computed of contexts alone is a context, for all their rows; where it meets other rows it has
    those that are here. Rows that were dropped have no part.
    ```
    model Early() {
      Embedding(256, 8)
      exit each token when confidence > 0.9 through Linear(256)
      residual { context >> Norm() >> Attention(2, causal: true) }
      Linear(256)
    }
    ```
    """,
    "here": """
    Of a context, the rows that are here; any other tensor as it is.
    ```
    layer Look(): x [.., token, d] -> [.., token, d] { attend(here(x), x, x) }
    ```
    """,
    "lookup": """
    The rows of a table that integers name: `[count, d]` and `[token]` → `[token, d]`. Integers
    must be from 0 and below count.
    ```
    layer Code(): index [..] -> [.., 8] {
      param table: [256, 8] = normal(0.02)
      lookup(table, index)
    }
    ```
    """,
    "positions": """
    The place of each row in its sequence, counted from 0: `[token, ..]` → `[token]` integers.
    ```
    layer Place(): x [.., d] -> [.., d] {
      param table: [64, d] = normal(0.02)
      x + lookup(table, positions(x))
    }
    ```
    """,
    "delay": """
    Each row as the row `count` places before it in its sequence, zeros for the first ones; nothing of
    later rows is seen. `delay(n)` alone is a flow: `[.., token, d]` → the same.
    ```
    layer Difference(): x [.., token, d] -> [.., token, d] { x - delay(x, 1) }
    ```
    """,
    "previous": """
    What the row before has in its sequence, zeros for the first: `delay(x, 1)`.
    ```
    layer Pairs(): x [.., token, d] -> [.., token, 2 * d] { concat(previous(x), x) }
    ```
    """,
    "squaredError": """
    The mean of (output − target)² over the numbers of each row, or over all without rows. Both
    have the same shape; nothing is repeated to fit.
    ```
    objective closeness { weightedMean(squaredError(output, target)) }
    ```
    """,
    "logLoss": """
    −log softmax(logits) at the target, in nats: `[rows, classes]` and `[rows]` integers →
    `[rows]`.
    ```
    objective nats { mean(logLoss(output, target)) }
    ```
    """,
    "stopGradient": """
    The tensor itself; no gradient passes.
    ```
    layer Frozen(): x [.., d] -> [.., d] { stopGradient(x) }
    ```
    """,
    "concat": """
    Tensors over the same rows beside each other along the last axis: `[.., a]`, `[.., b]` →
    `[.., a + b]`.
    ```
    layer Both(): x [.., d] -> [.., 2 * d] { concat(x, relu(x)) }
    ```
    """,
    "slice": """
    The columns from `start` up to `end`, which is left out: `[.., d]` → `[.., end - start]`.
    ```
    layer First(n): x [.., d] -> [.., n] { slice(x, 0, n) }
    ```
    """,
    "width": """
    The size of a tensor's last axis, as an integer.
    ```
    layer Double(): x [..] { x >> Linear(2 * width(x)) }
    ```
    """,
    "expectedCost": """
    In what training minimizes: the work that the model is expected to do for an input, given its
    routers' scores, as a share of that of the costliest paths. A differentiable number from 0 to 1. In
    a layer or a router it is that of the whole model.
    ```
    objective halfCost { 50% * expectedCost() }
    ```
    """,
    "expectedFlops": """
    In an objective: what the model is expected to compute for a row of its input, in FLOP. The number of
    which `expectedCost()` is the share.
    ```
    objective millions { expectedFlops() / 1e6 }
    ```
    """,
    "allAnswers": """
    In an objective: all results that a model gives for a row, such as those of its exits, the model's end
    last. A record each: `output`, and `weight`, how much each row of it counts, 0 where it has none.
    An objective that asks for all is evaluated once, any other for each result.
    ```
    objective first { weightedMean(logLoss(allAnswers().first.output, target)) }
    ```
    """,
    "progress": """
    How far a training is, from 0 in its first step to 1 in the last; 1 outside of training. For
    weights that change, in objectives, in layers and in routers.
    ```
    objective late { progress() * weightedMean(logLoss(output, target)) }
    ```
    """,
    "lagrange": """
    A number that is to be at most 0, times a price that follows it, for what training minimizes (Gallego-Posada
    et al. 2022: descent and ascent on a Lagrangian). Behind each step of training the price grows by
    `rate` times the excess, or falls where that is below 0; it never falls below 0.
    ```
    objective withinBudget { lagrange(expectedCost() - 60%) }
    ```
    """,
    "weightedMean": """
    In an objective: the mean over rows of one number a row, each counted by the weight that the
    data give it; without weights the mean.
    ```
    objective absoluteError { weightedMean(mean(abs(output - target), axis: -1)) }
    ```
    """,
  ]

  /// Functions of data and models.
  static let modelDocumentation = [
    "text": """
    A file that the host grants, as a text. `.count` is its length in bytes, `.bytes()` its
    bytes as numbers from 0 to 255, and `.bytes().windows(n)` is a data set of pieces of n bytes
    whose `.train` is nine tenths of them and `.valid` the held-out rest. E0401 when there is no
    such file, E0404 when it is too short.
    ```
    print text("book.txt").bytes().windows(16)
    ```
    """,
    "data": """
    A data set of a script's own: inputs, and what is asked about each. Both are tensors or lists
    with a unit for each place of the first axis; `data(pairs)` takes a list of (input, target).

    Inputs of numbers are samples, lists of integers are sequences of any lengths, and
    `sequences:` says otherwise. Targets of integers are classes, others quantities; a sequence
    has one for each row or one for all. `weights` say how much each target counts, `split` the
    share at the end that is held out as `.valid`. E0202 for numbers that no model can use, E0301
    for shapes that do not fit, E0404 without data.
    ```
    let xor = data([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [0, 1, 1, 0])
    let sums = data((1..100).map { i in ((0..i).map { k in k mod 10 }, i mod 10) })
    ```
    """,
    "predict": """
    What a model gives for inputs, in inference: a tensor with a row for each sample, or for
    sequences a list of a tensor each. Inputs are as `data` takes them, `policy` decides at sites
    in place of the routers, `precision` is that of `train`.
    ```
    model Net() { Linear(8) >> Linear(2) }
    print predict(Net(), [[0.0, 1.0], [1.0, 1.0]])
    ```
    """,
    "train": """
    Trains a model on a split of data, in place: `steps` updates, each of the mean over a batch
    of windows drawn from `seed`. The block says what to minimize, without one crossEntropy, or
    meanSquaredError where targets are quantities; the
    optimizer is AdamW(3e-4) unless given. Gradients are clipped to the norm `clip`, or not with
    `clip: none`. What routers bring as 'loss' is added. With `knobs: (width: [25%, 100%])` steps take
    these settings of a knob in turn.

    With `precision: "bf16"` factors of products of many rows are rounded to 8 bits of significand,
    which is up to twice as fast where the processor has AVX512-BF16; sums, parameters and all else stay
    single precision, as with "fp32". Without a word it is what the host says. E0202 for another name.

    Gives a record of `steps`, `loss`, each term, `routers` with what each adds, `gradient_norm`,
    `seconds` and `tokens_per_second`, and goes on where an earlier train ended. E0305 when a number becomes infinite or NaN.
    ```
    model Tiny() {
      Embedding(256, 8)
      route each token by TopK(1) { big { FFN(8) }  skip { pass } }
      Linear(256)
    }
    let book = text("book.txt").bytes().windows(16)
    let lm = Tiny()
    train(lm, on: book.train, steps: 10, batch: 4) { minimize crossEntropy + 5% * cost }
    ```
    """,
    "evaluate": """
    Quality and executed cost of a model on a split of data: bits per byte, loss and accuracy of
    classes or the mean squared error, FLOPs that were executed, and the share of each path.
    `windows` limits how many windows, sequences or samples are looked at; `policy` decides at
    sites in place of the routers; `precision` is that of `train`. Fields are `.loss`, `.accuracy`, `.bits`, `.cost`, `.flops`.
    ```
    model Tiny() {
      Embedding(256, 8)
      route each token by TopK(1) { big { FFN(8) }  skip { pass } }
      Linear(256)
    }
    let book = text("book.txt").bytes().windows(16)
    print evaluate(Tiny(), on: book.valid, windows: 2)
    ```
    """,
    "generate": """
    Continues a text by so many bytes, each drawn from the model's softmax at a temperature (0:
    the most probable) with random numbers from `seed`. The model must not look ahead. The
    result is a text that print, paint and plot show. A list of prompts gives a list of texts,
    written side by side; the second draws with the seed behind the first's, and so on. `precision` is
    that of `train`.
    ```
    model Tiny() {
      Embedding(256, 8)
      route each token by TopK(1) { big { FFN(8) }  skip { pass } }
      Linear(256)
    }
    print generate(Tiny(), "In", bytes: 8)
    ```
    """,
    "oracle": """
    The best routing that a search finds for a trained model, knowing the answers: how good the
    paths could be used under a `budget`, a share of the full cost. `each` is "token" or
    "sequence"; `windows` says how many are searched; `precision` is that of `train`. Bounds what a router
    can do, and is none.
    ```
    model Tiny() {
      Embedding(256, 8)
      route each token by TopK(1) { big { FFN(8) }  skip { pass } }
      Linear(256)
    }
    let book = text("book.txt").bytes().windows(16)
    print oracle(Tiny(), on: book.valid, budget: 97%, windows: 1)
    ```
    """,
    "routes": """
    Every decision that a model makes on a text, for print, paint and plot. `precision` is that of
    `train`.
    ```
    model Tiny() {
      Embedding(256, 8)
      route each token by TopK(1) { big { FFN(8) }  skip { pass } }
      Linear(256)
    }
    print routes(Tiny(), "In the beginning")
    ```
    """,
    "plot": """
    Writes what routes or generate gave as an SVG picture, a column for each byte and a row for
    each site. E0406 when the file cannot be written.
    ```
    model Tiny() {
      Embedding(256, 8)
      route each token by TopK(1) { big { FFN(8) }  skip { pass } }
      Linear(256)
    }
    plot(routes(Tiny(), "In the beginning"), to: "routes.svg")
    ```
    """,
    "paint": """
    The text of what generate or routes gave, coloured by how much was computed for each byte.
    ```
    model Tiny() {
      Embedding(256, 8)
      route each token by TopK(1) { big { FFN(8) }  skip { pass } }
      Linear(256)
    }
    print paint(generate(Tiny(), "In", bytes: 8))
    ```
    """,
    "baseline": """
    What needs no model: the entropy of a split's bytes alone and given the byte before, as a
    record of `unigram_bits` and `bigram_bits` per byte.
    ```
    let book = text("book.txt").bytes().windows(16)
    print baseline(book.valid)
    ```
    """,
    "parameters": """
    How many trained numbers a model has.
    ```
    model Tiny() {
      Embedding(256, 8)
      route each token by TopK(1) { big { FFN(8) }  skip { pass } }
      Linear(256)
    }
    print parameters(Tiny())
    ```
    """,
    "save": """
    Writes a model's parameters as a safetensors file, as a whole or not at all. E0406 when it
    cannot be written.
    ```
    model Tiny() {
      Embedding(256, 8)
      route each token by TopK(1) { big { FFN(8) }  skip { pass } }
      Linear(256)
    }
    save(Tiny(), to: "tiny.safetensors")
    ```
    """,
    "load": """
    Fills a model's parameters from a safetensors file, all or none, and gives the model. E0403
    when it is no such file, E0202 or E0301 when a parameter is missing or has another shape.
    ```
    model Tiny() {
      Embedding(256, 8)
      route each token by TopK(1) { big { FFN(8) }  skip { pass } }
      Linear(256)
    }
    let lm = Tiny()
    save(lm, to: "tiny.safetensors")
    print load(lm, from: "tiny.safetensors")
    ```
    """,
  ]
}
