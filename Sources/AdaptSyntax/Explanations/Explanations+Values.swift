extension Explanation {
  /// Values: E02xx.
  static let values: [DiagnosticID: Explanation] = [
    .wrongType: Explanation(
      "a value of the wrong kind",
      "A value of another kind than the operation takes. The picture says what it is.",
      bad: "let name = \"model \" + 3\nprint name\n",
      good: "let name = \"model \\(3)\"\nprint name\n"),
    .wrongValue: Explanation(
      "a value that does not fit",
      "A value of the right kind that the operation cannot take.",
      bad: "print int(\"many\")\n", good: "print int(\"12\")\n"),
    .indexOutOfRange: Explanation(
      "an index outside",
      "Elements are counted from 0 to the count minus one; -1 is the last.",
      bad: "let sizes = [16, 32]\nprint sizes[2]\n", good: "let sizes = [16, 32]\nprint sizes[1]\n"),
    .divisionByZero: Explanation(
      "a division by zero",
      "Integers cannot be divided by zero. 1.0 / 0 is infinite.",
      bad: "let parts = 0\nprint 12 / parts\n", good: "let parts = 3\nprint 12 / parts\n"),
    .failedByScript: Explanation(
      "the script itself failed",
      "The script called fail(…), or what assert(…) or expect asks for is not so.",
      bad: "let heads = 3\nassert(64 mod heads == 0, \"heads must divide the width\")\n",
      good: "let heads = 4\nassert(64 mod heads == 0, \"heads must divide the width\")\n",
      Setting("found when it runs", .run)),
  ]
}
