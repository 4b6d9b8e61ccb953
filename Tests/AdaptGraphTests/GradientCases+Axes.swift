import AdaptGraph
import Testing

// Ops of any rank, and derivatives of derivatives.

extension GradientCase {
  private static let shapes: [Shape] = [.once(2, 3), .once(2, 2, 3), .rows(2, 3), .rows(4)]

  static let axes: [GradientCase] =
    permutations + broadcasting + axisReductions + picks + batchProducts + composed

  static let permutations: [GradientCase] = [
    (Shape.once(2, 3), [1, 0]), (.once(2, 3, 2), [2, 0, 1]), (.once(2, 1, 3, 2), [3, 1, 0, 2]),
    (.rows(2, 3), [1, 0]), (.rows(2, 2, 3), [1, 2, 0]), (.once(2, 3), [0, 1]),
  ].map { shape, axes in
    GradientCase(.permute, "\(shape) \(axes)") { bench in
      let x = try bench.input("x", shape)
      return try bench.add(.permute(axes), x)
    }
  }

  static let broadcasting: [GradientCase] = [
    (Shape.once(3), [2, 3]), (.once(2, 1), [2, 3]), (.once(), [2, 2]), (.once(1, 3), [4, 2, 3]),
    (.rows(1, 3), [2, 3]), (.rows(), [2]), (.once(2, 1, 2, 1), [2, 3, 2, 2]),
  ].map { shape, dims in
    GradientCase(.broadcast, "\(shape) to \(dims)") { bench in
      let x = try bench.input("x", shape)
      return try bench.add(.broadcast(dims), x)
    }
  }

  static let axisReductions: [GradientCase] = shapes.flatMap { shape in
    shape.dims.indices.flatMap { axis in
      [Reduction.sum, .mean, .product, .maximum, .minimum].map { reduction in
        GradientCase(.reduce, "\(reduction.rawValue) of \(shape) along \(axis)") { bench in
          let x = try bench.input("x", shape)
          return try bench.add(.reduce(reduction, axis: axis), x)
        }
      }
        + [false, true].map { reversed in
          GradientCase(.cumulativeSum, "\(shape) along \(axis), reversed \(reversed)") { bench in
            let x = try bench.input("x", shape)
            return try bench.add(.cumulativeSum(axis: axis, reversed: reversed), x)
          }
        }
    }
  }

  static let picks: [GradientCase] = shapes.flatMap { shape in
    shape.dims.indices.flatMap { axis in
      [
        GradientCase(.take, "\(shape) along \(axis), one twice, one never") { bench in
          let x = try bench.input("x", shape)
          return try bench.add(.take(axis: axis), x, bench.places("index", [1, 0, 1]))
        },
        GradientCase(.put, "\(shape) along \(axis), two at one place") { bench in
          let x = try bench.input("x", shape)
          let index = Array([3, 1, 3, 0].prefix(shape.dims[axis]))
          return try bench.add(.put(axis: axis, size: 5), x, bench.places("index", index))
        },
      ]
    } + [
      GradientCase(.select, "\(shape)") { bench in
        let a = try bench.input("a", shape)
        let b = try bench.input("b", shape)
        let mask = try bench.add(.binary(.greater), a, bench.input("limit", Shape.once()))
        return try bench.add(.select, mask, a, b)
      },
      GradientCase(.convert, "\(shape) to what it is") { bench in
        let x = try bench.input("x", shape)
        return try bench.add(.convert(.float32), x)
      },
    ]
  }

  static let batchProducts: [GradientCase] = [
    (false, false), (false, true), (true, false), (true, true),
  ]
  .flatMap { a, b in
    [Shape.once(2), .once(2, 3), .rows(), .rows(2)].map { lead in
      GradientCase(.batchMatmul, "\(a ? "T" : "N")\(b ? "T" : "N") at \(lead)") { bench in
        let (m, k, n) = (2, 3, 4)
        let left = try bench.input(
          "a", Shape(hasRows: lead.hasRows, dims: lead.dims + (a ? [k, m] : [m, k])))
        let right = try bench.input(
          "b", Shape(hasRows: lead.hasRows, dims: lead.dims + (b ? [n, k] : [k, n])))
        return try bench.add(.batchMatmul(transposeA: a, transposeB: b), left, right)
      }
    }
  }

