import AdaptRuntime
import AdaptSyntax

// Checking before running: names, then an evaluation that leaves effects out.

extension Interpreter {
  /// All that is wrong with a tree, in the order of the text.
  func check(_ tree: SyntaxTree, withLints: Bool = false) -> [Diagnostic] {
    guard tree.diagnostics.allSatisfy({ $0.severity != .error }) else { return tree.diagnostics }
    do { try begin() } catch { return asScriptError(error).diagnostics }
    var found = tree.diagnostics + resolve(tree.block)
    let dry = Interpreter(checkingFor: self)
    for diagnostic in dry.dryRun(tree.block)
    where !found.contains(where: { $0.id == diagnostic.id && $0.span == diagnostic.span }) {
      found.append(diagnostic)
    }
    if withLints { found += lint(tree, checkedBy: dry, beside: found) }
    return found.sorted { Interpreter.order($0) < Interpreter.order($1) }
  }

  private static func order(_ diagnostic: Diagnostic) -> (UInt16, UInt32) {
    (diagnostic.span?.source ?? 0, diagnostic.span?.start ?? 0)
  }

  /// Names that nothing binds.
  func resolve(_ block: Block) -> [Diagnostic] {
    var resolver = Resolver(outside: globals) { path in
      // The loader reports what is wrong with the file, at the import.
      guard let tree = try? self.moduleTree(path, at: path.first?.span ?? block.span) else {
        return nil
      }
      return tree.block.statements.compactMap(Resolver.bound).map(\.text)
    }
    resolver.resolveFile(block)
    return resolver.diagnostics
  }

  /// Evaluates a file with effects left out. What failed counts as unknown for the rest.
  func dryRun(_ block: Block) -> [Diagnostic] {
    var found: [Diagnostic] = []
    do { try hoist(block, globals) } catch {}
    for statement in block.statements {
      do {
        guard case .normal = try run(statement, globals, flow: nil) else {
          throw failure(.misplacedStatement, "nothing to leave here", at: statement.span)
        }
        continue
      } catch is CheckedEnough {
        break
      } catch is UnknownReached {
        // Nothing is wrong; what the statement binds is unknown.
      } catch let error as Diagnostic {
        // The script's own failure is for the run to tell, after what it prints before.
        if error.id == .failedByScript || Interpreter.endsRun(error.id) { break }
        found.append(error)
      } catch {
        found += asScriptError(error).diagnostics
      }
      frames = []
      trace = nil
      unknownBranches = 0
      if case .binding(let pattern, _, let mutable) = statement.kind,
        let name = pattern.singleName
      {
        globals.define(name.text, .unknown, mutable: mutable, at: name.span)
      }
    }
    frames = []
    trace = nil
    return found
  }

  private static func endsRun(_ id: DiagnosticID) -> Bool {
    switch id {
    case .cancelled, .limitTime, .limitSteps: true
    default: false
    }
  }
}
