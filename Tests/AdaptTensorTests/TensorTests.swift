import AdaptTensor
import Testing

@Suite struct TensorTests {
  @Test("A tensor holds its elements and a copy does not share writes")
  func copyOnWrite() throws {
    let a = try Tensor([2, 3], [1, 2, 3, 4, 5, 6])
    var b = a
    #expect(a.storage === b.storage)
    try b.withMutableFloats { $0[0] = 9 }
    #expect(a.floats == [1, 2, 3, 4, 5, 6] && b.floats == [9, 2, 3, 4, 5, 6])
    #expect(a != b)
    #expect(try a.reshaped([3, 2]).shape == [3, 2])
  }

  @Test("A tensor that is not shared is written in place")
  func inPlace() throws {
    var a = try Tensor(zeros: [1000])
    let address = a.storage.pointer
    try a.withMutableFloats { $0[5] = 1 }
    #expect(a.storage.pointer == address && a.floats[5] == 1)
  }

  @Test("Storage is aligned and zeroed")
  func aligned() throws {
    for n in [0, 1, 100, 100_000] {
      let s = try Storage(floatCount: n)
      #expect(Int(bitPattern: s.pointer) % 64 == 0)
      #expect((0..<n).allSatisfy { s.floats[$0] == 0 })
    }
  }

  @Test("Sizes without memory for them are errors, not traps")
  func absurdSizes() {
    let big = Int.max / 8
    for shape in [[big, big], [big], [1 << 50], [Int.max], [1 << 31, 1 << 31, 1 << 31]] {
      #expect(throws: TensorError.self) { try Tensor(zeros: shape) }
    }
    #expect(throws: TensorError.invalidShape([-1])) { try Tensor(zeros: [-1]) }
    #expect(throws: TensorError.invalidShape([-1, 0])) { try Tensor(zeros: [-1, 0]) }
    #expect(throws: TensorError.self) { try Storage(byteCount: -1) }
    #expect(throws: Never.self) { try Tensor(zeros: [0, big, big]) }
  }

  @Test("Wrong counts and types are named")
  func mismatches() throws {
    #expect(throws: TensorError.elementCount(shape: [2], expected: 2, actual: 3)) {
      try Tensor([2], [1, 2, 3])
    }
    var integers = try Tensor([2], integers: [4, 5])
    let wrong = TensorError.elementType(expected: .float32, actual: .int32)
    #expect(throws: wrong) { try integers.withFloats { $0.count } }
    #expect(throws: wrong) { try integers.withMutableFloats { $0.count } }
    #expect(integers.floats == [4, 5])
    #expect(try integers.integers == [4, 5])
    #expect(throws: TensorError.self) { try integers.reshaped([3]) }
    #expect(try Tensor([], [7]).count == 1)
  }
}
