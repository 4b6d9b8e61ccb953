import AdaptRuntime

/// What a side is started with.
struct Options {
  var script = ""
  var threads = 2
  /// The rival's weights and inputs.
  var weights: String?
  /// Arguments of the script's function `workload`: `rows: 128`.
  var settings: [String] = []
  var isProfiled = false
  var isParsed = false
  var isHelp = false

  static let usage = """
    adapt-bench WORKLOAD.adapt [--threads N] [--weights FILE] [--set NAME=VALUE]... [--profile]
    adapt-bench SCRIPT.adapt --parse

    Does a step for each line 'step' on its standard input; see Benchmarks/README.md.
    --threads N        threads of our side (2)
    --weights FILE     the rival's parameters and batch, as safetensors
    --set NAME=VALUE   an argument of the script's function 'workload'
    --profile          times of ten steps by op, and no more
    --parse            time the parser on the script
    """

  /// - Throws: an error for what is no option, or has not what it needs.
  init(_ arguments: [String]) throws {
    var rest = arguments[...]
    func value(of option: String) throws -> String {
      guard let value = rest.popFirst() else { throw Options.wrong("\(option) needs a value") }
      return value
    }
    while let argument = rest.popFirst() {
      switch argument {
      case "--threads": threads = try Options.count(value(of: argument))
      case "--weights": weights = try value(of: argument)
      case "--set": settings.append(Options.argument(try value(of: argument)))
      case "--profile": isProfiled = true
      case "--parse": isParsed = true
      case "--help", "-h": isHelp = true
      case _ where argument.hasPrefix("-"): throw Options.wrong("there is no \(argument)")
      default: script = argument
      }
    }
    guard isHelp || !script.isEmpty else { throw Options.wrong("there is no script") }
  }

  private static func count(_ text: String) throws -> Int {
    guard let count = Int(text), count > 0 else {
      throw wrong("--threads needs a number from 1, not \(text)")
    }
    return count
  }

  private static func wrong(_ message: String) -> RuntimeError {
    RuntimeError.badInput(message + "; see adapt-bench --help")
  }

  /// `rows=128` as the language writes it.
  private static func argument(_ setting: String) -> String {
    let parts = setting.split(separator: "=", maxSplits: 1)
    return parts.joined(separator: ": ")
  }
}
