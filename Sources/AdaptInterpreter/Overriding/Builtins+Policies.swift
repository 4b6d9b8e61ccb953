import AdaptGraph
import AdaptRuntime
import AdaptSyntax

// What scripts call to let something else decide at sites than what the router learned.

extension Interpreter {
  static var policyFunctions: [NativeFunction] { fixedPolicies + movedPolicies + recordedPolicies }

  private static func policy(
    _ name: String, _ parameters: [NativeFunction.Parameter], _ documentation: String,
    _ example: String, _ make: @escaping (Call) throws -> Policy
  ) -> NativeFunction {
    let example = example.contains("lm") ? "\(policyExample)\n\(example)" : example
    return NativeFunction(
      name, parameters + [.optional("at")],
      documentation: "\(documentation)\n```\n\(example)\n```"
    ) { call in
      .object(PolicyValue(.policy(try make(call)), at: try sites(call, parameters.count)))
    }
  }

  /// `at: "blocks[*].ffn"`.
  private static func sites(_ call: Call, _ index: Int) throws -> PathGlob? {
    if case .none = call[index] { return nil }
    return PathGlob(try call.string(index))
  }

  /// The model of the examples.
  private static var policyExample: String {
    """
    model Tiny() {
      Embedding(256, 8)
      route each token by TopK(1) { big { FFN(8) }  skip { pass } }
      Linear(256)
    }
    let lm = Tiny()
    """
  }

  private static var fixedPolicies: [NativeFunction] {
    [
      policy(
        "always", ["path"],
        "A policy: every unit takes the path of that name, at one site or at all that have it.",
        "print generate(lm.under(always(\"big\")), \"In\", bytes: 8)"
      ) { .always(try $0.string(0)) },
      policy(
        "random", [.optional("seed", .int(0))],
        """
        A policy: every unit takes paths at random, as many as the router would take, from `seed`. In
        training each step draws anew.
        """, "print generate(lm.under(random(seed: 1)), \"In\", bytes: 8)"
      ) { .random(seed: try $0.seed(0)) },
      policy(
        "learned", [],
        "A policy: the router decides, also where a policy was said for more sites before.",
        "print generate(lm.under(always(\"big\")).under(learned()), \"In\", bytes: 8)"
      ) { _ in .learned },
    ]
  }

  /// A start for parameters or a policy: what is meant, the bound tells.
  static var uniformFunction: NativeFunction {
    NativeFunction(
      "uniform", [.optional("bound"), .optional("at")],
      documentation: """
        With a bound, how a parameter starts: evenly between −bound and bound. Without one, a policy:
        the paths in turn, unit i takes path i mod n.
        ```
        \(policyExample)
        print generate(lm.under(uniform()), "In", bytes: 8)
        layer Scale(): x [.., d] -> [.., d] {
          param scale: [d] = uniform(0.1)
          x * scale
        }
        ```
        """, uniform)
  }

  private static func uniform(_ call: Call) throws -> Value {
    if case .none = call[0] {
      return .object(PolicyValue(.policy(.uniform), at: try sites(call, 1)))
    }
    return .object(InitializerValue(.uniform(try call.size(0))))
  }

  private static var movedPolicies: [NativeFunction] {
    [
      policy(
        "threshold", ["value"],
        """
        A policy: the router's rule with its threshold moved, at sites that take what is above one.
        E0202 when a site has none.
        """, "print threshold(0.7)"
      ) { .threshold(try $0.number(0)) },
      policy(
        "capacity", ["share"],
        """
        A policy: the router's rule with another share of units that a path keeps, or another capacity
        factor. E0202 when a site has neither.
        """, "print capacity(25%)"
      ) { .capacity(try $0.number(0)) },
      policy(
        "budget", ["share"],
        """
        A policy: the router's rule, moved in each run until at most this share of a site's decided paths
        is executed. A threshold moves to a quantile of the run, a kept share to the budget, and the best
        paths pay a price for their cost. E0202 when the cheapest paths are beyond it.
        """,
        "print evaluate(lm.under(budget(60%)), on: text(\"book.txt\").bytes().windows(16).valid)"
      ) { .budget(try $0.number(0)) },
    ]
  }

  private static var recordedPolicies: [NativeFunction] {
    [
      NativeFunction(
        "replay", ["recording", .optional("at")],
        documentation: """
          A policy: decides as in a recording, on the same data in the same order. Weights are computed
          anew. E0202 when the data is longer, or a site of the same name has other paths.
          ```
          \(policyExample)
          let book = text("book.txt").bytes().windows(16)
          let decisions = record(lm, on: book.valid, windows: 2)
          print evaluate(lm.under(replay(decisions)), on: book.valid, windows: 2)
          ```
          """
      ) { call in
        guard case .object(let object) = call[0], let recording = object as? RecordingValue else {
          throw call.wrongType(0, expected: "a recording, such as record(model, on: data),")
        }
        return .object(PolicyValue(.recorded(recording.recording), at: try sites(call, 1)))
      },
      NativeFunction(
        "labels", ["names", .optional("at")],
        documentation: """
          A policy: the path of each unit by its name, as a list, or as an oracle of tokens found them.
          E0202 when there are more units than names.
          ```
          \(policyExample)
          print generate(lm.under(labels(["big", "skip"])), "I", bytes: 1)
          ```
          """, labels),
      NativeFunction(
        "record",
        ["model", "on", .optional("windows"), .optional("batch", .int(16)), .precision],
        documentation: """
          Every decision of a model on a split of data, for `replay`. `windows` limits how many are
          looked at; `precision` is that of `train`.
          ```
          \(policyExample)
          print record(lm, on: text("book.txt").bytes().windows(16).valid, windows: 2)
          ```
          """
      ) { try $0.interpreter.record($0) },
    ]
  }

  private static func labels(_ call: Call) throws -> Value {
    let glob = try sites(call, 1)
    if case .object(let object) = call[0], let oracle = object as? OracleReport {
      guard let found = oracle.policies else {
        throw call.wrongValue(0, "the labels are of whole sequences, and units are tokens")
      }
      return .object(PolicyValue(.labelled(found.bySite, units: found.units), at: glob))
    }
    guard case .list(let list) = call[0] else {
      throw call.wrongType(0, expected: "a list of paths' names, or what oracle found,")
    }
    let names = try list.elements.map { name in
      guard case .string(let name) = name else {
        if name.isUnknown { throw UnknownReached() }
        throw call.wrongType(0, expected: "a list of paths' names")
      }
      return name
    }
    return .object(PolicyValue(.policy(.labels(names, from: 0)), at: glob))
  }
}

extension Call {
  /// A finite number from 0, by which parameters start.
  func size(_ index: Int) throws -> Double {
    let size = try number(index)
    guard size.isFinite, size >= 0 else {
      throw wrongValue(index, "\(name) needs a number from 0, not \(ValueWriter.text(size))")
    }
    return size
  }
}

extension OracleReport {
  /// Policies that take the paths that were found, by site; nil where these are of sequences.
  var policies: (bySite: [String: Policy], units: Int)? {
    guard result.unit == .token else { return nil }
    let bySite = result.sites.enumerated().map { number, site in
      (site, Policy.labels(result.labels.map { $0[number] }, from: 0))
    }
    return (Dictionary(bySite) { first, _ in first }, result.labels.count * bySite.count)
  }
}
