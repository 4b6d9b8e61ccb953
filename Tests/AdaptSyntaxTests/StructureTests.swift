import AdaptSyntax
import Testing

struct StructureTests {
  @Test(arguments: Corpus.all)
  func scriptsOfTheCorpusAreRight(_ script: String) {
    #expect(errors(script) == [])
  }
}
