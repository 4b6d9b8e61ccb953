import AdaptTensor
import Foundation
import Testing

@Suite struct ElementwiseTests {
  static let lengths = [0, 1, 15, 16, 17, 31, 1000, 50_000]

  static func reference(_ k: UnaryKernel, _ x: Double) -> Double {
    switch k {
    case .negate: -x
    case .exp: exp(x)
    case .log: log(x)
    case .sqrt: x.squareRoot()
    case .reciprocal: 1 / x
    case .tanh: tanh(x)
    case .sigmoid: 1 / (1 + exp(-x))
    case .relu: x.isNaN ? x : max(x, 0)
    case .gelu: x / (1 + exp(-2 * (2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)))
    case .silu: x / (1 + exp(-x))
    case .square: x * x
    case .absolute: abs(x)
    case .sign: x.isNaN ? x : (x > 0 ? 1 : (x < 0 ? -1 : 0))
    case .sin: sin(x)
    case .cos: cos(x)
    case .erf: erf(x)
    case .floor: floor(x)
    case .ceil: ceil(x)
    case .round: x.rounded(.toNearestOrAwayFromZero)
    case .copy: x
    }
  }

  /// Central difference in Double of the reference; exact forms where it is not smooth.
  static func slope(_ k: UnaryKernel, _ x: Double) -> Double {
    switch k {
    case .relu: return x > 0 ? 1 : 0
    case .absolute: return x > 0 ? 1 : (x < 0 ? -1 : 0)
    case .sign, .floor, .ceil, .round: return 0
    default:
      let h = 1e-5 * max(1e-3, abs(x))
      return (reference(k, x + h) - reference(k, x - h)) / (2 * h)
    }
  }

  static func isPositiveOnly(_ k: UnaryKernel) -> Bool { k == .log || k == .sqrt }

  @Test("Every function of one argument agrees with Double", arguments: Backend.all)
  func unary(_ backend: Backend) {
    let cpu = backend.cpu
    var source = Source(1)
    for k in UnaryKernel.allCases {
      for n in Self.lengths {
        let x = source.normals(n, scale: 4)
        if Self.isPositiveOnly(k) { for i in 0..<n { x.p[i] = abs(x.p[i]) + 1e-6 } }
        let y = Floats(count: n)
        cpu.unary(k, x.p, y.p, count: n)
        let expected = x.values.map { Self.reference(k, Double($0)) }
        // 3e-7 is 2.5 ulp. gelu rounds the argument of an exponential, whose result is then far
        // from 1 only where gelu is far below the rounding of anything it is added to.
        let relative = k == .gelu ? 4e-6 : k == .silu ? 1e-6 : 3e-7
        expectClose(
          y, expected, relative: relative, absolute: k == .gelu ? 1e-12 : 1e-37, "\(k)")
      }
    }
  }

  @Test("Functions keep their accuracy over the whole range", arguments: SIMDLevel.available)
  func wholeRange(_ level: SIMDLevel) {
    let cpu = CPU(threads: 1, level: level)
    // Every 9973rd bit pattern: all exponents, both signs, subnormals, infinities and NaN.
    let x = Floats(stride(from: UInt32(0), to: .max - 9973, by: 9973).map(Float.init(bitPattern:)))
    let y = Floats(count: x.count)
    for k in [UnaryKernel.exp, .log, .tanh, .sigmoid, .sqrt, .relu, .square, .negate, .sign] {
      cpu.unary(k, x.p, y.p, count: x.count)
      let expected = x.values.map { Self.reference(k, Double($0)) }
      // Where 1 + exp(-x) overflows, sigmoid gives 0 for what would be subnormal.
      expectClose(
        y, expected, relative: 3e-7, absolute: k == .sigmoid ? 1.2e-38 : 2.9e-45, "\(k)")
    }
  }

  @Test("Gradients agree with central differences in Double", arguments: Backend.all)
  func unaryGradient(_ backend: Backend) {
    let cpu = backend.cpu
    var source = Source(2)
    for k in UnaryKernel.allCases {
      for n in Self.lengths {
        let x = source.normals(n, scale: 2)
        for i in 0..<n where Self.isPositiveOnly(k) || k == .reciprocal {
          x.p[i] = abs(x.p[i]) + 0.01
        }
        let dy = source.normals(n)
        let y = Floats(x.values.map { Float(Self.reference(k, Double($0))) })
        let dx = Floats(count: n)
        cpu.unaryGradient(k, dy: dy.p, x: x.p, y: y.p, dx: dx.p, count: n)
        let expected = (0..<n).map { Double(dy[$0]) * Self.slope(k, Double(x[$0])) }
        // tanh and sigmoid subtract the rounded y from 1.
        expectClose(dx, expected, relative: 2e-5, absolute: 3e-6, "\(k)")
      }
    }
  }

  @Test("Gradients stay finite where the slope is 0 or 1", arguments: SIMDLevel.available)
  func saturatedGradient(_ level: SIMDLevel) {
    let cpu = CPU(threads: 1, level: level)
    let x: [Float] = [-.infinity, -1e30, -200, -50, 50, 200, 1e30, .infinity, .nan]
    for k in [UnaryKernel.gelu, .silu] {
      let dx = Floats(count: x.count)
      let dy = Floats([Float](repeating: 2, count: x.count))
      let (xs, y) = (Floats(x), Floats(x))
      cpu.unaryGradient(k, dy: dy.p, x: xs.p, y: y.p, dx: dx.p, count: x.count)
      expectClose(dx, [0, 0, 0, 0, 2, 2, 2, 2, .nan], relative: 1e-6, absolute: 1e-18, "\(k)")
    }
    let bad = Floats([.nan])
    let dx = Floats(count: 1)
    for k in UnaryKernel.allCases {
      cpu.unaryGradient(k, dy: bad.p, x: bad.p, y: bad.p, dx: dx.p, count: 1)
      #expect(dx[0].isNaN, "\(k)")
    }
  }

