import AdaptSyntax

// Bodies that run later.

extension Compiler {
  // MARK: Functions

  /// A function or closure.
  func compileClosure(
    _ name: String, _ parameters: [Parameter], _ body: Block, hasObjectiveNames: Bool = false,
    _ span: Span
  ) -> Code {
    compileCode(name, parameters, .function, span) { code in
      self.function.hasObjectiveNames = hasObjectiveNames
      code.body = self.compile(body)
      code.lastSpan = body.statements.last?.span ?? body.span
    }
  }

  /// Code whose parameters stand in its first slots.
  func compileCode(
    _ name: String, _ parameters: [Parameter], _ kind: FunctionScope.Kind, _ span: Span,
    _ fill: (Code) -> Void
  ) -> Code {
    let code = Code(name: name, span: span, graveyard: graveyard)
    functions.append(FunctionScope(kind))
    _ = scoped {
      code.parameters = compile(parameters)
      code.isPlain = parameters.allSatisfy { $0.pattern == nil }
      fill(code)
    }
    let scope = functions.removeLast()
    code.slotCount = scope.slotCount
    code.captures = scope.captures
    code.returns = scope.returns
    return code
  }

  /// A default sees the parameters before it.
  private func compile(_ parameters: [Parameter]) -> [ParameterCode] {
    let slots = parameters.map { _ in function.newSlot() }
    return zip(parameters, slots).map { parameter, slot in
      let defaultValue = parameter.defaultValue.map { compile($0) }
      let pattern = parameter.pattern.map { compile($0) }
      if pattern == nil {
        function.blocks.last?.variables[parameter.name.text] = Variable(
          parameter.name, .slot(slot), isMutable: false, isBound: true)
      }
      return ParameterCode(
        name: parameter.name, slot: slot, defaultValue: defaultValue, pattern: pattern)
    }
  }

  // MARK: Flows

  /// A block whose lines are applied to what flows through it.
  func compileFlow(_ name: String, _ body: Block) -> Code {
    compileCode(name, [], .flow, body.span) { code in self.fillFlow(code, body) }
  }

  func fillFlow(_ code: Code, _ body: Block) {
    let slot = function.newSlot()
    code.flowSlot = slot
    code.single = compileSingle(body)
    code.body = compile(body, .flow(slot))
    code.lastSpan = body.statements.last?.span ?? body.span
  }

  /// The call that a body consists of, when it is one of a name.
  private func compileSingle(_ body: Block) -> Code.Single? {
    guard body.statements.count == 1, case .expression(let line) = body.statements[0].kind else {
      return nil
    }
    if case .recompute(let inner) = line.kind {
      var single = compileSingle(inner)
      single?.recomputed = line.span
      return single
    }
    guard case .call(let callee, _, _) = line.kind, case .name = callee.kind else { return nil }
    // What is wrong with it is reported once, with the body.
    let known = diagnostics
    defer { diagnostics = known }
    return Code.Single(callee: compile(callee), line: compile(line))
  }

  /// A form between braces.
  func compileForm(_ expression: Expression) -> CodeNode {
    let span = expression.span
    switch expression.kind {
    case .residual(let body):
      return WrappedFlowNode(compileFlow("residual", body), as: Flow.Kind.residual, span)
    case .recompute(let body):
      return WrappedFlowNode(compileFlow("recompute", body), as: Flow.Kind.recompute, span)
    case .parallel(let branches, let join):
      let codes = branches.map { branch in
        compileCode("parallel", [], .flow, branch.span) { $0.body = self.compile(branch) }
      }
      return ParallelNode(codes, join: join, span)
    case .repeated(let count, let body):
      return RoundsNode(compile(count), compileFlow("repeat", body), isLoop: false, span)
    default: return compileSite(expression)
    }
  }

  // MARK: Declarations

