// The forms that tests go through, by how a run of theirs can be taken apart.

extension ModelForm {
  /// Whatever decides by a unit alone and looks at earlier rows only.
  static let steppable: [ModelForm] = [
    plain,
    route,
    ModelForm(
      name: "top 2, always, experts",
      lines:
        "route each token by TopK(2) { always s { \(attention) } 2 experts { FFN(4) } c { pass } }"),
    ModelForm(
      name: "route, else",
      lines: "route each token by Gate() { a { \(attention) } else { FFN(4) } }"),
    ModelForm(
      name: "keep above",
      lines: "keep above 0.5 of token by Gate() { \(attention) } else { FFN(4) }"),
    ModelForm(name: "loop", lines: "loop 2 { \(attention) }"),
    ModelForm(
      name: "until, average",
      lines: "loop up to 3 each token until Act() { \(attention) } join average"),
    ModelForm(
      name: "exit",
      lines:
        "\(attention); exit each token when confidence > 0.065 through Linear(16); \(attention)"),
    ModelForm(
      name: "cascade",
      lines:
        "cascade each token { s { \(attention) } accept when margin > 0.001  big { \(attention) } }"
    ),
    ModelForm(
      name: "reuse", lines: "loop 3 { reuse each token when distance < 0.9 { \(attention) } }"),
    ModelForm(name: "delay", lines: "{ x in x + delay(x, 2) + previous(x) }; \(attention)"),
    ModelForm(
      name: "delay on a path",
      lines: "route each token by TopK(1) { a { { x in delay(x, 1) } } b { pass } }"),
    ModelForm(name: "delay beyond all", lines: "{ x in x + delay(x, 1000000) }"),
    convolution,
    ModelForm(name: "convolution beyond all", lines: "Conv1D(8, kernel: 3, dilation: 60000)"),
    ModelForm(
      name: "convolution of channels apart, on a path",
      lines: "route each token by TopK(1) { a { Conv1D(8, kernel: 4, groups: 8) } b { pass } }"),
    ModelForm(name: "RNN", lines: "residual { RNN(8) }; \(attention)"),
    ModelForm(
      name: "GRU on a path", lines: "route each token by TopK(1) { a { GRU(8) } b { LSTM(8) } }"),
    siteInScan,
    ModelForm(name: "nested width", lines: "residual { FFN(16, width: 50%) }; \(attention)"),
    ModelForm(
      name: "an axis decides",
      lines: """
        { x in
          let y = rearrange(x, "token (head e) -> token head e", head: 2)
          let z = y >> keep top 1 of head each token by Gate() { Linear(4) } else { pass }
          rearrange(z, "token head e -> token (head e)")
        }; \(attention)
        """),
    ModelForm(
      name: "attention along an axis",
      lines: """
        { x in
          let y = rearrange(x, "token (part e) -> token part e", part: 2)
          let z = y >> route each part by TopK(1) { a { { h in attend(h, h, h) } } b { Linear(4) } }
          rearrange(z, "token part e -> token (part e)")
        }
        """),
  ]

  /// Whatever needs later rows, or other units than the one it decides about.
  static let unsteppable: [ModelForm] = [
    ModelForm(name: "attention to both sides", lines: "residual { Attention(2) }"),
    share,
    ModelForm(
      name: "capacity",
      lines: "route each token by Full() { a { Linear(8) } b { \(attention) } }"),
    ModelForm(
      name: "sequences", lines: "route each sequence by TopK(1) { a { \(attention) } b { pass } }"),
    ModelForm(
      name: "a scan from the end",
      lines: """
        scan over token carrying (h = zeros(8)) {
          { row in
            h = 0.5 * h + row
            h
          }
        } in reverse
        """),
    ModelForm(name: "a window on both sides", lines: "Conv1D(8, kernel: 3, padding: \"same\")"),
    ModelForm(name: "a mean over rows", lines: "{ x in x - mean(x) }"),
  ]

  /// Models whose combinations of paths share what they have in common.
  static let cuttable: [ModelForm] = [
    ModelForm(name: "two sites", lines: "\(duo); \(attention); \(duo)"),
    ModelForm(
      name: "attention and delay on paths",
      lines: """
        route each token by TopK(1) { a { \(attention) } b { { x in delay(x, 1) } } }
        \(attention); \(duo)
        """),
    ModelForm(
      name: "a sequence decides",
      lines: "route each sequence by TopK(1) { a { \(attention) } b { pass } }; \(duo)"),
    ModelForm(
      name: "heads decide",
      lines: """
        { x in
          let y = rearrange(x, "token (head e) -> token head e", head: 2)
          let z = y >> route each head by TopK(1) { a { Linear(4) } b { tanh } }
          rearrange(z, "token head e -> token (head e)")
        }; \(attention); \(duo)
        """),
    ModelForm(
      name: "experts and a share that is kept",
      lines: "keep 50% of token by Half() { Linear(8) } else { pass }; \(attention); \(duo)"),
    ModelForm(
      name: "two paths a token",
      lines: "route each token by TopK(2) { a { Linear(8) } b { tanh } }; \(attention); \(duo)"),
  ]

  /// Models that each combination of paths runs as a whole.
  static let uncuttable: [ModelForm] = [
    ModelForm(
      name: "a site on a path", lines: "route each token by TopK(1) { a { \(duo) } b { pass } }"),
    siteInScan,
    ModelForm(name: "a mean over all rows", lines: "{ x in x - mean(x) }; \(duo)"),
    ModelForm(name: "a recurrent layer", lines: "\(duo); residual { GRU(8) }"),
  ]
}
