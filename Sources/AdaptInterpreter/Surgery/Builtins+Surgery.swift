import AdaptSyntax

// What scripts call to look into a model and to change it.

extension Interpreter {
  /// Functions that are called behind a model with a point only.
  static var accessFunctions: [NativeFunction] {
    [
      NativeFunction(
        "parameter", ["model", "path"],
        documentation: """
          The values of one parameter as a tensor: `lm.parameter("linear.weight")`. E0306 when the
          model has none of that path.
          """
      ) { try $0.interpreter.parameterValue($0) },
      NativeFunction(
        "parameters", ["model", .optional("path", .string("**"))],
        documentation: """
          A record for each parameter that a path or glob names, or that is inside of a layer it
          names: name, shape, count, frozen, and the parameter it shares, or none. In a glob `*`
          stands for any part of a name or index, `**` for any number of names.
          """
      ) { try $0.interpreter.listParameters($0) },
      NativeFunction(
        "layer", ["model", "path"],
        documentation: """
          A layer inside of the model, to be applied elsewhere; `model["path"]` is the same. It
          starts from the values it has in the model now, and is trained by itself from then on.
          """
      ) { call in
        .flow(
          try call.interpreter.sublayer(
            of: try call.model(0), try call.string(1), at: call.span(1)))
      },
      NativeFunction(
        "layers", ["model", .optional("path", .string("**"))],
        documentation: """
          A record for each layer, route and path of a route that a path or glob names: path, kind,
          the shapes it takes and gives, and how many parameters it has of its own.
          """
      ) { try $0.interpreter.listLayers($0) },
      NativeFunction(
        "sites", ["model", .optional("path", .string("**"))],
        documentation: """
          A record for each place where the model decides: path, unit, router and paths.
          """
      ) { try $0.interpreter.listSites($0) },
    ]
  }

  /// Functions that change a model in place and give it back.
  static var surgeryFunctions: [NativeFunction] {
    [
      NativeFunction(
        "replace", ["model", "path", "with"],
        documentation: """
          Puts another layer at the places of a model that a path or glob names, and gives the model.
          Each place gets parameters of its own, which start afresh; all others keep their values. A
          function as `with` is given each path and makes the layer for it. The model itself is
          changed: `copy(model)` makes another one first. E0301 when the layer does not fit.
          ```
          \(example)
          replace(lm, "blocks[*].ffn", with: FFN(4))
          replace(lm, "blocks[0].ffn", with: { path in FFN(path.count) })
          ```
          """
      ) { try $0.interpreter.replace($0) },
      NativeFunction(
        "freeze", ["model", "path"],
        documentation: """
          Lets training leave the parameters alone that a path or glob names, or that are inside of
          the layers it names, and gives the model. They get no gradient and no update; a shared one
          is frozen wherever it is used.
          ```
          \(example)
          freeze(lm, "embedding")
          freeze(lm, "**.bias")
          ```
          """
      ) { try $0.interpreter.freeze($0, true) },
      NativeFunction(
        "unfreeze", ["model", .optional("path", .string("**"))],
        documentation: """
          Lets training change again what `freeze` has frozen, and gives the model.
          ```
          \(example)
          freeze(lm, "**")
          unfreeze(lm, "blocks[1]")
          ```
          """
      ) { try $0.interpreter.freeze($0, false) },
      NativeFunction(
        "share", ["model", "path", "with"],
        documentation: """
          Makes the layers or parameters that a path or glob names use the parameters of another one,
          and gives the model. What is shared gets the sum of the gradients of all its places. E0301
          when the shapes differ.
          ```
          \(example)
          share(lm, "blocks[1].ffn", with: "blocks[0].ffn")
          share(lm, "blocks[*].norm.shift", with: "blocks[0].norm.shift")
          ```
          """
      ) { try $0.interpreter.share($0) },
      NativeFunction(
        "copy", ["model"],
        documentation: """
          A model of its own that begins with all that this one has: its values, and what was
          replaced, frozen and shared in it.
          ```
          \(example)
          let other = copy(lm).freeze("embedding")
          ```
          """
      ) { try $0.interpreter.copyModel($0) },
      NativeFunction(
        "setParameter", ["model", "path", "values"],
        documentation: """
          Sets the values of one parameter to a tensor or list of its shape, and gives the model.
          ```
          \(example)
          setParameter(lm, "blocks[0].norm.gain", [2, 2, 2, 2])
          ```
          """
      ) { try $0.interpreter.setParameter($0) },
    ]
  }

  /// The model that the examples change.
  private static var example: String {
    """
    layer Block() { residual { Norm() >> FFN(8) } }
    model LM() {
      Embedding(256, 4)
      repeat 2 { Block() }
      Linear(256)
    }
    let lm = LM()
    """
  }
}