  func compileDeclaration(_ statement: Statement) -> CodeNode {
    guard let name = Compiler.declared(statement) else { return CodeNode(statement.span) }
    let make = maker(of: statement)
    // Bound behind its body, so that a body inside a block shares the name with the block.
    return DeclarationNode(bind(name), statement.span, make)
  }

  private func maker(of statement: Statement) -> (Frame) -> Value {
    let documentation = statement.documentation
    func function(_ name: Identifier, _ kind: @escaping (Frame) -> Function.Kind)
      -> (Frame) -> Value
    {
      { frame in
        .function(
          Function(
            kind(frame), name: name.text, documentation: documentation, span: name.span))
      }
    }
    switch statement.kind {
    case .function(let declaration):
      let code = compileClosure(
        declaration.name.text, declaration.parameters, declaration.body, declaration.name.span)
      return function(declaration.name) { .script(Closure(code, $0)) }
    case .layer(let declaration):
      let layer = compile(declaration)
      return function(declaration.name) { .layer(layer, Closure(layer.code, $0)) }
    case .router(let declaration):
      let router = compile(declaration)
      return function(declaration.name) { .router(router, Closure(router.code, $0)) }
    case .optimizer(let declaration):
      let optimizer = compileOptimizer(declaration)
      return function(declaration.name) { .optimizer(optimizer, Closure(optimizer.code, $0)) }
    case .objective(let name, let body):
      let code = compileClosure(name.text, [], body, hasObjectiveNames: true, body.span)
      return { .object(Objective(name: name.text, body: Closure(code, $0))) }
    default: return { _ in .none }
    }
  }

  // MARK: Layers

  private func compile(_ layer: LayerDeclaration) -> LayerCode {
    var signature: SignatureCode?
    let kind: FunctionScope.Kind = layer.signature == nil ? .flow : .function
    let code = compileCode(layer.name.text, layer.parameters, kind, layer.body.span) { code in
      guard let declared = layer.signature else { return self.fillFlow(code, layer.body) }
      signature = self.compile(declared)
      code.body = self.compile(layer.body)
      code.lastSpan = layer.body.statements.last?.span ?? layer.body.span
    }
    return LayerCode(
      isModel: layer.isModel, name: layer.name, code: code, signature: signature)
  }

  /// The names of sizes are bound before expressions of sizes are read.
  private func compile(_ signature: Signature) -> SignatureCode {
    let input = slot(of: declare(signature.input))
    let axes = signature.inputShape + (signature.outputShape ?? [])
    for axis in axes {
      if case .name(let name) = axis.kind, !Interpreter.rowLabels.contains(name),
        function.blocks.last?.variables[name] == nil
      {
        declare(Identifier(name, span: axis.span))
      }
    }
    declareOpenNames(signature.inputShape)
    return SignatureCode(
      input: signature.input, inputSlot: input,
      inputShape: signature.inputShape.map { compile($0) },
      outputShape: signature.outputShape?.map { compile($0) }, span: signature.span)
  }

  private func compile(_ axis: Axis) -> AxisCode {
    let kind: AxisCode.Kind =
      switch axis.kind {
      case .rest: .rest
      case .name(let name):
        .name(name, slot: function.blocks.last?.variables[name].map { slot(of: $0) })
      case .size(let size): .size(compileSize(size))
      }
    return AxisCode(kind: kind, span: axis.span)
  }

  // MARK: Optimizers

  private func compileOptimizer(_ declaration: FunctionDeclaration) -> OptimizerCode {
    var inputs: [Int] = []
    let name = declaration.name
    let code = compileCode(name.text, declaration.parameters, .function, name.span) { code in
      inputs = ["parameter", "gradient", "step"].map {
        self.slot(of: self.declare(Identifier($0, span: name.span)))
      }
      code.body = self.compile(declaration.body)
      code.lastSpan = declaration.body.statements.last?.span ?? declaration.body.span
    }
    return OptimizerCode(
      name, code, parameter: inputs[0], gradient: inputs[1], step: inputs[2])
  }
}
