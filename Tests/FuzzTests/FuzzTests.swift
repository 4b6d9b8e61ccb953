import Foundation
import Fuzzing
import Testing

/// A few seconds of what `script/fuzz` does for as long as one likes.
@Suite struct FuzzTests {
  private static let corpus = Corpus(
    root: URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent())

  @Test(arguments: Campaign.Kind.allCases)
  func nothingIsViolated(_ kind: Campaign.Kind) {
    let campaign = Campaign(kind, seed: 1, corpus: Self.corpus)
    let trial = Trial(corpus: Self.corpus)
    let end = ContinuousClock.now + .milliseconds(2500)
    var number = 0
    while ContinuousClock.now < end, number < 1000 {
      let input = campaign.input(number)
      let found = trial.violations(input)
      #expect(found.isEmpty, "input \(number): \(found)\n\(String(decoding: input, as: UTF8.self))")
      number += 1
    }
    #expect(number > 5)
  }

  @Test func inputsAreRepeatable() {
    for kind in Campaign.Kind.allCases {
      let (a, b) = (
        Campaign(kind, seed: 7, corpus: Self.corpus), Campaign(kind, seed: 7, corpus: Self.corpus)
      )
      for number in 0..<50 { #expect(a.input(number) == b.input(number)) }
      #expect((0..<50).contains { a.input($0) != a.input($0 + 1) })
    }
  }

  /// A fuzzer whose scripts all fail at once looks at nothing.
  @Test func mostScriptsOfTheGrammarCanBeParsed() {
    let campaign = Campaign(.grammar, seed: 3, corpus: Corpus(root: URL(fileURLWithPath: "/")))
    let parsed = (0..<200).filter { Trial.isWellFormed(campaign.input($0)) }
    #expect(parsed.count > 180)
  }

  @Test func inputsAreMadeSmaller() {
    var minimizer = Minimizer(attempts: 1000) {
      String(decoding: $0, as: UTF8.self).contains("b c")
    }
    let small = minimizer.minimized(Array("a\nlet x = b c d\ne f\n".utf8))
    #expect(String(decoding: small, as: UTF8.self) == "b c")
  }
}
