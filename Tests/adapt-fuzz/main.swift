import Foundation
import Fuzzing

// adapt-fuzz KIND SECONDS SEED FOLDER ROOT        supervises workers; what fails lands in FOLDER
// adapt-fuzz worker KIND SECONDS SEED FOLDER ROOT FIRST
// adapt-fuzz one FILE ROOT

private func usage() -> Never {
  FileHandle.standardError.write(Data("see script/fuzz\n".utf8))
  exit(ExitCode.usage)
}

private func campaign(_ words: [String]) -> (Campaign, seconds: Int, folder: URL, root: URL)? {
  guard words.count >= 5, let kind = Campaign.Kind(rawValue: words[0]), let seconds = Int(words[1]),
    let seed = UInt64(words[2])
  else { return nil }
  let root = URL(fileURLWithPath: words[4])
  return (
    Campaign(kind, seed: seed, corpus: Corpus(root: root)), seconds,
    URL(fileURLWithPath: words[3]), root
  )
}

private let words = Array(CommandLine.arguments.dropFirst())

switch words.first {
case "one" where words.count == 3:
  Worker.limitMemory()
  let corpus = Corpus(root: URL(fileURLWithPath: words[2]))
  exit(Worker(corpus: corpus, folder: URL(fileURLWithPath: "/")).tryFile(words[1]))
case "worker" where words.count == 7:
  guard let (campaign, seconds, folder, root) = campaign(Array(words.dropFirst())),
    let first = Int(words[6])
  else { usage() }
  Worker.limitMemory()
  Worker(corpus: Corpus(root: root), folder: folder)
    .run(campaign, from: first, until: .now + .seconds(seconds))
default:
  guard let (campaign, seconds, folder, root) = campaign(words) else { usage() }
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  let program = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
  let supervisor = Supervisor(program: program, root: root, folder: folder, campaign: campaign)
  exit(try supervisor.run(seconds: seconds) == 0 ? ExitCode.fine : ExitCode.violation)
}
