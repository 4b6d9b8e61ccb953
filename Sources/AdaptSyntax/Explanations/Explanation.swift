/// What `adapt explain` says of an id: what it means, a script that shows it and one that is well.
public struct Explanation: Sendable {
  /// A few words.
  public var title: String
  /// What it means and what usually helps.
  public var text: String
  /// A small script that gives exactly this id.
  public var bad: String
  /// The script as it should be.
  public var good: String
  /// What the bad one needs beside its text.
  public var setting: Setting

  init(
    _ title: String, _ text: String, bad: String, good: String, _ setting: Setting = Setting()
  ) {
    self.title = title
    self.text = text
    self.bad = bad
    self.good = good
    self.setting = setting
  }

  /// How a bad example comes to its error, where checking its text is not enough.
  public struct Setting: Sendable {
    /// In words, for a reader; empty when there is nothing to say.
    public var words: String
    /// Files that lie beside the script.
    public var files: [String: String]
    /// What is done to the text, or what the host does.
    public var condition: Condition

    init(_ words: String = "", files: [String: String] = [:], _ condition: Condition = .checked) {
      self.words = words
      self.files = files
      self.condition = condition
    }
  }

  public enum Condition: Sendable {
    /// Checking finds it.
    case checked
    /// Only a run finds it.
    case run
    /// The text is saved as Latin-1.
    case savedAsLatin1
    /// The text stands in the file until it is too large.
    case repeated
    /// `((` and `))` stand for 300 parentheses each.
    case nested
    /// The host grants no files.
    case withoutFiles
    /// The host sets low limits: 1,000 steps, 100 bytes of output, 50 ms.
    case limited
    /// The host has cancelled it.
    case cancelled
    /// No script leads there; a host that builds graphs may.
    case hostOnly
  }
}

extension DiagnosticID {
  /// What the id means, with examples: the text of `adapt explain`.
  public var explanation: Explanation {
    Explanation.all[self] ?? Explanation(rawValue, "", bad: "", good: "")
  }

  /// The id that `text` spells, in upper or lower case.
  public init?(spelling text: String) {
    self.init(rawValue: text.uppercased())
  }
}

extension Explanation {
  /// One entry an id; a test holds that none is missing.
  static let all: [DiagnosticID: Explanation] = [
    syntax, names, values, models, outside, flowLints, modelLints, watchdog,
  ].reduce(into: [:]) { $0.merge($1) { first, _ in first } }
}
