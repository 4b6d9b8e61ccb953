import AdaptGraph
import Testing

/// Blocks whose values a backward pass computes again.
@Suite struct RecomputeTests {
  /// A chain of `x + tanh(x·w)`, each link a block, which may hold a block of its own.
  private func chain(_ links: Int, nested: Bool = false) throws -> (bench: Bench, loss: ValueID) {
    var bench = Bench()
    var x = try bench.input("x", bench.addRows([2, 1]), [3])
    for link in 0..<links {
      bench.graph.openRecomputedBlock()
      let w = try bench.parameter("w\(link)", [3, 3])
      var y = try bench.add(.unary(.tanh), bench.add(.plainMatmul, x, w))
      if nested {
        bench.graph.openRecomputedBlock()
        y = try bench.add(.unary(.square), bench.add(.unary(.sigmoid), y))
        bench.graph.closeRecomputedBlock()
        y = try bench.add(.unary(.gelu), y)
      }
      x = try bench.add(.binary(.add), x, y)
      bench.graph.closeRecomputedBlock()
    }
    let loss = try bench.weighted(x)
    return (bench, loss)
  }

  /// What of blocks a backward pass keeps to read it, and the copies it makes, behind the passes.
  private func backward(_ bench: Bench, of loss: ValueID) throws -> (
    kept: Set<OpKind>, copies: [Node]
  ) {
    var graph = bench.graph
    let forward = graph.nodes.count
    let gradients = try graph.gradient(of: loss, withRespectTo: bench.variables.map(\.value))
    let isForward = Set(graph.nodes[..<forward].flatMap(\.outputs))
    var program = GraphProgram(graph: graph, outputs: [loss] + gradients.compactMap { $0 })
    try program.optimize(verifying: true)
    let behind = program.graph.nodes.filter { !$0.outputs.contains(where: isForward.contains) }
    let kept = behind.flatMap(\.inputs).filter(isForward.contains)
      .map { program.graph.node(of: $0) }.filter { $0.block != nil }.map(\.op.kind)
    let sources: Set<OpKind> = [.input, .parameter, .constant]
    return (Set(kept).subtracting(sources), behind.filter { $0.copy > 0 })
  }

  @Test(arguments: [false, true]) func gradientsAreThoseOfTheSameGraph(_ nested: Bool) throws {
    let (bench, loss) = try chain(3, nested: nested)
    try expectGradients(bench, of: loss)
  }

  @Test func whatABlockMakesIsNotKept() throws {
    let (bench, loss) = try chain(1)
    let found = try backward(bench, of: loss)
    #expect(found.kept.isEmpty)
    // The result of the block is not needed, so it is not computed again.
    #expect(found.copies.map(\.op) == [.plainMatmul, .unary(.tanh)])
  }

  @Test func whatABlockTakesIsKept() throws {
    let (bench, loss) = try chain(3)
    let found = try backward(bench, of: loss)
    #expect(found.kept == [.binary])
    #expect(Set(found.copies.map(\.copy)).count == 3)
    #expect(found.copies.count == 6)
  }

  /// The last block is computed again first, and each only when the backward pass gets there.
  @Test func aCopyStandsWhereTheBackwardPassGetsThere() throws {
    let (bench, loss) = try chain(3)
    var graph = bench.graph
    _ = try graph.gradient(of: loss, withRespectTo: bench.variables.map(\.value))
    let steps = graph.nodes.map(\.copy).filter { $0 > 0 }
    #expect(steps == steps.sorted())
    let last = try #require(graph.nodes.lastIndex { $0.copy == 1 })
    let next = try #require(graph.nodes.firstIndex { $0.copy == 2 })
    #expect(graph.nodes[last..<next].contains { $0.op.kind == .unaryGradient })
  }

