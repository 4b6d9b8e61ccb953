/// The candidate that `name` is most likely a misspelling of, for "did you mean".
///
/// Counts insertions, deletions, replacements and swaps of neighbours, where a difference in case
/// counts half. About a third of the letters may differ; beyond that there is no suggestion, since
/// a wrong one is worse than none. Among equals the first one in alphabetical order is taken.
///
/// Complexity: the product of the lengths for each candidate of similar length.
public func closest(_ name: String, among candidates: some Sequence<String>) -> String? {
  let letters = Array(name.unicodeScalars.prefix(65))
  guard !letters.isEmpty, letters.count <= 64 else { return nil }
  let allowed = max(2, 2 * ((letters.count + 1) / 3))
  var best: (distance: Int, name: String)?
  for candidate in candidates where candidate != name {
    let other = Array(candidate.unicodeScalars.prefix(65))
    guard abs(other.count - letters.count) * 2 <= allowed else { continue }
    let distance = editDistance(letters, other)
    // One letter for another says nothing about names of one or two letters.
    guard distance <= allowed, distance < 2 * min(letters.count, other.count) else { continue }
    if let found = best, (found.distance, found.name) <= (distance, candidate) { continue }
    best = (distance, candidate)
  }
  return best?.name
}

/// The edit distance in half steps, with three rows of the table kept.
private func editDistance(_ a: [Unicode.Scalar], _ b: [Unicode.Scalar]) -> Int {
  var beforeLast = [Int](repeating: 0, count: b.count + 1)
  var last = (0...b.count).map { $0 * 2 }
  for i in a.indices {
    var row = [Int](repeating: (i + 1) * 2, count: b.count + 1)
    for j in b.indices {
      let replaced = last[j] + replacementCost(a[i], b[j])
      row[j + 1] = min(replaced, last[j + 1] + 2, row[j] + 2)
      if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] {
        row[j + 1] = min(row[j + 1], beforeLast[j - 1] + 2)
      }
    }
    beforeLast = last
    last = row
  }
  return last[b.count]
}

private func replacementCost(_ a: Unicode.Scalar, _ b: Unicode.Scalar) -> Int {
  if a == b { return 0 }
  return a.properties.lowercaseMapping == b.properties.lowercaseMapping ? 1 : 2
}
