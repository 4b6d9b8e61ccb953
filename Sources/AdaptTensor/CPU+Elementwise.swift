import CAdaptKernels

extension CPU {
  /// p[i] = value.
  public func fill(_ p: UnsafeMutablePointer<Float>, value: Float, count: Int) {
    parallel(count, grain: 2 * CPU.elementGrain) {
      kernels.fill(p + $0.lowerBound, value, $0.count)
    }
  }

  /// y[i] = x[i]. The two may not overlap.
  public func copy(_ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, count: Int) {
    parallel(count, grain: 2 * CPU.elementGrain) {
      (y + $0.lowerBound).update(from: x + $0.lowerBound, count: $0.count)
    }
  }

  /// y[i] = f(x[i]), to 1–2 units in the last place. y may be x.
  public func unary(
    _ k: UnaryKernel, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, count: Int
  ) {
    parallel(count, grain: k.grain) {
      kernels.unary(k.rawValue, x + $0.lowerBound, y + $0.lowerBound, $0.count)
    }
  }

  /// dx[i] = dy[i] f'(x[i]), where y = f(x).
  ///
  /// Reads y and not x for exp, sqrt, reciprocal, tanh, sigmoid and relu; x and not y for log,
  /// gelu, silu, square, absolute, sin, cos and erf; dy alone for the others. dx may be any of the others.
  public func unaryGradient(
    _ k: UnaryKernel, dy: UnsafePointer<Float>, x: UnsafePointer<Float>, y: UnsafePointer<Float>,
    dx: UnsafeMutablePointer<Float>, count: Int
  ) {
    parallel(count, grain: k.grain) {
      let i = $0.lowerBound
      kernels.unary_gradient(k.rawValue, dy + i, x + i, y + i, dx + i, $0.count)
    }
  }

  /// out[r, c] = f(a[r, c], b[r, c]), each operand repeated as it says. `out` may be an operand
  /// that is `full`.
  public func binary(
    _ k: BinaryKernel, _ a: Operand, _ b: Operand, _ out: UnsafeMutablePointer<Float>, rows: Int,
    columns: Int
  ) {
    guard rows > 0, columns > 0 else { return }
    let (x, y) = (a.narrowed(rows, columns), b.narrowed(rows, columns))
    if x.isFlat && y.isFlat {
      parallel(rows * columns, grain: k.grain) {
        let i = $0.lowerBound
        kernels.binary(
          k.rawValue, x.kernelOperand(at: i, rowLength: 0), y.kernelOperand(at: i, rowLength: 0),
          out + i, 1, $0.count)
      }
    } else {
      parallel(rows, grain: CPU.rowGrain(columns, elements: k.grain)) {
        let r = $0.lowerBound
        kernels.binary(
          k.rawValue, x.kernelOperand(at: r, rowLength: columns),
          y.kernelOperand(at: r, rowLength: columns), out + r * columns, $0.count, columns)
      }
    }
  }
}

/// One of a chain of elementwise kernels, over places that have numbers. See ``CPU/run(_:places:count:)``.
public struct ElementStep: Sendable {
  /// What a step reads.
  public enum Operand: Sendable {
    /// As many numbers as the chain runs on.
    case numbers(Int)
    /// One number that stands for all.
    case one(Int)
  }

  fileprivate let step: adapt_step

  /// The result lies at `into`, which may be the operand.
  public init(_ kernel: UnaryKernel, _ x: Int, into: Int) {
    step = adapt_step(
      kind: kernel.rawValue, is_binary: 0, a: x, b: x, into: into, a_step: 1, b_step: 1)
  }

  /// The result lies at `into`, which may be the place of numbers that the step reads.
  public init(_ kernel: BinaryKernel, _ a: Operand, _ b: Operand, into: Int) {
    step = adapt_step(
      kind: kernel.rawValue, is_binary: 1, a: a.place, b: b.place, into: into, a_step: a.step,
      b_step: b.step)
  }
}

extension ElementStep.Operand {
  /// Its number.
  public var place: Int {
    switch self {
    case .numbers(let place), .one(let place): place
    }
  }

  fileprivate var step: Int {
    if case .numbers = self { 1 } else { 0 }
  }
}

extension CPU {
  /// Runs the steps one behind the other on `count` numbers in the calling thread. Every place that a
  /// step names must have memory.
  public func run(
    _ chain: [ElementStep], places: UnsafePointer<UnsafeMutablePointer<Float>?>, count: Int
  ) {
    chain.withUnsafeBufferPointer { chain in
      chain.withMemoryRebound(to: adapt_step.self) {
        kernels.steps($0.baseAddress, $0.count, places, count)
      }
    }
  }
}

extension UnaryKernel {
  fileprivate var grain: Int {
    switch self {
    case .exp, .log, .tanh, .sigmoid, .gelu, .silu, .sin, .cos, .erf: CPU.heavyGrain
    default: CPU.elementGrain
    }
  }
}

extension BinaryKernel {
  fileprivate var grain: Int { self == .power ? CPU.heavyGrain / 4 : CPU.elementGrain }
}

extension Operand {
  /// Whether the operand is one run of elements, or one element, whatever the rows are.
  fileprivate var isFlat: Bool { broadcast == .full || broadcast == .scalar }

  /// The same operand in its flattest form: with one row or one column, some forms coincide.
  fileprivate func narrowed(_ rows: Int, _ columns: Int) -> Operand {
    switch broadcast {
    case .row where rows == 1, .column where columns == 1: Operand(pointer, .full)
    case .row where columns == 1, .column where rows == 1: Operand(pointer, .scalar)
    default: self
    }
  }

  /// The operand from row `row` on (from element `row` on, when `rowLength` is 0).
  fileprivate func kernelOperand(at row: Int, rowLength: Int) -> adapt_operand {
    switch broadcast {
    case .full where rowLength == 0:
      adapt_operand(p: pointer + row, row_step: 0, column_step: 1)
    case .full:
      adapt_operand(p: pointer + row * rowLength, row_step: rowLength, column_step: 1)
    case .row: adapt_operand(p: pointer, row_step: 0, column_step: 1)
    case .column: adapt_operand(p: pointer + row, row_step: 1, column_step: 0)
    case .scalar: adapt_operand(p: pointer, row_step: 0, column_step: 0)
    }
  }
}