  @Test func aBlockInABlockIsComputedAgainFromACopyOfWhatItTakes() throws {
    let (bench, loss) = try chain(1, nested: true)
    let found = try backward(bench, of: loss)
    #expect(found.kept.isEmpty)
    let numbers = Set(found.copies.map(\.copy))
    #expect(numbers.count == 2)
    // The outer copy passes through the inner block, whose own copy begins at the outer's tanh.
    let tanh = try #require(found.copies.first { $0.op == .unary(.tanh) })
    let sigmoids = found.copies.filter { $0.op == .unary(.sigmoid) }
    #expect(sigmoids.map(\.inputs) == [tanh.outputs, tanh.outputs])
    #expect(Set(sigmoids.map(\.copy)) == numbers)
  }

  @Test(arguments: RoutedModel.Routes.all)
  func whatWasDecidedIsNotDecidedAgain(_ routes: RoutedModel.Routes) throws {
    let plain = try RoutedModel(gathered: routes)
    let model = try RoutedModel(gathered: routes, isRecomputed: true)
    try expectGradients(model.bench, of: model.loss)
    let found = try backward(model.bench, of: model.loss)
    let decisions: Set<OpKind> = [.choose, .members]
    #expect(found.copies.allSatisfy { !decisions.contains($0.op.kind) })
    #expect(found.copies.contains { $0.op.kind == .gather })
    #expect(try backward(plain.bench, of: plain.loss).copies.isEmpty)
  }

  @Test func theTextFormSaysWhatIsComputedAgain() throws {
    let (bench, _) = try chain(1)
    let lines = bench.graph.text().split(separator: "\n")
    let marked = lines.filter { $0.hasSuffix("// recomputed") }
    #expect(marked.count == 3)
    #expect(marked.contains { $0.contains("tanh(") })
  }

  @Test func aGradientInsideOfABlockReadsWhatIsThere() throws {
    var bench = Bench()
    let x = try bench.input("x", bench.addRows([2, 1]), [3])
    bench.graph.openRecomputedBlock()
    let y = try bench.add(.unary(.square), bench.add(.unary(.tanh), x))
    let energy = try bench.total(y)
    let inner = try #require(try bench.graph.gradient(of: energy, withRespectTo: [x])[0])
    #expect(bench.graph.nodes.allSatisfy { $0.copy == 0 })
    let result = try bench.add(.unary(.sigmoid), inner)
    bench.graph.closeRecomputedBlock()
    let loss = try bench.weighted(result)
    try expectGradients(bench, of: loss)
    // What follows from the seed 1 alone is the same in both gradients, and one node.
    #expect(try backward(bench, of: loss).kept.isSubset(of: [.reshape, .expandColumns]))
  }

  @Test func aGradientOfAGradientGoesThroughCopies() throws {
    var (bench, loss) = try chain(2, nested: true)
    let x = bench.variables[0].value
    let gradient = try #require(try bench.graph.gradient(of: loss, withRespectTo: [x])[0])
    #expect(bench.graph.nodes.contains { $0.copy > 0 })
    let size = try bench.total(bench.add(.unary(.square), gradient))
    try expectGradients(bench, of: size)
  }

  @Test func aScanIsComputedAgainAsAWhole() throws {
    var bench = Bench()
    let x = try bench.input("x", bench.addRows([3, 0, 2]), [2])
    bench.graph.openRecomputedBlock()
    let scanned = try bench.elman(bench.add(.unary(.tanh), x))
    let result = try bench.add(.unary(.square), scanned)
    bench.graph.closeRecomputedBlock()
    let loss = try bench.weighted(result)
    try expectGradients(bench, of: loss)
    let found = try backward(bench, of: loss)
    #expect(found.copies.filter { $0.op.kind == .scan }.count == 1)
    #expect(!found.kept.contains(.scan))
  }

  /// What is decided inside of a scan leaves it with the scan's other results.
  @Test func aScanThatDecidesIsKept() throws {
    var bench = Bench()
    let x = try bench.input("x", bench.addRows([3, 0, 2]), [2])
    bench.graph.openRecomputedBlock()
    let scanned = try bench.routedScan(x)
    let result = try bench.add(.unary(.square), scanned)
    bench.graph.closeRecomputedBlock()
    let loss = try bench.weighted(result)
    try expectGradients(bench, of: loss)
    let found = try backward(bench, of: loss)
    #expect(found.kept.contains(.scan))
    #expect(!found.copies.contains { $0.op.kind == .scan })
  }
}
