import AdaptGraph
import AdaptSyntax

// What every script can call. Functions of one area stand in a file of their own.

extension Interpreter {
  /// All native functions. Made for each interpreter, since closures cannot be shared by threads.
  static var builtins: [NativeFunction] {
    basicFunctions
      + repeatable(mathFunctions + tensorFunctions + sequenceFunctions + objectiveFunctions)
      + arrayFunctions + globalListFunctions + repeatable(initializers) + dataFunctions
      + modelFunctions
      + surgeryFunctions
  }

  /// Functions that do nothing but compute, so that models made of them come out the same each time.
  static func repeatable(_ functions: [NativeFunction]) -> [NativeFunction] {
    functions.map { function in
      var function = function
      function.isRepeatable = true
      return function
    }
  }

  /// Names that stand for a value.
  static var constants: [(String, Value)] {
    let nowhere = Span(start: 0, end: 0)
    return [
      ("pass", .flow(Flow(.pass, span: nowhere))),
      ("zero", .flow(Flow(.zero, span: nowhere))),
      ("pi", .number(Double.pi)),
    ]
  }

  private static var basicFunctions: [NativeFunction] {
    [
      NativeFunction("len", ["value"]) { call in
        if case .record(let record) = call[0] { return .int(record.fields.count) }
        if case .string(let text) = call[0] {
          try call.interpreter.charge(text.utf8.count / 16, at: call.span)
          return .int(text.count)
        }
        if case .range(let range) = call[0] { return .int(range.count) }
        if case .array(let array) = call[0], let count = array.shape.first { return .int(count) }
        return .int(try call.elements(0).count)
      },
      NativeFunction("string", ["value"]) { call in
        .string(try call.interpreter.display(call[0], at: call.span))
      },
      NativeFunction("int", ["value"], integer),
      NativeFunction("number", ["value"]) { call in
        if let number = call[0].asDouble { return .number(number) }
        guard case .string(let text) = call[0] else {
          throw call.wrongType(0, expected: "a number or a string")
        }
        guard let number = Double(text) else {
          throw call.wrongValue(0, "\"\(text)\" is no number")
        }
        return .number(number)
      },
      NativeFunction("fail", [.optional("message", .string("the script failed"))]) { call in
        let message = try call.interpreter.display(call[0], at: call.span)
        throw call.interpreter.failure(
          .failedByScript, message.isEmpty ? "the script failed" : message, at: call.span)
      },
      NativeFunction("assert", ["condition", .optional("message", .none)]) { call in
        if try call.bool(0) { return .none }
        let message: String
        if case .none = call[1] {
          message = "this should be true"
        } else {
          message = try call.interpreter.display(call[1], at: call.span)
        }
        throw call.interpreter.failure(
          .failedByScript, message.isEmpty ? "this should be true" : message, at: call.span)
      },
      NativeFunction("type", ["value"]) { call in
        let name = call[0].typeName
        let bare = name.split(separator: " ", maxSplits: 1).last.map(String.init) ?? name
        return .string(name.hasPrefix("a") && name.contains(" ") ? bare : name)
      },
    ]
  }

  /// `int(3.0)`, `int("12")`: only what is whole; floor and round make others whole.
  private static func integer(_ call: Call) throws -> Value {
    if let number = call[0].exactInt { return .int(number) }
    if let number = call[0].asDouble {
      throw call.wrongValue(
        0, "\(ValueWriter.text(number)) is not an integer", hint: "use floor(…) or round(…)")
    }
    guard case .string(let text) = call[0] else {
      throw call.wrongType(0, expected: "a number or a string")
    }
    guard let number = Int(text) else { throw call.wrongValue(0, "\"\(text)\" is no integer") }
    return .int(number)
  }

  /// How parameters start.
  private static var initializers: [NativeFunction] {
    func initializer(
      _ name: String, _ parameter: NativeFunction.Parameter,
      _ make: @escaping (Double) -> Initializer
    ) -> NativeFunction {
      NativeFunction(name, [parameter]) { call in
        .object(InitializerValue(make(try call.size(0))))
      }
    }
    return [initializer("normal", "deviation") { .normal($0) }, uniformFunction]
  }
}
