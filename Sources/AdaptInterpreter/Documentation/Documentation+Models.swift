// What `adapt doc` says of functions of data and models.

extension Interpreter {
  /// What examples are about that are not about a model of a kind.
  private static let tinyModel = """
    model Tiny() {
      Embedding(256, 8)
      route each token by TopK(1) { big { FFN(8) }  skip { pass } }
      Linear(256)
    }
    """

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
    \(tinyModel)
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
    \(tinyModel)
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
    \(tinyModel)
    print generate(Tiny(), "In", bytes: 8)
    ```
    """,
    "oracle": """
    The best routing that a search finds for a trained model, knowing the answers: how good the
    paths could be used under a `budget`, a share of the full cost. `each` is "token" or
    "sequence"; `windows` says how many are searched; `precision` is that of `train`. Bounds what a router
    can do, and is none.
    ```
    \(tinyModel)
    let book = text("book.txt").bytes().windows(16)
    print oracle(Tiny(), on: book.valid, budget: 97%, windows: 1)
    ```
    """,
    "routes": """
    Every decision that a model makes on a text, for print, paint and plot. `precision` is that of
    `train`.
    ```
    \(tinyModel)
    print routes(Tiny(), "In the beginning")
    ```
    """,
    "plot": """
    Writes what routes or generate gave as an SVG picture, a column for each byte and a row for
    each site. E0406 when the file cannot be written.
    ```
    \(tinyModel)
    plot(routes(Tiny(), "In the beginning"), to: "routes.svg")
    ```
    """,
    "paint": """
    The text of what generate or routes gave, coloured by how much was computed for each byte.
    ```
    \(tinyModel)
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
    \(tinyModel)
    print parameters(Tiny())
    ```
    """,
    "save": """
    Writes a model's parameters as a safetensors file, as a whole or not at all. E0406 when it
    cannot be written.
    ```
    \(tinyModel)
    save(Tiny(), to: "tiny.safetensors")
    ```
    """,
    "load": """
    Fills a model's parameters from a safetensors file, all or none, and gives the model. E0403
    when it is no such file, E0202 or E0301 when a parameter is missing or has another shape.
    ```
    \(tinyModel)
    let lm = Tiny()
    save(lm, to: "tiny.safetensors")
    print load(lm, from: "tiny.safetensors")
    ```
    """,
  ]
}
