extension Explanation {
  private static let model = "model Tiny() { Embedding(256, 8) >> Linear(256) }\n"

  /// Files and limits: E04xx and E05xx.
  static let outside: [DiagnosticID: Explanation] = [
    .fileMissing: Explanation(
      "a file that does not exist",
      "The file does not exist. Paths are relative to the script's folder and to the working folder.",
      bad: "let book = text(\"bok.txt\")\nprint book.count\n",
      good: "let book = text(\"book.txt\")\nprint book.count\n",
      Setting("with only book.txt beside it", files: ["book.txt": "In the beginning"])),
    .fileRefused: Explanation(
      "a file that is not granted",
      "The host did not grant the script this file. The command line grants the script's folder and "
        + "the working folder.",
      bad: "print text(\"/etc/passwd\").count\n", good: "print \"no file is needed\"\n",
      Setting("outside of the folders that are granted", .withoutFiles)),
    .fileUnreadable: Explanation(
      "a file that cannot be read",
      "The file exists and cannot be read, or does not hold what it should.",
      bad: model + "print load(Tiny(), from: \"tiny.safetensors\")\n",
      good: model + "print Tiny()\n",
      Setting(
        "with a tiny.safetensors that is no such file", files: ["tiny.safetensors": "tensors"])
    ),
    .dataEmpty: Explanation(
      "too little data",
      "The file holds too little data for what is asked: at least one window to train on and one to "
        + "be held out.",
      bad: "print text(\"book.txt\").bytes().windows(128)\n",
      good: "print text(\"book.txt\").bytes().windows(4)\n",
      Setting(
        "with a book.txt of 120 bytes",
        files: ["book.txt": String(repeating: "a word and ", count: 11).prefix(120).description])),
    .importCycle: Explanation(
      "imports in a circle",
      "Scripts import each other in a circle. Move what both need into a third.",
      bad: "import left\nprint a\n", good: "import sizes\nprint width\n",
      Setting(
        "where left.adapt imports right, and right.adapt imports left",
        files: [
          "left.adapt": "import right\nlet a = 1\n", "right.adapt": "import left\nlet b = 2\n",
          "sizes.adapt": "let width = 16\n",
        ])),
    .fileUnwritable: Explanation(
      "a file that cannot be written",
      "The file cannot be written; what was there before is still there.",
      bad: model + "save(Tiny(), to: \"nowhere/tiny.safetensors\")\n",
      good: model + "save(Tiny(), to: \"tiny.safetensors\")\n",
      Setting("where the folder 'nowhere' does not exist", .run)),
    .limitSteps: Explanation(
      "too many steps",
      "The script did more than the host allows. A loop may never end.",
      bad: "var n = 0\nwhile n >= 0 { n += 1 }\nprint n\n",
      good: "var n = 0\nwhile n < 10 { n += 1 }\nprint n\n",
      Setting("where the host allows 1,000 steps", .limited)),
    .limitDepth: Explanation(
      "too deep",
      "Calls or values inside one another deeper than the host allows. A recursion may never end.",
      bad: "fn count(n) { count(n + 1) }\nprint count(0)\n",
      good: "fn count(n) { if n == 0 { 0 } else { 1 + count(n - 1) } }\nprint count(9)\n"),
    .limitMemory: Explanation(
      "too large",
      "A value larger than the host or the machine allows.",
      bad: "print (0..1000000000).map({ i in 2 * i }).count\n",
      good: "print (0..1000).map({ i in 2 * i }).count\n"),
    .limitTime: Explanation(
      "out of time",
      "The script ran longer than the host allows.",
      bad: "while true { }\n",
      good: "var n = 0\nwhile n < 10 { n += 1 }\nprint n\n",
      Setting("where the host allows 50 ms", .limited)),
    .cancelled: Explanation(
      "cancelled",
      "The host or Ctrl-C ended the script.",
      bad: "while true { }\n",
      good: "var n = 0\nwhile n < 10 { n += 1 }\nprint n\n",
      Setting("ended by Ctrl-C", .cancelled)),
    .limitOutput: Explanation(
      "too much output",
      "The script printed more than the host allows.",
      bad: "for i in 0..100 { print i }\n", good: "for i in 0..10 { print i }\n",
      Setting("where the host allows 100 bytes", .limited)),
  ]
}
