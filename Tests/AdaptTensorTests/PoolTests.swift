import AdaptTensor
import Foundation
import Testing

@Suite struct PoolTests {
  @Test("Every index is visited once, whatever the count and the grain", arguments: [1, 2, 3, 7])
  func visitsAll(_ threads: Int) {
    let cpu = CPU(threads: threads)
    #expect(cpu.threads == threads)
    for count in [0, 1, 2, 3, 10, 1000] {
      for grain in [0, 1, 3, 1000] {
        let seen = UnsafeMutablePointer<Int32>.allocate(capacity: count + 1)
        defer { seen.deallocate() }
        seen.initialize(repeating: 0, count: count + 1)
        nonisolated(unsafe) let shared = seen
        cpu.parallel(count, grain: grain) { for i in $0 { shared[i] += 1 } }
        #expect((0..<count).allSatisfy { seen[$0] == 1 })
      }
    }
  }

  @Test("A call from inside a part runs in place")
  func nested() {
    let cpu = CPU(threads: 3)
    let total = Counter()
    cpu.parallel(3, grain: 1) { outer in
      cpu.parallel(10 * outer.count, grain: 1) { total.add($0.count) }
    }
    #expect(total.value == 30)
  }

  @Test("Several callers at once get right results")
  func concurrentCallers() async {
    let cpu = CPU(threads: 2)
    let right = await withTaskGroup(of: Bool.self) { group in
      for caller in 0..<4 {
        group.addTask {
          var source = Source(UInt64(100 + caller))
          let (a, b) = (source.normals(300 * 200), source.normals(200 * 100))
          var bits: [[UInt32]] = []
          for _ in 0..<30 {
            let c = Floats(count: 300 * 100)
            cpu.matmul(
              a.p, transposeA: false, b.p, transposeB: false, c.p, m: 300, n: 100, k: 200,
              accumulate: false)
            cpu.unary(.tanh, c.p, c.p, count: c.count)
            bits.append(c.bits)
          }
          return bits.allSatisfy { $0 == bits[0] }
        }
      }
      return await group.reduce(true) { $0 && $1 }
    }
    #expect(right)
  }

  @Test("Many short jobs, with and without pauses, all finish")
  func manyJobs() {
    let cpu = CPU(threads: 3)
    let total = Counter()
    for i in 0..<20_000 {
      cpu.parallel(3, grain: 1) { total.add($0.count) }
      if i % 1000 == 0 { usleep(200) }
    }
    #expect(total.value == 60_000)
  }

  @Test("Backends come and go")
  func lifetimes() {
    for _ in 0..<200 {
      let cpu = CPU(threads: 3)
      let total = Counter()
      cpu.parallel(3, grain: 1) { total.add($0.count) }
      #expect(total.value == 3)
    }
  }

  @Test("A level that this processor lacks is replaced by the best it has")
  func levels() {
    #expect(SIMDLevel.available.contains(.baseline))
    #expect(SIMDLevel.available.contains(SIMDLevel.best))
    for level in SIMDLevel.allCases {
      let cpu = CPU(threads: 1, level: level)
      #expect(cpu.level == (SIMDLevel.available.contains(level) ? level : .best))
    }
  }
}

/// A number that several threads add to.
private final class Counter: @unchecked Sendable {
  private let lock = NSLock()
  private var total = 0
  func add(_ n: Int) { lock.withLock { total += n } }
  var value: Int { lock.withLock { total } }
}
