import AdaptRuntime
import AdaptSyntax

// Data: texts, their bytes and windows of them, and tables of a script's own.

extension Interpreter {
  static var dataFunctions: [NativeFunction] {
    [
      NativeFunction("text", ["path"]) { call in
        let path = try call.string(0)
        let bytes = try call.interpreter.read(path, at: call.span(0))
        return .object(TextData(path: path, bytes: bytes))
      },
      NativeFunction(
        "data",
        [
          "inputs", .optional("targets"), .optional("weights"), .optional("split", .number(0.1)),
          .optional("sequences"),
        ]
      ) { try $0.interpreter.data($0) },
    ]
  }

  /// The bytes of a file that the host grants.
  func read(_ path: String, at span: Span) throws -> [UInt8] {
    if isDryRun, pretendedFiles.contains(path) { throw UnknownReached() }
    do { return try host.read(path) } catch let error as HostError {
      throw fileFailure(error, path, at: span)
    }
  }

  /// Writes a file; in a dry run it only counts as written.
  func write(_ bytes: [UInt8], to path: String, at span: Span) throws {
    guard !isDryRun else {
      pretendedFiles.insert(path)
      return
    }
    do { try host.write(path, bytes) } catch let error as HostError {
      throw fileFailure(error, path, at: span)
    }
  }
}

/// `text("bible.txt")`.
final class TextData: ScriptObject {
  let path: String
  let bytes: [UInt8]

  init(path: String, bytes: [UInt8]) {
    self.path = path
    self.bytes = bytes
  }

  var typeName: String { "a text" }
  var memberNames: [String] { ["bytes", "count"] }
  var text: String { "text \(path): \(bytes.count) bytes" }

  func member(_ name: String) -> Value? {
    switch name {
    case "count": return .int(bytes.count)
    case "bytes":
      return .function(
        Function(NativeFunction("bytes", []) { _ in .object(ByteData(of: self)) }))
    default: return nil
    }
  }
}

/// `text(…).bytes()`: a text as numbers from 0 to 255.
final class ByteData: ScriptObject {
  let source: TextData

  init(of source: TextData) { self.source = source }

  var typeName: String { "bytes" }
  var memberNames: [String] { ["windows", "count", "toList"] }
  var text: String { "\(source.bytes.count) bytes of \(source.path)" }

  func member(_ name: String) -> Value? {
    switch name {
    case "count": return .int(source.bytes.count)
    case "windows":
      return .function(
        Function(NativeFunction("windows", ["length"]) { call in try self.windows(call) }))
    case "toList":
      return .function(
        Function(
          NativeFunction("toList", []) { [source] call in
            try call.interpreter.checkSize(source.bytes.count, at: call.span)
            return try call.list(source.bytes.map { .int(Int($0)) })
          }))
    default: return nil
    }
  }

  private func windows(_ call: Call) throws -> Value {
    let length = try call.int(0, in: 1...1_000_000)
    do {
      return .object(
        WindowData(try ByteWindows(bytes: source.bytes, length: length), path: source.path))
    } catch let error as RuntimeError {
      throw call.interpreter.failure(.dataEmpty, error.description, at: call.span(0))
    }
  }
}

/// `….windows(128)`: what a language model is trained on.
public final class WindowData: ScriptObject {
  public let windows: ByteWindows
  let path: String

  init(_ windows: ByteWindows, path: String) {
    self.windows = windows
    self.path = path
  }

  public var typeName: String { "a data set" }
  public var memberNames: [String] { ["train", "valid"] }
  public var text: String {
    "\(path) in windows of \(windows.train.length) bytes: "
      + "\(windows.train.windows) to train on, \(windows.valid.windows) held out"
  }

  public func member(_ name: String) -> Value? {
    switch name {
    case "train": .object(SplitData(windows.train))
    case "valid": .object(SplitData(windows.valid))
    default: nil
    }
  }
}

/// `book.train`, `book.valid`.
public final class SplitData: ScriptObject {
  public let split: any Dataset

  init(_ split: any Dataset) { self.split = split }

  public var typeName: String { "a split of data" }
  public var memberNames: [String] {
    ["name", "count"] + (split is ByteSplit ? ["length"] : [])
  }
  public var text: String { "\(split.name): \(split.unitText)" }

  public func member(_ name: String) -> Value? {
    switch name {
    case "name": .string(split.name)
    case "count": .int(split.count)
    case "length": (split as? ByteSplit).map { .int($0.length) }
    default: nil
    }
  }
}

extension Dataset {
  /// `12 windows of 8 bytes`, `900 samples`.
  var unitText: String {
    if let bytes = self as? ByteSplit { return "\(count) windows of \(bytes.length) bytes" }
    let unit = format.input.grouping ?? format.input.label
    return count == 1 ? "1 \(unit)" : "\(count) \(unit)s"
  }
}