  /// What is made of several ops: general broadcasting, slices and joins along any axis, products.
  static let composed: [GradientCase] = [
    GradientCase(.broadcast, "multiply [2, 1, 3] and [4, 1]") { bench in
      let a = try bench.input("a", [2, 1, 3])
      let b = try bench.input("b", [4, 1])
      return try bench.graph.elementwise(.multiply, a, b)
    },
    GradientCase(.broadcast, "multiply rows [2, 3] and [3]") { bench in
      let a = try bench.input("a", Shape.rows(2, 3))
      let b = try bench.input("b", [3])
      return try bench.graph.elementwise(.multiply, a, b)
    },
    GradientCase(.reshape, "divide [2, 2, 3] and [2, 3]") { bench in
      let a = try bench.input("a", [2, 2, 3])
      return try bench.graph.elementwise(.divide, a, bench.input("b", [2, 3]))
    },
    GradientCase(.reshape, "divide [1, 1, 3] and [2, 2, 3]") { bench in
      let a = try bench.input("a", [1, 1, 3])
      return try bench.graph.elementwise(.divide, a, bench.input("b", [2, 2, 3]))
    },
    GradientCase(.reshape, "divide [2, 2, 3] and [2, 2, 1]") { bench in
      let a = try bench.input("a", [2, 2, 3])
      return try bench.graph.elementwise(.divide, a, bench.input("b", [2, 2, 1]))
    },
    GradientCase(.reshape, "divide [2, 1, 1] and [2, 2, 3]") { bench in
      let a = try bench.input("a", [2, 1, 1])
      return try bench.graph.elementwise(.divide, a, bench.input("b", [2, 2, 3]))
    },
    GradientCase(.slice, "middle axis") { bench in
      try bench.graph.sliced(bench.input("x", [2, 4, 3]), axis: 1, start: 1, count: 2)
    },
    GradientCase(.concat, "first axis") { bench in
      let a = try bench.input("a", [1, 3])
      let b = try bench.input("b", [2, 3])
      return try bench.graph.joined([a, b, a], axis: 0)
    },
    GradientCase(.reduce, "product over two axes apart") { bench in
      let x = try bench.input("x", [2, 3, 2])
      return try bench.graph.reduced(.product, x, axes: [0, 2], keep: false)
    },
    GradientCase(.select, "broadcast choice over rows") { bench in
      let a = try bench.input("a", Shape.rows(2, 3))
      let b = try bench.input("b", [2, 1])
      let mask = try bench.add(.binary(.greater), a, bench.graph.constant(0))
      return try bench.graph.choice(mask, a, b)
    },
    GradientCase(.matmul, "many rows by one matrix") { bench in
      try bench.graph.product(bench.input("a", [2, 2, 3]), bench.input("b", [3, 2]))
    },
    GradientCase(.batchMatmul, "leading axes broadcast") { bench in
      try bench.graph.product(bench.input("a", [2, 1, 2, 3]), bench.input("b", [4, 3, 2]))
    },
    GradientCase(.batchMatmul, "rows of matrices by one matrix") { bench in
      let a = try bench.input("a", Shape.rows(2, 3))
      return try bench.graph.product(a, bench.input("b", [3, 2]))
    },
    GradientCase(.matmul, "a vector by a matrix") { bench in
      try bench.graph.product(bench.input("a", [3]), bench.input("b", [3, 2]))
    },
    GradientCase(.matmul, "a matrix by a vector") { bench in
      try bench.graph.product(bench.input("a", [2, 3]), bench.input("b", [3]))
    },
    GradientCase(.matmul, "two vectors") { bench in
      try bench.graph.product(bench.input("a", [3]), bench.input("b", [3]))
    },
    GradientCase(.logLoss, "without rows") { bench in
      let logits = try bench.input("logits", [3, 4])
      return try bench.add(.logLoss, logits, bench.places("targets", [0, 3, 1]))
    },
    GradientCase(.normalize, "through its deviation too") { bench in
      let outputs = try bench.graph.add(
        .normalize(.layer, epsilon: 0.01), [bench.input("x", [2, 3])])
      return try bench.add(
        .binary(.multiply), outputs[0], bench.add(.expandColumns(count: 3, mean: false), outputs[1])
      )
    },
  ]

