import AdaptGraph
import AdaptInterpreter
import AdaptSyntax
import Testing

@Test func theDuoModelHasItsNames() throws {
  let (interpreter, _) = try makeInterpreter()
  let model = try interpreter.flow(duo + "DuoLM(vocab: 256)")
  let graph = try interpreter.trace(model, input: .open, mode: .training)
  print(graph.graph.parameters.map { "\($0.name) \($0.shape)" }.joined(separator: "\n"))
  print(graph.graph.sites.map { $0.name })
  print(graph.losses)
}
