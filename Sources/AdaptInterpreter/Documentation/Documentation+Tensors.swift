// What `adapt doc` says of functions of tensors, in models and objectives.

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
}