  // MARK: Second order

  /// The gradient of what `build` gives, as the value whose gradient is tested.
  private static func derivative(
    _ kind: OpKind, _ name: String, _ build: @escaping @Sendable (inout Bench) throws -> ValueID
  ) -> GradientCase {
    GradientCase(kind, "second order of \(name)") { bench in
      let loss = try bench.weighted(build(&bench), "first")
      let x = try #require(bench.variables.first).value
      return try #require(try bench.graph.gradient(of: loss, withRespectTo: [x])[0])
    }
  }

  static let secondOrder: [GradientCase] =
    Unary.allCases.map { function in
      derivative(.unaryGradient, function.rawValue) { bench in
        let x = try bench.input(
          "x", bench.addRows([2, 1]), [3], positive: [.log, .sqrt].contains(function))
        return try bench.add(.unary(function), x)
      }
    }
    + [Shape.rows(3), .once(2, 3), .rows(2, 3)].flatMap { shape in
      [
        derivative(.softmaxGradient, "softmax \(shape)") { bench in
          try bench.add(.softmax, bench.input("x", shape))
        },
        derivative(.normalizeGradient, "layer \(shape)") { bench in
          try bench.add(.normalize(.layer, epsilon: 0.1), bench.input("x", shape))
        },
        derivative(.normalizeGradient, "rms \(shape)") { bench in
          try bench.add(.normalize(.rms, epsilon: 0.1), bench.input("x", shape))
        },
      ]
    }
    + [
      derivative(.logLossGradient, "log loss") { bench in
        let rows = bench.addRows([2, 1])
        let logits = try bench.input("logits", rows, [3])
        let losses = try bench.add(.logLoss, logits, bench.ints("targets", rows, [0, 2, 1]))
        return try bench.add(.unary(.square), losses)
      },
      derivative(.logLossGradient, "log loss without rows") { bench in
        let logits = try bench.input("logits", [2, 3])
        let losses = try bench.add(.logLoss, logits, bench.places("targets", [2, 0]))
        return try bench.add(.unary(.square), losses)
      },
      derivative(.reduce, "product") { bench in
        try bench.add(.reduce(.product, axis: 1), bench.input("x", [2, 3]))
      },
      derivative(.batchMatmul, "x @ x") { bench in
        let x = try bench.input("x", [2, 2, 2])
        return try bench.add(.batchMatmul(transposeA: false, transposeB: true), x, x)
      },
      derivative(.binary, "power") { bench in
        let x = try bench.input("x", Shape.once(2, 3), positive: true)
        return try bench.add(.binary(.power), x, bench.graph.constant(3))
      },
      derivative(.matmul, "a small network") { bench in
        let x = try bench.input("x", [2, 3])
        let hidden = try bench.add(.unary(.gelu), bench.graph.product(x, bench.input("w", [3, 4])))
        let turned = try bench.add(.permute([1, 0]), hidden)
        return try bench.graph.reduced(.mean, bench.add(.softmax, turned), axes: [0], keep: true)
      },
    ]
}

extension Bench {
  /// Integers without rows.
  mutating func places(_ name: String, _ values: [Int]) throws -> ValueID {
    inputs[name] = ReferenceTensor([values.count], values.map(Double.init))
    return try graph.add(.input(name, TensorType([values.count], .int32)))
  }
}
