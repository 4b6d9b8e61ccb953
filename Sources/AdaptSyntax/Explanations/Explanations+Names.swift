extension Explanation {
  /// Names and calls: E01xx.
  static let names: [DiagnosticID: Explanation] = [
    .unknownName: Explanation(
      "an unknown name",
      "Nothing of that name can be seen here. Names come from let, var, fn, layer, parameters, "
        + "imports and the standard library, and are seen from where they are bound to the end of "
        + "their block.",
      bad: "let value = 1\nprint value + valeu\n", good: "let value = 1\nprint value + value\n"),
    .unknownMember: Explanation(
      "an unknown property or method",
      "The value has no property or method of that name. The hint lists what it has.",
      bad: "let words = [\"a\", \"b\"]\nprint words.cuont\n",
      good: "let words = [\"a\", \"b\"]\nprint words.count\n"),
    .wrongArguments: Explanation(
      "a call that does not fit",
      "A call with too few, too many or unknown arguments. The hint shows how it is called.",
      bad: "fn half(x) { x / 2 }\nprint half()\n", good: "fn half(x) { x / 2 }\nprint half(8)\n"),
    .notCallable: Explanation(
      "a value that cannot be called",
      "Only functions, layers and other flows can be called or applied.",
      bad: "let width = 3\nprint width(2)\n", good: "let width = 3\nprint width * 2\n"),
    .immutableBinding: Explanation(
      "a name that cannot be changed",
      "let binds once, and so do parameters and for. Use var for what changes.",
      bad: "let steps = 1\nsteps = 2\nprint steps\n",
      good: "var steps = 1\nsteps = 2\nprint steps\n"),
  ]
}
