extension Explanation {
  /// Names and flow: W01xx.
  static let flowLints: [DiagnosticID: Explanation] = [
    .unusedBinding: Explanation(
      "a name that nothing uses",
      "A value is bound and nothing reads it; a layer is made and nothing is applied to it. Use it, "
        + "remove it, or begin its name with _. Top-level names of a file that only declares are for "
        + "those who import it.",
      bad: "let width = 16\nlet depth = 4\nprint width\n",
      good: "let width = 16\nlet _depth = 4\nprint width\n"),
    .unusedParameter: Explanation(
      "a parameter that nothing uses",
      "A function, layer, router or closure takes an argument and does nothing with it.",
      bad: "fn area(width, height) { width * width }\nprint area(2, 3)\n",
      good: "fn area(width, height) { width * height }\nprint area(2, 3)\n"),
    .unusedImport: Explanation(
      "an import that nothing uses",
      "Nothing of the imported file is used here. The file is still read and run.",
      bad: "import sizes\nprint 1\n", good: "import sizes\nprint width\n",
      Setting(files: ["sizes.adapt": "let width = 16\n"])),
    .shadowedName: Explanation(
      "a name that hides another",
      "A binding takes the name of one outside of its block, so that the other cannot be reached any "
        + "more. Take another name. A file may take the names of the standard library for its own.",
      bad: "let width = 16\nfn area(height) {\n  let width = 2\n  width * height\n}\n"
        + "print area(width)\n",
      good: "let width = 16\nfn area(height) {\n  let half = 2\n  half * height\n}\n"
        + "print area(width)\n"),
    .unreachable: Explanation(
      "a statement that is never reached",
      "return, break, continue and fail(…) leave; what follows in the same block never runs.",
      bad: "fn isUp(x) {\n  return x > 0\n  print x\n}\nprint isUp(1)\n",
      good: "fn isUp(x) {\n  print x\n  return x > 0\n}\nprint isUp(1)\n"),
    .neverChanged: Explanation(
      "a variable that never varies",
      "var says that the value changes, and nothing changes it. Write let.",
      bad: "var width = 16\nprint width\n", good: "let width = 16\nprint width\n"),
    .unusedValue: Explanation(
      "a value that is dropped",
      "The statement computes a value and has no effect. Values do not change in place: append gives "
        + "a new list. Print it, bind it, or remove the line. In a flow every line counts and none is "
        + "reported.",
      bad: "let sizes = [16, 32]\nsizes.append(64)\nprint sizes\n",
      good: "let sizes = [16, 32]\nlet more = sizes.append(64)\nprint more\n"),
    .constantCondition: Explanation(
      "a condition that never changes",
      "The condition consists of constants, so one branch is never taken. while true is a way of "
        + "writing a loop and is not reported.",
      bad: "if 16 > 8 { print \"wide\" }\n",
      good: "let width = 16\nif width > 8 { print \"wide\" }\n"),
    .selfComparison: Explanation(
      "a value compared with itself",
      "Both sides are the same, so the result is known: only NaN differs from itself. One side is "
        + "probably meant to be another.",
      bad: "let high = 2\nprint high > high\n",
      good: "let low = 1\nlet high = 2\nprint high > low\n"),
    .selfAssignment: Explanation(
      "an assignment to itself",
      "The name is given the value that it has.",
      bad: "var width = 16\nwidth = width\nprint width\n",
      good: "var width = 16\nwidth = 2 * width\nprint width\n"),
  ]
}
