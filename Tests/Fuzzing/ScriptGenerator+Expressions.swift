extension ScriptGenerator {
  /// An expression that is meant to be of the kind; now and then it is not.
  mutating func expression(_ kind: Kind, depth: Int) -> String {
    let kind = random.chance(3) ? any() : kind
    if random.chance(35), let name = name(kind) { return name }
    guard depth > 0 else { return leaf(kind) }
    if random.chance(12) { return choice(kind, depth: depth) }
    switch kind {
    case .int, .number: return arithmetic(kind, depth: depth)
    case .bool: return truth(depth: depth)
    case .string: return string(depth: depth)
    case .list: return list(depth: depth)
    case .range: return "(\(expression(.int, depth: depth - 1))..\(random.below(9)))"
    case .record: return record(depth: depth)
    case .time: return "(\(expression(.time, depth: depth - 1)) + \(leaf(.time)))"
    case .function: return closure(depth: depth)
    case .tensor: return tensor(depth: depth)
    case .tuple:
      return "(\(expression(any(), depth: depth - 1)), \(expression(any(), depth: depth - 1)))"
    case .map:
      return "[\(leaf(.string)): \(expression(.int, depth: depth - 1)), \(leaf(.int)): 0]"
    }
  }

  /// A literal of the kind.
  mutating func leaf(_ kind: Kind) -> String {
    switch kind {
    case .int: return random.chance(10) ? random.pick(EdgeValues.numbers) : "\(random.below(10))"
    case .number: return random.pick(["0.5", "1e3", "2.0", "50%", "-0.25"])
    case .bool: return random.pick(["true", "false"])
    case .string: return random.pick(["\"\"", "\"a\"", "\"é x\"", "\"a,b\"", "\"👍\""])
    case .list: return random.pick(["[]", "[1]", "[1, 2, 3]", "[3, 1, 2]"])
    case .range: return random.pick(["0..3", "(2..5)", "(1...1)", "(0..0)"])
    case .record: return "(a: \(random.below(9)), b: \"x\")"
    case .time: return random.pick(["5ms", "1s", "0.5us"])
    case .function: return random.pick(["{ x in x }", "sqrt", "{ x in x * 2 }", "floor"])
    case .tensor: return random.pick(["ones([2, 3])", "zeros([3])", "tensor([1, 2, 3])"])
    case .tuple: return random.pick(["(1, 2)", "(1, \"a\")", "(0, (1, 2))"])
    case .map: return random.pick(["[:]", "[1: 2]", "[\"a\": 1, \"b\": 2]"])
    }
  }

  private mutating func arithmetic(_ kind: Kind, depth: Int) -> String {
    let inner = depth - 1
    switch random.below(10) {
    case 0...3:
      let op = random.pick(["+", "-", "*", "/", "mod", "^"])
      return "(\(expression(kind, depth: inner)) \(op) \(expression(kind, depth: inner)))"
    case 4: return "-\(expression(kind, depth: inner))"
    case 5: return "\(expression(.list, depth: inner))[\(expression(.int, depth: inner))]"
    case 6: return "\(expression(.function, depth: inner))(\(expression(.int, depth: inner)))"
    case 7:
      let name = random.pick(["sum", "len", "max", "min", "mean"])
      return "\(name)(\(expression(.list, depth: inner)))"
    case 8:
      let name = random.pick(["round", "floor", "abs", "int", "square", "sign"])
      return "\(name)(\(expression(.number, depth: inner)))"
    default:
      let function = "{ a, b in \(random.pick(["a + b", "a", "max(a, b)"])) }"
      return "\(expression(.list, depth: inner)).reduce(\(leaf(.int)), \(function))"
    }
  }

  private mutating func truth(depth: Int) -> String {
    let inner = depth - 1
    switch random.below(5) {
    case 0: return "not \(expression(.bool, depth: inner))"
    case 1:
      let op = random.pick(["and", "or"])
      return "(\(expression(.bool, depth: inner)) \(op) \(expression(.bool, depth: inner)))"
    case 2:
      let kind = any()
      return "(\(expression(kind, depth: inner)) == \(expression(kind, depth: inner)))"
    case 3: return "\(expression(.list, depth: inner)).contains(\(expression(.int, depth: inner)))"
    default:
      let op = random.pick(["<", "<=", ">", ">=", "!="])
      return "(\(expression(.int, depth: inner)) \(op) \(expression(.int, depth: inner)))"
    }
  }

  private mutating func string(depth: Int) -> String {
    let inner = depth - 1
    switch random.below(6) {
    case 0: return "(\(expression(.string, depth: inner)) + \(expression(.string, depth: inner)))"
    case 1, 2: return "\"x\\(\(expression(any(), depth: inner)))\""
    case 3: return "\(expression(.list, depth: inner)).joined(\(leaf(.string)))"
    case 4:
      let method = random.pick(["uppercased", "trimmed", "lowercased"])
      return "\(expression(.string, depth: inner)).\(method)()"
    default: return "\"\\(\(expression(.number, depth: inner)): .2)\""
    }
  }

  private mutating func list(depth: Int) -> String {
    let inner = depth - 1
    switch random.below(8) {
    case 0: return "[\(expression(.int, depth: inner)), \(expression(.int, depth: inner))]"
    case 1: return "\(expression(.list, depth: inner)).map(\(expression(.function, depth: inner)))"
    case 2:
      return
        "\(expression(.list, depth: inner)).filter({ x in \(expression(.bool, depth: inner)) })"
    case 3:
      let method = random.pick(["sorted", "reversed", "enumerated"])
      return "\(expression(.list, depth: inner)).\(method)()"
    case 4: return "(\(expression(.list, depth: inner)) + \(expression(.list, depth: inner)))"
    case 5:
      let bounds = random.pick(["1..", "..2", "0..1", "-2..", "..", "..-1"])
      return "\(expression(.list, depth: inner))[\(bounds)]"
    case 6: return comprehension(depth: inner)
    default: return "\(expression(.string, depth: inner)).split(\",\")"
    }
  }

  private mutating func comprehension(depth: Int) -> String {
    let name = newName()
    let sequence = expression(random.pick([.list, .range]), depth: depth)
    scopes.append([])
    bind(name, .int)
    let condition = random.chance(50) ? " if \(expression(.bool, depth: depth))" : ""
    let result = "[\(expression(.int, depth: depth)) for \(name) in \(sequence)\(condition)]"
    scopes.removeLast()
    return result
  }

  private mutating func tensor(depth: Int) -> String {
    let inner = depth - 1
    switch random.below(7) {
    case 0, 1:
      let op = random.pick(["+", "-", "*", "/", "@", "<", "^"])
      return "(\(expression(.tensor, depth: inner)) \(op) \(expression(.tensor, depth: inner)))"
    case 2: return "(\(expression(.tensor, depth: inner)) * \(expression(.number, depth: inner)))"
    case 3:
      let name = random.pick(["exp", "sqrt", "relu", "softmax", "abs", "sum", "mean", "sign"])
      return "\(name)(\(expression(.tensor, depth: inner)))"
    case 4:
      let place = random.pick(["0", "-1", "0..1", "1..", "..", ".., 0", "0, 0", "5"])
      return "\(expression(.tensor, depth: inner))[\(place)]"
    case 5: return windows(depth: inner)
    default: return "tensor(\(expression(.list, depth: inner)))"
    }
  }

  /// A convolution along one axis or two, whose sizes fit mostly.
  private mutating func windows(depth: Int) -> String {
    let (axes, groups, each) = (1 + random.below(2), 1 + random.below(2), 1 + random.below(2))
    func sizes(_ most: Int) -> String {
      (0..<axes).map { _ in "\(1 + random.below(most)), " }.joined()
    }
    let (places, kernel) = (sizes(5), sizes(3))
    let channels = random.chance(90) ? groups * each : each
    let x = "ones([\(random.chance(10) ? "2, " : "")\(places)\(channels)])"
    let weight = "ones([\(kernel)\(each), \(groups * (1 + random.below(2)))])"
    let padding = random.pick(["\"same\"", "\"causal\"", "0", "2", expression(.int, depth: depth)])
    return "convolve(\(x) * \(expression(.number, depth: depth)), \(weight), "
      + "stride: \(random.pick([1, 1, 2, 7])), padding: \(padding), "
      + "dilation: \(random.pick([1, 1, 2])), groups: \(groups))"
  }

  private mutating func record(depth: Int) -> String {
    "(a: \(expression(.int, depth: depth - 1)), b: \(expression(any(), depth: depth - 1)))"
  }

  private mutating func closure(depth: Int) -> String {
    let name = newName()
    scopes.append([])
    bind(name, .int)
    let body = expression(.int, depth: depth - 1)
    scopes.removeLast()
    return "{ \(name) in \(body) }"
  }

  /// `if`, `match` and `try` where a value stands.
  private mutating func choice(_ kind: Kind, depth: Int) -> String {
    let (one, two) = (expression(kind, depth: depth - 1), expression(kind, depth: depth - 1))
    switch random.below(3) {
    case 0: return "(if \(expression(.bool, depth: depth - 1)) { \(one) } else { \(two) })"
    case 1: return "(try { \(one) } catch { \(two) })"
    default:
      let pattern = random.pick([
        "0", "1..5", "\"a\" | \"b\"", "[a, ..b]", "(a, b)", "(a: n)", "x if true", "_", "-1",
      ])
      let subject = expression(any(), depth: depth - 1)
      return "(match (\(subject)) { \(pattern) { \(one) } else { \(two) } })"
    }
  }
}
