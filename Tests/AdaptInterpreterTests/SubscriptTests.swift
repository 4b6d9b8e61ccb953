import AdaptInterpreter
import AdaptSyntax
import AdaptTensor
import Testing

/// Subscripts of tensors, as the language's forms hand them over.
@Suite struct SubscriptTests {
  private let nowhere = Span(start: 0, end: 0)

  /// `[row: 2, column: 3, d: 4]` of 0 to 23.
  private func tensor() throws -> ArrayValue {
    ArrayValue(try Tensor([2, 3, 4], (0..<24).map(Float.init)), axes: ["row", "column", "d"])
  }

  private func argument(_ value: SubscriptValue, _ label: String? = nil) -> SubscriptArgument {
    SubscriptArgument(
      label: label.map { Identifier($0, span: nowhere) }, value: value, span: nowhere)
  }

  private func pick(_ arguments: SubscriptArgument...) throws -> ArrayValue {
    let (interpreter, _) = try makeInterpreter()
    guard case .array(let result) = try interpreter.subscriptArray(tensor(), arguments, at: nowhere)
    else { throw NotAFlow() }
    return result
  }

  private func replace(_ value: Value, _ arguments: SubscriptArgument...) throws -> [Float] {
    let (interpreter, _) = try makeInterpreter()
    let old = try tensor()
    let result = try interpreter.replacingSubscript(old, arguments, with: value, at: nowhere)
    #expect(old.tensor?.floats == (0..<24).map(Float.init), "who held the tensor keeps its numbers")
    #expect(result.axes == old.axes)
    return result.tensor?.floats ?? []
  }

  @Test func indicesAndSlices() throws {
    let part = try pick(argument(.index(-1)), argument(.slice(lower: 1, upper: nil)))
    #expect(part.shape == [2, 4])
    #expect(part.axes == ["column", "d"])
    #expect(part.tensor?.floats == (16..<24).map(Float.init))
    let ends = try pick(
      argument(.index(0)), argument(.index(0)), argument(.slice(lower: -2, upper: -1)))
    #expect(ends.tensor?.floats == [2])
    #expect(try pick(argument(.slice(lower: nil, upper: 0))).shape == [0, 3, 4])
  }

  @Test func restStandsForTheAxesBetween() throws {
    let last = try pick(argument(.rest), argument(.index(3)))
    #expect(last.shape == [2, 3])
    #expect(last.tensor?.floats == [3, 7, 11, 15, 19, 23])
    let both = try pick(argument(.index(0)), argument(.rest), argument(.index(0)))
    #expect(both.tensor?.floats == [0, 4, 8])
    let each = try pick(argument(.rest), argument(.index(1)), argument(.rest))
    #expect(each.shape == [2, 4])
    #expect(try pick(argument(.rest)).shape == [2, 3, 4])
    let whole = try pick(
      argument(.index(0)), argument(.index(0)), argument(.index(0)), argument(.rest))
    #expect(whole.shape == [])
  }

  @Test func namesPickTheirAxes() throws {
    let part = try pick(argument(.index(1), "d"), argument(.slice(lower: 0, upper: 2), "column"))
    #expect(part.axes == ["row", "column"])
    #expect(part.tensor?.floats == [1, 5, 13, 17])
    let mixed = try pick(argument(.index(1)), argument(.list([3, 0]), "d"))
    #expect(mixed.tensor?.floats == [15, 12, 19, 16, 23, 20])
  }

  @Test func masksPickWhereTheyAreTrue() throws {
    let mask = ArrayValue(try Tensor([3], [1, 0, 1]))
    #expect(
      try pick(argument(.rest), argument(.mask(mask)), argument(.index(0))).tensor?.floats == [
        0, 8, 12, 20,
      ])
    let all = ArrayValue(try Tensor([2, 3, 4], (0..<24).map { $0 % 5 == 0 ? 1 : 0 }))
    #expect(try pick(argument(.mask(all))).tensor?.floats == [0, 5, 10, 15, 20])
  }

  @Test func whatDoesNotExistIsNamed() throws {
    func error(_ arguments: SubscriptArgument...) throws -> Diagnostic? {
      let (interpreter, _) = try makeInterpreter()
      let old = try tensor()
      let found = #expect(throws: Diagnostic.self) {
        try interpreter.subscriptArray(old, arguments, at: nowhere)
      }
      return found
    }
    let far = try error(argument(.index(0)), argument(.index(3)))
    #expect(far?.id == .indexOutOfRange)
    #expect(far?.title == "3 is out of range of axis 'column' of [row: 2, column: 3, d: 4]")
    #expect(try error(argument(.slice(lower: nil, upper: 5), "d"))?.id == .indexOutOfRange)
    #expect(try error(argument(.index(0), "x"))?.id == .wrongValue)
    #expect(try error(argument(.index(0), "d"), argument(.rest, "d"))?.id == .wrongArguments)
    #expect(try error(argument(.rest), argument(.rest))?.id == .wrongArguments)
  }

  @Test func replacedNumbersStandWhereTheyPoint() throws {
    var expected = (0..<24).map(Float.init)
    for place in [4, 8, 16, 20] { expected[place] = -1 }
    let column = argument(.slice(lower: 1, upper: nil), "column")
    #expect(try replace(.number(-1), column, argument(.index(0), "d")) == expected)
    expected = (0..<24).map(Float.init)
    for place in 0..<4 { expected[place + 20] = Float(place) * 10 }
    let row = Value.array(ArrayValue(try Tensor([4], [0, 10, 20, 30])))
    #expect(try replace(row, argument(.index(1)), argument(.index(2))) == expected)
    let mask = ArrayValue(try Tensor([2, 3, 4], (0..<24).map { $0 > 20 ? 1 : 0 }))
    #expect(try replace(.int(0), argument(.mask(mask))).suffix(4) == [20, 0, 0, 0])
  }

  @Test func integersKeepTheirBits() throws {
    let (interpreter, _) = try makeInterpreter()
    let old = ArrayValue(try Tensor([3], integers: [1, 2, 3]))
    let new = try interpreter.replacingSubscript(
      old, [argument(.index(1))], with: .int(16_777_217), at: nowhere)
    #expect(try new.tensor?.integers == [1, 16_777_217, 3])
  }

  @Test func numbersThatDoNotFitAreAnError() throws {
    let (interpreter, _) = try makeInterpreter()
    let row = Value.array(ArrayValue(try Tensor([3], [1, 2, 3])))
    let old = try tensor()
    let error = #expect(throws: Diagnostic.self) {
      try interpreter.replacingSubscript(old, [argument(.index(0))], with: row, at: nowhere)
    }
    #expect(error?.id == .wrongShape)
  }
}
