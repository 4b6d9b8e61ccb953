import AdaptPlatform

/// How an interpolated value is written: `>8.2f`.
///
/// In this order, each optional: an alignment (`<`, `>` or `^`), `0` for filling with zeros, a width,
/// `,` for grouping thousands, `.` and digits behind the point, and the notation.
struct NumberFormat {
  enum Alignment: Character {
    case left = "<"
    case right = ">"
    case center = "^"
  }
  enum Notation: Character {
    case fixed = "f"
    case scientific = "e"
    case percent = "%"
    case hexadecimal = "x"
    case binary = "b"
  }

  private(set) var alignment: Alignment?
  private(set) var width = 0
  private(set) var fillsWithZeros = false
  private(set) var groupsThousands = false
  private(set) var digits: Int?
  private(set) var notation: Notation?

  /// What can be written, for messages.
  static let help =
    ".2f gives two digits behind the point, .3e a power of ten, % a percentage, ',' groups "
    + "thousands, x and b are hexadecimal and binary; before it a width: 8, <8, ^8, 08"

  /// The widest field, and the most digits behind a point.
  private static let (mostWidth, mostDigits) = (200, 20)

  init?(_ format: String) {
    var rest = Substring(format)
    alignment = rest.first.flatMap(Alignment.init)
    if alignment != nil { rest.removeFirst() }
    if rest.first == "0", rest.dropFirst().first?.isWholeNumber == true {
      guard alignment == nil else { return nil }
      fillsWithZeros = true
      rest.removeFirst()
    }
    guard let width = NumberFormat.number(&rest, upTo: NumberFormat.mostWidth) else { return nil }
    self.width = width.value ?? 0
    if alignment != nil, width.value == nil { return nil }
    if rest.first == "," {
      groupsThousands = true
      rest.removeFirst()
    }
    guard parseDigits(&rest), parseNotation(&rest), rest.isEmpty else { return nil }
  }

  private mutating func parseDigits(_ rest: inout Substring) -> Bool {
    guard rest.first == "." else { return true }
    rest.removeFirst()
    guard let number = NumberFormat.number(&rest, upTo: NumberFormat.mostDigits),
      let digits = number.value
    else { return false }
    self.digits = digits
    return true
  }

  private mutating func parseNotation(_ rest: inout Substring) -> Bool {
    guard let last = rest.first else { return true }
    guard let notation = Notation(rawValue: last) else { return false }
    rest.removeFirst()
    self.notation = notation
    let isWhole = notation == .hexadecimal || notation == .binary
    return !(isWhole && (digits != nil || groupsThousands))
      && !(notation == .scientific && groupsThousands)
  }

  /// A number at the front, whose value is nil where there is none; nil when it is too large.
  private static func number(_ rest: inout Substring, upTo most: Int) -> (value: Int?, Void)? {
    let digits = rest.prefix { $0.isASCII && $0.isWholeNumber }
    rest.removeFirst(digits.count)
    guard !digits.isEmpty else { return (nil, ()) }
    guard let value = Int(digits), value <= most else { return nil }
    return (value, ())
  }

  // MARK: Writing

  /// Whether it says how a number is written, and not only how much room the text gets.
  var isForNumbers: Bool {
    digits != nil || notation != nil || groupsThousands || fillsWithZeros
  }

  /// Whether only integers can be written so.
  var isForIntegers: Bool { notation == .hexadecimal || notation == .binary }

  /// An integer in the room it is given.
  func text(_ number: Int) -> String {
    switch notation {
    case .hexadecimal: padded(number, String(number.magnitude, radix: 16))
    case .binary: padded(number, String(number.magnitude, radix: 2))
    case nil where digits == nil: padded(number, grouped(String(number.magnitude)))
    default: text(Double(number))
    }
  }

  /// A number in the room it is given.
  func text(_ number: Double) -> String {
    let shown = notation == .percent ? number * 100 : number
    let sign = notation == .percent ? "%" : ""
    guard shown.isFinite else { return padded(ValueWriter.text(shown) + sign) }
    let magnitude = abs(shown)
    let digits =
      switch notation {
      case .scientific: String(printf: "%.\(self.digits ?? 6)e", magnitude)
      case .fixed: String(printf: "%.\(self.digits ?? 6)f", magnitude)
      case .percent: String(printf: "%.\(self.digits ?? 0)f", magnitude)
      default:
        self.digits.map { String(printf: "%.\($0)f", magnitude) } ?? ValueWriter.text(magnitude)
      }
    return filled(shown.sign == .minus && shown != 0 ? "-" : "", grouped(digits) + sign)
  }

  /// Any text in the room it is given.
  func padded(_ text: String) -> String {
    let room = max(0, width - text.count)
    func blanks(_ count: Int) -> String { String(repeating: " ", count: count) }
    return switch alignment ?? .right {
    case .right: blanks(room) + text
    case .left: text + blanks(room)
    case .center: blanks(room / 2) + text + blanks(room - room / 2)
    }
  }

  private func padded(_ number: Int, _ digits: String) -> String {
    filled(number < 0 ? "-" : "", digits)
  }

  /// Zeros go between the sign and the digits.
  private func filled(_ sign: String, _ digits: String) -> String {
    guard fillsWithZeros else { return padded(sign + digits) }
    let missing = max(0, width - sign.count - digits.count)
    return sign + String(repeating: "0", count: missing) + digits
  }

  /// `1234567.5` as `1,234,567.5`.
  private func grouped(_ text: String) -> String {
    guard groupsThousands, !text.contains("e") else { return text }
    let whole = Array(text.prefix { $0.isWholeNumber })
    let parts = whole.enumerated().map { index, digit in
      index > 0 && (whole.count - index) % 3 == 0 ? ",\(digit)" : String(digit)
    }
    return parts.joined() + text.dropFirst(whole.count)
  }
}
