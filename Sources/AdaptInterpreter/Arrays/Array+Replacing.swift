import AdaptGraph
import AdaptSyntax
import AdaptTensor

// Tensors never change: what is assigned to a part makes a new one.

extension Interpreter {
  /// The tensor with other numbers where the subscripts point. They are broadcast to what is picked.
  /// - Throws: As ``subscriptArray(_:_:at:)``; E0301 for numbers that do not fit.
  package func replacingSubscript(
    _ array: ArrayValue, _ subscripts: [SubscriptArgument], with value: Value, at span: Span
  ) throws -> ArrayValue {
    if case .tensor = value {
      throw wrongType(
        "numbers of a tensor cannot be replaced by traced ones", at: span,
        hint: "where(mask, a, b) and concat(…) make new tensors")
    }
    let unknown = ArrayValue(unknown: array.type, axes: array.axes)
    guard let picked = try picked(of: array, subscripts, at: span) else { return unknown }
    let numbers = try replacement(value, picked.dims, at: span)
    guard let tensor = array.tensor, !isDryRun else { return unknown }
    let changed = try runtime(at: span) { try tensor.replacing(picked.places, with: numbers) }
    return ArrayValue(changed, axes: array.axes)
  }

  /// Which places of the whole tensor the subscripts pick, none in a dry run, and the shape of what is
  /// picked; nil when a mask is not known yet.
  private func picked(
    of array: ArrayValue, _ subscripts: [SubscriptArgument], at span: Span
  ) throws -> (places: [Int], dims: [Int])? {
    if subscripts.count == 1, case .mask(let mask) = subscripts[0].value, mask.shape.count > 1 {
      guard mask.shape == array.shape else {
        throw failure(
          .wrongShape, "a mask \(mask.shapeText) does not fit \(array.shapeText)", at: span)
      }
      return mask.truePlaces.map { ($0, [$0.count]) }
    }
    let operand = TensorOperand(source: .array(array), type: array.type, axes: array.axes)
    guard let picks = try picks(subscripts, operand, at: span) else { return nil }
    let dims = zip(picks, array.shape).compactMap { pick, size -> Int? in
      if case .index = pick { return nil }
      return pick.places(size).count
    }
    return (isDryRun ? [] : flatPlaces(picks, array.shape), dims)
  }

  /// The numbers of a value, broadcast to what is picked; none in a dry run.
  private func replacement(_ value: Value, _ dims: [Int], at span: Span) throws -> [Double] {
    try checkTensor(TensorType(dims), at: span)
    let operand = try self.operand(value, at: span)
    if case .number(let number) = operand.source {
      return Array(repeating: number, count: isDryRun ? 0 : dims.reduce(1, *))
    }
    let wide = try compute([operand], keepsIntegers: true, at: span) {
      try $0.spread($1[0], to: dims)
    }
    if case .array(let array) = wide { return array.doubles }
    return []
  }

  /// The picked places in row-major order of the whole tensor.
  private func flatPlaces(_ picks: [AxisPick], _ shape: [Int]) -> [Int] {
    zip(picks, shape).reduce([0]) { places, axis in
      let own = axis.0.places(axis.1)
      return places.flatMap { place in own.map { place * axis.1 + $0 } }
    }
  }
}

extension Tensor {
  /// The tensor with other numbers at these places, one for each.
  fileprivate func replacing(_ places: [Int], with numbers: [Double]) throws -> Tensor {
    var changed = self
    switch elementType {
    case .float32:
      try changed.withMutableFloats { floats in
        for (place, number) in zip(places, numbers) { floats[place] = Float(number) }
      }
      return changed
    case .int32:
      var integers = try integers
      for (place, number) in zip(places, numbers) {
        // As a conversion does: toward zero, into the range, NaN as 0.
        let whole = number.isNaN ? 0 : max(-0x1p31, min(0x1p31 - 1, number))
        integers[place] = Int32(whole)
      }
      return try Tensor(shape, integers: integers)
    }
  }
}