  static func reference(_ k: BinaryKernel, _ a: Double, _ b: Double) -> Double {
    switch k {
    case .add: a + b
    case .subtract: a - b
    case .multiply: a * b
    case .divide: a / b
    case .maximum: a.isNaN || b.isNaN ? .nan : max(a, b)
    case .minimum: a.isNaN || b.isNaN ? .nan : min(a, b)
    case .power: pow(a, b)
    case .less: a < b ? 1 : 0
    case .lessOrEqual: a <= b ? 1 : 0
    case .greater: a > b ? 1 : 0
    case .greaterOrEqual: a >= b ? 1 : 0
    case .equal: a == b ? 1 : 0
    case .notEqual: a != b ? 1 : 0
    }
  }

  static let broadcasts: [Broadcast] = [.full, .row, .column, .scalar]

  static func size(_ b: Broadcast, _ rows: Int, _ columns: Int) -> Int {
    switch b {
    case .full: rows * columns
    case .row: columns
    case .column: rows
    case .scalar: 1
    }
  }

  static func element(_ x: Floats, _ b: Broadcast, _ r: Int, _ c: Int, _ columns: Int) -> Double {
    switch b {
    case .full: Double(x[r * columns + c])
    case .row: Double(x[c])
    case .column: Double(x[r])
    case .scalar: Double(x[0])
    }
  }

  @Test(
    "Every function of two arguments agrees with Double in every broadcast",
    arguments: Backend.all)
  func binary(_ backend: Backend) {
    let cpu = backend.cpu
    var source = Source(3)
    for (rows, columns) in shapes where rows * columns < 50_000 || backend.threads == 2 {
      for first in Self.broadcasts {
        for second in Self.broadcasts {
          let a = source.normals(Self.size(first, rows, columns))
          let b = source.normals(Self.size(second, rows, columns))
          // Some equal elements, for the comparisons.
          for i in 0..<min(a.count, b.count) where i % 3 == 0 { b.p[i] = a[i] }
          for k in BinaryKernel.allCases {
            if k == .power { for i in 0..<a.count { a.p[i] = abs(a.p[i]) } }
            let out = Floats(count: rows * columns)
            cpu.binary(
              k, Operand(a.p, first), Operand(b.p, second), out.p, rows: rows, columns: columns)
            var expected: [Double] = []
            expected.reserveCapacity(rows * columns)
            for r in 0..<rows {
              for c in 0..<columns {
                expected.append(
                  Self.reference(
                    k, Self.element(a, first, r, c, columns), Self.element(b, second, r, c, columns)
                  ))
              }
            }
            expectClose(
              out, expected, relative: 2e-7, absolute: 1e-37,
              "\(k) \(first) \(second) \(rows)×\(columns)")
          }
        }
      }
    }
  }

  @Test("The result may take an operand's place", arguments: Backend.all)
  func inPlace(_ backend: Backend) {
    let cpu = backend.cpu
    var source = Source(4)
    let a = source.normals(70 * 1000)
    let b = source.normals(1000)
    let out = Floats(count: a.count)
    cpu.binary(.divide, Operand(a.p, .full), Operand(b.p, .row), out.p, rows: 70, columns: 1000)
    cpu.binary(.divide, Operand(a.p, .full), Operand(b.p, .row), a.p, rows: 70, columns: 1000)
    #expect(a.bits == out.bits)
    cpu.unary(.gelu, out.p, out.p, count: out.count)
    cpu.unary(.gelu, a.p, b.p, count: b.count)
    #expect(Array(out.bits[..<b.count]) == b.bits)
  }

  @Test(
    "NaN and infinities go through functions of two arguments as IEEE 754 says",
    arguments: SIMDLevel.available)
  func special(_ level: SIMDLevel) {
    let cpu = CPU(threads: 1, level: level)
    let values: [Float] = [.nan, .infinity, -.infinity, 0, -0.0, 1, -1, .greatestFiniteMagnitude]
    let a = Floats(values.flatMap { x in values.map { _ in x } })
    let b = Floats(values.flatMap { _ in values })
    for k in BinaryKernel.allCases {
      let out = Floats(count: a.count)
      cpu.binary(k, Operand(a.p, .full), Operand(b.p, .full), out.p, rows: 1, columns: a.count)
      let expected = (0..<a.count).map { Self.reference(k, Double(a[$0]), Double(b[$0])) }
      expectClose(out, expected, relative: 1e-7, "\(k)")
    }
  }

  @Test("fill and copy write what they should and nothing else", arguments: Backend.all)
  func fillAndCopy(_ backend: Backend) {
    let cpu = backend.cpu
    var source = Source(5)
    for n in Self.lengths + [200_000] {
      let x = source.normals(n)
      let y = Floats(count: n)
      cpu.copy(x.p, y.p, count: n)
      #expect(y.intact && y.bits == x.bits)
      cpu.fill(y.p, value: -2.5, count: n)
      #expect(y.intact && y.values.allSatisfy { $0 == -2.5 })
    }
  }
}
