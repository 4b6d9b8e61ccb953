"""Scripts of any length for the benchmarks of the language's own tools.

    python3 script_text.py LINES > script.adapt

Sections of functions, layers, models and tests as people write them, in turn and numbered: the same
text for the same length, without errors or warnings, formatted.
"""

import sys

FUNCTIONS = """\
/// The greatest common divisor, and how many steps Euclid needed for it.
fn divisor{n}(a, b) {{
  var (large, small) = (max(a, b), min(a, b))
  var steps = {n}
  while small > 0 {{
    (large, small) = (small, large mod small)
    steps += 1
  }}
  (value: large, steps: steps)
}}

fn describe{n}(list, limit = {limit}) {{
  let long = list.filter({{ word in word.count > limit }})
  match long {{
    [] {{ "nothing is longer than \\(limit)" }}
    [only] {{ "only \\(only)" }}
    [first, ..rest] {{
      // The first stands for the others.
      let count = rest.count + 1
      if count > 10 {{ "many, as \\(first)" }} else {{ "\\(count) words, as \\(first)" }}
    }}
  }}
}}

test "numbers and words {n}" {{
  let found = divisor{n}(12, 18)
  expect found.value == 6 and found.steps >= {n}
  expect describe{n}([]) == "nothing is longer than {limit}"
  let squares = [i * i for i in 0..{limit}]
  expect squares.count == {limit}
}}
"""

DENSE = """\
/// A block of attention and a gated feed-forward layer.
layer Gated{n}(hidden): x [.., d] -> [.., d] {{
  param scale: [d] = ones
  let up = Linear(hidden, bias: false)
  let gate = Linear(hidden)
  let down = Linear(d)
  (x >> up) * (x >> gate >> sigmoid) >> down >> {{ y in y * scale }}
}}

layer Block{n}(heads, hidden) {{
  residual {{ Norm(kind: "rms") >> Attention(heads, causal: true) }}
  residual {{ Norm(epsilon: 1e-6) >> Gated{n}(hidden) }}
}}

model Dense{n}(vocab = 256, width = {width}, depth = 2) {{
  Embedding(vocab, width) >> Positions(limit: 64)
  repeat depth {{ Block{n}(4, 4 * width) }}
  Norm() >> Linear(vocab)
}}

test "dense {n}" {{
  let (narrow, wide) = (Dense{n}(width: 8), Dense{n}(width: 16))
  expect parameters(wide) > parameters(narrow)
}}
"""

ROUTED = """\
/// Every token takes one of three ways, and half of them a second look.
layer Routed{n}(hidden) {{
  route each token by TopK(1) {{
    big   {{ FFN(hidden) }}
    small {{ FFN(hidden / 4) }}
    skip  {{ zero }}
  }}
}}

model Adaptive{n}(vocab = 256, width = {width}, depth = 2) {{
  Embedding(vocab, width)
  repeat depth {{
    residual {{ Norm() >> Attention(2, causal: true) }}
    residual {{ Norm() >> Routed{n}(4 * width) }}
  }}
  Norm() >> Linear(vocab)
}}

let settings{n} = (vocab: 64, rates: [1e-3, 3e-4, {n} * 1e-5], share: {limit}%)

test "adaptive {n}" {{
  let model = Adaptive{n}(vocab: settings{n}.vocab, depth: 1)
  expect parameters(model) > settings{n}.vocab
  for rate in settings{n}.rates {{ expect rate >= 0 and rate < 1 }}
}}
"""

SECTIONS = [FUNCTIONS, DENSE, ROUTED]


def section(number):
    text = SECTIONS[number % len(SECTIONS)]
    return text.format(n=number, limit=3 + number % 7, width=8 * (1 + number % 4))


def script(is_enough):
    """Whole sections, until `is_enough(lines, bytes)`."""
    parts, lines, size = ["// Made by script_text.py.\n"], 1, 0
    while not is_enough(lines, size):
        part = "\n" + section(len(parts) - 1)
        parts.append(part)
        lines += part.count("\n")
        size += len(part)
    return "".join(parts)


def script_of_lines(least):
    return script(lambda lines, _: lines >= least)


def script_of_bytes(least):
    return script(lambda _, size: size >= least)


if __name__ == "__main__":
    sys.stdout.write(script_of_lines(int(sys.argv[1])))
