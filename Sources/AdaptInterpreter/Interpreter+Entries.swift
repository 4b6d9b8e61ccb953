import AdaptSyntax

// How a host has a script checked and run.

extension Interpreter {
  /// All that is wrong with a script, as far as can be known without running it, in the order of the
  /// text: errors and, in a script without errors, warnings.
  ///
  /// Names are resolved, and the script is evaluated with effects left out, so that shapes are checked.
  public func check(_ bytes: [UInt8], name: String) -> [Diagnostic] {
    let tree = store.parse(bytes, name: name)
    return onOwnThread { self.check(tree, withLints: true) }
  }

  /// Checks a script and runs it.
  /// - Throws: ``ScriptError``
  public func run(_ bytes: [UInt8], name: String) throws {
    let tree = store.parse(bytes, name: name)
    try onOwnThread {
      defer { self.checkedModels = [] }
      try self.report(self.check(tree, forRun: true))
      try self.begin()
      _ = try self.runFile(try self.compile(tree.block, into: self.globals))
    }
  }

  /// Runs a piece of a script, as a prompt reads it. What it binds stays for the next one.
  /// - Returns: the value of its last statement, when that is an expression.
  /// - Throws: ``ScriptError``
  public func evaluate(_ bytes: [UInt8], name: String) throws -> Value? {
    let tree = store.parse(bytes, name: name)
    return try onOwnThread {
      try self.report(tree.diagnostics)
      try self.begin()
      return try self.runFile(try self.compile(tree.block, into: self.globals))
    }
  }
}
