import AdaptGraph
import AdaptSyntax

/// `cascade each U { small { … } accept when C  big { … } }`: the first answer that is accepted counts.
final class CascadeForm: SiteForm {
  struct Stage {
    let name: String
    let body: Closure
    /// Nil for the last one, whose answers are taken as they are.
    let acceptance: Decider?
  }

  let unit: Identifier
  let stages: [Stage]

  init(_ unit: Identifier, _ stages: [Stage]) {
    self.unit = unit
    self.stages = stages
  }

  var scope: String { "cascade" }

  func apply(
    to input: SymbolicTensor, _ trace: Trace, _ interpreter: Interpreter, at span: Span
  ) throws -> Value {
    let units = try interpreter.units(unit, of: input, trace)
    let output = try answer(0, units, trace, interpreter, at: span)
    return try interpreter.sum([output].compactMap { $0 }, units, trace, at: span)
  }

  /// The units that are here of those that were there.
  private func here(
    _ units: Units, _ trace: Trace, _ interpreter: Interpreter, at span: Span
  ) throws -> Units {
    let x = try interpreter.aligned(units.value, trace, at: span)
    guard units.axis == nil else {
      return Units(
        rows: trace.graph.type(x).rows ?? units.rows, value: x, name: units.name, axis: units.axis,
        axes: units.axes)
    }
    let input = SymbolicTensor(content: .value(x), trace: trace, axes: units.axes)
    return try interpreter.units(units.name, of: input, trace)
  }

  /// What a stage answers, and for those whose answer is not accepted what the stages behind it do.
  private func answer(
    _ number: Int, _ units: Units, _ trace: Trace, _ interpreter: Interpreter, at span: Span
  ) throws -> ValueID? {
    let stage = stages[number]
    let output = try interpreter.run(stage.body, stage.name, on: units.value, trace)
    guard let acceptance = stage.acceptance, number + 1 < stages.count else { return output }
    guard let output else {
      throw interpreter.failure(
        .wrongValue, "'\(stage.name)' gives nothing that could be accepted", at: span)
    }
    // Whoever left inside of the stage is asked no more.
    let units = try here(units, trace, interpreter, at: span)
    let stop = Stop(.stage, of: trace.place, number: number)
    let site = try trace.inside("\(stage.name)Accept", place: "\(stage.name).accept") {
      let question = Question(
        name: trace.siteName(), units: units, paths: 1, hasElse: true, rule: .above(0.5),
        stop: stop)
      return try interpreter.decide(
        acceptance, question,
        { try interpreter.quantities(of: output, trace, at: span) }, trace)
    }
    let accepted = try interpreter.takePath(site, stage.name, [output], trace, at: span) { $0[0] }
    let next = try interpreter.takePath(
      site, stages[number + 1].name, [units.value], trace, at: span
    ) { brought in
      let inner = Units(
        rows: units.rows, value: brought[0], name: units.name, axis: units.axis, axes: units.axes)
      return try answer(
        number + 1, try here(inner, trace, interpreter, at: span), trace, interpreter, at: span)
    }
    return try interpreter.traced(at: span) {
      try interpreter.joinPaths(site, [accepted, next], trace, at: span)
    }
  }
}
