import AdaptTensor
import Testing

@Suite struct PhiloxTests {
  @Test("The known answers of the authors' implementation")
  func knownAnswers() {
    let zero = Philox.block(counter: SIMD4(0, 0, 0, 0), key: SIMD2(0, 0))
    #expect(zero == SIMD4(0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8))
    let ones = Philox.block(
      counter: SIMD4(repeating: 0xffff_ffff), key: SIMD2(repeating: 0xffff_ffff))
    #expect(ones == SIMD4(0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd))
    let pi = Philox.block(
      counter: SIMD4(0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344),
      key: SIMD2(0xa409_3822, 0x299f_31d0))
    #expect(pi == SIMD4(0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1))
  }

  @Test("FNV-1a's known answers")
  func hashes() {
    #expect(Philox.hash("") == 0xcbf2_9ce4_8422_2325)
    #expect(Philox.hash("a") == 0xaf63_dc4c_8601_ec8c)
    #expect(Philox.hash("foobar") == 0x8594_4171_f739_67e8)
  }

  @Test("A word does not depend on the words drawn before it")
  func randomAccess() {
    var sequence = Philox(seed: 7, stream: "weights")
    let words = (0..<100).map { _ in sequence.nextWord() }
    let generator = Philox(seed: 7, stream: "weights")
    #expect((0..<100).reversed().allSatisfy { generator.word(at: UInt64($0)) == words[$0] })
    var jumped = Philox(seed: 7, stream: "weights", position: 50)
    #expect(jumped.nextWord() == words[50])
    #expect(Philox(seed: 7, stream: "other").word(at: 0) != words[0])
    #expect(Philox(seed: 8, stream: "weights").word(at: 0) != words[0])
  }

  @Test("Filling gives the numbers drawn one by one", arguments: [0, 1, 2, 7, 1000])
  func filling(_ count: Int) {
    for start in [UInt64(0), 3, 6] {
      var (one, many) = (Philox(seed: 9, position: start), Philox(seed: 9, position: start))
      let expected = (0..<count).map { _ in one.uniform() }
      var filled = [Float](repeating: -1, count: count)
      filled.withUnsafeMutableBufferPointer { many.fillUniform($0) }
      #expect(filled == expected && many == one)
      many = Philox(seed: 9, position: start)
      filled.withUnsafeMutableBufferPointer { many.fillNormal($0) }
      one = Philox(seed: 9, position: start)
      for i in stride(from: 0, to: count, by: 2) { #expect(one.normal() == filled[i]) }
      #expect(many == one)
      (one, many) = (Philox(seed: 9, position: start), Philox(seed: 9, position: start))
      filled.withUnsafeMutableBufferPointer { many.fillNormalsSingly($0) }
      #expect(filled == (0..<count).map { _ in one.normal() } && many == one)
    }
  }

  @Test("Uniform and normal numbers have their moments")
  func moments() {
    var generator = Philox(seed: 10)
    let n = 200_000
    let u = (0..<n).map { _ in generator.uniform() }
    #expect(u.allSatisfy { $0 >= 0 && $0 < 1 })
    // Five standard errors of the mean.
    #expect(abs(u.reduce(0.0) { $0 + Double($1) } / Double(n) - 0.5) < 5 * 0.2887 / 447)
    var normals = [Float](repeating: 0, count: n)
    normals.withUnsafeMutableBufferPointer { generator.fillNormal($0) }
    let moment = { (p: Int) in
      normals.reduce(0.0) { s, x in s + (0..<p).reduce(1.0) { y, _ in y * Double(x) } } / Double(n)
    }
    #expect(normals.allSatisfy { $0.isFinite })
    #expect(abs(moment(1)) < 0.012 && abs(moment(2) - 1) < 0.016)
    #expect(abs(moment(3)) < 0.045 && abs(moment(4) - 3) < 0.11)
  }

  @Test("Bounded numbers are in range and even")
  func bounded() {
    var generator = Philox(seed: 11)
    #expect([Int.min, -1, 0, 1].allSatisfy { generator.next(below: $0) == 0 })
    var counts = [Int](repeating: 0, count: 7)
    for _ in 0..<70_000 { counts[generator.next(below: 7)] += 1 }
    #expect(counts.allSatisfy { abs($0 - 10_000) < 500 })
    #expect((0..<100).allSatisfy { _ in generator.next(below: .max) >= 0 })
  }
}
