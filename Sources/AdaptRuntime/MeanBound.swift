import AdaptPlatform

/// What a mean is at most, from few numbers, whatever their distribution.
public enum MeanBound {
  /// What the mean of the distribution is at most that bounded numbers are drawn from independently, but
  /// with probability `risk`: the bound by betting of Waudby-Smith & Ramdas 2024 (§4, one-sided, with
  /// predictable plug-in bets).
  ///
  /// Against a mean of m or above one bets on numbers below: the capital Π (1 + λᵢ (m − xᵢ)) does not grow in
  /// expectation, so by Ville's inequality it comes to 1 / risk with probability at most `risk`. Where it
  /// does, m is given up. A bet λᵢ knows the numbers before the i-th only, and is small where these vary much:
  /// with many numbers the bound is as close as the central limit theorem's, where Hoeffding's knows of
  /// no variance.
  /// - Parameters:
  ///   - numbers: from 0 to `most`.
  ///   - risk: above 0 and below 1.
  /// - Complexity: O(n) for each of 40 halvings.
  public static func above(_ numbers: [Double], most: Double = 1, risk: Double) -> Double {
    guard !numbers.isEmpty, most > 0 else { return most }
    let shares = numbers.map { min(1, max(0, $0 / most)) }
    let bets = plugIn(shares, risk: risk)
    guard isRefuted(1, shares, bets, risk) else { return most }
    var (low, high) = (0.0, 1.0)
    for _ in 0..<40 {
      let middle = (low + high) / 2
      if isRefuted(middle, shares, bets, risk) { high = middle } else { low = middle }
    }
    return high * most
  }

  /// √(2 ln(1/risk) / (n σ²)) for each number, of the variance of those before it and of half a number more.
  private static func plugIn(_ shares: [Double], risk: Double) -> [Double] {
    var (sum, squares) = (0.5, 0.25)
    return shares.enumerated().map { index, share in
      let bet = (2 * log(1 / risk) * Double(index + 1) / (Double(shares.count) * squares))
        .squareRoot()
      sum += share
      let mean = sum / Double(index + 2)
      squares += (share - mean) * (share - mean)
      return bet
    }
  }

  /// Whether betting against a mean of `mean` or above ever comes to 1 / risk.
  private static func isRefuted(
    _ mean: Double, _ shares: [Double], _ bets: [Double], _ risk: Double
  ) -> Bool {
    // Three quarters of the largest bet that cannot lose everything.
    let limit = mean < 1 ? 0.75 / (1 - mean) : .infinity
    var capital = 0.0
    for (share, bet) in zip(shares, bets) {
      capital += log(max(.leastNormalMagnitude, 1 + min(bet, limit) * (mean - share)))
      if capital >= log(1 / risk) { return true }
    }
    return false
  }
}
