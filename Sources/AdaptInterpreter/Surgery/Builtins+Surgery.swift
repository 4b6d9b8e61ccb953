import AdaptSyntax

// What scripts call to look into a model and to change it.

extension Interpreter {
  /// Functions that are called behind a model with a point only.
  static var accessFunctions: [NativeFunction] {
    [
      // The values of one parameter.
      NativeFunction("parameter", ["model", "path"]) { try $0.interpreter.parameterValue($0) },
      // A record for each parameter that the glob names, or that is inside of a layer it names: name,
      // shape, count, frozen, and the parameter it shares.
      NativeFunction("parameters", ["model", .optional("path", .string("**"))]) {
        try $0.interpreter.listParameters($0)
      },
      // A layer inside of the model, to be applied elsewhere. It starts from the values it has now and
      // is trained by itself then; `model["path"]` is the same.
      NativeFunction("layer", ["model", "path"]) { call in
        .flow(
          try call.interpreter.sublayer(
            of: try call.model(0), try call.string(1), at: call.span(1)))
      },
      // A record for each layer that the glob names: path, kind, what it takes and gives, and how many
      // parameters it has of its own.
      NativeFunction("layers", ["model", .optional("path", .string("**"))]) {
        try $0.interpreter.listLayers($0)
      },
      // A record for each site: path, unit, router and paths.
      NativeFunction("sites", ["model", .optional("path", .string("**"))]) {
        try $0.interpreter.listSites($0)
      },
    ]
  }

  /// Functions that change a model in place and give it back.
  static var surgeryFunctions: [NativeFunction] {
    [
      // Puts another layer at the places that the glob names. Each place gets parameters of its own,
      // which start afresh; the others keep their values. With a function, the layer is made for each
      // path.
      NativeFunction("replace", ["model", "path", "with"]) { try $0.interpreter.replace($0) },
      // Training leaves the parameters alone that the glob names, or that are inside of the layers it
      // names.
      NativeFunction("freeze", ["model", "path"]) { try $0.interpreter.freeze($0, true) },
      // Takes `freeze` back.
      NativeFunction("unfreeze", ["model", .optional("path", .string("**"))]) {
        try $0.interpreter.freeze($0, false)
      },
      // Makes the layers or parameters that the glob names use the parameters of another one.
      NativeFunction("share", ["model", "path", "with"]) { try $0.interpreter.share($0) },
      // A model of its own that begins with all this one has.
      NativeFunction("copy", ["model"]) { try $0.interpreter.copyModel($0) },
      // Sets the values of one parameter.
      NativeFunction("setParameter", ["model", "path", "values"]) {
        try $0.interpreter.setParameter($0)
      },
    ]
  }
}
