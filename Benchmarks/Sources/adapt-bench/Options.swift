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

  init(_ arguments: [String]) {
    var rest = arguments[...]
    while let argument = rest.popFirst() {
      switch argument {
      case "--threads": threads = rest.popFirst().flatMap { Int($0) } ?? threads
      case "--weights": weights = rest.popFirst()
      case "--set": settings += rest.popFirst().map { [Options.argument($0)] } ?? []
      case "--profile": isProfiled = true
      case "--parse": isParsed = true
      default: script = argument
      }
    }
  }

  /// `rows=128` as the language writes it.
  private static func argument(_ setting: String) -> String {
    let parts = setting.split(separator: "=", maxSplits: 1)
    return parts.joined(separator: ": ")
  }
}
